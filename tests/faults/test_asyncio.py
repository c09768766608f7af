"""Event loops that come and go, and calls that are cancelled anywhere."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from rodin_sdk import AsyncRodin, ClientClosedError, RequestTimeoutError, RodinError
from tests.deadlines import in_time
from tests.faults.answers import API_KEY, CHUNKED, OK, TUNNEL, echo, head
from tests.faults.certificates import good, trusting
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, forever, pause, read, receive, reply, reset, secure, send, stall

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator

    from tests.faults.server import Script

ALIVE: Final[Script] = [forever(read, reply(echo))]


def client_of(url: str, **options: Any) -> AsyncRodin:
    settings: dict[str, Any] = {"requests_per_minute": None, "max_retries": 0, **options}
    return AsyncRodin(API_KEY, base_url=url, **settings)


async def is_right(client: AsyncRodin, key: str) -> bool:
    return [job.uuid for job in (await client.status(key)).jobs] == [key]


# --- Cancelling


@types.coroutine
def noting_awaits(coroutine: Coroutine[Any, Any, object], note: Callable[[], None]) -> Generator[Any, Any, object]:
    """Runs a coroutine, and calls `note` each time that it is about to be suspended."""
    result, error = None, None
    while True:
        try:
            waits_for = coroutine.send(result) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        note()
        result, error = None, None
        try:
            result = yield waits_for
        except BaseException as caught:  # noqa: BLE001 - it is the coroutine's, which raises it again
            error = caught


@covers("cancelled-anywhere")
@pytest.mark.parametrize("way", ["plain", "TLS", "tunnel"])
@pytest.mark.parametrize("is_kept", [False, True], ids=["new", "kept"])
def test_a_call_cancelled_at_every_await(way: str, is_kept: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """Cancels a call at its first await, at its second, …, until it is done before that."""
    start: Script = {"plain": [], "TLS": [secure(good())], "tunnel": [read, send(TUNNEL), secure(good())]}[way]
    with FaultServer([*start, *ALIVE], scheme="https" if way == "TLS" else "http") as server:
        url = server.url
        if way == "tunnel":
            monkeypatch.setenv("HTTPS_PROXY", url)
            url = "https://127.0.0.1:9"

        async def cancelled_at(count: int) -> bool:
            """Returns whether the call was cancelled, and not done before."""
            async with client_of(url, ssl_context=None if way == "plain" else trusting()) as client:
                assert not is_kept or await is_right(client, "before")
                loop, awaits, seen = asyncio.get_running_loop(), 0, len(server.requests)

                def note() -> None:
                    nonlocal awaits
                    awaits += 1
                    if awaits == count:
                        loop.call_soon(call.cancel)

                async def run() -> object:
                    return await noting_awaits(client.status("cancelled"), note)

                call = asyncio.create_task(run())
                started = loop.time()
                (ended,) = await asyncio.gather(call, return_exceptions=True)
                assert loop.time() - started <= 1
                assert await is_right(client, "afterwards")
                assert asyncio.all_tasks() == {asyncio.current_task()}
                # Nothing was sent for it afterwards. The server may have read it late, but not later than its end.
                server.wait_until(lambda: server.open_connections == 1)
                assert sum(b'"cancelled"' in request for request in server.requests[seen:]) <= 1
                return isinstance(ended, asyncio.CancelledError)

        async def main() -> int:
            count = 1
            while await cancelled_at(count):
                count += 1
            return count

        assert asyncio.run(main()) >= 2


STALLS: Final[dict[str, Script]] = {
    "before the answer": [read, receive],
    "within the body": [read, send(CHUNKED + b"5\r\n{"), receive],
    "drip": [read, send(CHUNKED), forever(send(b"1\r\n \r\n"), pause(0.01))],
    "flood": [read, send(CHUNKED), forever(send(b"1;name=value\r\n \r\n" * 999))],
    "retry": [read],
}


async def fail_beside(call: Coroutine[Any, Any, object]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(call)
        await asyncio.sleep(0.1)
        raise KeyError


@covers("cancelled-anywhere")
@pytest.mark.parametrize("where", STALLS)
@pytest.mark.parametrize("how", ["cancel", "wait_for", "timeout", "task group"])
def test_a_call_cancelled_while_it_waits(where: str, how: str) -> None:
    async def give_up(call: Coroutine[Any, Any, object]) -> None:
        if how == "cancel":
            task = asyncio.create_task(call)
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        elif how == "wait_for":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call, 0.1)
        elif how == "timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await call
        else:
            with pytest.raises(ExceptionGroup):
                await fail_beside(call)

    async def main(url: str) -> None:
        loop = asyncio.get_running_loop()
        async with client_of(url, request_timeout=20, max_retries=1000 if where == "retry" else 0) as client:
            started = loop.time()
            await give_up(client.status("cancelled"))
            in_time(loop.time() - started, 0.1)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with FaultServer(STALLS[where]) as server:
        asyncio.run(main(server.url))
        seen = len(server.requests)
        server.wait_until_served(server.connections)
        assert len(server.requests) == seen


def test_cancelling_one_call_spares_the_others() -> None:
    async def main(url: str) -> None:
        async with client_of(url, request_timeout=20) as client:
            calls = [asyncio.create_task(is_right(client, f"task {number}")) for number in range(20)]
            await asyncio.sleep(0.05)
            for call in calls[::2]:
                call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results[::2])
            assert results[1::2] == [True] * 10

    with FaultServer([forever(read, pause(0.3), reply(echo))]) as server:
        asyncio.run(main(server.url))


# --- Event loops


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@covers("event-loops")
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_one_client_over_three_runs(is_tls: bool) -> None:  # noqa: FBT001
    start: Script = [secure(good())] if is_tls else []
    before = descriptors()
    with FaultServer([*start, *ALIVE], scheme="https" if is_tls else "http") as server:
        client = client_of(server.url, ssl_context=trusting() if is_tls else None)

        async def many() -> bool:
            return all(await asyncio.gather(*(is_right(client, f"task {number}") for number in range(5))))

        for count in range(1, 4):
            assert asyncio.run(many())
            server.wait_until_served(5 * count)
        asyncio.run(client.aclose())
        with pytest.raises(ClientClosedError):
            asyncio.run(client.status("a task"))
    assert descriptors() <= before


@covers("event-loops")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of asyncio's own, which is right about such loops
def test_loops_that_are_closed_without_a_word() -> None:
    """As frameworks do that neither shut down asynchronous generators nor cancel what is left."""
    before = descriptors()
    with FaultServer(ALIVE) as server:
        client = client_of(server.url)
        for number in range(5):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(is_right(client, f"task {number}"))
            loop.close()
            del loop
            gc.collect()
        asyncio.run(client.aclose())
        gc.collect()
        server.wait_until_served(5)
    assert descriptors() <= before


@covers("event-loops")
def test_one_client_over_several_loops_at_once() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with FaultServer(ALIVE) as server, ThreadPoolExecutor(8) as pool:
            client = client_of(server.url, request_timeout=20)

            def run(caller: int) -> bool:
                return all(asyncio.run(is_right(client, f"{caller}/{number}")) for number in range(25))

            assert all(pool.map(run, range(8)))
            asyncio.run(client.aclose())
    finally:
        sys.setswitchinterval(before)


@covers("event-loops")
def test_closing_from_another_loop_ends_the_calls() -> None:
    with FaultServer([read, stall]) as server:
        client = client_of(server.url, request_timeout=None)
        errors: list[RodinError] = []

        def run() -> None:
            with pytest.raises(RodinError) as caught:
                asyncio.run(client.status("a task"))
            errors.append(caught.value)

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        server.wait_until(lambda: len(server.requests) == 3)
        asyncio.run(client.aclose())
        for thread in threads:
            thread.join(10)
        assert [type(error) for error in errors] == [ClientClosedError] * 3


@covers("event-loops")
def test_closing_from_another_loop_closes_what_is_idle() -> None:
    with FaultServer(ALIVE) as server:
        client = client_of(server.url)
        with asyncio.Runner() as runner:
            assert runner.run(is_right(client, "a task"))
            asyncio.run(client.aclose())
            runner.run(asyncio.sleep(0.01))
            server.wait_until_served(1)


def test_tasks_that_start_eagerly() -> None:
    """`asyncio.eager_task_factory`, from Python 3.12."""
    factory: Any = getattr(asyncio, "eager_task_factory", None)

    async def main(url: str) -> None:
        asyncio.get_running_loop().set_task_factory(factory)
        async with client_of(url) as client:
            assert await is_right(client, "one")
            assert all(await asyncio.gather(*(asyncio.create_task(is_right(client, f"t{n}")) for n in range(5))))

    with FaultServer(ALIVE) as server:
        asyncio.run(main(server.url))


def test_the_debug_mode_of_asyncio_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def main(url: str) -> None:
        async with client_of(url) as client:
            assert await is_right(client, "one")

    with FaultServer(ALIVE) as server:
        asyncio.run(main(server.url), debug=True)
    assert not [
        record for record in caplog.records if record.levelname != "DEBUG" and "took" not in record.getMessage()
    ]


def test_a_busy_event_loop_ends_in_time() -> None:
    async def main(url: str) -> None:
        async with client_of(url, request_timeout=5) as client:
            assert await is_right(client, "one")

            async def be_busy() -> None:
                while True:  # noqa: ASYNC110 - to be busy is the point
                    await asyncio.sleep(0)

            busy = asyncio.create_task(be_busy())
            assert await is_right(client, "two")
            busy.cancel()

    with FaultServer([read, reply(echo), read, pause(0.1), reply(echo), send(OK)]) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("ending", ["of an old server", "garbage", "of a lost connection"])
def test_what_came_while_the_event_loop_was_busy(ending: str) -> None:
    async def main(url: str) -> None:
        async with client_of(url, request_timeout=0.4, max_retries=0) as client:
            call = asyncio.create_task(client.status("a task"))
            await asyncio.to_thread(server.wait_until, lambda: len(server.requests) == 1)
            time.sleep(0.6)  # noqa: ASYNC251 - to be busy is the point
            if ending == "of an old server":
                assert [job.uuid for job in (await call).jobs] == ["job-1"]
            else:
                with pytest.raises(RequestTimeoutError):
                    await call

    answers: dict[str, Script] = {
        "of an old server": [send(head(version="1.0") + OK.partition(b"\r\n\r\n")[2])],
        "garbage": [send(b"garbage\r\n\r\n"), stall],
        "of a lost connection": [send(OK[:-1]), reset],
    }
    with FaultServer([read, pause(0.2), *answers[ending]]) as server:
        asyncio.run(main(server.url))


def test_an_answer_that_came_while_the_event_loop_was_busy_counts() -> None:
    """The loop sees the answer and the end of the time limit at once, though one came long before the other."""

    async def main(url: str) -> None:
        async with client_of(url, request_timeout=0.4, max_retries=0) as client:
            for _ in range(2):
                call = asyncio.create_task(client.status("a task"))
                await asyncio.to_thread(server.wait_until, lambda: len(server.requests) > len(seen))
                seen.append(1)
                time.sleep(0.6)  # noqa: ASYNC251 - to be busy is the point
                assert [job.uuid for job in (await call).jobs] == ["a task"]
            with pytest.raises(RequestTimeoutError):
                await client.status("another")

    seen: list[int] = []
    late: Script = [read, pause(0.2), reply(echo)]
    with FaultServer(late, late, [read, send(OK[:-1]), stall]) as server:
        asyncio.run(main(server.url))
