"""Performs what the flows decide: in the caller's thread, and the looks at many tasks in a few threads beside it."""

import os
from collections.abc import Callable, Generator
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

from rodin_sdk._alarm import next_of
from rodin_sdk._errors import ClientClosedError
from rodin_sdk._flows import Flow
from rodin_sdk._messages import Answer, Emit, Fault, Send
from rodin_sdk._models import TaskStatus
from rodin_sdk._outcome import Outcome
from rodin_sdk._retry import Refusal
from rodin_sdk._schedule import MAX_IN_FLIGHT, Ended, Look, Schedule
from rodin_sdk._secrets import FORGETTING_LOCALS
from rodin_sdk._transport._sync import Scope, SyncTransport, open_transport
from rodin_sdk._waits import Watched
from rodin_sdk._workers import Workers

__all__ = ["iterate", "open_transport", "outcomes", "run", "snapshots"]

T = TypeVar("T")

_Results = SimpleQueue[tuple[Watched, TaskStatus | Refusal | BaseException] | None]


def iterate(transport: SyncTransport | Scope, flow: Flow[T]) -> Generator[TaskStatus, None, T]:
    """Performs a flow; yields what it emits, and returns what it returns."""
    result: Answer | Fault | None = None
    try:
        while True:
            try:
                effect = flow.send(result)
            except StopIteration as stop:
                value: T = stop.value
                return value
            result = None
            if isinstance(effect, Send):
                result = transport.send(effect)
            elif isinstance(effect, Emit):
                yield effect.status
            else:
                transport.pause(effect.seconds)
    finally:
        # At once, and not when the last traceback is dropped: what a flow holds is waited for by others.
        flow.close()


def run(transport: SyncTransport | Scope, flow: Flow[T], on_update: Callable[[TaskStatus], object] | None = None) -> T:
    """Performs a flow to its end; hands what it emits to `on_update`."""
    with FORGETTING_LOCALS:
        looks = iterate(transport, flow)
        while True:
            try:
                status = next(looks)
            except StopIteration as stop:
                value: T = stop.value
                return value
            if on_update is not None:
                on_update(status)


def snapshots(transport: SyncTransport, flow: Flow[object]) -> Generator[TaskStatus, None, None]:
    """Performs a flow, and yields what it emits."""
    with FORGETTING_LOCALS:
        yield from iterate(transport, flow)


def outcomes(transport: SyncTransport, make_schedule: Callable[[], Schedule]) -> Generator[Outcome, None, None]:
    """Performs a schedule, and yields the outcomes as tasks end. Closing it ends the looks that are under way.

    The schedule is made with the first item: that is when its time begins.
    """
    transport.check_open()
    schedule = make_schedule()
    process = os.getpid()
    results: _Results = SimpleQueue()
    workers = Workers(MAX_IN_FLIGHT, "rodin-look")
    scope = Scope(transport, alarm=results)
    try:
        while (step := schedule.step()) is not None:
            transport.check_open()
            if os.getpid() != process:
                # The threads that look are the parent's: here none would ever bring a result.
                raise ClientClosedError("This wait belongs to the parent process: begin it anew in the forked one.")
            if isinstance(step, Ended):
                yield step.outcome
                schedule.resumed()
            elif isinstance(step, Look):
                job = _job(scope, step, results)
                if not workers.submit(job):
                    job()
                    _take_in(results.get(), schedule)
            else:
                _take_in(next_of(results, step.seconds), schedule)
    finally:
        # Each step is taken, even if Ctrl-C strikes in the one before.
        try:
            schedule.give_back()
        finally:
            try:
                scope.close()
            finally:
                workers.close(wait=transport.can_cut)


def _job(scope: Scope, look: Look, results: _Results) -> Callable[[], None]:
    # With the caller's context variables, so that what hooks tell of a request is told within them.
    context = copy_context()
    return lambda: context.run(_take_look, scope, look, results)


def _take_look(scope: Scope, look: Look, results: _Results) -> None:
    try:
        results.put((look.watched, run(scope, look.flow)))
    except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
        # In a queue that nobody reads, an error would be a cycle, which keeps all that its frames know.
        if not scope.is_closed:
            results.put((look.watched, error))


def _take_in(result: tuple[Watched, TaskStatus | Refusal | BaseException] | None, schedule: Schedule) -> None:
    if result is None:
        return
    watched, outcome = result
    if isinstance(outcome, BaseException):
        raise outcome
    schedule.took(watched, outcome)
