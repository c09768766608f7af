"""One probe at a time while the service is down, instead of a stampede of everybody who waits."""

import math
from typing import Final

from rodin_sdk._errors import RodinError
from rodin_sdk._fork import forget_in_child

FAILURES_OF_AN_OUTAGE: Final = 5
"""Failed looks in a row, of two tasks or more, with not one answer in between."""
SILENCE: Final = 5.0
"""Seconds without an answer after which looks under way count, since a service that stalls fails late."""
LOOKS_INTO_SILENCE: Final = 16
"""Looks under way at which a silent service is given no more."""
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 15.0
"""Seconds between two probes: 10 minutes of outage are about 45 requests, its end is noticed within 15 s."""
_COURTESY: Final = 1.0
"""Seconds for which a task that may itself be what fails leaves the next probe to others."""
_PROBE_LEASE: Final = 60.0
"""Seconds after which a probe that never reported back is taken for lost."""
_NAP: Final = 5.0
"""Seconds after which to ask again, since a look of another task may have ended the outage."""


class Outage:
    """What the waits of a client know together about whether the service answers.

    Its steps are single operations on built-in values; when two threads race, at worst one more probe is sent.

    Attributes:
        answers: How many answers there were.
    """

    def __init__(self) -> None:
        self._failures = 0
        self._tasks: set[int] = set()
        self._next_probe = -math.inf
        self._pause = _FIRST_PAUSE
        self._under_way: set[object] = set()
        self._probe: object = None
        self._silent_since = math.inf
        self._error: RodinError | None = None
        self.answers = 0
        forget_in_child(self)

    @property
    def error(self) -> RodinError | None:
        """What the last look brought, during an outage; else None."""
        return self._error if self.is_on else None

    def earliest_look(self, now: float, *, is_sound: bool) -> float:
        """Returns when to ask again; not after `now` where a waiting task may be looked at at once.

        Args:
            now: The moment.
            is_sound: Whether the task's own last look brought no error: is it answered, then the outage is over.
        """
        if self.is_on and (probe := self._next_probe + (0.0 if is_sound else _COURTESY)) > now:
            return min(probe, now + _NAP)
        if len(self._under_way) >= LOOKS_INTO_SILENCE and now - self._silent_since > SILENCE:
            return now + _NAP
        return now

    def began(self, now: float) -> object:
        """Notes a look, and returns it: during an outage it is the probe, and the next has to wait for it."""
        if not self._under_way:
            self._silent_since = now
        look = object()
        self._under_way.add(look)
        if self.is_on:
            self._probe = look
            self._next_probe = now + _PROBE_LEASE
        return look

    def ended(self, look: object, now: float) -> None:
        """Notes that a look is over, however it ended."""
        self._under_way.discard(look)
        if look is self._probe:
            # It brought nothing, since the caller or a deadline cut it short: as if it had failed when it began.
            self._probe = None
            self._next_probe = max(now, self._next_probe - _PROBE_LEASE + self._pause)

    def failed(self, look: object, now: float, task: int, dice: float, error: RodinError, *, is_news: bool) -> None:
        """Notes that a look brought no answer.

        Args:
            look: The look.
            now: The moment.
            task: Whose look it was.
            dice: Chance, from 0 to 1.
            error: What came instead.
            is_news: Whether it says something about the service: where others were answered since the task's looks
                began to fail, it says something about the task.
        """
        self._error = error
        if is_news:
            self._failures += 1
            if len(self._tasks) < FAILURES_OF_AN_OUTAGE:
                self._tasks.add(task)
        # What was under way when the outage began fails with the first, and is no probe.
        if self.is_on and (look is self._probe or self._next_probe == -math.inf):
            self._probe = None
            self._next_probe = now + self._pause * (1 + dice / 4)
            self._pause = min(_LONGEST_PAUSE, self._pause * 2)

    def answered(self, now: float) -> None:
        """Notes an answer, whatever it says: the outage is over."""
        self._silent_since = now
        self.answers += 1
        if self._failures:
            self._failures = 0
            self._tasks = set()
            self._pause = _FIRST_PAUSE
            self._next_probe = -math.inf
            self._probe = None

    def forget(self) -> None:
        """Forgets the looks under way in a forked child: they are the parent's, and end there."""
        self._under_way = set()
        if self._probe is not None:
            self._probe = None
            self._next_probe = -math.inf

    @property
    def is_on(self) -> bool:
        """Whether the service is taken to be down."""
        return self._failures >= FAILURES_OF_AN_OUTAGE and len(self._tasks) > 1
