"""The waiting of a client, as events on a virtual clock.

`simulate` stands for the flows and the scheduler of the SDK. What goes in, tasks, pauses, budget and outage, and what
comes out, the looks that were taken, is all that the benchmark knows of it, so that the real ones can take its place.
A request takes no time.
"""

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from rodin_sdk._poll import Pacer, Poll

REQUESTS_PER_MINUTE: Final = 100.0
BURST: Final = 5


@dataclass(frozen=True)
class Task:
    """A task that somebody waits for.

    Attributes:
        starts: When the wait begins, and the task.
        lasts: How long the task takes.
    """

    starts: float
    lasts: float


@dataclass(frozen=True)
class Look:
    """A look that was taken at a task: when, and what came of it."""

    task: int
    at: float
    ended: bool
    failed: bool


class Schedule(Protocol):
    """What is asked, and told, about pauses: a `Pacer`, or what stands in for one."""

    @property
    def handicap(self) -> float:
        """The seconds that a first look yields to others."""
        ...

    def pause(self, age: float, looks: int, dice: Callable[[], float]) -> float:
        """Returns the seconds until the next look."""
        ...

    def saw(self, before: float, age: float, *, ended: bool) -> None:
        """Learns from a look."""
        ...


class FirstComeFirstServed:
    """The pauses of a peer: it learns nothing, and its first looks yield to none."""

    handicap = 0.0

    def __init__(self, poll: Poll | Callable[[float], float]) -> None:
        """Makes it of what a user can pass as `poll`."""
        self._pacer = Pacer(poll)

    def pause(self, age: float, looks: int, dice: Callable[[], float]) -> float:
        """Returns the seconds until the next look."""
        return self._pacer.pause(age, looks, dice)

    def saw(self, before: float, age: float, *, ended: bool) -> None:
        """Learns nothing."""


class Budget:
    """So many requests a minute, evenly spaced after a burst."""

    def __init__(self, requests_per_minute: float | None) -> None:
        """Makes a budget of which nothing was spent; None is no limit."""
        self._interval = 0.0 if requests_per_minute is None else 60 / requests_per_minute
        self._next = -math.inf

    def free_at(self) -> float:
        """Returns when a request may be sent."""
        return self._next - (BURST - 1) * self._interval

    def take(self, now: float) -> None:
        """Spends one request."""
        self._next = max(self._next, now) + self._interval


class OutageGuard:
    """After a run of failures across tasks, one probe at a time, ever more seldom, until one succeeds."""

    RUN: Final = 5
    FIRST: Final = 5.0
    LONGEST: Final = 30.0

    def __init__(self) -> None:
        """Makes a guard that trusts the service."""
        self.closed_until = -math.inf
        self._failures = 0

    def note(self, now: float, *, failed: bool) -> None:
        """Takes down what became of a look."""
        self._failures = self._failures + 1 if failed else 0
        if self._failures >= self.RUN:
            self.closed_until = now + min(self.LONGEST, self.FIRST * 2.0 ** (self._failures - self.RUN))
        else:
            self.closed_until = -math.inf


class Queues:
    """Who may be looked at, and who goes first.

    A look may be taken when it is due, a first look at once. The one that became due earliest goes first, where a
    first look counts as due some time after its wait began. What comes later is due later, so nobody starves.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        """Makes queues of tasks none of which was looked at."""
        self._starts = [task.starts for task in tasks]
        self._new = deque(sorted(range(len(tasks)), key=lambda i: self._starts[i]))
        self._due: list[tuple[float, int]] = []

    def __bool__(self) -> bool:
        return bool(self._new or self._due)

    def next_at(self) -> float:
        """Returns when the next look may be taken."""
        first = self._starts[self._new[0]] if self._new else math.inf
        return min(first, self._due[0][0]) if self._due else first

    def pop(self, now: float, handicap: float) -> int:
        """Takes out the task that goes first; there is one that may be looked at now."""
        if not self._new or self._starts[self._new[0]] > now:
            return heapq.heappop(self._due)[1]
        if self._due and self._due[0][0] <= min(now, self._starts[self._new[0]] + handicap):
            return heapq.heappop(self._due)[1]
        return self._new.popleft()

    def push(self, due: float, task: int) -> None:
        """Puts a task back until it is due."""
        heapq.heappush(self._due, (due, task))


def simulate(
    tasks: Sequence[Task],
    schedule: Schedule,
    chance: random.Random,
    *,
    requests_per_minute: float | None = REQUESTS_PER_MINUTE,
    outage: tuple[float, float] | None = None,
) -> list[Look]:
    """Waits for all tasks under one budget, until every one was seen to have ended."""
    budget = Budget(requests_per_minute)
    guard = OutageGuard()
    queues = Queues(tasks)
    seen_running: dict[int, float] = {}
    looks = [0] * len(tasks)
    taken: list[Look] = []
    now = 0.0
    while queues:
        now = max(now, queues.next_at(), budget.free_at(), guard.closed_until)
        task = queues.pop(now, schedule.handicap)
        budget.take(now)
        age = now - tasks[task].starts
        failed = outage is not None and outage[0] <= now < outage[1]
        guard.note(now, failed=failed)
        ended = not failed and age >= tasks[task].lasts
        taken.append(Look(task, now, ended, failed))
        looks[task] += 1
        if not failed:
            if task in seen_running:
                schedule.saw(seen_running[task], age, ended=ended)
            seen_running[task] = age
        if not ended:
            queues.push(now + schedule.pause(age, looks[task], chance.random), task)
    return taken
