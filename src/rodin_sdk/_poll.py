"""When to look at a task again.

The default pause is one rule. A look costs `PRICE`. Not looking costs the lag that a task has run up that ended
meanwhile, unseen. The next look is due when that lag, as it is to be expected, has grown to the price: after a look at
the age a, the pause d is the one with

    integral from 0 to d of (1 - S(a + u) / S(a)) du = PRICE

where S is the share of tasks that take longer than an age. With S known this is within 2 % of the best schedule there
is. S is not known: `Lifetimes` begins with what is documented and corrects it by what the client sees. For how far
that is from the best, and for how other schedules do, see `benchmarks/polling.py`.
"""

import math
from bisect import bisect_right
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from numbers import Real
from typing import Final

from attrs import field, frozen

from rodin_sdk._errors import ConfigurationError

PRICE: Final = 0.125
"""Seconds of expected lag that a look is worth. With the documented durations a task then takes 15 looks for a lag of
2.5 s, or 17 for 2.1 s once they were learnt; the vendor's older sample, every 5 s, takes 18 for 2.5 s (source: the
benchmark)."""
SHORTEST_PAUSE: Final = 2.0
"""Seconds between two looks at one task, unless the user says otherwise (source: "not too frequently", vendor)."""
LONGEST_PAUSE: Final = 60.0
"""Seconds: nobody is left without news for longer, however sure it is that nothing can have happened."""
LONGEST_GROWN_PAUSE: Final = 30.0
"""Seconds: where a pause that grows by a user's factor stops (source: the vendor's newer quick start)."""
LONGEST_HANDICAP: Final = 10.0
"""Seconds that a first look yields to others at the most: time for six looks at an old task. Longer ones would make
the lag under a tight budget a little smaller still, and the first looks late (source: the benchmark's scheduler)."""
JITTER: Final = 0.1
"""Of the pause: parts clients that began together, and costs a fortieth of the pause in lag."""

_PRIOR: Final = (
    (0.20, 20.0, 5.0),  # Sketch
    (0.30, 70.0, 5.0),  # Regular
    (0.30, 90.0, 5.0),  # Gen-2
    (0.20, 300.0, 1.5),  # what the documentation leaves out: longer tasks, queues, waits that begin late
)
"""Share of the tasks, median duration in seconds (source: the vendor's pages), steepness: log-logistic distributions.
The shares and the spread are assumed. Until something was seen, no peer has less lag and fewer requests on any of the
benchmark's distributions; that, and not the documented one alone, chose the last line."""
_PRIOR_TASKS: Final = 2.0
"""Tasks that the prior counts as. With 1 the first few that are seen mislead; with 4 twice as many must be seen."""
_MEMORY: Final = 100.0
"""Tasks of an age that are remembered. With 200 the lag is 1 % smaller where nothing changes, and a change of what
tasks are is followed half as fast."""
_BANDS_PER_OCTAVE: Final = 4
_LONGEST_INTERVAL: Final = 120.0
"""Seconds between two looks: longer ones, of a machine that slept or a budget that is far too small, teach nothing."""
_SHORTEST_INTERVAL: Final = 1e-3
"""Seconds between two looks: in shorter ones nothing can be seen."""
_OLDEST: Final = 86_400.0
"""Seconds: beyond a day all ages are one band."""

Dice = Callable[[], float]
"""Returns a random number from 0.0 up to, and not including, 1.0."""


def _seconds(value: float | timedelta | None) -> float | None:
    return value.total_seconds() if isinstance(value, timedelta) else value


@frozen
class Poll:
    """How the pause between two looks at one task grows.

    `Poll()`, the default, chooses every pause by the age of the task and by how long tasks have taken so far: seldom
    while hardly any task can have ended, often where most end, and never twice within two seconds. With `initial`
    the pause is `initial` after the first look, `factor` times the last one after each further look, and `maximum`
    at most: `Poll(5)` looks every 5 seconds.

    Attributes:
        initial: The first pause, in seconds or as a `timedelta`; None leaves the choice to the client.
        factor: What each pause is multiplied by to give the next: 1 or more.
        maximum: The longest pause; None means 60 seconds for `Poll()`, else 30 or `initial`, whichever is longer.
        jitter: The fraction of the pause, from 0 to 1, up to which a random time is added.

    Raises:
        ConfigurationError: A value cannot be used.
    """

    initial: float | None = field(default=None, converter=_seconds)
    factor: float = 1.0
    maximum: float | None = field(default=None, converter=_seconds)
    jitter: float = JITTER

    def __attrs_post_init__(self) -> None:
        _check("factor", self.factor, least=1.0)
        _check("jitter", self.jitter, least=0.0, most=1.0)
        if self.initial is not None:
            _check("initial", self.initial, above=0.0)
            if self.maximum is not None:
                _check("maximum", self.maximum, least=self.initial, least_is="initial")
            return
        if self.factor != 1:
            raise ConfigurationError("factor multiplies the first pause: give initial as well.")
        if self.maximum is not None:
            _check("maximum", self.maximum, least=SHORTEST_PAUSE, least_is="the shortest pause without initial")


