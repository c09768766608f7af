"""Time limits that nothing stretches: every operation gets what is left, not an allowance of its own."""

import time
from typing import Final

CONNECT_TIMEOUT: Final = 5.0
"""Seconds for all addresses of a host together, and again for its TLS handshake: a live host needs far less."""
LOOKUP_TIMEOUT: Final = 15.0
"""Seconds for a host's addresses to be found: a resolver of which two servers are dead takes ten."""
CHUNK: Final = 8 * 1024
"""Bytes that are taken in between two looks at the clock: a thousand tiny chunks fit in, and take some 10 ms."""
STAGGER: Final = 0.25
"""Seconds before the next address is tried beside the last one (source: RFC 8305, section 5)."""


class Deadline:
    """A moment on the monotonic clock; None never comes."""

    __slots__ = ("_at",)

    def __init__(self, seconds: float | None) -> None:
        self._at = None if seconds is None else time.monotonic() + seconds

    def left(self) -> float | None:
        """Returns the seconds that are left; None where there is no limit.

        Raises:
            TimeoutError: None are left.
        """
        if self._at is None:
            return None
        left = self._at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def within(self, seconds: float) -> "Deadline":
        """Returns this deadline, or the one in so many seconds, whichever comes first."""
        other = Deadline(seconds)
        return self if self._at is not None and other._at is not None and self._at < other._at else other
