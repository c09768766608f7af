"""Nothing that anybody sees holds a key, whatever the server echoes and whenever a call is interrupted."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import threading
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from rodin_sdk import APIError, AsyncRodin, ConfigurationError, InvalidResponseError, Rodin
from tests.deadlines import in_time
from tests.faults.answers import (
    API_KEY,
    DONE,
    OK,
    PRESIGNED,
    PROXY_PASSWORD,
    SUBSCRIPTION_KEY,
    TUNNEL,
    answer,
    echo,
    head,
)
from tests.faults.certificates import good, trusting
from tests.faults.clients import SECRETS, look
from tests.faults.matrix import covers
from tests.faults.processes import run_program
from tests.faults.server import FaultServer, forever, read, reply, secure, send, stall
from tests.secrets_check import assert_no_secrets

if TYPE_CHECKING:
    from tests.faults.clients import Kind
    from tests.faults.conftest import OpensClients

BOTH: Final = f"{API_KEY} and {SUBSCRIPTION_KEY}"
ECHOING_FIELDS: Final = (
    *(f"{name}: {BOTH}" for name in ("X-Request-Id", "Server", "Via", "CF-Ray", "X-Tt-Logid", "X-Correlation-Id")),
    f"Content-Type: text/plain; {BOTH}",
    f"Retry-After: {BOTH}",
    f"Date: {BOTH}",
    f"Authorization: Bearer {API_KEY}",
    f"Set-Cookie: key={API_KEY}; {PRESIGNED}",
    f"Location: https://elsewhere.test/?{PRESIGNED}&key={API_KEY}",
    f"X-{API_KEY}: {SUBSCRIPTION_KEY}",
)
BODIES: Final[dict[str, Any]] = {
    "error": {"error": BOTH, "message": BOTH},
    "known error": {"error": "INVALID_REQUEST", "message": f"bad key {BOTH}"},
    "text": f"<html>{BOTH}</html>".encode(),
    "nested": {"error": "ODD", "detail": {SUBSCRIPTION_KEY: [API_KEY]}},
    "not JSON": f'{{"jobs": "{BOTH}'.encode(),
    "jobs": {"jobs": BOTH},
    "job": {"jobs": [{"uuid": SUBSCRIPTION_KEY, "status": 5, "x": BOTH}, {"uuid": SUBSCRIPTION_KEY, "status": 6}]},
    "twice": f'{{"{API_KEY}": 1, "{API_KEY}": 2}}'.encode(),
    "at the cut": b"x" * 505 + BOTH.encode(),
    "in UTF-16": BOTH.encode("utf-16-le"),
    "escaped": b'{"error": "' + "".join(f"\\u{ord(c):04x}" for c in BOTH).encode() + b'"}',
}


@covers("secrets-echoed")
@pytest.mark.parametrize("code", [200, 302, 401, 404, 429, 500, 999])
@pytest.mark.parametrize("body", BODIES)
def test_an_echo_in_an_answer(body: str, code: int, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer(BODIES[body], *ECHOING_FIELDS, code=code)))]) as server:
        result = look(opens(server.url, max_retries=0))
        assert isinstance(result.error, APIError | InvalidResponseError)


@covers("secrets-echoed")
def test_an_echo_in_a_success(opens: OpensClients) -> None:
    body = {**DONE, "message": BOTH, "error": "none"}
    with FaultServer([forever(read, send(answer(body, *ECHOING_FIELDS)))]) as server:
        result = look(opens(server.url))
        assert result.jobs == {"job-1": "Done"}
        assert result.status is not None
        assert_no_secrets(
            SECRETS, str(result.status), repr(result.status), result.status.message, result.status.request_id
        )


@covers("secrets-echoed")
@pytest.mark.parametrize(
    "data",
    [
        f"HTTP/1.1 500 {BOTH}\r\nContent-Length: 0\r\n\r\n".encode(),
        f"{BOTH}\r\n\r\n".encode(),
        f"HTTP/1.1 {API_KEY}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\n{BOTH}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nContent-Length: {API_KEY}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {API_KEY}\r\n\r\n".encode(),
        f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{BOTH}\r\n".encode(),
        head(f"Content-Encoding: {API_KEY}", "Content-Length: 0"),
    ],
)
def test_an_echo_where_http_should_be(data: bytes, opens: OpensClients) -> None:
    with FaultServer([read, send(data)]) as server:
        assert look(opens(server.url)).error is not None


@covers("secrets-echoed")
@pytest.mark.parametrize("reason", [f"502 {PROXY_PASSWORD}", f"407 {PROXY_PASSWORD}", PROXY_PASSWORD])
def test_an_echo_of_the_proxy(reason: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(
        [read, send(f"HTTP/1.1 {reason}\r\nServer: {PROXY_PASSWORD}\r\n\r\n{PROXY_PASSWORD}".encode())]
    ) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}")
        assert look(opens("https://127.0.0.1:9", ssl_context=trusting())).error is not None


def test_the_log_of_httpx_shows_no_key(kind: Kind, opens: OpensClients) -> None:
    """The user's own transport logs every header of an answer, at DEBUG: what it logs is not ours, the keys are."""
    transport: Any = httpx.HTTPTransport() if kind == "sync" else httpx.AsyncHTTPTransport()
    with FaultServer([forever(read, send(OK))]) as server:
        assert look(opens(server.url, http_transport=transport)).jobs == {"job-1": "Done"}
    assert logging.getLogger("httpcore").isEnabledFor(logging.DEBUG)


