"""Many tasks under one rate budget, decided without input or output.

A schedule is asked for its next `step` and told what became of each look. It holds a heap of the tasks by the moment
at which they are due; a task costs an entry there, and neither a thread nor a coroutine.
"""

import heapq
import math
from bisect import insort
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from attrs import frozen

from rodin_sdk._errors import AuthenticationError
from rodin_sdk._flows import Flow, Session
from rodin_sdk._models import CompletedTask, TaskStatus
from rodin_sdk._outcome import Outcome, OutcomeError
from rodin_sdk._retry import Refusal
from rodin_sdk._secrets import Secret
from rodin_sdk._waits import WaitOptions, Watched, look

if TYPE_CHECKING:
    from rodin_sdk._budget import Ticket

MAX_IN_FLIGHT: Final = 16
"""Looks under way at once. The budget is the limit; these let a slow service not hold up the tasks behind it."""
MAX_PLACES: Final = 32
"""Places in the budget's line that one call holds at most: more would be fairer to new tasks beside other calls, and
lose more of the rate when the call ends early."""


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
        # One look at each task is taken, with a timeout of 0 as well.
        self._is_last_round = options.is_single
        self._deadline = math.inf if self._is_last_round else options.deadline(self._started)
        self._new = deque(keys)
        self._later: list[tuple[float, int, Watched]] = []
        self._looks = 0
        self._in_flight: set[Watched] = set()
        # What was under way when the caller came back too late, and the deadline that it missed.
        self._before_last_round: set[Watched] = set()
        self._left_deadline = self._deadline
        self._ended: deque[Outcome] = deque()
        # Those whose time was over at `_expired_at`, in place of their outcomes: it takes a while to word them all.
        self._expired: deque[Watched] = deque()
        self._expired_at = math.nan
        self._due: deque[Watched] = deque()
        self._tickets: deque[Ticket] = deque()

    def step(self) -> Look | Ended | Idle | None:
        """Returns what to do now; None when every task has ended and was told."""
        now = self._session.clock()
        if now >= self._deadline or (self._options.is_single and self._is_held_for_long(now)):
            self._expire(now)
        if self._expired:
            watched = self._expired.popleft()
            self._end(watched, watched.timeout(self._session, self._expired_at))
        if self._ended:
            self._left_at = now
            # While the caller is away nobody waits behind this call.
            self.give_back()
            return Ended(self._ended.popleft())
        if len(self._in_flight) == MAX_IN_FLIGHT or not (self._new or self._due or self._later):
            return Idle(None) if self._in_flight else None
        ready = self._ready_at(now)
        if ready > now:
            return Idle(min(ready, self._deadline) - now)
        self._tickets.popleft()
        return self._look(self._next(), now)

    def resumed(self) -> None:
        """Is called when the caller comes back after an outcome.

        What became overdue while the caller was away past the deadline gets one last look, within the time of one
        request.
        """
        now = self._session.clock()
        if self._left_at < self._deadline <= now:
            for due, _, watched in self._later:
                if due > self._deadline:
                    self._end(watched, watched.timeout(self._session, now))
            self._later = [entry for entry in self._later if entry[0] <= self._deadline]
            heapq.heapify(self._later)
            self._is_last_round = True
            self._before_last_round = set(self._in_flight)
            self._left_deadline = self._deadline
            self._deadline = now + self._options.time_of_last_look

    def took(self, watched: Watched, outcome: TaskStatus | Refusal) -> None:
        """Takes in what a look brought, which can be a while after it came."""
        self._in_flight.remove(watched)
        at = watched.looked_at
        is_over = watched.take(outcome, at, self._options, self._pacer)
        if isinstance(outcome, Refusal) and isinstance(outcome.error, AuthenticationError):
            self._end(watched, outcome.error)
            self._end_all(outcome.error)
        elif is_over:
            self._end(watched, outcome.error if isinstance(outcome, Refusal) else self._result(watched, outcome, at))
        else:
            watched.plan(self._session, at, self._pacer)
            self._look_later(watched, at)

    def _look_later(self, watched: Watched, at: float) -> None:
        """Plans the next look; gives the task up where there is none before the deadline."""
        was_away = watched in self._before_last_round
        self._before_last_round.discard(watched)
        if at >= self._deadline or (self._is_last_round and not (was_away and watched.due <= self._left_deadline)):
            self._end(watched, watched.timeout(self._session, self._session.clock()))
            return
        heapq.heappush(self._later, (watched.due, watched.number, watched))

    def _ready_at(self, now: float) -> float:
        """Returns the moment at which the next look may be taken, as far as it is known now."""
        while self._later and self._later[0][0] <= now:
            self._due.append(heapq.heappop(self._later)[2])
        waiting = len(self._new) + len(self._due)
        due = now if waiting else self._later[0][0]
        outage = self._session.outage
        is_sound = outage.is_on and (bool(self._new) or self._first_sound() is not None)
        earliest = due if self._options.is_single else max(due, outage.earliest_look(now, is_sound=is_sound))
        if earliest > now:
            self.give_back()
            return earliest
        return self._turn_at(now, waiting)

    def _is_held_for_long(self, now: float) -> bool:
        """Whether the service asked to send nothing for longer than one look may take."""
        return self._session.budget.held_for(now) > self._options.time_of_last_look

    def _turn_at(self, now: float, waiting: int) -> float:
        """Returns the moment of the next turn in the budget.

        There is a place in the line for each task that is due, up to a number: this call must not fall behind others.
        """
        budget = self._session.budget
        while self._tickets and budget.is_lost(self._tickets[0], now):
            self._tickets.popleft()
        while self._tickets and (better := budget.move_up(self._tickets[-1], now)) is not self._tickets[-1]:
            self._tickets.pop()
            insort(self._tickets, better)
        while len(self._tickets) < min(waiting, MAX_PLACES):
            soonest = now + budget.shortest_delay(now)
            if soonest >= self._deadline:
                return soonest if not self._tickets else now + budget.delay(self._tickets[0], now)
            # A place that came free can be ahead of those that this call has.
            insort(self._tickets, budget.reserve(now))
        return now + budget.delay(self._tickets[0], now)

    def give_back(self) -> None:
        """Returns the places in the budget's line that are not needed."""
        while self._tickets:
            self._session.budget.give_back(self._tickets.pop())

    def _next(self) -> Watched:
        """Takes the task that became due earliest. A first look counts as due a little after its wait began.

        In an outage a task goes first whose own last look brought no error: is it answered, then the outage is over.
        """
        is_down = self._session.outage.is_on
        if is_down and (sound := self._first_sound()) is not None:
            self._due.remove(sound)
            return sound
        if self._new and (is_down or not (self._due and self._due[0].due < self._started + self._pacer.handicap)):
            return Watched(self._new.popleft(), self._started)
        return self._due.popleft()

    def _first_sound(self) -> Watched | None:
        return next((watched for watched in self._due if watched.is_sound), None)

    def _look(self, watched: Watched, now: float) -> Look:
        self._looks += 1
        watched.number = self._looks
        self._in_flight.add(watched)
        return Look(watched, look(self._session, watched, self._options, self._deadline - now))

    def _expire(self, now: float) -> None:
        """Gives up every task that is not being looked at; those that are have no time left either."""
        if waiting := self._take_waiting():
            self._expired.extend(waiting)
            self._expired_at = now

    def _end_all(self, error: OutcomeError) -> None:
        for watched in (*self._in_flight, *self._take_waiting()):
            self._end(watched, error)
        self._in_flight.clear()

    def _take_waiting(self) -> list[Watched]:
        """Takes all tasks that are not being looked at."""
        later = [watched for _, _, watched in self._later]
        waiting = [*self._due, *later, *(Watched(key, self._started) for key in self._new)]
        self._due.clear()
        self._later.clear()
        self._new.clear()
        return waiting

    def _result(self, watched: Watched, status: TaskStatus, now: float) -> CompletedTask | OutcomeError:
        return watched.result(status, now, allow_partial=self._options.allow_partial)

    def _end(self, watched: Watched, result: CompletedTask | OutcomeError) -> None:
        key = watched.key.reveal()
        if isinstance(result, CompletedTask):
            self._ended.append(Outcome(key, task=result))
        else:
            self._ended.append(Outcome(key, error=result))
