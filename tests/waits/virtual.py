"""Both clients in virtual time, whole: with their drivers, but with a scripted service in the place of sockets.

Traces of what the service saw, and of what the caller got, can so be compared to the microsecond. For asyncio, an event
loop sleeps in no time. For threads, one runs at a time, and hands on to whoever has to wake up next.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
import threading
from collections import deque
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import define, evolve

from rodin_sdk import AsyncRodin, Rodin
from rodin_sdk._transport._aio import AsyncTransport
from rodin_sdk._transport._sync import Scope, SyncTransport
from tests.waits.simulation import API_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from rodin_sdk._messages import Answer, Fault, Send
    from tests.waits.world import World

T = TypeVar("T")


# --- asyncio


class _Selector(selectors.SelectSelector):
    """Does not wait, but lets the time pass that it was told to wait at most."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing would ever happen again"
            self._world.now += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which sleeping takes no time."""

    def __init__(self, world: World) -> None:
        super().__init__(_Selector(world))
        self._world = world

    def time(self) -> float:
        return self._world.now


class _AsyncService(AsyncTransport):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def _exchange(self, send: Send) -> Answer | Fault:
        reply, seconds = self._world.exchange(send)
        await asyncio.sleep(seconds)
        return reply

    async def _disconnect(self) -> None:
        pass


def async_client(world: World, **options: Any) -> AsyncRodin:
    """Returns a client of a scripted service."""
    client = AsyncRodin(API_KEY, **options)
    session = client._session  # pyright: ignore[reportPrivateUsage]
    client._session = evolve(session, clock=lambda: world.now, dice=lambda: 0.5)  # pyright: ignore[reportPrivateUsage]
    client._transport = _AsyncService(world)  # pyright: ignore[reportPrivateUsage]
    return client


# --- Threads


@define(eq=False)
class _Sleeper:
    baton: threading.Event
    is_awake: bool = False


class Threads:
    """Threads in virtual time: one runs at a time."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._heap: list[tuple[float, int, _Sleeper]] = []
        self._numbers = count()

    def sleep(self, seconds: float) -> None:
        """Lets others run, and time pass."""
        sleeper = _Sleeper(threading.Event())
        self.wake(sleeper, seconds)
        self.rest(sleeper)

    def wake(self, sleeper: _Sleeper, seconds: float = 0.0) -> None:
        """Lets a sleeper wake up, unless something else wakes him earlier."""
        heapq.heappush(self._heap, (self.world.now + seconds, next(self._numbers), sleeper))

    def rest(self, sleeper: _Sleeper) -> None:
        """Lets others run until somebody wakes the sleeper."""
        self.hand_on()
        assert sleeper.baton.wait(30), "no thread handed on"

    def hand_on(self) -> None:
        """Lets whoever has to wake up next run."""
        while self._heap:
            at, _, sleeper = heapq.heappop(self._heap)
            if not sleeper.is_awake:
                self.world.now = max(self.world.now, at)
                sleeper.is_awake = True
                sleeper.baton.set()
                return
        raise AssertionError("nothing would ever happen again")

    def spawn(self, function: Callable[[], object]) -> threading.Thread:
        """Begins a thread, which runs when others rest."""
        sleeper = _Sleeper(threading.Event())

        def run() -> None:
            sleeper.baton.wait()
            function()
            self.hand_on()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.wake(sleeper)
        return thread


class _Queue(Generic[T]):
    """`SimpleQueue` in virtual time, with one reader."""

    threads: Threads

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._reader: _Sleeper | None = None

    def put(self, item: T) -> None:
        self._items.append(item)
        if self._reader is not None:
            self.threads.wake(self._reader)

    def next(self, seconds: float | None) -> T | None:
        if not self._items:
            self._reader = sleeper = _Sleeper(threading.Event())
            if seconds is not None:
                self.threads.wake(sleeper, seconds)
            self.threads.rest(sleeper)
            self._reader = None
        return self._items.popleft() if self._items else None


class _Workers:
    """`Workers` in virtual time."""

    threads: Threads

    def __init__(self, _limit: int, _name: str) -> None:
        self._left = 0

    def submit(self, job: Callable[[], object]) -> bool:
        self._left += 1

        def work() -> None:
            job()
            self._left -= 1

        self.threads.spawn(work)
        return True

    def close(self, **_options: object) -> None:
        while self._left:
            self.threads.sleep(0.001)


class _Service(SyncTransport):
    can_cut = True

    def __init__(self, threads: Threads) -> None:
        super().__init__()
        self._threads = threads

    def _exchange(self, send: Send, scope: Scope | None) -> Answer | Fault:  # noqa: ARG002
        reply, seconds = self._threads.world.exchange(send)
        self._threads.sleep(seconds)
        return reply

    def pause(self, seconds: float) -> None:
        self._threads.sleep(seconds)

    def _disconnect(self) -> None:
        pass

    def cut(self, scope: Scope) -> None:
        pass


def _next_of(queue: _Queue[T], seconds: float | None) -> T | None:
    return queue.next(seconds)


def sync_client(threads: Threads, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Rodin:
    """Returns a client of a scripted service."""
    world = threads.world
    workers = type("Workers", (_Workers,), {"threads": threads})
    queue = type("Queue", (_Queue,), {"threads": threads})
    monkeypatch.setattr("rodin_sdk._drive.Workers", workers)
    monkeypatch.setattr("rodin_sdk._drive.SimpleQueue", queue)
    monkeypatch.setattr("rodin_sdk._drive.next_of", _next_of)
    client = Rodin(API_KEY, **options)
    session = client._session  # pyright: ignore[reportPrivateUsage]
    client._session = evolve(session, clock=lambda: world.now, dice=lambda: 0.5)  # pyright: ignore[reportPrivateUsage]
    client._transport = _Service(threads)  # pyright: ignore[reportPrivateUsage]
    return client
