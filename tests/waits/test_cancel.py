"""Asynchronous waits cancelled at every step: at once, without a trace, and the client works on. Over real sockets."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rodin_sdk import AsyncRodin, Poll, TaskStatus
from rodin_sdk.testing import Emulator, Fault
from tests.waits.clients import connections_to, quick

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

ENDLESS = [(0, "Generating")]


async def _all_of(items: Any) -> list[object]:
    return [item async for item in items]


async def _pause(_status: TaskStatus) -> None:
    await asyncio.sleep(0)


CALLS: dict[str, Callable[[AsyncRodin, list[str]], Coroutine[Any, Any, object]]] = {
    "wait": lambda rodin, keys: rodin.wait(keys[0], on_update=_pause),
    "watch": lambda rodin, keys: _all_of(rodin.watch(keys[0], every_poll=True)),
    "as_completed": lambda rodin, keys: _all_of(rodin.as_completed(keys)),
    "wait_all": lambda rodin, keys: rodin.wait_all(keys),
}


@pytest.mark.parametrize("call", CALLS)
async def test_cancelled_at_every_step(emulator: Emulator, call: str) -> None:
    """So many turns of the event loop after its beginning, a call is cancelled: 60 times, a turn later each time."""
    keys = [emulator.add_task([ENDLESS]) for _ in range(6)]
    done = emulator.add_task([[(0, "Done")]])
    async with AsyncRodin(emulator.api_key, **quick(emulator, {"poll": Poll(0.001, 1, 0.001, 0)})) as rodin:
        for turns in range(60):
            await _cancel_after(turns, CALLS[call](rodin, keys))
        assert (await rodin.wait(done)).is_done
        assert connections_to(emulator) <= 6
    await asyncio.sleep(0)
    assert connections_to(emulator) == 0


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelled_while_connecting(emulator: Emulator, times: int) -> None:
    """The connections that are just being made are closed as well, and not left to the garbage collector."""
    keys = [emulator.add_task([ENDLESS])]
    left: dict[int, int] = {}
    gc.disable()
    try:
        for turns in range(40):
            async with AsyncRodin(emulator.api_key, **quick(emulator, {})) as rodin:
                await _cancel_after(turns, rodin.wait(keys[0]), times)
            for _ in range(5):
                await asyncio.sleep(0)
            if connections := connections_to(emulator) - sum(left.values()):
                left[turns] = connections
    finally:
        gc.enable()
        gc.collect()
    assert left == {}, "turns of the event loop: connections left"


@pytest.mark.parametrize("call", CALLS)
async def test_nothing_is_sent_after_a_cancellation(call: str) -> None:
    sent = 0

    class Service(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002
            nonlocal sent
            sent += 1
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return httpx.Response(201, json={"jobs": {"job": "Generating"}})

    keys = [f"task-{number}" for number in range(6)]
    async with AsyncRodin("key", http_transport=Service(), poll=lambda _age: 0.0, requests_per_minute=None) as rodin:
        for turns in range(100):
            await _cancel_after(turns, CALLS[call](rodin, keys))
            before = sent
            for _ in range(10):
                await asyncio.sleep(0)
            assert sent == before
    assert sent > 100


async def _cancel_after(turns: int, call: Coroutine[Any, Any, object], times: int = 1) -> None:
    task = asyncio.ensure_future(call)
    for _ in range(turns):
        await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("where", ["in a pause", "in a request", "in the budget"])
async def test_cancelled_while_it_waits(emulator: Emulator, call: str, where: str) -> None:
    keys = [emulator.add_task([ENDLESS]) for _ in range(3)]
    options: dict[str, Any] = {"poll": Poll(3600, 1, 3600, 0)}
    if where == "in a request":
        emulator.faults = lambda _: Fault.stalled()
    if where == "in the budget":
        options = {"requests_per_minute": 0.1, "poll": Poll(0.001, 1, 0.001, 0)}
    async with AsyncRodin(emulator.api_key, **quick(emulator, options)) as rodin:
        task = asyncio.ensure_future(CALLS[call](rodin, keys))
        await asyncio.to_thread(emulator.wait_for_requests, 5 if where == "in the budget" else 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 10)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        emulator.faults = None
        seen = len(emulator.requests)
        assert (
            (await rodin.with_options(poll=Poll()).status(keys[0], request_timeout=5)).state == "Generating"
            if (where != "in the budget")
            else len(emulator.requests) == seen
        )


async def test_a_timeout_of_the_callers_own(emulator: Emulator) -> None:
    """`asyncio.timeout` around a wait is a cancellation like any other, and the wait can be taken up again."""
    key = emulator.add_task([[(0, "Generating"), (0.3, "Done")]])
    async with AsyncRodin(emulator.api_key, **quick(emulator, {})) as rodin:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await rodin.wait(key)
        assert (await rodin.wait(key)).is_done


async def test_a_group_that_fails_cancels_its_waits(emulator: Emulator) -> None:
    keys = [emulator.add_task([ENDLESS]) for _ in range(5)]
    async with AsyncRodin(emulator.api_key, **quick(emulator, {})) as rodin:

        async def fail() -> None:
            await asyncio.to_thread(emulator.wait_for_requests, 10)
            raise LookupError

        with pytest.RaisesGroup(LookupError):
            async with asyncio.TaskGroup() as group:
                for key in keys:
                    group.create_task(rodin.wait(key))
                group.create_task(rodin.wait_all(keys))
                group.create_task(fail())
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_cancelled_probe_keeps_nobody_waiting_for_long(emulator: Emulator) -> None:
    """What was cancelled in an outage is not waited for when the service is back, for a direct call knows it."""
    keys = [emulator.add_task([[(0, "Done")]]) for _ in range(10)]
    emulator.faults = lambda _: Fault.reset()
    async with AsyncRodin(emulator.api_key, **quick(emulator, {})) as rodin:
        task = asyncio.ensure_future(rodin.wait_all(keys))
        await asyncio.to_thread(emulator.wait_for_requests, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        emulator.faults = None
        assert (await rodin.status(keys[0])).is_done
        outcomes = await rodin.wait_all(keys, timeout=20)
        assert all(outcome.task is not None for outcome in outcomes)


@pytest.mark.parametrize("keep", ["tasks", "errors"])
async def test_cancelled_waits_that_are_kept_hold_nothing_back(emulator: Emulator, keep: str) -> None:
    """Who keeps a cancelled task, or its error, keeps the traceback, and with it the frames of the call."""
    stalled = [emulator.add_task([ENDLESS]) for _ in range(20)]
    done = emulator.add_task([[(0, "Done")]])
    emulator.faults = lambda request: Fault.stalled() if request.subscription_key != done else None
    kept: list[object] = []
    now = time.monotonic()
    async with AsyncRodin(emulator.api_key, **quick(emulator, {})) as rodin:
        object.__setattr__(rodin._session, "clock", lambda: now)  # pyright: ignore[reportPrivateUsage]
        if keep == "tasks":
            tasks = [asyncio.ensure_future(rodin.wait(key)) for key in stalled]
            await asyncio.to_thread(emulator.wait_for_requests, 16)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            kept += tasks
        else:
            waits = [asyncio.wait_for(rodin.wait(key), 1.0) for key in stalled]
            kept += await asyncio.gather(*waits, return_exceptions=True)
            assert {type(error) for error in kept} == {TimeoutError}
        # Long enough for a service that stalls to count as down.
        now += 60
        assert (await asyncio.wait_for(rodin.wait(done), 10)).is_done
    assert len(kept) == 20


async def test_calls_cancelled_in_the_budgets_line_cost_the_next_one_nothing() -> None:
    service = httpx.MockTransport(lambda _: httpx.Response(201, json={"jobs": {"job": "Done"}}))
    async with AsyncRodin("key", http_transport=service) as rodin:
        calls = [rodin.status("a") if number % 2 else rodin.wait("a") for number in range(500)]
        tasks = [asyncio.ensure_future(call) for call in calls]
        for _ in range(5):
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert sum(task.cancelled() for task in tasks) == 495
        # At 100 a minute the next turn is 0.6 seconds away. Behind all of them it would be five minutes.
        assert (await asyncio.wait_for(rodin.status("b"), 10)).is_done
