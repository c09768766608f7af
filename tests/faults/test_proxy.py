"""A proxy of the environment's stands in between, with a password that nothing shows."""

from __future__ import annotations

import base64
import threading
from functools import partial
from ssl import SSLCertVerificationError
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest

from rodin_sdk import ConfigurationError, RequestTimeoutError, TransportError
from tests.deadlines import in_time
from tests.faults.addresses import refusing
from tests.faults.answers import OK, PROXY_PASSWORD, PROXY_USER, TUNNEL, answer, echo, head
from tests.faults.cases import arrived
from tests.faults.certificates import good, of_another_host, trusting
from tests.faults.clients import KINDS, look, look_with_patience
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, drip, forever, read, reply, reset, secure, send, stall, until

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from tests.faults.conftest import OpensClients
    from tests.faults.server import Script

BEHIND: Final = "https://127.0.0.1:9"
"""What is asked for; the scripts of the proxy play its part, too."""
THROUGH: Final[Script] = [read, send(TUNNEL), secure(good()), forever(read, reply(echo))]


def via(monkeypatch: pytest.MonkeyPatch, port: int, variable: str = "HTTPS_PROXY") -> None:
    monkeypatch.setenv(variable, f"http://{PROXY_USER}:{PROXY_PASSWORD}@127.0.0.1:{port}")


