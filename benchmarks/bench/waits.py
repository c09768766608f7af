"""Waiting for many tasks at once: several sizes of `benchmarks/waiting.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks import waiting
from benchmarks.bench.figures import NOTHING, Table, Target, short
from benchmarks.bench.server import Server

OURS: Final = ("Rodin.as_completed", "AsyncRodin.as_completed")
PEERS: Final = ("a task each, one httpx client", "a task each, one aiohttp session")
RATE: Final = 300.0
TARGET_TASKS: Final = 10_000
GOAL_CORE: Final = 0.25
GOAL_MEMORY: Final = 0.5


@dataclass(frozen=True)
class Size:
    """How much is measured: how many tasks, and for how long."""

    tasks: int
    seconds: float


FULL: Final = (Size(100, 8), Size(1000, 8), Size(10_000, 40), Size(50_000, 20))
QUICK: Final = (Size(10_000, 5),)


@dataclass(frozen=True)
class Waits:
    """What came of it."""

    rate: float
    results: Mapping[Size, Sequence[waiting.Result]]

    def tables(self) -> list[Table]:
        """Returns a table for each size."""
        return [self._table(size, results) for size, results in self.results.items()]

    def _table(self, size: Size, results: Sequence[waiting.Result]) -> Table:
        reference = min((result.cpu_per_look for result in results if result.contender not in OURS), default=None)
        rows = [
            [
                result.contender,
                f"{result.core:.0%} ({result.core_low:.0%} to {result.core_high:.0%})",
                NOTHING if reference is None else short(result.cpu_per_look / reference),
                short(result.memory_per_task),
                f"{result.looks_per_second / self.rate:.0%}",
                f"{1000 * result.late:.0f} / {1000 * result.late_95:.0f} ms",
                str(result.bad_looks),
            ]
            for result in results
        ]
        return Table(
            f"Waiting: {size.tasks:,} tasks",
            f"All have to look {self.rate:g} times a second, for {size.seconds:g} s, at tasks that do not end;"
            f" {self._share(size):.0%} of the tasks have their first look in that time."
            " CPU time in seconds per second, in parentheses the quartiles over quarters of a second; that of a look"
            " over the best of those that are not ours. Memory that the process grew by, for each task, connections and"
            " all. Looks that brought a status, of those due. Lateness of looks, the median and what 95 % stay below.",
            ["", "of a core", "CPU of a look", "kB a task", "looks", "late", "failed"],
            rows,
        )

    def _share(self, size: Size) -> float:
        return min(1.0, self.rate * size.seconds / size.tasks)

    def targets(self) -> list[Target]:
        """Returns how ours compares with what it should be: the worse of both clients counts."""
        targets: list[Target] = []
        for size, results in self.results.items():
            if size.tasks != TARGET_TASKS:
                continue
            ours = [result for result in results if result.contender in OURS]
            core, memory = max(each.core for each in ours), max(each.memory_per_task for each in ours)
            failed = sum(each.bad_looks for each in ours)
            peer = next((each for each in results if each.contender == PEERS[-1]), None)
            # A task that was not looked at yet takes next to nothing.
            is_whole = self._share(size) == 1
            held = short(memory) if is_whole else f"{short(memory)}, {self._share(size):.0%} of them looked at"
            texts = ("", "", "") if peer is None else (f"{peer.core:.0%}", short(peer.memory_per_task), peer.bad_looks)
            about = f"{size.tasks:,} tasks at {self.rate:g} polls/s"
            peers = [f"aiohttp {text}" if peer is not None else NOTHING for text in texts]
            targets += [
                Target(f"{about}: of a core", f"≤ {GOAL_CORE:.0%}", f"{core:.0%}", core <= GOAL_CORE, peers[0]),
                Target(
                    f"{about}: kB a task",
                    f"≤ {GOAL_MEMORY}",
                    held,
                    memory <= GOAL_MEMORY if is_whole else None,
                    peers[1],
                ),
                Target(f"{about}: failed", "0", str(failed), not failed, peers[2]),
            ]
        return targets


def measure(_server: Server | None, sizes: Sequence[Size], rate: float = RATE) -> Waits:
    """Measures all sizes, with a server of their own that takes notes."""
    contenders = [name for name in waiting.available() if name in (*OURS, *PEERS)]
    return Waits(rate, {size: waiting.run(size.tasks, rate, size.seconds, contenders) for size in sizes})
