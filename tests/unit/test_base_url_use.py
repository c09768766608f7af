"""Base URLs: properties that hold for any text, and what the clients do with the addresses that they are given."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rodin_sdk import AsyncRodin, ConfigurationError, Rodin
from rodin_sdk._base_url import BaseURL, parse_base_urls
from tests.unit.support import API_KEY, SUBSCRIPTION_KEY, response

HYPER3D = "https://api.hyper3d.com"
HYPERHUMAN = "https://hyperhuman.deemos.com"

# --- properties

WORDS = "https:// http:// hyper3d localhost 127.0.0.1 [::1] a A api v2 x 443 80 8443 0 é 。 %2e"
SIGNS = r"[ ] . - _ / // : :: @ ? # % ; = ~ \\"
PIECES = st.sampled_from([*WORDS.split(), *SIGNS.split(), " "])
addresses = st.one_of(
    st.text(),
    st.text().map("https://".__add__),
    st.lists(PIECES, max_size=10).map("".join),
    st.lists(PIECES, max_size=10).map("".join).map("https://".__add__),
    st.lists(st.sampled_from(["api", "v2", "x", ""]), max_size=4).map("/".join).map("https://a/".__add__),
    st.text(st.characters(codec="ascii")).map("https://[fe80::1%{}]".format),
    st.ip_addresses().map(lambda ip: f"https://[{ip}]" if ip.version == 6 else f"https://{ip}"),
)


def accepted(text: str) -> BaseURL | None:
    try:
        (url,) = parse_base_urls(text, "base_url")
    except ConfigurationError as refused:
        error = refused
    else:
        return url
    assert str(error).isprintable()
    return None


@given(addresses)
@example("https://[::1]x")
def test_any_text_is_an_address_or_refused(text: str) -> None:
    accepted(text)


@given(addresses)
@example("https://a/api/api")
def test_what_is_accepted_means_the_same_again(text: str) -> None:
    url = accepted(text)
    assert url is None or accepted(str(url)) == url


@given(addresses)
def test_what_is_accepted_is_what_httpx_understands(text: str) -> None:
    url = accepted(text)
    if url is None:
        return
    theirs = httpx.URL(f"{url}/api/v2/status")
    assert (theirs.scheme, theirs.host, theirs.port) == (
        url.scheme,
        url.host,
        None if url.port == {"https": 443, "http": 80}[url.scheme] else url.port,
    )
    assert theirs.raw_path.decode() == f"{url.prefix}/api/v2/status"
    assert (theirs.userinfo, theirs.query, theirs.fragment) == (b"", b"", "")
    assert url.scheme == "https" or url.host in {"localhost", "::1"} or url.host.startswith("127.")


# --- through the clients


@pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
@pytest.mark.parametrize(
    ("value", "url"), [(None, HYPER3D), ("hyperhuman", HYPERHUMAN), ([HYPERHUMAN, HYPER3D], HYPERHUMAN)]
)
def test_client_shows_its_address(cls: type[Rodin | AsyncRodin], value: Any, url: str) -> None:
    assert cls(API_KEY, base_url=value).base_url == url


@pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
def test_client_refuses_at_once(cls: type[Rodin | AsyncRodin]) -> None:
    with pytest.raises(ConfigurationError, match="base_url must be https"):
        cls(API_KEY, base_url="http://api.hyper3d.com")


@pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
def test_address_of_the_environment(cls: type[Rodin | AsyncRodin], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIN_BASE_URL", " https://gateway.example.com/api/\n")
    assert cls(API_KEY).base_url == "https://gateway.example.com"
    assert cls(API_KEY, base_url="hyper3d").base_url == HYPER3D


@pytest.mark.parametrize("blank", ["", " ", "\n"], ids=repr)
def test_blank_address_of_the_environment_is_none(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIN_BASE_URL", blank)
    assert Rodin(API_KEY).base_url == HYPER3D


def test_bad_address_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIN_BASE_URL", "api.hyper3d.com")
    with pytest.raises(ConfigurationError, match=r"^RODIN_BASE_URL must start with https://"):
        Rodin(API_KEY)


def test_bad_address_of_the_environment_does_not_matter_beside_the_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIN_BASE_URL", "api.hyper3d.com")
    assert Rodin(API_KEY, base_url="hyperhuman").base_url == HYPERHUMAN


@pytest.mark.parametrize(
    ("base_url", "asked"),
    [
        ("hyper3d", f"{HYPER3D}/api/v2/status"),
        ("https://gateway.example.com/rodin/api", "https://gateway.example.com/rodin/api/v2/status"),
        ("http://[::1]:5000/", "http://[::1]:5000/api/v2/status"),
    ],
    ids=["host", "gateway", "loopback"],
)
def test_request_goes_there(base_url: str, asked: str) -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return response()

    with Rodin(API_KEY, base_url=base_url, http_transport=httpx.MockTransport(handle)) as rodin:
        rodin.status(SUBSCRIPTION_KEY)
    assert [str(request.url) for request in seen] == [asked]
    assert seen[0].headers["host"] == asked.split("/")[2]
