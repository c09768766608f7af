"""Many callers at once, and clients that are closed under their hands."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from rodin_sdk import AsyncRodin, ClientClosedError, ConfigurationError, Rodin, RodinError, ServerError
from rodin_sdk._transport import _sync
from tests.faults.addresses import Resolver, silent
from tests.faults.answers import API_KEY, CHUNKED, OK, TUNNEL, answer, echo, head
from tests.faults.certificates import good, trusting
from tests.faults.clients import look
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, forever, pause, read, receive, reply, secure, send, stall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.faults.clients import Kind
    from tests.faults.conftest import OpensClients
    from tests.faults.server import Script

ALIVE: Final[Script] = [forever(read, reply(echo))]


def call_from_everywhere(kind: Kind, url: str | Sequence[str], callers: int, calls: int, **options: Any) -> int:
    """Makes calls from so many threads, or tasks, over one client; returns how many answers were wrong."""
    settings: dict[str, Any] = {"requests_per_minute": None, "max_retries": 0, **options}
    if kind == "sync":
        with Rodin(API_KEY, base_url=url, **settings) as client:

            def run(caller: int) -> int:
                keys = [f"{caller}/{number}" for number in range(calls)]
                return sum([job.uuid for job in client.status(key).jobs] != [key] for key in keys)

            with ThreadPoolExecutor(callers) as pool:
                return sum(pool.map(run, range(callers)))

    async def main() -> int:
        async with AsyncRodin(API_KEY, base_url=url, **settings) as client:

            async def run(caller: int) -> int:
                keys = [f"{caller}/{number}" for number in range(calls)]
                return sum([[job.uuid for job in (await client.status(key)).jobs] != [key] for key in keys])

            return sum(await asyncio.gather(*map(run, range(callers))))

    return asyncio.run(main())


@covers("storm")
def test_a_storm_of_calls(kind: Kind) -> None:
    with FaultServer(ALIVE) as server:
        assert call_from_everywhere(kind, server.url, 32, 100) == 0
        assert len(server.requests) == 3200
        assert server.connections <= 64


@covers("many-callers")
def test_more_callers_than_any_pool_has_connections(kind: Kind) -> None:
    with FaultServer([forever(read, pause(0.05), reply(echo))]) as server:
        assert call_from_everywhere(kind, server.url, 200, 2) == 0
        assert len(server.requests) == 400


@covers("many-callers")
def test_many_callers_over_tls(kind: Kind) -> None:
    with FaultServer([secure(good()), *ALIVE], scheme="https") as server:
        assert call_from_everywhere(kind, server.url, 20, 5, ssl_context=trusting()) == 0
        assert len(server.requests) == 100


# --- Closing


PHASES: Final[dict[str, tuple[str, Script]]] = {
    "TLS handshake": ("https", [receive, stall]),
    "tunnel": ("proxy", [read, stall]),
    "handshake in the tunnel": ("proxy", [read, send(TUNNEL), stall]),
    "before the answer": ("http", [read, stall]),
    "within the head": ("http", [read, send(head()[:-2]), stall]),
    "within the body": ("http", [read, send(CHUNKED + b"5\r\n{"), stall]),
    "endless body": ("http", [read, send(head()), forever(send(b" "), pause(0.001))]),
    "in TLS": ("https", [secure(good()), read, stall]),
}


@covers("closing")
@pytest.mark.parametrize("phase", PHASES)
def test_calls_under_way_end_when_the_client_is_closed(phase: str, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    how, script = PHASES[phase]
    with FaultServer(script, scheme="https" if how == "https" else "http") as server:
        url = server.url
        if how == "proxy":
            monkeypatch.setenv("HTTPS_PROXY", server.url)
            url = "https://127.0.0.1:9"
        options = {} if how == "http" else {"ssl_context": trusting()}

        def is_time() -> bool:
            return server.received >= 5 * 20

        errors = close_during_calls(kind, url, lambda: server.wait_until(is_time), **options)
        assert [type(error) for error in errors] == [ClientClosedError] * 5


@covers("closing")
def test_calls_that_connect_end_when_the_client_is_closed(kind: Kind) -> None:
    with silent() as address:
        errors = close_during_calls(kind, f"http://127.0.0.1:{address[1]}", lambda: time.sleep(0.2))
        assert [type(error) for error in errors] == [ClientClosedError] * 5


@covers("closing")
def test_calls_that_pause_end_when_the_client_is_closed(kind: Kind) -> None:
    with FaultServer([forever(read, send(answer(b"", "Retry-After: 60", code=503)))]) as server:

        def wait() -> None:
            server.wait_until(lambda: len(server.requests) == 5)

        errors = close_during_calls(kind, server.url, wait, max_retries=1)
        assert [type(error) for error in errors] == [ClientClosedError] * 5


def close_during_calls(kind: Kind, url: str, wait: Callable[[], object], **options: Any) -> list[BaseException]:
    """Waits while five calls without a limit are under way, and closes their client; returns how they ended."""
    settings: dict[str, Any] = {"request_timeout": None, "requests_per_minute": None, "max_retries": 0, **options}
    if kind == "sync":
        client = Rodin(API_KEY, base_url=url, **settings)

        def run(key: str) -> BaseException:
            with pytest.raises(RodinError) as caught:
                client.status(key)
            return caught.value

        with ThreadPoolExecutor(5) as pool:
            calls = [pool.submit(run, f"task {number}") for number in range(5)]
            wait()
            client.close()
            return [call.result() for call in calls]

    async def main() -> list[BaseException]:
        async_client = AsyncRodin(API_KEY, base_url=url, **settings)
        calls = [asyncio.create_task(async_client.status(f"task {number}")) for number in range(5)]
        with ThreadPoolExecutor(1) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, wait)
        await async_client.aclose()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return [result for result in results if isinstance(result, BaseException)]

    return asyncio.run(main())


@covers("closing")
def test_closing_twice_and_use_after_it(opens: OpensClients) -> None:
    with FaultServer(ALIVE) as server:
        opened = opens(server.url)
        assert look(opened, "a task").jobs == {"a task": "Done"}
        opened.close()
        opened.close()
        assert type(look(opened, "a task").error) is ClientClosedError
        assert len(server.requests) == 1


@covers("closing")
def test_a_client_that_was_never_used_is_closed(opens: OpensClients) -> None:
    with FaultServer(ALIVE) as server:
        opened = opens(server.url)
        opened.close()
        assert type(look(opened, "a task").error) is ClientClosedError
        assert server.connections == 0


@covers("closing")
def test_clients_made_of_one_another_are_closed_together(kind: Kind) -> None:
    with FaultServer(ALIVE) as server:
        if kind == "sync":
            client = Rodin(API_KEY, base_url=server.url)
            other = client.with_options(max_retries=0)
            assert other.status("a task").is_done
            client.close()
            with pytest.raises(ClientClosedError):
                other.status("a task")
        else:

            async def main() -> None:
                async_client = AsyncRodin(API_KEY, base_url=server.url)
                async_other = async_client.with_options(max_retries=0)
                assert (await async_other.status("a task")).is_done
                await async_other.aclose()
                with pytest.raises(ClientClosedError):
                    await async_client.status("a task")

            asyncio.run(main())
        assert len(server.requests) == 1


@covers("closing")
def test_a_connection_that_comes_back_while_the_client_is_closed_is_closed_too(kind: Kind) -> None:
    """Closes at every moment of a call, and counts what stays open on the server's side."""
    for moment in range(0, 30, 2):
        with FaultServer([forever(read, pause(0.001), reply(echo)), stall]) as server:
            if kind == "sync":
                client = Rodin(API_KEY, base_url=server.url, requests_per_minute=None)
                thread = threading.Thread(target=call_until_closed, args=(client,))
                thread.start()
                threading.Event().wait(moment / 5000)
                client.close()
                thread.join()
            else:
                asyncio.run(close_in_the_middle(server.url, moment))
            server.wait_until_served(server.connections)