def _check(
    name: str,
    value: object,
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
    least_is: str = "",
) -> None:
    # Real takes the numbers of numpy, too; a bool is a mistake.
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ConfigurationError(f"{name} must be a number, not {type(value).__name__}.")
    try:
        number = float(value)
    except OverflowError:
        # An int or a fraction beyond all floats.
        number = math.inf
    if not math.isfinite(number):
        raise ConfigurationError(f"{name} must be finite, not {number:g}.")
    if number <= above:
        raise ConfigurationError(f"{name} must be above {above:g}, not {number:g}.")
    if number < least:
        meaning = f" ({least_is})" if least_is else ""
        raise ConfigurationError(f"{name} must be at least {least:g}{meaning}, not {number:g}.")
    if number > most:
        raise ConfigurationError(f"{name} must be at most {most:g}, not {number:g}.")


def _prior_survival(age: float) -> float:
    return sum(share / (1 + math.pow(age / median, steepness)) for share, median, steepness in _PRIOR)


_OCTAVES: Final = math.log2(_OLDEST / SHORTEST_PAUSE)
_STARTS: Final = (
    0.0,
    *(SHORTEST_PAUSE * 2 ** (n / _BANDS_PER_OCTAVE) for n in range(math.ceil(_OCTAVES * _BANDS_PER_OCTAVE))),
    _OLDEST,
)
"""The ages are divided into bands, by their logarithm. This is where each begins."""
_ENDS: Final = (*_STARTS[1:], math.inf)
_WIDTHS: Final = (*(end - start for start, end in pairwise(_STARTS)), _OLDEST)
_NEAR: Final = tuple(slice(max(0, band - 1), band + 2) for band in range(len(_STARTS)))
"""A band and its neighbours."""
_PRIOR_RATES: Final = tuple(
    math.log(_prior_survival(start) / _prior_survival(start + width)) / width
    for start, width in zip(_STARTS, _WIDTHS, strict=True)
)
_PRIOR_WATCHED: Final = tuple(_PRIOR_TASKS * sum(_WIDTHS[near]) for near in _NEAR)
_PRIOR_ENDED: Final = tuple(rate * watched for rate, watched in zip(_PRIOR_RATES, _PRIOR_WATCHED, strict=True))


class Lifetimes:
    """How likely a task of a given age is to end soon: documented durations, corrected by those that were seen.

    For each band of ages it holds how many tasks ended in it, and for how long tasks were watched in it. The quotient
    is the rate at which tasks of that age end (the estimator of Nelson and Aalen). So a task that is still running, or
    was given up, counts as well, and what was seen at one age says nothing about another. A band shares its numbers
    with its two neighbours, and with the prior, which counts as if two tasks had been watched before.
    """

    __slots__ = ("_ended", "_rates", "_watched")

    def __init__(self) -> None:
        self._ended = [0.0] * len(_STARTS)
        self._watched = [0.0] * len(_STARTS)
        self._rates = list(_PRIOR_RATES)

    def saw(self, before: float, age: float, *, ended: bool) -> None:
        """Learns from a look at `age` that a task which ran on at `before` has `ended`, or has not."""
        if not _SHORTEST_INTERVAL <= age - before <= _LONGEST_INTERVAL:
            return
        first = band = bisect_right(_STARTS, before) - 1
        start, running = before, 1.0
        parts: list[tuple[float, float]] = []  # for each band, the seconds in it and the share expected to end there
        while start < age:
            seconds = min(age, _ENDS[band]) - start
            share = running * -math.expm1(-self._rates[band] * seconds)
            parts.append((seconds, share))
            start, running = _ENDS[band], running - share
            band += 1
        self._add(first, parts, ended=ended)
        for touched in range(max(0, first - 1), min(band + 1, len(_STARTS))):
            near = _NEAR[touched]
            ended_near = _PRIOR_ENDED[touched] + sum(self._ended[near])
            self._rates[touched] = ended_near / (_PRIOR_WATCHED[touched] + sum(self._watched[near]))

    def _add(self, first: int, parts: list[tuple[float, float]], *, ended: bool) -> None:
        """Adds one task that was watched for these seconds in these bands.

        A task that ended did so at any moment in between: one half of it goes where it was to be expected, the other
        is spread evenly. The first alone would cling to a wrong prior, the second alone would blur what is known.
        """
        all_seconds = sum(seconds for seconds, _ in parts)
        all_shares = sum(share for _, share in parts)
        running = 1.0
        for band, (seconds, share) in enumerate(parts, start=first):
            here = (share / all_shares + seconds / all_seconds) / 2 if ended else 0.0
            self._ended[band] += here
            self._watched[band] += seconds * (running - here / 2)
            running -= here
            self._forget(band)

    def _forget(self, band: int) -> None:
        """Fades what a band holds to the weight of the last `_MEMORY` tasks."""
        excess = self._watched[band] / (_MEMORY * _WIDTHS[band])
        if excess > 1:
            self._watched[band] /= excess
            self._ended[band] /= excess

    def pause(self, age: float) -> float:
        """Returns after how many seconds the lag to be expected of a task that runs on at `age` reaches `PRICE`."""
        band = bisect_right(_STARTS, age) - 1
        start, running, lag = age, 1.0, 0.0
        while True:
            rate, length = self._rates[band], _ENDS[band] - start
            still = running * math.exp(-rate * length)
            more = length - (running - still) / rate
            if lag + more >= PRICE:
                break
            start, running, lag = _ENDS[band], still, lag + more
            band += 1
        # Within a band the lag grows as (1 - running) t + running rate t² / 2, as long as rate t is small.
        ended, missing = 1 - running, PRICE - lag
        return start - age + 2 * missing / (ended + math.sqrt(ended * ended + 2 * running * rate * missing))


