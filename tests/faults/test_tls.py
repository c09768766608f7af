"""TLS: what must not be trusted, what does not come to an end, and that what is right works."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Any, Final

import pytest

from rodin_sdk import ConfigurationError, RequestTimeoutError, TransportError
from rodin_sdk._transport import _routes
from rodin_sdk._transport._channel import Channel
from rodin_sdk._transport._deadline import Deadline
from tests.faults import certificates
from tests.faults.answers import OK, answer, echo
from tests.faults.cases import Case, hold
from tests.faults.certificates import good, trusting
from tests.faults.clients import look, open_client
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, drip, forever, read, receive, reply, reset, secure, send, stall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.clients import Kind
    from tests.faults.conftest import OpensClients
    from tests.faults.server import Script

SHORT: Final = 0.25
HANDSHAKE_BEGINS: Final = b"\x16\x03\x03\x40\x00"
"""A record of 16 KiB is announced."""


def stalling(name: str, *script: Any) -> Case:
    return Case("tls-stall", name, script, RequestTimeoutError, seen=0, timeout=SHORT, is_tls=True)


def ending(name: str, *script: Any) -> Case:
    return Case("tls-reset", name, script, TransportError, seen=0, is_tls=True)


CASES: Final = [
    stalling("before the hello is read", stall),
    stalling("after the hello", receive, stall),
    stalling("mid record", receive, send(HANDSHAKE_BEGINS), stall),
    stalling("drip", receive, send(HANDSHAKE_BEGINS), forever(drip(b"\0", 0.03))),
    stalling("empty records", receive, forever(drip(b"\x16\x03\x03\0\1\2", 0.01))),
    ending("FIN", receive),
    ending("RST", receive, reset),
    ending("RST before the hello is read", reset),
    ending("FIN mid record", receive, send(HANDSHAKE_BEGINS)),
    ending("RST mid record", receive, send(HANDSHAKE_BEGINS), reset),
]


@covers(*{case.row for case in CASES})
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_handshake_that_does_not_end(case: Case, opens: OpensClients) -> None:
    if case.name == "empty records":  # which TLS may also call an error, and then need not be retried
        with FaultServer(case.script, scheme="https") as server:
            assert isinstance(look(opens(server.url, ssl_context=trusting())).error, TransportError)
            assert not server.requests
    else:
        hold(case, opens)


SERVER_CONTEXTS: Final[dict[str, Callable[[], ssl.SSLContext]]] = {
    "unknown CA": certificates.of_an_unknown_authority,
    "expired": certificates.expired,
    "wrong host": certificates.of_another_host,
}


@covers("untrusted")
@pytest.mark.parametrize("which", SERVER_CONTEXTS)
def test_a_certificate_that_cannot_be_trusted(which: str, opens: OpensClients) -> None:
    with FaultServer([secure(SERVER_CONTEXTS[which]()), forever(read, send(OK))], scheme="https") as server:
        opened = opens(server.url, ssl_context=trusting(), max_retries=3)
        result = look(opened)
        assert type(result.error) is TransportError
        assert "certificate is not trusted" in str(result.error)
        assert (server.connections, server.requests, opened.pauses) == (1, [], [])


@covers("untrusted")
def test_the_default_trusts_no_authority_of_ours(opens: OpensClients) -> None:
    with FaultServer([secure(good()), forever(read, send(OK))], scheme="https") as server:
        result = look(opens(server.url, max_retries=3, request_timeout=5))
        assert type(result.error) is TransportError
        assert (server.connections, server.requests) == (1, [])


@covers("untrusted")
@pytest.mark.parametrize(
    "script",
    [
        [receive, send(answer({"error": "no"}, code=400))],
        [send(b"220 mail.test ESMTP\r\n"), receive],
        [receive, send(b"\0" * 100)],
    ],
    ids=["HTTP", "SMTP", "zeros"],
)
def test_plain_text_on_the_tls_port(script: Script, opens: OpensClients) -> None:
    with FaultServer(script, scheme="https") as server:
        opened = opens(server.url, ssl_context=trusting(), max_retries=3)
        result = look(opened)
        assert type(result.error) is TransportError
        assert (server.connections, server.requests, opened.pauses) == (1, [], [])


@covers("untrusted")
def test_a_protocol_that_is_too_old(opens: OpensClients) -> None:
    modern = ssl.create_default_context()
    modern.minimum_version = ssl.TLSVersion.TLSv1_3
    dated = certificates.new_server_context()
    dated.maximum_version = ssl.TLSVersion.TLSv1_2
    with FaultServer([secure(dated), forever(read, send(OK))], scheme="https") as server:
        result = look(opens(server.url, ssl_context=modern, max_retries=3))
        assert type(result.error) is TransportError
        assert (server.connections, server.requests) == (1, [])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_context_of_the_users_own_works(version: ssl.TLSVersion, host: str, opens: OpensClients) -> None:
    context = certificates.new_server_context()
    context.minimum_version = context.maximum_version = version
    with FaultServer([secure(context), forever(read, reply(echo))], scheme="https", host=host) as server:
        opened = opens(server.url, ssl_context=trusting(), max_retries=0)
        for number in range(5):
            assert look(opened, f"task {number}").jobs == {f"task {number}": "Done"}
        assert (server.connections, len(server.requests)) == (1, 5)
        assert server.requests[0].startswith(b"POST /api/v2/status HTTP/1.1\r\n")


def test_the_name_is_sent_to_the_server(opens: OpensClients) -> None:
    names: list[str | None] = []

    def note(_: object, name: str | None, __: object) -> None:
        names.append(name)

    context = certificates.new_server_context()
    context.sni_callback = note
    with FaultServer([secure(context), forever(read, send(OK))], scheme="https") as server:
        assert look(opens(f"https://localhost:{server.port}", ssl_context=trusting())).jobs == {"job-1": "Done"}
    assert names == ["localhost"]


@covers("tls-reset")
def test_a_connection_lost_at_the_very_end_of_the_handshake(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then asyncio returns no transport: a moment that a test cannot hit."""

    async def lose(*_: object, **__: object) -> None:
        return None

    monkeypatch.setattr(asyncio.BaseEventLoop, "start_tls", lose)
    with FaultServer([secure(good()), stall], scheme="https") as server:
        opened = open_client(kind, server.url, ssl_context=trusting(), request_timeout=0.3)
        result = look(opened)
        opened.end()
        assert isinstance(result.error, TransportError)
        assert (server.requests, len(opened.pauses)) == ([], 1)


