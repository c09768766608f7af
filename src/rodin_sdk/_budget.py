"""The rate at which a client sends: one budget for all of its calls, first come, first served.

Time is measured in requests: `_allowed` counts the requests that the rate has allowed so far, and a ticket is a place
on that scale. When the rate changes, or the service asks to wait, the count slows down or stands still; the places,
and with them the order, stay as they are.

The interface is small, so that a fleet that shares one API key can put a budget of its own in the place of this one,
which lives in the process.
"""

import math
import threading
from heapq import heappop, heappush
from typing import Final

from attrs import frozen

from rodin_sdk._fork import forget_in_child

BURST: Final = 5
"""Requests that may go at once after a time of quiet."""
_LOWEST_FACTOR: Final = 1 / 16
"""The slowest that a series of 429 makes the client: a probe now and then must stay."""
_RECOVERY: Final = 300.0
"""Seconds from standing still to the full rate, linearly: a service that throttled gets minutes, not seconds."""
LONGEST_HOLD: Final = 3600.0
"""Seconds: no header of an answer, true or forged, silences a client for longer."""
_NAP: Final = 5.0
"""Seconds. Up to here a delay is what it will be at the present rate; beyond, it is half of that at most: the rate may
recover meanwhile, and others may give up their places."""
_NEVER: Final = 1e-6
"""Requests per minute: one in two years. Smaller rates are no numbers to reckon with."""
_ROUNDING: Final = 1e-6


@frozen(order=True)
class Ticket:
    """A place in the line."""

    place: float


class Budget:
    """Requests per minute, evenly spaced after a burst (a generic cell rate algorithm).

    Args:
        per_minute: The rate; None for no limit, where only what a 429 asks for holds.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._rate = None if per_minute is None else max(per_minute, _NEVER) / 60
        self._allowed = 0.0
        self._counted_until = -math.inf
        self._next_place = 0.0
        # A heap of the places within the line that were given back.
        self._free: list[float] = []
        self._held_until = -math.inf
        self._factor = 1.0
        self._slowed_at = -math.inf
        # Reentrant: the garbage collector may run in here, and end a wait that then gives its places back.
        self._lock = threading.RLock()
        forget_in_child(self)

    def reserve(self, now: float) -> Ticket:
        """Takes the first free place in the line."""
        with self._lock:
            self._count(now)
            return Ticket(self._take_place())

    def move_up(self, ticket: Ticket, now: float) -> Ticket:
        """Returns a place further ahead where there is a free one by now, else the same."""
        with self._lock:
            self._count(now)
            if not self._free or self._free[0] > ticket.place:
                return ticket
            self.give_back(ticket)
            return Ticket(self._take_place())

    def give_back(self, ticket: Ticket) -> None:
        """Returns a place that is not needed."""
        with self._lock:
            if ticket.place == self._next_place - 1:
                self._next_place -= 1
            elif ticket.place >= self._allowed:
                heappush(self._free, ticket.place)

    def is_lost(self, ticket: Ticket, now: float) -> bool:
        """Whether a place was left unused for so long that it is gone: kept ones would make a stampede."""
        with self._lock:
            self._count(now)
            return self._rate is not None and ticket.place + 1 < self._allowed

    def delay(self, ticket: Ticket, now: float) -> float:
        """Returns 0 where the ticket's turn has come, else the seconds after which to ask again."""
        with self._lock:
            self._count(now)
            return self._delay(ticket.place, now)

    def shortest_delay(self, now: float) -> float:
        """Returns the seconds that a new place in the line would cost at least."""
        with self._lock:
            self._count(now)
            held = max(0.0, self._held_until - now)
            place = self._free[0] if self._free else self._next_place
            return held if self._rate is None else held + self._ahead_of(place) / self._rate

    def held_for(self, now: float) -> float:
        """Returns the seconds for which the service asked to send nothing at all."""
        return max(0.0, self._held_until - now)

    def slow_down(self, sent_at: float, now: float, retry_after: float) -> None:
        """Halves the rate after a 429, and sends nothing for as long as the service asked.

        Args:
            sent_at: When the refused request was sent: what was under way together is punished once.
            now: The moment of the answer.
            retry_after: Seconds that the service asked to wait; 0 where it did not.
        """
        with self._lock:
            self._count(now)
            self._held_until = max(self._held_until, now + min(retry_after, LONGEST_HOLD))
            if sent_at >= self._slowed_at:
                self._factor = max(_LOWEST_FACTOR, self._factor_at(now) / 2)
                self._slowed_at = now
            # Nothing is left of a burst.
            self._next_place = max(self._next_place, self._allowed + BURST)
            self._drop_free(self._allowed + BURST)

    def _take_place(self) -> float:
        if self._free:
            return heappop(self._free)
        place = max(self._next_place, self._allowed)
        self._next_place = place + 1
        return place

    def _drop_free(self, below: float) -> None:
        while self._free and self._free[0] < below:
            heappop(self._free)

    def _delay(self, place: float, now: float) -> float:
        held = max(0.0, self._held_until - now)
        ahead = self._ahead_of(place)
        if self._rate is None or ahead <= _ROUNDING:
            return held
        delay = ahead / (self._rate * self._factor_at(now))
        return held + (delay if delay <= _NAP else max(_NAP, ahead / self._rate / 2))

    def _ahead_of(self, place: float) -> float:
        return max(0.0, place - (BURST - 1) - self._allowed)

    def _count(self, now: float) -> None:
        """Counts the requests that the rate has allowed since it was last asked; free places behind it are gone."""
        if self._rate is None or now <= self._counted_until:
            return
        start = max(self._counted_until, self._held_until)
        if start == -math.inf:
            self._allowed = self._next_place
        elif now > start:
            self._allowed += self._rate * self._mean_factor(start, now) * (now - start)
        self._counted_until = now
        self._drop_free(self._allowed)

    def _mean_factor(self, start: float, end: float) -> float:
        """Returns the mean of the factor, which grows linearly until it is whole."""
        whole_at = self._slowed_at + (1 - self._factor) * _RECOVERY
        ramp_end = min(max(start, whole_at), end)
        ramp = (ramp_end - start) * (self._factor_at(start) + self._factor_at(ramp_end)) / 2
        return (ramp + end - ramp_end) / (end - start)

    def _factor_at(self, now: float) -> float:
        if self._slowed_at == -math.inf:
            return 1.0
        return min(1.0, self._factor + max(0.0, now - self._slowed_at) / _RECOVERY)

    def forget(self) -> None:
        """Replaces the lock in a forked child, where a thread that held it does not exist."""
        self._lock = threading.RLock()