def call_until_closed(client: Rodin) -> None:
    try:
        while True:
            client.status("a task")
    except ClientClosedError:
        pass


async def close_in_the_middle(url: str, moment: int) -> None:
    client = AsyncRodin(API_KEY, base_url=url, requests_per_minute=None)
    call = asyncio.create_task(client.status("a task"))
    for _ in range(moment):
        await asyncio.sleep(0)
    await client.aclose()
    with suppress(ClientClosedError):
        assert (await call).is_done
    with pytest.raises(ClientClosedError):
        await client.status("another task")


@pytest.mark.parametrize("when", ["at once", "after a second"])
def test_a_real_pause(when: str, kind: Kind) -> None:
    """All other tests only note the pauses."""
    fields = ["Retry-After: 1"] if when == "after a second" else []
    with FaultServer([read, send(answer(b"", *fields, code=503)), *ALIVE]) as server:
        started = time.monotonic()
        assert call_from_everywhere(kind, server.url, 1, 1, max_retries=1) == 0
        assert time.monotonic() - started >= len(fields)
        assert len(server.requests) == 2


# --- What is abandoned


def test_a_client_that_is_forgotten_says_so() -> None:
    with FaultServer(ALIVE) as server:
        with pytest.warns(ResourceWarning, match="not closed"):
            use_and_forget(server.url)
        server.wait_until_served(1)


