"""The rate at which a client sends: one budget for all of its calls, first come, first served.

The interface is small, `reserve` and `slow_down`, so that a fleet that shares one API key can put a budget of its own
in the place of this one, which lives in the process.
"""

import math
import os
import threading
import weakref
from typing import Final

from attrs import frozen

BURST: Final = 5
"""Requests that may go at once after a time of quiet."""
_LOWEST_FACTOR: Final = 1 / 16
"""The slowest that a series of 429 makes the client: a probe now and then must stay."""
_RECOVERY: Final = 300.0
"""Seconds from standing still to the full rate, linearly: a service that throttled gets minutes, not seconds."""
_LONGEST_HOLD: Final = 3600.0
"""Seconds: no header of an answer, true or forged, silences a client for longer."""


@frozen
class Ticket:
    """The moment at which a request may be sent; void once the budget was slowed down."""

    at: float
    epoch: int


class Budget:
    """Requests per minute, evenly spaced after a burst (a generic cell rate algorithm).

    Args:
        per_minute: The rate; None for no limit, where only what a 429 asks for holds.
    """

    def __init__(self, per_minute: float | None) -> None:
        self._interval = 0.0 if per_minute is None else 60.0 / per_minute
        self._spent_until = -math.inf
        self._held_until = -math.inf
        self._slowed_at = -math.inf
        self._factor = 1.0
        self._epoch = 0
        self._lock = threading.Lock()
        _of_this_process.add(self)

    def next_slot(self, now: float) -> float:
        """Returns the moment that `reserve` would give, without taking it."""
        with self._lock:
            return self._slot(now)

    def reserve(self, now: float) -> Ticket:
        """Takes the next free slot; whoever asks first gets the earlier one."""
        with self._lock:
            slot = self._slot(now)
            self._spent_until = max(self._spent_until, slot) + self._spacing(slot)
            return Ticket(slot, self._epoch)

    def is_valid(self, ticket: Ticket) -> bool:
        """Whether a ticket still holds; one that does not has to be reserved again."""
        return ticket.epoch == self._epoch

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
            self._held_until = max(self._held_until, now + min(retry_after, _LONGEST_HOLD))
            if sent_at >= self._slowed_at:
                self._factor = max(_LOWEST_FACTOR, self._current_factor(now) / 2)
                self._slowed_at = now
            self._spent_until = max(now, self._held_until) + (BURST - 1) * self._spacing(now)
            self._epoch += 1

    def _slot(self, now: float) -> float:
        return max(now, self._held_until, self._spent_until - (BURST - 1) * self._spacing(now))

    def _spacing(self, now: float) -> float:
        return self._interval / self._current_factor(now)

    def _current_factor(self, now: float) -> float:
        if self._slowed_at == -math.inf:
            return 1.0
        return min(1.0, self._factor + max(0.0, now - self._slowed_at) / _RECOVERY)

    def forget_lock(self) -> None:
        """Replaces the lock in a forked child, where a thread that held it does not exist."""
        self._lock = threading.Lock()


_of_this_process: Final[weakref.WeakSet[Budget]] = weakref.WeakSet()


def _forget_locks() -> None:
    for budget in list(_of_this_process):
        budget.forget_lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks)
