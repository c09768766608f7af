"""Performs what the flows decide, in asyncio; of many tasks, the looks under way in asyncio tasks of their own."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

from rodin_sdk._flows import Flow
from rodin_sdk._messages import Answer, Emit, Fault, Pause, Send
from rodin_sdk._models import TaskStatus
from rodin_sdk._outcome import Outcome
from rodin_sdk._retry import Refusal
from rodin_sdk._schedule import Ended, Idle, Look, Schedule
from rodin_sdk._transport import AsyncTransport, open_async_transport
from rodin_sdk._waits import Watched

__all__ = ["iterate", "open_async_transport", "outcomes", "run"]

T = TypeVar("T")

_Looks = dict[asyncio.Task[TaskStatus | Refusal], Watched]


async def iterate(transport: AsyncTransport, flow: Flow[object]) -> AsyncGenerator[TaskStatus, None]:
    """Performs a flow and yields what it emits."""
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
    schedule = make_schedule()
    looks: _Looks = {}
    try:
        while (step := schedule.step()) is not None:
            transport.check_open()
            if isinstance(step, Ended):
                yield step.outcome
                schedule.resumed()
            elif isinstance(step, Look):
                looks[asyncio.create_task(run(transport, step.flow))] = step.watched
            else:
                await _rest(transport, schedule, looks, step)
    finally:
        for look in looks:
            look.cancel()
        await asyncio.gather(*looks, return_exceptions=True)


async def _rest(transport: AsyncTransport, schedule: Schedule, looks: _Looks, step: Idle) -> None:
    """Waits until a look comes back, or there is something else to do."""
    if not looks:
        await transport.pause(step.seconds or 0.0)
        return
    done, _ = await asyncio.wait(looks, timeout=step.seconds, return_when=asyncio.FIRST_COMPLETED)
    for look in done:
        schedule.took(looks.pop(look), look.result())