def use_and_forget(url: str) -> None:
    assert Rodin(API_KEY, base_url=url).status("a task").is_done
    gc.collect()


def test_a_connection_that_an_interrupted_call_had_just_taken_is_closed_with_the_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take = _sync._Lanes.take  # pyright: ignore[reportPrivateUsage]

    def interrupted(*args: Any, **options: Any) -> None:
        take(*args, **options)
        raise KeyboardInterrupt

    with FaultServer(ALIVE) as server:
        client = Rodin(API_KEY, base_url=server.url)
        client.status("a task")
        monkeypatch.setattr(_sync._Lanes, "take", interrupted)  # pyright: ignore[reportPrivateUsage]
        with suppress(KeyboardInterrupt):
            client.status("a task")
        assert server.open_connections == 1
        with pytest.warns(ResourceWarning, match="unclosed"):
            client.close()
        server.wait_until_served(1)


def test_a_client_that_was_closed_is_forgotten_silently() -> None:
    with FaultServer(ALIVE) as server:
        client: Rodin | None = Rodin(API_KEY, base_url=server.url)
        assert client is not None
        assert client.status("a task").is_done
        client.close()
        del client
        gc.collect()
        server.wait_until_served(1)


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Makes threads interrupt each other all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("hasty_threads")
def test_connections_of_bygone_hosts_and_times_are_dropped_by_threads(kind: Kind, opens: OpensClients) -> None:
    """Failover back and forth between two hosts that fail in turns."""
    if kind == "async":
        return
    flaky: Script = [forever(read, reply(echo), read, send(answer(b"", code=503)))]
    with FaultServer(flaky) as one, FaultServer(flaky) as two:
        opened = opens([one.url, two.url], max_retries=5)

        def run(caller: int) -> int:
            wrong = 0
            for number in range(40):
                result = look(opened, f"{caller}/{number}")
                if not isinstance(result.error, ServerError):
                    wrong += result.jobs != {f"{caller}/{number}": "Done"}
            return wrong

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(run, range(8))) == 0


def test_a_key_is_checked_before_anything_is_sent(opens: OpensClients) -> None:
    with FaultServer([read, send(OK)]) as server:
        for key in ("", " ", "\n"):
            assert type(look(opens(server.url), key).error) is ConfigurationError
        assert server.connections == 0


@covers("closing")
def test_calls_that_look_up_a_name_end_when_the_client_is_closed(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with Resolver().install(monkeypatch).stalled() as resolver:
        errors = close_during_calls(kind, "http://localhost:9", lambda: resolver.is_asked.wait(10))
        assert [type(error) for error in errors] == [ClientClosedError] * 5


@covers("dns-stall")
def test_names_that_stall_take_nothing_from_other_hosts(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """The threads that an event loop has for its own lookups would all be taken."""
    with FaultServer(ALIVE) as server, Resolver().install(monkeypatch).stalled():
        hosts = ("http://localhost:9", server.url)
        assert call_from_everywhere(kind, hosts, 40, 1, max_retries=1, request_timeout=1.0) == 0
        assert len(server.requests) == 40
