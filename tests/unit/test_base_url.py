"""Base URLs: what is accepted, in every spelling; what is refused, and that the text names the rule."""

from __future__ import annotations

from typing import Any

import pytest

from rodin_sdk import ConfigurationError, Host
from rodin_sdk._base_url import parse_base_urls
from tests.secrets_check import assert_no_secrets, chain_of
from tests.unit.support import each_of

HYPER3D = "https://api.hyper3d.com"
HYPERHUMAN = "https://hyperhuman.deemos.com"


def parse(text: Any) -> str:
    (url,) = parse_base_urls(text, "base_url")
    return str(url)


def refusal_of(value: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        parse_base_urls(value, "base_url")
    return caught.value


# --- accepted

ACCEPTED = {
    **{
        f"{HYPER3D}{path}": HYPER3D
        for path in ("", "/", "/api", "/api/", "/api/v2", "/api/v2/", "/api/v2/status", "//", ":443", ":443/api/v2/")
    },
    HYPERHUMAN + "/api": HYPERHUMAN,
    "hyper3d": HYPER3D,
    "hyperhuman": HYPERHUMAN,
    "Hyper3D": HYPER3D,
    "HYPERHUMAN": HYPERHUMAN,
    " hyper3d\n": HYPER3D,
    f"\t{HYPER3D}/ ": HYPER3D,
    "HTTPS://API.HYPER3D.COM/api": HYPER3D,
    "https://gateway.example.com/rodin": "https://gateway.example.com/rodin",
    "https://gateway.example.com/rodin/": "https://gateway.example.com/rodin",
    "https://gateway.example.com/rodin/api/v2/": "https://gateway.example.com/rodin",
    "https://gateway.example.com/Rodin/API": "https://gateway.example.com/Rodin/API",
    "https://gateway.example.com/a/b.c/d_e~f/g-h": "https://gateway.example.com/a/b.c/d_e~f/g-h",
    "https://gateway.example.com/xapi": "https://gateway.example.com/xapi",
    "https://gateway.example.com/status": "https://gateway.example.com/status",
    "https://gateway.example.com/api/status": "https://gateway.example.com/api/status",
    "https://gateway.example.com/v2": "https://gateway.example.com/v2",
    "https://gateway.example.com/...": "https://gateway.example.com/...",
    "https://gateway.example.com:8443": "https://gateway.example.com:8443",
    "https://gateway.example.com:80": "https://gateway.example.com:80",
    "https://gateway.example.com:08443": "https://gateway.example.com:8443",
    "https://xn--bcher-kva.example/": "https://xn--bcher-kva.example",
    "https://my_gateway": "https://my_gateway",
    "https://10.0.0.7": "https://10.0.0.7",
    "https://[2001:DB8:0:0::1]:8443/x": "https://[2001:db8::1]:8443/x",
    "http://localhost": "http://localhost",
    "http://LOCALHOST:8000/api/": "http://localhost:8000",
    "http://localhost:80": "http://localhost",
    "http://localhost:443": "http://localhost:443",
    "http://127.0.0.1:5000": "http://127.0.0.1:5000",
    "http://127.1.2.3": "http://127.1.2.3",
    "http://[::1]:5000/api/v2": "http://[::1]:5000",
    "http://[0:0:0:0:0:0:0:1]": "http://[::1]",
    "https://localhost": "https://localhost",
}


@pytest.mark.parametrize(("text", "url"), ACCEPTED.items(), ids=each_of(ACCEPTED))
def test_accepted(text: str, url: str) -> None:
    assert parse(text) == url


@pytest.mark.parametrize(("host", "url"), [(Host.HYPER3D, HYPER3D), (Host.HYPERHUMAN, HYPERHUMAN)])
def test_hosts(host: Host, url: str) -> None:
    assert host == url == parse(host)


@pytest.mark.parametrize("url", dict.fromkeys(ACCEPTED.values()))
def test_normalized_form_means_itself(url: str) -> None:
    assert parse(url) == url


@pytest.mark.parametrize("path", ["/api/api", "/api/v2/api", "/api/v2/api/v2", "/gate/api/api/v2/"])
def test_gateway_whose_prefix_looks_like_the_services_own_path(path: str) -> None:
    """What `base_url` shows has to mean the same address when it is handed to another client."""
    shown = parse("https://gateway.example.com" + path)
    assert parse(shown) == shown


# --- refused: each text names what was wrong

REFUSED = {
    "http://api.hyper3d.com": "must be https",
    "HTTP://API.HYPER3D.COM": "must be https",
    "http://10.0.0.7": "must be https",
    "http://128.0.0.1": "must be https",
    "http://0.0.0.0": "must be https",
    "http://localhost.example.com": "must be https",
    "http://127.0.0.1.example.com": "must be https",
    "http://[2001:db8::1]": "must be https",
    "https://user:password@api.hyper3d.com": "user info",
    "https://user@api.hyper3d.com": "user info",
    "https://@api.hyper3d.com": "user info",
    "https://:@api.hyper3d.com": "user info",
    "https://api.hyper3d.com@evil.example.com": "user info",
    "http://localhost@evil.example.com": "user info",
    "https://api.hyper3d.com?x=1": "query",
    "https://api.hyper3d.com/?": "query",
    "https://api.hyper3d.com/api?key=1": "query",
    "https://api.hyper3d.com?mail=me@example.com": "query",
    "https://api.hyper3d.com#": "fragment",
    "https://api.hyper3d.com#me@example.com": "fragment",
    "https://api.hyper3d.com/#top": "fragment",
    "api.hyper3d.com": "must start with https://",
    "//api.hyper3d.com": "must start with https://",
    "localhost:8000": "must start with https://",
    "api.hyper3d.com/api": "must start with https://",
    "https:api.hyper3d.com": "must start with https://",
    "https:/api.hyper3d.com": "must start with https://",
    "ftp://api.hyper3d.com": "must start with https://",
    "file:///etc/passwd": "must start with https://",
    "hyper3d.com": "must start with https://",
    "hyper4d": "must start with https://",
    "": "empty",
    "  \n": "empty",
    "https://": "host name",
    "https:///api": "host name",
    "https://.": "host name",
    "https://a..b": "host name",
    "https://.api.hyper3d.com": "host name",
    "https://-a.example.com": "host name",
    "https://a-.example.com": "host name",
    "https://a%2eb": "host name",
    "https://a,b": "host name",
    "https://a;b": "host name",
    "https://*.example.com": "host name",
    f"https://{'a' * 64}.example.com": "host name",
    f"https://{'.'.join(['a' * 49] * 6)}": "host name",
    "https://1.2.3": "host name",
    "https://1.2.3.4.5": "host name",
    "https://256.1.1.1": "host name",
    "https://127.1": "host name",
    "https://2130706433": "host name",
    "https://0x7f000001": "host name",
    "https://0x7f.0.0.1": "host name",
    "https://127.0.0.0x1": "host name",
    "https://0177.0.0.1": "host name",
    "http://0x7f.1": "host name",
    "https://[::1": "not an address",
    "https://::1]": "not an address",
    "https://::1": "host name",
    "https://[]": "IPv6|not an address",
    "https://[::g]": "IPv6|not an address",
    "https://[1.2.3.4]": "IPv6|not an address",
    "https://[v1.a:b]": "IPv6|not an address",
    "https://[::1]example.com": "IPv6|host name|not an address",
    "https://[::1]example.com:443": "IPv6|host name|not an address",
    "http://[::1].example.com": "IPv6|host name|not an address",
    "https://[::1]]": "IPv6|host name|not an address",
    'https://[fe80::1%<">{}]': "IPv6|host name|not an address",
    "https://a:": "port",
    "https://a:0": "port",
    "https://a:65536": "port",
    "https://a:-1": "port",
    "https://a:+1": "port",
    "https://a:1_0": "port",
    "https://a:8e1": "port",
    "https://a:80:80": "port",
    "https://[::1]:": "port",
    "https://[::1]:x": "port",
    f"https://a:{'9' * 5_000}": "port",
    "https://a/..": "path",
    "https://a/x/../y": "path",
    "https://a/./x": "path",
    "https://a/x/.": "path",
    "https://a//x": "path",
    "https://a/x//y": "path",
    "https://a/%2e%2e/x": "path",
    "https://a/x%20y": "path",
    "https://a/<x>": "path",
    "https://a/x|y": "path",
    "https://a/b c": "character",
    "https://a\\b": "character",
    "https://api.hyper3d.com\\@evil.example.com": "character",
    "https:\\\\api.hyper3d.com": "character",
    "https://api.hyper3d.com\x00.evil.example.com": "character",
    "https://api.hyper\t3d.com": "character",
    "https://api.hyper3d.com/\r\nX-Header: 1": "character",
    "https://аpi.hyper3d.com": "character",  # noqa: RUF001 - a Cyrillic a: the trick that is tested
    "https://api。hyper3d。com": "character",
    "https://api.hyper3d.com／x": "character",  # noqa: RUF001 - a full-width slash
    "https://bücher.example": "character",
    "https://①②⑦.⓪.⓪.①": "character",
    "https://ａpi.hyper3d.com": "character",  # noqa: RUF001 - a full-width a
    "https://ℂ.example": "character",  # noqa: RUF001 - a letter that folds to a plain one
    "https://example.com\u202e": "character",
    "https://example\u200b.com": "character",
    "https://example.com\ud800": "character",
    "ｈｙｐｅｒ３ｄ": "character",  # noqa: RUF001 - a name in full width
}


@pytest.mark.parametrize(("text", "rule"), REFUSED.items(), ids=each_of(REFUSED))
def test_refused(text: str, rule: str) -> None:
    error = refusal_of(text)
    assert_matches(rule, str(error))
    assert str(error).startswith("base_url ")
    assert str(error).isprintable()
    assert len(str(error)) < 800


def assert_matches(rule: str, text: str) -> None:
    assert any(part in text for part in rule.split("|")), text


PASSWORDS = [
    "https://user:{}@api.hyper3d.com",
    "http://user:{}@api.hyper3d.com",
    "https://user:{}@",
    "https://[user:{}@::1]",
    "https://[{}]",
    "https://user:{}@[::1",
    "https://user:{}@a:port",
    "https://user:{}@ü.example",
    "ftp://user:{}@example.com",
    "user:{}@api.hyper3d.com",
    "https:/user:{}@api.hyper3d.com",
    "https://api.hyper3d.com?key={}",
    "https://api.hyper3d.com/#{}",
    "https://example.com\\user:{}@",
    "{}",
]


@pytest.mark.parametrize("text", PASSWORDS, ids=each_of(PASSWORDS))
def test_password_is_quoted_nowhere(text: str) -> None:
    """A key set as the address by mistake, too: whatever went wrong, the exception and what hangs on it are silent."""
    password = "hunter2-hunter2-hunter2"
    error = refusal_of(text.format(password))
    for link in chain_of(error):
        link.__traceback__ = None  # the variables hold the caller's own argument, of which nobody knows what it is
    assert_no_secrets([password], error)


# --- the type, and sequences


@pytest.mark.parametrize("value", [5, b"https://a", 1.5, object(), {}, {HYPER3D}, iter([HYPER3D])], ids=type)
def test_wrong_type(value: object) -> None:
    assert f"base_url must be a str, a Host or a sequence of them, not {type(value).__name__}" in str(refusal_of(value))


@pytest.mark.parametrize("value", [bytearray(b"https://a"), memoryview(b"https://a")], ids=type)
def test_bytes_are_no_sequence_of_addresses(value: object) -> None:
    assert "base_url must be a str" in str(refusal_of(value))


@pytest.mark.parametrize("value", [[], ()], ids=["list", "tuple"])
def test_empty_sequence(value: object) -> None:
    assert "base_url is empty" in str(refusal_of(value))


@pytest.mark.parametrize(
    ("item", "rule"),
    [(None, "not NoneType"), (5, "not int"), ([HYPER3D], "not list"), ("http://a", "must be https"), ("", "empty")],
    ids=["none", "int", "list", "http", "empty"],
)
def test_item_that_is_refused_is_named(item: object, rule: str) -> None:
    error = refusal_of([HYPER3D, item])
    assert str(error).startswith("base_url[1] ")
    assert rule in str(error)


def test_sequence_keeps_its_order_and_drops_repetitions() -> None:
    urls = parse_base_urls(("hyperhuman", HYPER3D, Host.HYPERHUMAN, HYPER3D + "/api", "hyper3d"), "base_url")
    assert [str(url) for url in urls] == [HYPERHUMAN, HYPER3D]
