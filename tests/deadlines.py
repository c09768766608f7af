"""Upper limits on time, for calls that have a deadline, and what to think of a test that fails on a busy machine.

A busy machine makes a program later than it is, and never sooner. So a test is run again, up to `TRIES` times in all
(see `conftest.py`), where it finds a `TooLateError`, or where it fails in any way while the process was kept waiting
for `STALL` or longer at a stretch. One run that passes is what counts. Nothing else is ever tried again.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

OVERRUN: Final = 0.25
"""Seconds that the contract allows beyond a deadline."""
TRIES: Final = 3
STALL: Final = 0.1
"""Seconds. The shortest time limits of the tests are about twice as long."""
_INTERVAL: Final = 0.02


class TooLateError(AssertionError):
    """What had a deadline ended after it."""


class Stalls:
    """Notes for how long at most the process, or a thread in it, kept the others waiting."""

    def __init__(self) -> None:
        self.longest = 0.0
        threading.Thread(target=self._watch, name="stalls", daemon=True).start()

    def _watch(self) -> None:
        while True:
            began = time.monotonic()
            time.sleep(_INTERVAL)
            self.longest = max(self.longest, time.monotonic() - began - _INTERVAL)


STALLS: Final = Stalls()


def in_time(taken: float, deadline: float) -> None:
    """Asserts that something ended by a deadline, as exactly as the contract says; both in seconds from its start.

    Raises:
        TooLateError: It ended later.
    """
    if taken > deadline + OVERRUN:
        raise TooLateError(f"it took {taken:.3f} s and had {deadline:g}")


@contextmanager
def within(seconds: float) -> Generator[None, None, None]:
    """Asserts that its block ends by a deadline; and not before half of it.

    Raises:
        TooLateError: It ended later.
    """
    began = time.monotonic()
    yield
    taken = time.monotonic() - began
    assert seconds / 2 <= taken, f"it took {taken:.3f} s"
    in_time(taken, seconds)
