"""A transport of the user's own: httpx's real ones over real sockets, and mocks."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from rodin_sdk import (
    AsyncRodin,
    ClientClosedError,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    RequestTimeoutError,
    Rodin,
    RodinError,
    TransportError,
)
from tests.deadlines import in_time
from tests.faults.addresses import refusing, silent
from tests.faults.answers import API_KEY, CHUNKED, DONE, OK, SUBSCRIPTION_KEY, TUNNEL, answer, chunked, echo, head
from tests.faults.cases import arrived
from tests.faults.certificates import good, trusting
from tests.faults.clients import look
from tests.faults.server import FaultServer, drip, forever, read, receive, reply, reset, secure, send, stall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.faults.clients import Kind
    from tests.faults.conftest import OpensClients
    from tests.faults.server import Script

ALIVE: Final[Script] = [forever(read, reply(echo))]


def httpx_transport(kind: Kind, **options: Any) -> Any:
    return httpx.HTTPTransport(**options) if kind == "sync" else httpx.AsyncHTTPTransport(**options)


def test_it_works_and_keeps_its_connection(kind: Kind, opens: OpensClients) -> None:
    with FaultServer(ALIVE) as server:
        opened = opens(server.url, http_transport=httpx_transport(kind))
        for number in range(5):
            assert look(opened, f"task {number}").jobs == {f"task {number}": "Done"}
        assert (server.connections, len(server.requests)) == (1, 5)
        assert b"\r\nauthorization: bearer " + API_KEY.encode() in server.requests[0].lower()
        assert b"\r\naccept-encoding: identity\r\n" in server.requests[0].lower()


def test_it_works_over_tls_and_through_a_proxy(kind: Kind, opens: OpensClients) -> None:
    with FaultServer([read, send(TUNNEL), secure(good()), *ALIVE]) as proxy:
        transport = httpx_transport(kind, verify=trusting(), proxy=f"http://127.0.0.1:{proxy.port}")
        assert look(opens("https://127.0.0.1:9", http_transport=transport), "a task").jobs == {"a task": "Done"}


FAULTS: Final[dict[str, tuple[Script, type[RodinError], int]]] = {
    "FIN": ([read], TransportError, 2),
    "RST": ([read, reset], TransportError, 2),
    "garbage": ([read, send(b"\0\1\r\n\r\n")], TransportError, 2),
    "cut off": ([read, send(OK[:-3])], TransportError, 2),
    "stall": ([read, stall], RequestTimeoutError, 2),
    "drip": ([read, send(head("Content-Length: 100000")), forever(drip(b" ", 0.03))], RequestTimeoutError, 2),
    "404": ([read, send(answer(b"", code=404))], NotFoundError, 1),
    "1 GB": ([read, send(head(f"Content-Length: {2**30}")), stall], InvalidResponseError, 2),
    "endless": ([read, send(CHUNKED), forever(send(chunked(b"x" * 65536)))], InvalidResponseError, 2),
    "gzip": ([read, send(answer(gzip.compress(b"{}"), "Content-Encoding: gzip")), stall], InvalidResponseError, 2),
    "300 fields": ([read, send(head(*(f"x-{n}: y" for n in range(300)))), stall], TransportError, 2),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_the_server(fault: str, kind: Kind, opens: OpensClients) -> None:
    script, expected, requests = FAULTS[fault]
    with FaultServer(*[script] * requests, ALIVE) as server:
        opened = opens(server.url, http_transport=httpx_transport(kind), request_timeout=0.4)
        result = look(opened)
        assert type(result.error) is expected, repr(result.error)
        in_time(result.seconds, requests * 0.4)
        arrived(server, requests, requests)
        assert look(opened, "a task", request_timeout=5).jobs == {"a task": "Done"}


def test_faults_of_the_connection(kind: Kind, opens: OpensClients) -> None:
    with refusing() as closed, silent() as dead, FaultServer([receive, reset], scheme="https") as untrusted:
        for url, expected in (
            (f"http://127.0.0.1:{closed[1]}", TransportError),
            (f"http://127.0.0.1:{dead[1]}", RequestTimeoutError),
            (untrusted.url, TransportError),
        ):
            opened = opens(url, http_transport=httpx_transport(kind, verify=trusting()), request_timeout=0.2)
            result = look(opened)
            assert type(result.error) is expected
            in_time(result.seconds, 0.4)
            assert len(opened.pauses) == 1


def test_failover_over_it(kind: Kind, opens: OpensClients) -> None:
    with refusing() as dead, FaultServer(ALIVE) as server:
        opened = opens([f"http://127.0.0.1:{dead[1]}", server.url], http_transport=httpx_transport(kind), max_retries=0)
        assert look(opened, "a task").jobs == {"a task": "Done"}


def test_an_untrusted_certificate_is_not_tried_again(kind: Kind, opens: OpensClients) -> None:
    with FaultServer([secure(good()), *ALIVE], scheme="https") as server:
        opened = opens(server.url, http_transport=httpx_transport(kind), max_retries=3)
        result = look(opened)
        assert type(result.error) is TransportError
        assert "certificate is not trusted" in str(result.error)
        assert (server.requests, opened.pauses) == ([], [])


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, to both kinds of clients."""

    def __iter__(self) -> Iterator[bytes]:
        yield from (b'{"jobs"', b": {", b'"a": "Done"}}')

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


