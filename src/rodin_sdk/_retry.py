"""Whether to try again, and after how long: decisions without input or output."""

from enum import Enum, auto
from typing import Final

from attrs import frozen

from rodin_sdk._errors import APIError, InvalidResponseError, TransportError
from rodin_sdk._poll import Dice

BACKOFF_BASE: Final = 0.5
"""Seconds: the longest pause before the first retry. It doubles with every retry."""
BACKOFF_MAXIMUM: Final = 8.0
"""Seconds: the longest pause that the SDK takes on its own account within one call."""
_ENOUGH_DOUBLINGS: Final = 16
LONGEST_RETRY_AFTER: Final = 60.0
"""Seconds: what the service asks for beyond this is the caller's decision, who gets the error at once."""
QUOTA: Final = 200.0
"""Retries that a client may be ahead of its successes: with an outage, most of its calls then fail at once."""


class Again(Enum):
    """Whether what failed may be tried again."""

    NEVER = auto()
    ONCE_IN_A_ROW = auto()
    """Once, unless something else happened in between."""
    ONCE_ON_FRESH_CONNECTION = auto()
    ALWAYS = auto()
    """As often as the retries of the call allow."""


@frozen
class Refusal:
    """An attempt that did not bring a status.

    Attributes:
        error: What to raise if this was the last attempt.
        again: Whether to try again.
        next_host: Whether another host may do better at once.
        is_answer: Whether it came from the service itself, however odd it is.
    """

    error: APIError | TransportError | InvalidResponseError
    again: Again
    next_host: bool = False
    is_answer: bool = False

    @property
    def wants_fresh_connection(self) -> bool:
        """Whether the next attempt should not go over a connection that was used before."""
        return self.again is Again.ONCE_ON_FRESH_CONNECTION or isinstance(self.error, TransportError)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asked to wait; None where it did not."""
        return None if isinstance(self.error, TransportError) else self.error.retry_after


class RetryQuota:
    """A stock of retries that all calls of a client share, so that an outage is not multiplied by them."""

    def __init__(self) -> None:
        self._left = QUOTA

    def spend(self) -> bool:
        """Takes one retry; returns whether there was one left."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def refill(self) -> None:
        """Gives one retry back for a call that succeeded."""
        self._left = min(QUOTA, self._left + 1)


def pause_before_retry(
    refusal: Refusal, previous: Refusal | None, retries: int, max_retries: int, dice: Dice
) -> float | None:
    """Returns the seconds to wait before the next attempt, or None where there must be none.

    Args:
        refusal: What became of the last attempt.
        previous: What became of the one before it; None where there was none.
        retries: How many retries the call has made.
        max_retries: How many it may make.
        dice: The source of chance: full jitter keeps many clients from coming back at the same moment.
    """
    once = refusal.again in {Again.ONCE_IN_A_ROW, Again.ONCE_ON_FRESH_CONNECTION}
    if refusal.again is Again.NEVER or retries >= max_retries:
        return None
    if once and previous is not None and previous.again is refusal.again:
        return None
    floor = refusal.retry_after or 0.0
    if floor > LONGEST_RETRY_AFTER:
        return None
    return floor + dice() * min(BACKOFF_MAXIMUM, BACKOFF_BASE * 2.0 ** min(retries, _ENOUGH_DOUBLINGS))
