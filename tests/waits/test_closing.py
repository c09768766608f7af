"""What is closed leaves nothing behind: iterators half read, clients in the middle of a wait. Over real sockets."""

from __future__ import annotations

import asyncio
import gc
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rodin_sdk import AsyncRodin, ClientClosedError, Poll, Rodin
from rodin_sdk._transport._routes import Routes
from rodin_sdk.testing import Emulator, Fault
from tests.waits.clients import (
    AsyncFace,
    Background,
    Face,
    SyncFace,
    connections_to,
    drain,
    look_threads,
    quick,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rodin_sdk._base_url import BaseURL
    from rodin_sdk._transport._routes import Route
    from tests.waits.conftest import Open

ENDLESS = [(0, "Generating")]
SLOWLY = Poll(3600, 1, 3600, 0)

SYNC_CALLS: dict[str, Callable[[Rodin, list[str]], object]] = {
    "wait": lambda rodin, keys: rodin.wait(keys[0], timeout=None),
    "watch": lambda rodin, keys: list(rodin.watch(keys[0], timeout=None)),
    "as_completed": lambda rodin, keys: list(rodin.as_completed(keys)),
    "wait_all": lambda rodin, keys: rodin.wait_all(keys),
    "task": lambda rodin, keys: rodin.task(keys[0]).wait(timeout=None),
}


async def _all_of(items: Any) -> list[object]:
    return [item async for item in items]


ASYNC_CALLS: dict[str, Callable[[AsyncRodin, list[str]], Coroutine[Any, Any, object]]] = {
    "wait": lambda rodin, keys: rodin.wait(keys[0], timeout=None),
    "watch": lambda rodin, keys: _all_of(rodin.watch(keys[0], timeout=None)),
    "as_completed": lambda rodin, keys: _all_of(rodin.as_completed(keys)),
    "wait_all": lambda rodin, keys: rodin.wait_all(keys),
    "task": lambda rodin, keys: rodin.task(keys[0]).wait(timeout=None),
}
POINTS = ["in a pause", "in a request", "held", "without a place in the budget"]


def test_a_closed_client_waits_for_nothing_and_cannot_be_entered_again() -> None:
    rodin = Rodin("key", http_transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    with rodin:
        assert rodin.wait_all([]) == list(rodin.as_completed([])) == []
    for call in (lambda: rodin.wait_all([]), lambda: list(rodin.as_completed([])), rodin.__enter__):
        with pytest.raises(ClientClosedError):
            call()


async def test_a_closed_async_client_waits_for_nothing_and_cannot_be_entered_again() -> None:
    rodin = AsyncRodin("key", http_transport=httpx.MockTransport(lambda _: httpx.Response(500)))
    async with rodin:
        assert await rodin.wait_all([]) == await _all_of(rodin.as_completed([])) == []
    for call in (lambda: rodin.wait_all([]), lambda: _all_of(rodin.as_completed([])), rodin.__aenter__):
        with pytest.raises(ClientClosedError):
            await call()


def set_up(emulator: Emulator, point: str) -> tuple[list[str], int, dict[str, Any]]:
    """Returns keys, after how many requests a call is where it is to be, and options of the client."""
    keys = [emulator.add_task([ENDLESS]) for _ in range(20)]
    if point == "in a pause":
        return keys, 1, {"poll": SLOWLY}
    if point == "in a request":
        emulator.faults = lambda _: Fault.stalled()
        return keys, 1, {"request_timeout": None}
    if point == "held":
        emulator.faults = lambda _: Fault.error(429, retry_after=3000)
        return keys, 1, {}
    return keys, 5, {"requests_per_minute": 1, "poll": Poll(0.001, 1, 0.001, 0)}


# --- Iterators half read


def test_a_half_read_watch_is_closed(client: Face, emulator: Emulator) -> None:
    updates = client.watch(emulator.add_task([ENDLESS]), every_poll=True)
    for _ in range(3):
        next(updates)
    updates.close()
    assert len(emulator.requests) == 3
    assert connections_to(emulator) <= 1
    assert look_threads() == []


def test_a_half_read_as_completed_is_closed_while_looks_are_under_way(client: Face, emulator: Emulator) -> None:
    done, *others = (emulator.add_task([[(0, "Done")]]) for _ in range(30))
    for key in others:
        emulator.inject(Fault.stalled(), subscription_key=key)
    # Late, so that all looks are sent by then: the event loop runs no longer than until the first outcome.
    emulator.inject(Fault.delayed(0.3), subscription_key=done)
    outcomes = client.as_completed([*others[:10], done, *others[10:]], timeout=None)
    assert next(outcomes).subscription_key == done
    seen = len(emulator.wait_for_requests(16))
    outcomes.close()
    assert look_threads() == []
    assert connections_to(emulator) <= 1
    assert len(emulator.requests) == seen <= 17
    assert client.status(done).is_done


def test_leaving_a_loop_is_enough(emulator: Emulator) -> None:
    """The iterator is closed when it is forgotten."""
    done, *others = (emulator.add_task([[(0, "Done")]]) for _ in range(8))
    for key in others:
        emulator.inject(Fault.stalled(), subscription_key=key)
    face = SyncFace(emulator)
    for outcome in face.rodin.as_completed([done, *others]):
        assert outcome.subscription_key == done
        break
    gc.collect()
    assert look_threads() == []
    assert connections_to(emulator) <= 1
    face.close()


async def test_leaving_an_asynchronous_loop_is_enough(emulator: Emulator) -> None:
    done, *others = (emulator.add_task([[(0, "Done")]]) for _ in range(8))
    for key in others:
        emulator.inject(Fault.stalled(), subscription_key=key)
    async with AsyncRodin(emulator.api_key, **quick(emulator, {})) as rodin:
        async for outcome in rodin.as_completed([done, *others]):
            assert outcome.subscription_key == done
            break
        gc.collect()
        for _ in range(50):
            await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert connections_to(emulator) <= 1


def test_what_was_never_begun_is_closed(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([ENDLESS])
    client.watch(key).close()
    client.as_completed([key]).close()
    del client
    assert emulator.requests == ()


def test_a_finished_iterator_has_no_more(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([[(0, "Done")]])
    for items in (client.watch(key), client.as_completed([key])):
        assert len(list(items)) == 1
        assert list(items) == []
    assert len(emulator.requests) == 2


def test_an_exception_in_the_loop_closes_it(client: Face, emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Done")]]) for _ in range(40)]

    def consume() -> None:
        for _ in client.as_completed(keys):
            raise LookupError

    with pytest.raises(LookupError):
        consume()
    gc.collect()
    assert look_threads() == []


# --- Clients closed in the middle


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("call", SYNC_CALLS)
def test_closing_a_client_ends_its_waits(emulator: Emulator, call: str, point: str) -> None:
    keys, requests, options = set_up(emulator, point)
    rodin = SyncFace(emulator, **options).rodin
    waiting = Background(partial(SYNC_CALLS[call], rodin, keys))
    emulator.wait_for_requests(requests)
    rodin.close()
    waiting.join()
    assert isinstance(waiting.error, ClientClosedError), waiting.error
    assert look_threads() == []
    assert connections_to(emulator) == 0


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("call", ASYNC_CALLS)
async def test_closing_an_asynchronous_client_ends_its_waits(emulator: Emulator, call: str, point: str) -> None:
    keys, requests, options = set_up(emulator, point)
    rodin = AsyncRodin(emulator.api_key, **quick(emulator, options))
    waiting = asyncio.create_task(ASYNC_CALLS[call](rodin, keys))
    await asyncio.to_thread(emulator.wait_for_requests, requests)
    await rodin.aclose()
    with pytest.raises(ClientClosedError):
        await asyncio.wait_for(waiting, 3)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await asyncio.sleep(0)
    assert connections_to(emulator) == 0


@pytest.mark.parametrize("call", ASYNC_CALLS)
async def test_a_client_that_is_closed_while_an_answer_comes_back_takes_no_pause(call: str) -> None:
    """The last answer is still taken in, and the next thing that the call would do is wait."""

    class Closing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            await rodin.aclose()
            return httpx.Response(201, json={"jobs": {"job": "Generating"}})

    rodin = AsyncRodin("key", http_transport=Closing(), poll=SLOWLY)
    with pytest.raises(ClientClosedError):
        await asyncio.wait_for(ASYNC_CALLS[call](rodin, ["task"]), 3)


def test_closing_from_another_event_loop_ends_waits(emulator: Emulator) -> None:
    keys, requests, options = set_up(emulator, "in a request")
    rodin = AsyncRodin(emulator.api_key, **quick(emulator, options))
    waiting = [Background(lambda: asyncio.run(rodin.wait_all(keys))) for _ in range(2)]
    emulator.wait_for_requests(2 * requests)
    asyncio.run(rodin.aclose())
    for each in waiting:
        each.join()
        assert isinstance(each.error, ClientClosedError), each.error
    assert connections_to(emulator) == 0


def test_closing_between_two_items(client: Face, emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Done")]]) for _ in range(10)]
    updates = client.watch(emulator.add_task([ENDLESS]), every_poll=True)
    outcomes = client.as_completed(keys)
    next(updates)
    next(outcomes)
    client.close() if isinstance(client, SyncFace) else close_only(client)
    with pytest.raises(ClientClosedError):
        next(updates)
    with pytest.raises(ClientClosedError):
        list(outcomes)


def close_only(face: Face) -> None:
    assert isinstance(face, AsyncFace)
    face.runner.run(face.rodin.aclose())


def test_a_closed_client_waits_for_nothing(open_client: Open, emulator: Emulator) -> None:
    key = emulator.add_task([[(0, "Done")]])
    face = open_client()
    face.close() if isinstance(face, SyncFace) else close_only(face)
    calls: list[Callable[[], object]] = [
        lambda: face.wait(key),
        lambda: face.status(key),
        lambda: list(face.watch(key)),
        lambda: list(face.as_completed([key])),
        lambda: face.wait_all([key, key]),
    ]
    for call in calls:
        with pytest.raises(ClientClosedError):
            call()
    assert emulator.requests == ()


def test_a_call_whose_client_is_closed_before_it_has_a_connection_sends_nothing(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, rodin = emulator.add_task([[(0, "Done")]]), SyncFace(emulator).rodin
    find = Routes.to

    def close_and_find(routes: Routes, base_url: BaseURL) -> Route:
        rodin.close()
        return find(routes, base_url)

    monkeypatch.setattr(Routes, "to", close_and_find)
    with pytest.raises(ClientClosedError):
        rodin.status(key)
    assert emulator.requests == ()
    assert connections_to(emulator) == 0


def test_options_share_the_closing(emulator: Emulator) -> None:
    keys, _, options = set_up(emulator, "in a pause")
    rodin = SyncFace(emulator, **options).rodin
    other = rodin.with_options(request_timeout=5)
    waiting = Background(lambda: other.wait_all(keys))
    emulator.wait_for_requests(20)
    rodin.close()
    waiting.join()
    assert isinstance(waiting.error, ClientClosedError)


# --- One client for many threads and loops


def test_many_threads_wait_with_one_client(emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Waiting"), (0.1, "Done")]] * (1 + number % 3)) for number in range(24)]
    with Rodin(emulator.api_key, **quick(emulator, {})) as rodin:
        found: dict[int, int] = {}

        def wait(number: int) -> None:
            found[number] = len(rodin.wait(keys[number]).jobs)

        waits = [Background(partial(wait, number)) for number in range(12)]
        waits += [Background(partial(rodin.wait_all, keys[number::4])) for number in range(4)]
        for each in waits:
            each.join()
            assert each.error is None
    assert found == {number: 1 + number % 3 for number in range(12)}


def test_one_asynchronous_client_in_several_event_loops(emulator: Emulator) -> None:
    key = emulator.add_task([[(0, "Waiting"), (0.1, "Done")]])
    rodin = AsyncRodin(emulator.api_key, **quick(emulator, {}))
    for _ in range(3):
        assert asyncio.run(rodin.wait(key)).is_done
        assert asyncio.run(rodin.wait_all([key]))[0].unwrap().is_done
    asyncio.run(rodin.aclose())
    assert connections_to(emulator) == 0


def test_several_calls_at_once_in_one_loop(emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Waiting"), (0.05, "Done")]]) for _ in range(10)]

    async def play(rodin: AsyncRodin) -> list[Any]:
        return await asyncio.gather(
            rodin.wait_all(keys), rodin.wait_all(keys[:5]), *(rodin.wait(key) for key in keys), rodin.status(keys[0])
        )

    results = drain(emulator, play)
    assert [len(results[0]), len(results[1]), len(results)] == [10, 5, 13]


class Interrupted(httpx.MockTransport):
    """A transport of the user's own, in whose closing Ctrl-C strikes once."""

    def __init__(self) -> None:
        super().__init__(lambda _: httpx.Response(201, json={"jobs": {}}))
        self.closings = 0

    def close(self) -> None:
        self.closings += 1
        if self.closings == 1:
            raise KeyboardInterrupt

    async def aclose(self) -> None:
        self.close()


def test_a_client_whose_closing_was_interrupted_can_be_closed_again() -> None:
    transport = Interrupted()
    rodin = Rodin("key", http_transport=transport)
    with pytest.raises(KeyboardInterrupt):
        rodin.close()
    with pytest.raises(ClientClosedError):
        rodin.status("task")
    for _ in range(2):
        rodin.close()
    assert transport.closings == 2


async def test_an_asynchronous_client_whose_closing_was_interrupted_can_be_closed_again() -> None:
    transport = Interrupted()
    rodin = AsyncRodin("key", http_transport=transport)
    with pytest.raises(KeyboardInterrupt):
        await rodin.aclose()
    with pytest.raises(ClientClosedError):
        await rodin.status("task")
    for _ in range(2):
        await rodin.aclose()
    assert transport.closings == 2