def test_a_tunnel_works_and_is_kept(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(THROUGH) as proxy:
        via(monkeypatch, proxy.port)
        opened = opens(BEHIND, ssl_context=trusting(), max_retries=0)
        for number in range(5):
            assert look(opened, f"task {number}").jobs == {f"task {number}": "Done"}
        assert (proxy.connections, len(proxy.requests)) == (1, 6)
        connect = proxy.requests[0]
        assert connect.startswith(b"CONNECT 127.0.0.1:9 HTTP/1.1\r\n")
        assert b"\r\nhost: 127.0.0.1:9\r\n" in connect.lower()
        assert b"Bearer" not in connect
        assert b"roxy" not in b"".join(proxy.requests[1:]), "the host behind must not see the proxy's password"


@pytest.mark.parametrize("variable", ["https_proxy", "ALL_PROXY"])
def test_other_names_of_the_proxy(variable: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(THROUGH) as proxy:
        via(monkeypatch, proxy.port, variable)
        assert look(opens(BEHIND, ssl_context=trusting()), "a task").jobs == {"a task": "Done"}


def test_a_proxy_without_credentials_and_scheme(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(THROUGH) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
        assert look(opens(BEHIND, ssl_context=trusting()), "a task").jobs == {"a task": "Done"}
        assert b"authorization" not in proxy.requests[0].lower()


@pytest.mark.parametrize("password", ["p\u00e4ss-\u5bc6\u7801-7731", "a:b@c/d?e#f%20", "", " "])
def test_every_password_travels(password: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(THROUGH) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{quote(password, safe='')}@127.0.0.1:{proxy.port}")
        assert look(opens(BEHIND, ssl_context=trusting()), "a task").jobs == {"a task": "Done"}
        assert base64.b64encode(f"me:{password}".encode()) in proxy.requests[0]


def test_an_ipv6_host_stands_in_brackets(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(THROUGH) as proxy:
        via(monkeypatch, proxy.port)
        assert look(opens("https://[::1]:9", ssl_context=trusting()), "a task").jobs == {"a task": "Done"}
        assert proxy.requests[0].startswith(b"CONNECT [::1]:9 HTTP/1.1\r\n")
        assert b"\r\nhost: [::1]:9\r\n" in proxy.requests[0].lower()


@pytest.mark.parametrize("exempt", ["127.0.0.1", "localhost,127.0.0.1", "*"])
def test_no_proxy_is_obeyed(exempt: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        FaultServer([stall]) as proxy,
        FaultServer([secure(good()), forever(read, send(OK))], scheme="https") as server,
    ):
        via(monkeypatch, proxy.port)
        monkeypatch.setenv("NO_PROXY", exempt)
        assert look(opens(server.url, ssl_context=trusting())).jobs == {"job-1": "Done"}
        assert proxy.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_no_proxy_can_name_a_port(host: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        FaultServer([stall]) as proxy,
        FaultServer([secure(good()), forever(read, send(OK))], scheme="https", host=host.strip("[]")) as server,
    ):
        via(monkeypatch, proxy.port)
        monkeypatch.setenv("NO_PROXY", f"{host}:{server.port}")
        assert look(opens(server.url, ssl_context=trusting())).jobs == {"job-1": "Done"}
        monkeypatch.setenv("NO_PROXY", f"{host}:{server.port + 1}")
        opened = opens(server.url, ssl_context=trusting(), max_retries=0, request_timeout=0.3)
        assert isinstance(look(opened).error, RequestTimeoutError)
        proxy.wait_until(lambda: proxy.connections == 1)


def test_a_proxy_that_cannot_be_reached_is_named(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as (_, port):
        via(monkeypatch, port)
        error = look(opens(BEHIND, ssl_context=trusting(), max_retries=0)).error
        said = f"No connection to 127.0.0.1:9 through the proxy 127.0.0.1:{port} could be made: connection refused. "
        assert str(error).startswith(said)


def test_plain_http_never_goes_through_a_proxy(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer([stall]) as proxy, FaultServer([forever(read, send(OK))]) as server:
        for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            via(monkeypatch, proxy.port, variable)
        assert look(opens(server.url)).jobs == {"job-1": "Done"}
        assert proxy.connections == 0


def test_a_tunnel_closed_between_two_polls(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = threading.Event()
    first = [read, send(TUNNEL), secure(good()), read, send(OK), until(idle)]
    with FaultServer(first, THROUGH) as proxy:
        via(monkeypatch, proxy.port)
        opened = opens(BEHIND, ssl_context=trusting(), max_retries=0)
        assert look(opened).jobs == {"job-1": "Done"}
        idle.set()
        proxy.wait_until_served(1)
        assert look(opened, "a task").jobs == {"a task": "Done"}
        assert (proxy.connections, len(proxy.requests)) == (2, 4)


@covers("proxy-refuses")
def test_nobody_listens_where_the_proxy_should(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as address:
        via(monkeypatch, address[1])
        opened = opens(BEHIND, ssl_context=trusting(), max_retries=2)
        result = look(opened)
        assert type(result.error) is TransportError
        assert len(opened.pauses) == 2


REFUSALS: Final[dict[str, Script]] = {
    "403": [read, send(answer({"error": "no"}, code=403))],
    "502": [read, send(answer(b"", code=502))],
    "503 with its own words": [read, send(f"HTTP/1.1 503 {PROXY_USER} {PROXY_PASSWORD} refused\r\n\r\n".encode())],
    "redirect": [read, send(head("Location: https://elsewhere.test/", "Content-Length: 0", code=302))],
    "garbage": [read, send(b"\0\1\2\r\n\r\n")],
    "FIN": [read],
    "RST": [read, reset],
    "FIN mid head": [read, send(TUNNEL[:-2])],
    "FIN after an interim answer": [read, send(b"HTTP/1.1 103 Hints\r\n\r\n")],
    "FIN in the handshake": [read, send(TUNNEL)],
    "a head without end": [read, send(TUNNEL[:-2]), forever(send(b"x: y\r\n" * 9999))],
}


@covers("proxy-refuses")
@pytest.mark.parametrize("how", REFUSALS)
def test_the_proxy_refuses(how: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    script = REFUSALS[how]
    with FaultServer(script, script, THROUGH) as proxy:
        via(monkeypatch, proxy.port)
        opened = opens(BEHIND, ssl_context=trusting())
        result = look(opened)
        assert type(result.error) is TransportError, repr(result.error)
        assert (proxy.connections, len(proxy.requests), len(opened.pauses)) == (2, 2, 1)
        assert look(opened, "a task").jobs == {"a task": "Done"}


@covers("proxy-407")
@pytest.mark.parametrize("reason", ["Proxy Authentication Required", f"not {PROXY_PASSWORD}"])
def test_the_proxy_wants_other_credentials(reason: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = f'HTTP/1.1 407 {reason}\r\nProxy-Authenticate: Basic realm="{PROXY_PASSWORD}"\r\n\r\n{PROXY_PASSWORD}'
    with FaultServer([read, send(refusal.encode()), stall]) as proxy:
        via(monkeypatch, proxy.port)
        opened = opens(BEHIND, ssl_context=trusting(), max_retries=3)
        result = look(opened)
        assert type(result.error) is TransportError
        assert "407" in str(result.error)
        assert (proxy.connections, len(proxy.requests), opened.pauses) == (1, 1, [])


STALLS: Final[dict[str, Script]] = {
    "before the request is read": [stall],
    "before the answer": [read, stall],
    "mid answer": [read, send(TUNNEL[:-2]), stall],
    "drip": [read, forever(drip(b"HTTP/1.1 103 Hints\r\n\r\n", 0.02))],
    "in the handshake": [read, send(TUNNEL), stall],
    "after the handshake": [read, send(TUNNEL), secure(good()), stall],
}


@covers("proxy-stalls")
@pytest.mark.parametrize("when", STALLS)
def test_the_proxy_stalls(when: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(STALLS[when]) as proxy:
        via(monkeypatch, proxy.port)
        opened = opens(BEHIND, ssl_context=trusting(), request_timeout=0.3)
        result = look(opened)
        assert type(result.error) is RequestTimeoutError
        in_time(result.seconds, 0.6)
        assert len(opened.pauses) == 1
        arrived(proxy, 2, len(proxy.requests))
        assert b"Bearer" not in b"".join(proxy.requests)


@pytest.mark.parametrize("when", ["before the request is read", "before the answer", "mid answer", "drip"])
def test_a_tunnel_that_is_not_made_leaves_time_for_the_next_host(
    when: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaultServer(STALLS[when], THROUGH) as proxy:
        via(monkeypatch, proxy.port)
        hosts = ["https://127.0.0.1:9", "https://127.0.0.1:10"]
        opened = opens(hosts, ssl_context=trusting(), max_retries=0, request_timeout=2.0)
        result = look(opened, "a task")
        assert result.jobs == {"a task": "Done"}
        in_time(result.seconds, 2.0)
        assert proxy.requests[-2].startswith(b"CONNECT 127.0.0.1:10 ")


def test_a_tunnel_has_5_seconds(both_at_once: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer([read, stall]) as proxy:
        via(monkeypatch, proxy.port)
        for result in both_at_once.map(partial(look_with_patience, BEHIND, ssl_context=trusting()), KINDS):
            assert type(result.error) is RequestTimeoutError
            in_time(result.seconds, 5.0)


@covers("proxy-407")
def test_a_refusal_while_the_caller_handles_another_error(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the caller is about to handle stands behind each exception that is raised meanwhile."""
    refusal = b"HTTP/1.1 407 No\r\n\r\n"
    with FaultServer([read, send(refusal), stall]) as proxy:
        via(monkeypatch, proxy.port)
        opened = opens(BEHIND, ssl_context=trusting(), max_retries=3)
        for handled in (FileNotFoundError(2, "of the caller's own"), TimeoutError(), SSLCertVerificationError()):
            try:
                raise handled
            except OSError:
                result = look(opened)
            assert type(result.error) is TransportError
            assert "the proxy answered 407" in str(result.error)
        assert (proxy.connections, opened.pauses) == (3, [])


@covers("untrusted")
def test_a_proxy_that_is_in_the_middle(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer([read, send(TUNNEL), secure(of_another_host()), forever(read, send(OK))]) as proxy:
        via(monkeypatch, proxy.port)
        result = look(opens(BEHIND, ssl_context=trusting(), max_retries=3))
        assert type(result.error) is TransportError
        assert (proxy.connections, len(proxy.requests)) == (1, 1)


@covers("leftovers")
def test_what_a_proxy_says_itself_is_never_an_answer(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer in clear text comes with the tunnel, ahead of the one within TLS."""
    with FaultServer([read, send(TUNNEL + OK), secure(good()), forever(read, reply(echo))]) as proxy:
        via(monkeypatch, proxy.port)
        result = look(opens(BEHIND, ssl_context=trusting(), max_retries=0), "a task")
        assert isinstance(result.error, TransportError) or result.jobs == {"a task": "Done"}


@pytest.mark.parametrize(
    "address",
    [
        "socks5://{}@127.0.0.1:1080",
        "https://{}@127.0.0.1:8080",
        "http://{}@127.0.0.1:99999",
        "http://{}@127.0.0.1:port",
        "http://{}@:8080",
        "http://{}@[::1:8080",
        "http://{}@pr\u00f6xy.test:8080",
        "http://{}@proxy..test:8080",
        f"http://{{}}@{'x' * 64}.test:8080",
        "http://{}@",
    ],
)
def test_a_proxy_that_cannot_be_used(address: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address.format(f"{PROXY_USER}:{PROXY_PASSWORD}"))
    result = look(opens(BEHIND, ssl_context=trusting(), max_retries=0))
    assert type(result.error) in {ConfigurationError, TransportError}, repr(result.error)
