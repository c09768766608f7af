"""Performs what the flows decide, in asyncio; of many tasks, the looks under way in asyncio tasks of their own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import closing
from inspect import isawaitable
from typing import TypeVar

from rodin_sdk._flows import Flow
from rodin_sdk._messages import Answer, Emit, Fault, Pause, Send
from rodin_sdk._models import TaskStatus
from rodin_sdk._outcome import Outcome
from rodin_sdk._retry import Refusal
from rodin_sdk._schedule import Ended, Look, Schedule
from rodin_sdk._secrets import FORGETTING_LOCALS
from rodin_sdk._transport._aio import AsyncTransport, open_async_transport
from rodin_sdk._waits import Watched

__all__ = ["iterate", "open_async_transport", "outcomes", "run"]

T = TypeVar("T")

_Looks = dict[asyncio.Task[TaskStatus | Refusal], Watched]
_Ended = asyncio.Queue[asyncio.Task[TaskStatus | Refusal] | None]


async def iterate(transport: AsyncTransport, flow: Flow[object]) -> AsyncGenerator[TaskStatus, None]:
    """Performs a flow and yields what it emits."""
    with FORGETTING_LOCALS, closing(flow):
        result: Answer | Fault | None = None
        while True:
            try:
                effect = flow.send(result)
            except StopIteration:
                return
            result = None
            if isinstance(effect, Emit):
                yield effect.status
            else:
                result = await _perform(transport, effect)


async def run(
    transport: AsyncTransport,
    flow: Flow[T],
    on_update: Callable[[TaskStatus], Awaitable[object] | object] | None = None,
) -> T:
    """Performs a flow to its end; hands what it emits to `on_update`, and awaits that where it can be."""
    with FORGETTING_LOCALS, closing(flow):
        result: Answer | Fault | None = None
        while True:
            try:
                effect = flow.send(result)
            except StopIteration as stop:
                value: T = stop.value
                return value
            result = None
            if not isinstance(effect, Emit):
                result = await _perform(transport, effect)
            elif on_update is not None and isawaitable(done := on_update(effect.status)):
                await done


async def _perform(transport: AsyncTransport, effect: Send | Pause) -> Answer | Fault | None:
    if isinstance(effect, Send):
        return await transport.send(effect)
    await transport.pause(effect.seconds)
    return None


async def outcomes(transport: AsyncTransport, make_schedule: Callable[[], Schedule]) -> AsyncGenerator[Outcome, None]:
    """Performs a schedule, and yields the outcomes as tasks end. Closing it cancels the looks that are under way.

    The schedule is made with the first item: that is when its time begins.
    """
    transport.check_open()
    schedule = make_schedule()
    looks: _Looks = {}
    ended: _Ended = asyncio.Queue()
    try:
        while (step := schedule.step()) is not None:
            transport.check_open()
            if isinstance(step, Ended):
                yield step.outcome
                schedule.resumed()
            elif isinstance(step, Look):
                task = asyncio.create_task(run(transport, step.flow))
                task.add_done_callback(ended.put_nowait)
                looks[task] = step.watched
            elif not looks:
                await transport.pause(step.seconds or 0.0)
            else:
                _take_in(await _next_ended(ended, step.seconds), looks, schedule)
    finally:
        schedule.give_back()
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


async def _next_ended(ended: _Ended, seconds: float | None) -> asyncio.Task[TaskStatus | Refusal] | None:
    """Returns the look that ended next; None where none does within so many seconds.

    Without asyncio.timeout(): one that expires at once swallows a Ctrl-C that came right before it.
    """
    alarm = None if seconds is None else asyncio.get_running_loop().call_later(seconds, ended.put_nowait, None)
    try:
        return await ended.get()
    finally:
        if alarm is not None:
            alarm.cancel()


def _take_in(look: asyncio.Task[TaskStatus | Refusal] | None, looks: _Looks, schedule: Schedule) -> None:
    if look is not None:
        schedule.took(looks.pop(look), look.result())