def test_a_server_that_hangs_up_when_no_certificate_of_ours_comes(opens: OpensClients) -> None:
    context = certificates.new_server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    with FaultServer([secure(context), read, send(OK)], scheme="https") as server:
        result = look(opens(server.url, ssl_context=trusting()))
        assert type(result.error) is TransportError
        assert not server.requests


@pytest.fixture
def fresh_default_context() -> Iterator[None]:
    """Forgets the context that all clients share, before the test and after it."""
    forget: Callable[[], None] = _routes._default_ssl_context.cache_clear  # pyright: ignore[reportPrivateUsage]
    forget()
    yield
    forget()


@pytest.mark.usefixtures("fresh_default_context")
def test_the_environment_names_certificates(
    opens: OpensClients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificates.authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with FaultServer([secure(good()), forever(read, send(OK))], scheme="https") as server:
        assert look(opens(server.url)).jobs == {"job-1": "Done"}


def test_the_environment_is_read_for_each_client(
    opens: OpensClients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificates.authority().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with FaultServer([secure(good()), forever(read, send(OK))], scheme="https") as server:
        assert type(look(opens(server.url)).error) is TransportError
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert look(opens(server.url)).jobs == {"job-1": "Done"}
        monkeypatch.delenv("SSL_CERT_FILE")
        assert type(look(opens(server.url)).error) is TransportError


@pytest.mark.parametrize("how", ["nothing", "no names", "what comes"])
def test_a_context_that_does_not_verify_is_refused(how: str, opens: OpensClients) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    if how != "no names":
        context.verify_mode = ssl.CERT_NONE if how == "nothing" else ssl.CERT_OPTIONAL
    with pytest.raises(ConfigurationError, match="whoever answers would get the API key"):
        opens("https://127.0.0.1:9", ssl_context=context)


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "garbage"])
@pytest.mark.usefixtures("fresh_default_context")
def test_certificates_that_cannot_be_read(
    content: str | None, opens: OpensClients, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with FaultServer([stall], scheme="https") as server:
        with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
            opens(server.url).status()
        assert server.connections == 0


def test_a_connection_that_was_lost_before_the_handshake_leaves_no_socket() -> None:
    """CPython leaves the socket open in some versions: the collector would say so, and warnings are errors."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        channel = Channel()
        channel.deadline = Deadline(5)
        channel.connect("127.0.0.1", server.getsockname()[1], 5, 5)
        other, _ = server.accept()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        other.close()
        while channel.is_quiet:
            pass
        with pytest.raises(OSError):  # noqa: PT011 - which one depends on the version
            channel.start_tls(ssl.create_default_context(), "127.0.0.1", 5)
        channel.close()
    gc.collect()
