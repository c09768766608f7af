"""How soon an end is noticed, and for how many requests: the tables of `benchmarks/polling.py`.

They come from a simulation with fixed seeds: the same on every machine, and no rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from benchmarks import polling
from benchmarks._polling_durations import distributions
from benchmarks.bench.figures import Table, Target, short
from benchmarks.bench.server import Server

SHOWN: Final = "documented"
QUICK: Final = replace(polling.QUICK, tasks=200, clients=3)


@dataclass(frozen=True)
class Lag:
    """What came of it."""

    comparisons: Sequence[polling.Comparison]

    def tables(self) -> list[Table]:
        """Returns the distribution that is documented in full, and how far from the bound we are on all."""
        shown = next(each for each in self.comparisons if each.durations == SHOWN)
        rows = [
            [row.schedule, short(row.lag), short(row.lag_95), short(row.requests), polling.ratio(row)]
            for row in (*shown.ours, *shown.peers)
        ]
        counts = [f"after {count}" for count in polling.LEARNT_FROM]
        return [
            Table(
                "Polling: lag against requests",
                f"One task, durations as documented: {shown.about}. Seconds from the end of a task to the look that"
                " finds it, looks at a task, and the lag over the least that is possible for as many looks. Simulated,"
                " with fixed seeds; `python benchmarks/polling.py` has more.",
                ["schedule", "mean lag, s", "95 %, s", "looks", "over the bound"],
                rows,
            ),
            Table(
                "Polling: other durations",
                "Lag of `Poll()` over the bound's at equal looks, after so many tasks were seen; last, that of a look"
                " every 5 s.",
                ["durations", *counts, "every 5 s"],
                [[each.durations, *map(polling.ratio, each.ours), _constant(each)] for each in self.comparisons],
            ),
        ]

    def targets(self) -> list[Target]:
        """Returns nothing: polling has no target among the costs."""
        return []


def _constant(comparison: polling.Comparison) -> str:
    return polling.ratio(next(row for row in comparison.peers if row.schedule.startswith("every 5 s")))


def measure(_server: Server | None, size: polling.Size, names: Sequence[str] | None = None) -> Lag:
    """Simulates all schedules, on these distributions or on all."""
    return Lag([polling.compare(each, size) for each in distributions() if names is None or each.name in names])
