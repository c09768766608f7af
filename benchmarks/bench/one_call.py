"""One call after another: the CPU time of a call, relative to a bare `post` of httpx."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.bench.contestants import ASYNC, HTTPX, OURS, SYNC
from benchmarks.bench.figures import NOTHING, Spread, Table, Target, ratios, short
from benchmarks.bench.server import Door, Server
from benchmarks.bench.workers import Turn, UnableError, Worker, running_workers


@dataclass(frozen=True)
class Mode:
    """One column of the table."""

    name: str
    is_async: bool
    door: Door


CLEAR: Final = Door()
TLS: Final = Door(tls=True)
MODES: Final = (
    Mode("sync", is_async=False, door=CLEAR),
    Mode("sync, TLS", is_async=False, door=TLS),
    Mode("async", is_async=True, door=CLEAR),
    Mode("async, TLS", is_async=True, door=TLS),
)
DOORS: Final = (CLEAR, TLS)

LEFT_OUT: Final = frozenset({"httpx without limits", "aiohttp without limits"})
"""One call at a time does not reach a limit."""
NAMES: Final = tuple(name for name in dict.fromkeys((*SYNC, *ASYNC)) if name not in LEFT_OUT)
PEERS: Final = ("fal-client", "replicate", "openai", "runwayml", "tripo3d")
"""Those that are what ours is: a service's SDK."""
WARM_UP: Final = 30
GOAL: Final = 0.70
GOAL_TLS: Final = 0.75


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, and calls in a turn."""

    rounds: int
    calls: int


@dataclass(frozen=True)
class OneCall:
    """What came of it: for each mode and contestant its CPU time over httpx's, and why there is none."""

    ratios: Mapping[str, Mapping[str, Spread]]
    unable: Sequence[str]

    def tables(self) -> list[Table]:
        """Returns it as a table."""
        names = [name for name in NAMES if any(name in column for column in self.ratios.values())]
        table = Table(
            "One call",
            "CPU time of one call after another on a connection that is kept, everything included, over that of a bare"
            f" `post` of httpx in the same column. {OURS} builds the request, sends it, reads and checks the answer."
            " The median over the rounds, in parentheses the quartiles.",
            ["", *self.ratios],
            [[name, *(str(column.get(name, NOTHING)) for column in self.ratios.values())] for name in names],
            [
                "http.client and urllib3 have no asynchronous client, aiohttp, asyncio and tripo3d no synchronous one.",
                *self.unable,
            ],
        )
        return [table]

    def targets(self) -> list[Target]:
        """Returns how ours compares with what it should be."""
        return [
            Target.at_most(
                f"CPU of `{'AsyncRodin' if mode.is_async else 'Rodin'}.status()` over httpx, {mode.name}",
                GOAL_TLS if mode.door.tls else GOAL,
                self.ratios[mode.name][OURS],
                self._best_peer(mode),
            )
            for mode in MODES
        ]

    def _best_peer(self, mode: Mode) -> str:
        column = self.ratios[mode.name]
        found = {name: column[name].middle for name in PEERS if name in column}
        if not found:
            return NOTHING
        best = min(found, key=found.__getitem__)
        return f"{best} {short(found[best])}"


def measure(server: Server, size: Size, names: Sequence[str] = NAMES) -> OneCall:
    """Measures all modes, in rounds in each of which every contestant takes a turn, in an order that changes."""
    unable: list[str] = []
    found: dict[str, dict[str, Spread]] = {}
    with running_workers(names, server.trusted) as workers:
        for mode in MODES:
            taken = _rounds(workers, mode, server.url(mode.door), size, unable)
            reference = taken[HTTPX]
            found[mode.name] = {name: ratios(values, reference) for name, values in taken.items()}
    return OneCall(found, unable)


def _rounds(workers: Sequence[Worker], mode: Mode, url: str, size: Size, unable: list[str]) -> dict[str, list[float]]:
    """Returns the CPU seconds of a call in each round."""
    taking_part = [worker for worker in workers if worker.name in (ASYNC if mode.is_async else SYNC)]
    taken: dict[str, list[float]] = {}
    for worker in taking_part:
        try:
            worker.take(Turn(url, mode.is_async, WARM_UP))
            taken[worker.name] = []
        except UnableError as error:
            unable.append(f"{worker.name}, {mode.name}: {error}.")
    able = [worker for worker in taking_part if worker.name in taken]
    order = random.Random(mode.name)
    for _ in range(size.rounds):
        order.shuffle(able)
        for worker in able:
            taken[worker.name].append(worker.take(Turn(url, mode.is_async, size.calls)).cpu_per_call)
    return taken
