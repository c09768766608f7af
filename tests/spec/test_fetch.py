"""A document comes from a file or a URL, within limits, and its address gives nothing secret away."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from tools.spec import fetch
from tools.spec.document import SpecError


class Site(BaseHTTPRequestHandler):
    """Answers each path in its own way."""

    redirects: ClassVar = {"/moved": "/spec.yaml?again", "/away": "http://rodin.invalid/", "/circle": "/circle"}

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        location = self.redirects.get(path)
        body = {"/spec.yaml": b"openapi: 3.0.3\n", "/large": b"a" * (fetch.MAX_BYTES + 1)}.get(path, b"")
        self.send_response(302 if location else 200 if body else 404)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body) + (path == "/short")))
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:  # who asked has seen enough
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # its name there
        """Says nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


def test_a_url_is_read_and_named_without_its_secrets(site: str) -> None:
    text, source = fetch.read(f"http://user:password@{site}/spec.yaml?token=secret#part")
    assert (text, source) == ("openapi: 3.0.3\n", f"http://{site}/spec.yaml")


def test_a_redirect_is_followed(site: str) -> None:
    assert fetch.read(f"http://{site}/moved")[0] == "openapi: 3.0.3\n"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/nothing?secret", "was answered with status 404"),
        ("/large?secret", "has more than 1,000,000 bytes"),
        ("/away?secret", "http://rodin.invalid/ is refused: only https"),
        ("/circle?secret", "cannot be read: TooManyRedirects"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused(site: str, path: str, reason: str) -> None:
    with pytest.raises(SpecError, match=reason) as refusal:
        fetch.read(f"http://{site}{path}")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("http://rodin.invalid/spec.yaml?secret", "http://rodin.invalid/spec.yaml is refused: only https"),
        ("http://127.0.0.1.rodin.invalid/", "only https"),
        ("file:///spec.yaml", "only https"),
        ("ftp://localhost/spec.yaml", "only https"),
        ("https://rodin.invalid:port/", "is no URL"),
        ("http://127.0.0.1:9/spec.yaml", "cannot be read: ConnectError"),
    ],
)
def test_another_kind_of_address_is_refused(place: str, reason: str) -> None:
    with pytest.raises(SpecError, match=reason) as refusal:
        fetch.read(place)
    assert "secret" not in str(refusal.value)
