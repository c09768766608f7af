"""The durations that schedules are compared on."""

import math
import random
from bisect import bisect_left
from collections.abc import Callable
from statistics import fmean
from typing import Final

Survival = Callable[[float], float]
"""The share of tasks that take longer than an age."""

HARDLY_ANY: Final = 1e-5
"""The share of the longest tasks that is left out of account."""


class Durations:
    """A distribution of durations, as a table of its survival over a fine grid of ages."""

    def __init__(self, name: str, about: str, survival: Survival) -> None:
        """Makes the table; `survival` is called for ages of 0 and more, and falls from 1 towards 0."""
        self.name = name
        self.about = about
        longest = 10.0
        while survival(longest) > HARDLY_ANY:
            longest *= 1.1
        self.step = max(0.25, longest / 8000)
        self.ages = [self.step * n for n in range(math.ceil(longest / self.step) + 1)]
        self.survival = [survival(age) for age in self.ages]
        self.survival[-1] = 0.0
        self._ended = [1 - share for share in self.survival]

    def quantile(self, share: float) -> float:
        """Returns the duration that this share of the tasks stays below."""
        after = max(1, bisect_left(self._ended, share))
        low, high = self._ended[after - 1], self._ended[after]
        part = (share - low) / (high - low) if high > low else 0.0
        return self.ages[after - 1] + part * self.step

    def draw(self, count: int, chance: random.Random) -> list[float]:
        """Returns durations at random."""
        return [self.quantile(chance.random()) for _ in range(count)]

    def even(self, count: int) -> list[float]:
        """Returns durations evenly spread over the distribution: what they bring is exact, not a sample."""
        return [self.quantile((n + 0.5) / count) for n in range(count)]


def log_normal(median: float, sigma: float) -> Survival:
    """Durations whose logarithm is normal."""
    return lambda age: 0.5 * math.erfc(math.log(age / median) / (sigma * math.sqrt(2))) if age > 0 else 1.0


def mixture(*parts: tuple[float, Survival]) -> Survival:
    """Each of these with its share."""
    return lambda age: sum(share * part(age) for share, part in parts)


def joined_late(survival: Survival, latest: float) -> Survival:
    """What is left of the durations of tasks that are still running when somebody begins to wait for them."""
    delays = [latest * (n + 0.5) / 60 for n in range(60)]
    running = sum(map(survival, delays))
    return lambda age: sum(survival(age + delay) for delay in delays) / running


def queued(survival: Survival, mean: float) -> Survival:
    """With a time in a queue before it, exponentially distributed."""
    delays = [-mean * math.log(1 - (n + 0.5) / 100) for n in range(100)]
    return lambda age: fmean(survival(age - delay) for delay in delays)


DOCUMENTED: Final = mixture(
    (0.25, log_normal(20, 0.3)), (0.35, log_normal(70, 0.3)), (0.35, log_normal(90, 0.3)), (0.05, log_normal(300, 0.6))
)
"""Sketch, Regular, Gen-2 and a heavy tail. The medians are documented; the shares and the spread are assumed."""


BIMODAL: Final = mixture((0.5, log_normal(15, 0.2)), (0.5, log_normal(240, 0.2)))


def distributions() -> list[Durations]:
    """The durations that the schedules are compared on. The default was made for the first one only."""
    return [
        Durations("documented", "25 % Sketch, 35 % Regular, 35 % Gen-2, 5 % of some 300 s", DOCUMENTED),
        Durations("sketch", "all about 20 s", log_normal(20, 0.3)),
        Durations("regular", "all about 70 s", log_normal(70, 0.3)),
        Durations("gen2", "all about 90 s", log_normal(90, 0.3)),
        Durations("heavy", "all about 300 s, widely spread", log_normal(300, 0.6)),
        Durations("narrow", "all about 40 s, hardly spread", log_normal(40, 0.15)),
        Durations("uniform", "anything from 10 to 200 s", lambda age: min(1.0, max(0.0, (200 - age) / 190))),
        Durations("exponential", "60 s on average, as likely to end at any age", lambda age: math.exp(-age / 60)),
        Durations("bimodal", "half about 15 s, half about 240 s", BIMODAL),
        Durations("half an hour", "all about 1800 s", log_normal(1800, 0.3)),
        Durations("wide", "all about 60 s, spread over two decades", log_normal(60, 1.0)),
        Durations("joined late", "documented, waited for up to 60 s after they began", joined_late(DOCUMENTED, 60)),
        Durations("queued", "90 s after a queue of 120 s on average", queued(log_normal(90, 0.3), 120)),
    ]