# --- Interrupted


LONG_KEY: Final = SUBSCRIPTION_KEY + "x" * 2**23
"""So long that a server that does not read keeps the client writing."""


@covers("secrets-interrupted")
@pytest.mark.parametrize("key", [SUBSCRIPTION_KEY, LONG_KEY], ids=["waiting", "writing"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_an_interrupted_call(key: str, is_tls: bool, kind: Kind) -> None:  # noqa: FBT001
    script = [*([secure(good())] if is_tls else []), stall]
    options: dict[str, Any] = {"ssl_context": trusting()} if is_tls else {}
    with FaultServer(script, scheme="https" if is_tls else "http") as server:
        if kind == "sync":
            interrupt(server, key, options)
        else:
            asyncio.run(cancel(server, key, options))


def interrupt(server: FaultServer, key: str, options: dict[str, Any]) -> None:
    main_thread = threading.main_thread().ident
    assert main_thread is not None

    def press() -> None:
        server.wait_until(lambda: server.connections == 1)
        server.stopping.wait(0.2)
        signal.pthread_kill(main_thread, signal.SIGINT)

    with Rodin(API_KEY, base_url=server.url, **options) as client:
        threading.Thread(target=press).start()
        with pytest.raises(KeyboardInterrupt) as caught:
            client.status(key)
    assert_no_secrets(SECRETS, caught.value)


async def cancel(server: FaultServer, key: str, options: dict[str, Any]) -> None:
    async with AsyncRodin(API_KEY, base_url=server.url, **options) as client:
        call = asyncio.create_task(client.status(key))
        await asyncio.to_thread(server.wait_until, lambda: server.connections == 1)
        await asyncio.sleep(0.2)
        call.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await call
    assert_no_secrets(SECRETS, caught.value)


def test_a_call_interrupted_in_any_of_its_lines() -> None:
    with FaultServer([forever(read, send(OK))]) as server:
        facts = run_program("striking", server.url, strict=False).facts
    assert facts["shown"] == []
    assert facts["is_well"]
    assert facts["strikes"] > 200


@covers("secrets-interrupted")
def test_a_call_that_runs_out_of_time_while_it_writes(opens: OpensClients) -> None:
    with FaultServer([stall]) as server:
        result = look(opens(server.url, request_timeout=0.5, max_retries=0), LONG_KEY)
        assert isinstance(result.error, TimeoutError)
        in_time(result.seconds, 0.5)


def test_a_long_key_travels_whole(opens: OpensClients) -> None:
    with FaultServer([forever(read, send(OK))]) as server:
        assert look(opens(server.url, request_timeout=20), LONG_KEY).jobs == {"job-1": "Done"}
        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {"subscription_key": LONG_KEY}


# --- Keys


@covers("key-trimmed")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_a_line_end_at_the_end_of_a_key_is_stripped(end: str, kind: Kind) -> None:
    with FaultServer([forever(read, reply(echo))]) as server:
        if kind == "sync":
            with Rodin(API_KEY + end, base_url=server.url) as client:
                status = client.status("a task" + end)
        else:

            async def main() -> Any:
                async with AsyncRodin(API_KEY + end, base_url=server.url) as async_client:
                    return await async_client.status("a task" + end)

            status = asyncio.run(main())
        assert [job.uuid for job in status.jobs] == ["a task"]
        assert f"\r\nAuthorization: Bearer {API_KEY}\r\n".encode() in server.requests[0]


@covers("key-trimmed")
@pytest.mark.parametrize(
    "bad", [" ", "\t", "\0", "\x7f", "\x80", "\u00e4", "\u200b", "\ud800", "\r\nX-Injected: yes\r\n"]
)
@pytest.mark.parametrize("place", [0, 5, len(API_KEY)])
def test_a_character_out_of_place_is_refused_unnamed(bad: str, place: int, kind: Kind) -> None:
    key = API_KEY[:place] + bad + API_KEY[place:]
    if bad.endswith("\n") and place == len(API_KEY):
        key += "x"
    cls = Rodin if kind == "sync" else AsyncRodin
    with pytest.raises(ConfigurationError, match=f"position {place + 1} of") as caught:
        cls(key)
    assert_no_secrets(SECRETS, caught.value)


@covers("key-trimmed")
@pytest.mark.parametrize("bad", ["", "a b", "\u00e4", None, 5])
def test_a_callable_that_returns_no_key(bad: Any, kind: Kind) -> None:
    def call(url: str) -> None:
        with Rodin(lambda: bad, base_url=url) as client:
            client.status(SUBSCRIPTION_KEY)

    async def async_call(url: str) -> None:
        async with AsyncRodin(lambda: bad, base_url=url) as client:
            await client.status(SUBSCRIPTION_KEY)

    with FaultServer([forever(read, send(OK))]) as server:
        with pytest.raises(ConfigurationError) as caught:
            call(server.url) if kind == "sync" else asyncio.run(async_call(server.url))
        assert_no_secrets(SECRETS, caught.value)
        assert server.connections == 0


def test_a_tunnel_never_sees_the_keys(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def note(request: bytes) -> bytes:
        seen.append(request)
        return TUNNEL

    with FaultServer([read, reply(note), secure(good()), forever(read, send(OK))]) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}")
        assert look(opens("https://127.0.0.1:9", ssl_context=trusting())).jobs == {"job-1": "Done"}
        assert API_KEY.encode() not in b"".join(seen)
        assert SUBSCRIPTION_KEY.encode() not in b"".join(seen)
