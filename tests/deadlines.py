"""Upper limits on time, for calls that have a deadline.

A busy machine makes a program later than it is, and never sooner: a test that finds a `TooLateError` is run again, up
to `TRIES` times in all (see `conftest.py`), and one run in time is what counts. Nothing else is ever tried again.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

OVERRUN: Final = 0.25
"""Seconds that the contract allows beyond a deadline."""
TRIES: Final = 3


class TooLateError(AssertionError):
    """What had a deadline ended after it."""


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
