"""The best schedule there can be."""

import math
from bisect import bisect_left
from itertools import pairwise
from typing import Final

from benchmarks._polling_durations import Durations
from rodin_sdk._poll import SHORTEST_PAUSE


class Bound:
    """The least lag for a number of requests, for who knows the distribution, with no two looks within two seconds.

    For a price of a request, in seconds of lag, the best schedule is found by dynamic programming, backwards over the
    grid of ages: the cost from a look at i on is, with S the survival, I its integral and j the next look,

        V(i) = min over j of  price S(i)  +  S(i) (t(j) - t(i)) - (I(j) - I(i))  +  V(j)

    where the first term is the price of the next look, if it takes place, and the second the lag that it finds. In j
    this is a straight line over S(i), with the slope t(j): the lower envelope of the lines gives the minimum in
    constant time. A range of prices traces the bound; between two of them it is interpolated.
    """

    PRICES: Final = tuple(0.002 * 1.45**n for n in range(30))

    def __init__(self, durations: Durations) -> None:
        """Computes the bound."""
        self._integral = [0.0]
        for here, there in pairwise(durations.survival):
            self._integral.append(self._integral[-1] + (here + there) / 2 * durations.step)
        points = sorted({self._best(durations, price) for price in self.PRICES})
        self._requests = [requests for requests, _ in points]
        self._lags = [lag for _, lag in points]

    def lag(self, requests: float) -> float:
        """Returns the least lag for this number of requests a task; more than can be of use bring no less."""
        after = min(max(1, bisect_left(self._requests, requests)), len(self._requests) - 1)
        low, high = (math.log(self._requests[i]) for i in (after - 1, after))
        part = min(1.0, max(0.0, (math.log(requests) - low) / (high - low)))
        return math.exp((1 - part) * math.log(self._lags[after - 1]) + part * math.log(self._lags[after]))

    def _best(self, durations: Durations, price: float) -> tuple[float, float]:
        """Returns requests and lag of the best schedule at a price."""
        ages, survival, integral = durations.ages, durations.survival, self._integral
        gap = math.ceil(SHORTEST_PAUSE / durations.step)
        last = len(ages) - 1
        cost = [0.0] * len(ages)
        following = [last] * len(ages)
        lines: list[tuple[float, float, int]] = []  # slope, value at 0, and the look that it stands for
        best = 0
        for i in range(last - 1, -1, -1):
            j = min(last, i + gap)
            if not lines or lines[-1][2] != j:
                best = min(best, _add_line(lines, (ages[j], cost[j] - integral[j], j)))
            share = survival[i]
            while best + 1 < len(lines) and _at(lines[best + 1], share) <= _at(lines[best], share):
                best += 1
            cost[i] = (price - ages[i]) * share + integral[i] + _at(lines[best], share)
            following[i] = lines[best][2]
        requests, lag, i = 1.0, 0.0, 0
        while i < last:
            j = following[i]
            requests += survival[i]
            lag += survival[i] * (ages[j] - ages[i]) - (integral[j] - integral[i])
            i = j
        return requests, lag


def _at(line: tuple[float, float, int], share: float) -> float:
    return line[0] * share + line[1]


def _add_line(lines: list[tuple[float, float, int]], line: tuple[float, float, int]) -> int:
    """Adds a line that is flatter than all, drops those that are nowhere the lowest now; returns its position."""
    slope, value, _ = line
    while len(lines) > 1:
        (slope_1, value_1, _), (slope_2, value_2, _) = lines[-2:]
        if (value - value_1) * (slope_1 - slope_2) > (value_2 - value_1) * (slope_1 - slope):
            break
        lines.pop()
    lines.append(line)
    return len(lines) - 1
