"""Many tasks under one rate budget, decided without input or output.

A schedule is asked for its next `step` and told what became of each look. It holds a heap of the tasks by the moment
at which they are due; a task costs an entry there, and neither a thread nor a coroutine.
"""

import heapq
import math
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from rodin_sdk._config import DEFAULT_REQUEST_TIMEOUT
from rodin_sdk._errors import AuthenticationError
from rodin_sdk._flows import Flow, Session, attempt
from rodin_sdk._models import CompletedTask, TaskStatus
from rodin_sdk._outcome import Outcome, OutcomeError
from rodin_sdk._retry import Refusal
from rodin_sdk._secrets import Secret
from rodin_sdk._waits import WaitOptions, Watched, shorter

if TYPE_CHECKING:
    from rodin_sdk._budget import Ticket

MAX_IN_FLIGHT: Final = 16
"""Looks under way at once. The budget is the limit; these let a slow service not hold up the tasks behind it."""


@frozen
class Look:
    """A look to be taken now; what it brings goes to `Schedule.took`."""

    watched: Watched
    flow: Flow[TaskStatus | Refusal]


@frozen
class Ended:
    """A task whose wait is over."""

    outcome: Outcome


@frozen
class Idle:
    """Nothing to do until a look comes back, or so many seconds are over; None: until a look comes back."""

    seconds: float | None


class Schedule:
    """Which task to look at next, and what became of each.

    Args:
        session: What the calls of a client share.
        keys: The tasks, each once.
        options: How long to wait, and for what.
    """

    def __init__(self, session: Session, keys: Iterable[Secret], options: WaitOptions) -> None:
        self._session = session
        self._options = options
        self._pacer = options.pacer(session)
        self._started = self._left_at = session.clock()
        self._deadline = options.deadline(self._started)
        # One look at each task is always taken with a timeout of 0.
        self._is_last_round = options.timeout == 0
        self._new = deque(keys)
        self._later: list[tuple[float, int, Watched]] = []
        self._looks = 0
        self._in_flight: set[Watched] = set()
        self._ended: deque[Outcome] = deque()
        self._ticket: Ticket | None = None

    def step(self) -> Look | Ended | Idle | None:
        """Returns what to do now; None when every task has ended and was told."""
        now = self._session.clock()
        if now >= self._limit:
            self._expire(now)
        if self._ended:
            self._left_at = now
            return Ended(self._ended.popleft())
        if len(self._in_flight) == MAX_IN_FLIGHT or not (self._new or self._later):
            return Idle(None) if self._in_flight else None
        ready = self._ready_at(now)
        if ready > now:
            return Idle(min(ready, self._limit) - now)
        self._ticket = None
        self._session.outage.began(now)
        return self._look(self._next(now), now)

    def resumed(self) -> None:
        """Is called when the caller comes back after an outcome.

        What became overdue while the caller was away past the deadline gets one last look, within the time of one
        request.
        """
        now = self._session.clock()
        if self._left_at < self._limit <= now:
            for due, _, watched in self._later:
                if due > self._deadline:
                    self._end(watched, watched.timeout(now))
            self._later = [entry for entry in self._later if entry[0] <= self._deadline]
            heapq.heapify(self._later)
            self._is_last_round = True
            self._deadline = now + (self._options.call.request_timeout or DEFAULT_REQUEST_TIMEOUT)

    def took(self, watched: Watched, outcome: TaskStatus | Refusal) -> None:
        """Takes in what a look brought."""
        if watched not in self._in_flight:
            return
        self._in_flight.remove(watched)
        now = self._session.clock()
        is_over = watched.take(outcome, now, self._options, self._pacer)
        if isinstance(outcome, Refusal) and isinstance(outcome.error, AuthenticationError):
            self._end(watched, outcome.error)
            self._end_all(outcome.error)
        elif is_over:
            self._end(watched, outcome.error if isinstance(outcome, Refusal) else self._result(watched, outcome, now))
        elif self._is_last_round or now >= self._deadline:
            self._end(watched, watched.timeout(now))
        else:
            watched.plan(self._session, now, self._pacer)
            self._looks += 1
            heapq.heappush(self._later, (watched.due, self._looks, watched))

    @property
    def _limit(self) -> float:
        return math.inf if self._options.timeout == 0 else self._deadline

    def _ready_at(self, now: float) -> float:
        """Returns the moment at which the next look may be taken, as far as it is known now."""
        due = now if self._new else self._later[0][0]
        earliest = max(due, self._session.outage.earliest_look(now))
        if earliest > now:
            return earliest
        budget = self._session.budget
        if self._ticket is None or not budget.is_valid(self._ticket):
            slot = budget.next_slot(now)
            if slot > self._limit:
                return slot
            self._ticket = budget.reserve(now)
        return self._ticket.at

    def _next(self, now: float) -> Watched:
        """Takes the task that became due earliest. A first look counts as due a little after its wait began."""
        if self._new:
            due = self._started + self._pacer.handicap
            if not self._later or self._later[0][0] > min(now, due):
                return Watched(self._new.popleft(), self._started)
        return heapq.heappop(self._later)[2]

    def _look(self, watched: Watched, now: float) -> Look:
        self._in_flight.add(watched)
        timeout = self._options.call.request_timeout
        if not self._is_last_round:
            timeout = shorter(timeout, self._deadline - now)
        flow = attempt(self._session, watched.key, timeout, watched.looks + 1, waits_for=id(watched))
        return Look(watched, flow)

    def _expire(self, now: float) -> None:
        """Gives up every task that is not being looked at; those that are have no time left either."""
        for _, _, watched in self._later:
            self._end(watched, watched.timeout(now))
        for key in self._new:
            watched = Watched(key, self._started)
            self._end(watched, watched.timeout(now))
        self._later.clear()
        self._new.clear()

    def _end_all(self, error: OutcomeError) -> None:
        for watched in (*self._in_flight, *(entry[2] for entry in self._later)):
            self._end(watched, error)
        for key in self._new:
            self._end(Watched(key, self._started), error)
        self._in_flight.clear()
        self._later.clear()
        self._new.clear()

    def _result(self, watched: Watched, status: TaskStatus, now: float) -> CompletedTask | OutcomeError:
        return watched.result(status, now, allow_partial=self._options.allow_partial)

    def _end(self, watched: Watched, result: CompletedTask | OutcomeError) -> None:
        key = watched.key.reveal()
        if isinstance(result, CompletedTask):
            self._ended.append(Outcome(key, task=result))
        else:
            self._ended.append(Outcome(key, error=result))