MOCKS: Final[dict[str, Callable[[], httpx.Response]]] = {
    "json": lambda: httpx.Response(200, json={"jobs": {"a": "Done"}}),
    "content": lambda: httpx.Response(201, content=b'{"jobs": {"a": "Done"}}'),
    "stream": lambda: httpx.Response(200, stream=Pieces()),
}


@pytest.mark.parametrize("how", MOCKS)
def test_a_mock(how: str, opens: OpensClients) -> None:
    seen: list[httpx.Request] = []

    def answer_it(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return MOCKS[how]()

    opened = opens("https://gateway.test/prefix", http_transport=httpx.MockTransport(answer_it))
    assert look(opened).jobs == {"a": "Done"}
    assert look(opened).jobs == {"a": "Done"}
    assert str(seen[0].url) == "https://gateway.test/prefix/api/v2/status"
    assert SUBSCRIPTION_KEY.encode() in seen[0].content


HTTPX_ERRORS: Final = [
    httpx.ConnectError,
    httpx.ReadError,
    httpx.WriteError,
    httpx.RemoteProtocolError,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.TooManyRedirects,
    httpx.DecodingError,
]


@pytest.mark.parametrize("cls", HTTPX_ERRORS)
def test_every_error_of_httpx_becomes_ours(cls: type[httpx.HTTPError], opens: OpensClients) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise cls(f"something about {API_KEY} and {SUBSCRIPTION_KEY}")

    result = look(opens("https://gateway.test", http_transport=httpx.MockTransport(fail)))
    assert type(result.error) is TransportError


@pytest.mark.parametrize("cls", [httpx.ReadTimeout, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.WriteTimeout])
def test_every_time_out_of_httpx_becomes_ours(cls: type[httpx.TimeoutException], opens: OpensClients) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise cls("too late")

    result = look(opens("https://gateway.test", http_transport=httpx.MockTransport(fail), request_timeout=None))
    assert type(result.error) is RequestTimeoutError


def test_invalid_urls_and_streams_become_ours(opens: OpensClients) -> None:
    for error in (httpx.InvalidURL("bad"), httpx.StreamClosed(), OSError("odd"), OSError(5, "odd")):

        def fail(_: httpx.Request, error: Exception = error) -> httpx.Response:
            raise error

        result = look(opens("https://gateway.test", http_transport=httpx.MockTransport(fail)))
        assert type(result.error) is TransportError


def test_it_is_closed_with_the_client(kind: Kind, opens: OpensClients) -> None:
    closed: list[str] = []

    class Closing(httpx.MockTransport):
        def close(self) -> None:
            closed.append("sync")

        async def aclose(self) -> None:
            closed.append("async")

    opened = opens("https://gateway.test", http_transport=Closing(lambda _: httpx.Response(200, json=DONE)))
    assert look(opened).jobs == {"job-1": "Done"}
    opened.close()
    opened.close()
    assert closed == [kind]
    assert type(look(opened).error) is ClientClosedError


def test_the_wrong_kind_of_transport_is_refused() -> None:
    for wrong in (object(), httpx.AsyncHTTPTransport()):
        with pytest.raises(ConfigurationError, match=r"httpx\.BaseTransport"):
            Rodin(API_KEY, http_transport=wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    for wrong in (object(), httpx.HTTPTransport()):
        with pytest.raises(ConfigurationError, match=r"httpx\.AsyncBaseTransport"):
            AsyncRodin(API_KEY, http_transport=wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def test_a_context_that_is_none_or_has_no_effect_is_refused(opens: OpensClients) -> None:
    with pytest.raises(ConfigurationError, match="SSLContext"):
        opens("https://gateway.test", ssl_context="certificates")
    with pytest.raises(ConfigurationError, match="no effect"):
        opens(
            "https://gateway.test",
            ssl_context=trusting(),
            http_transport=httpx.MockTransport(lambda _: httpx.Response(200)),
        )