class Pacer:
    """Chooses the pauses of all tasks that a client waits for. Nothing in it grows with their number.

    Threads may share it: two that learn at the same moment can lose an observation, which does no harm.
    """

    def __init__(self, poll: Poll | Callable[[float], float], lifetimes: Lifetimes | None = None) -> None:
        """Makes a pacer.

        Args:
            poll: What the user asked for: a `Poll`, or a callable from a task's age to the pause, both in seconds.
            lifetimes: What to learn into, for clients that share it; None begins with what is documented.
        """
        self._poll = poll
        self.lifetimes = Lifetimes() if lifetimes is None else lifetimes
        self._first_pause = math.inf

    def pause(self, age: float, looks: int, dice: Dice) -> float:
        """Returns the seconds until the next look at a task.

        Args:
            age: Seconds since the wait for the task began.
            looks: How many looks there have been: 1 or more.
            dice: The source of chance.

        Raises:
            ConfigurationError: The user's callable returned what is no pause.
        """
        if not isinstance(self._poll, Poll):
            pause = _call(self._poll, age)
            if looks == 1:
                self._first_pause = pause
            return pause
        return self._steady(self._poll, age, looks) * (1 + self._poll.jitter * dice())

    def saw(self, before: float, age: float, *, ended: bool) -> None:
        """Learns from a look at `age` that a task which ran on at `before` has `ended`, or has not.

        `before` is the age at the last look that found the task running. So a first look teaches nothing, and a look
        that brought no status is none.
        """
        self.lifetimes.saw(before, age, ended=ended)

    @property
    def handicap(self) -> float:
        """The seconds by which a first look yields to others, where the budget cannot serve all.

        A first look may be taken at once. But where several looks may be taken and only one can, the one that became
        due earliest goes first, and a first look counts as due this long after its wait began: as if the task had been
        looked at then. It is the look that is least likely to bring news.
        """
        # A callable is asked about tasks only: what it said after a first look has to do.
        pause = self._steady(self._poll, 0.0, 1) if isinstance(self._poll, Poll) else self._first_pause
        return min(pause, LONGEST_HANDICAP)

    def _steady(self, poll: Poll, age: float, looks: int) -> float:
        """The pause without its jitter."""
        if poll.initial is None:
            longest = LONGEST_PAUSE if poll.maximum is None else poll.maximum
            return min(max(SHORTEST_PAUSE, self.lifetimes.pause(age)), longest)
        longest = max(poll.initial, LONGEST_GROWN_PAUSE) if poll.maximum is None else poll.maximum
        try:
            return min(longest, poll.initial * math.pow(poll.factor, looks - 1))
        except OverflowError:
            return longest


def _call(poll: Callable[[float], float], age: float) -> float:
    pause = poll(age)
    _check("the result of the poll callable", pause, least=0.0)
    return float(pause)
