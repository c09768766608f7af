"""Many calls at once: calls a second, CPU time of a call, and how many calls a connection serves."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from benchmarks.bench.contestants import HTTPX, OURS
from benchmarks.bench.figures import NOTHING, Spread, Table, Target, ratios, short
from benchmarks.bench.server import Door, Server
from benchmarks.bench.workers import Took, Turn, UnableError, Worker, running_workers

AT_ONCE: Final = Door()
SLOW: Final = Door(delay=0.05)
DOORS: Final = (AT_ONCE, SLOW)
NAMES: Final = (
    OURS,
    HTTPX,
    "httpx without limits",
    "asyncio.Protocol",
    "aiohttp",
    "aiohttp without limits",
    "fal-client",
    "replicate",
    "openai",
    "runwayml",
    "tripo3d",
)
REFERENCES: Final = ("aiohttp", HTTPX)
"""What the others are compared with: the first of these that can do it. With 1,000 calls httpx cannot always."""
TARGET_IN_FLIGHT: Final = 200
TARGET_OVER: Final = ("fal-client", "openai", "runwayml")
TARGET_TIMES: Final = 5.0


@dataclass(frozen=True)
class Cell:
    """One table.

    Attributes:
        in_flight: Calls at once.
        door: The server's door, with its delay.
        rounds: How many times each contestant takes a turn.
        seconds: For how long calls are begun in a turn.
        patience: How many more seconds those that were begun have.
    """

    in_flight: int
    door: Door
    rounds: int
    seconds: float
    patience: float

    @property
    def name(self) -> str:
        """What it measures."""
        return f"{self.in_flight:,} in flight, the server takes {self.door.delay * 1000:g} ms"


FULL: Final = tuple(
    Cell(in_flight, door, rounds=2 if in_flight == 1000 else 3, seconds=0.7, patience=10.0)
    for door in DOORS
    for in_flight in (10, 100, 200, 1000)
)
QUICK_NAMES: Final = tuple(name for name in NAMES if not name.endswith("without limits"))
QUICK: Final = (Cell(200, SLOW, rounds=2, seconds=0.4, patience=5.0),)


@dataclass
class Taken:
    """What a contestant's turns came to, each of these once a round."""

    turns: list[Took] = field(default_factory=list[Took])
    connections: list[int] = field(default_factory=list[int])
    server_busy: list[float] = field(default_factory=list[float])

    @property
    def calls_per_connection(self) -> str:
        """How many calls each connection served that was opened after the warm-up."""
        calls, connections = sum(took.calls for took in self.turns), sum(self.connections)
        return short(calls / connections) if connections else "all kept"


@dataclass(frozen=True)
class Many:
    """What came of it."""

    cells: Mapping[Cell, Mapping[str, Taken]]
    unable: Mapping[Cell, Sequence[str]]

    def tables(self) -> list[Table]:
        """Returns a table for each cell."""
        return [self._table(cell) for cell in self.cells]

    def _table(self, cell: Cell) -> Table:
        column = self.cells[cell]
        named = next(name for name in (*REFERENCES, *column) if name in column)
        reference = column[named].turns
        rows: list[list[str]] = []
        for name, taken in column.items():
            rate = ratios([took.rate for took in taken.turns], [took.rate for took in reference])
            cpu = ratios([took.cpu_per_call for took in taken.turns], [took.cpu_per_call for took in reference])
            errors = sum(took.errors for took in taken.turns)
            busy = f"{max(taken.server_busy):.0%}"
            rows.append([name, str(rate), str(cpu), taken.calls_per_connection, str(errors), busy])
        return Table(
            f"Many at once: {cell.name}",
            f"Over {named} with its own limits: calls a second, and CPU time of a call. Calls for each connection that"
            " was opened after a warm-up. Calls that failed, or had no answer"
            f" {cell.seconds + cell.patience:g} s after the turn began. How busy the server was at the most.",
            ["", "calls/s", "CPU of a call", "calls/connection", "failed", "server busy"],
            rows,
            self.unable[cell],
        )

    def targets(self) -> list[Target]:
        """Returns how ours compares with what it should be."""
        targets: list[Target] = []
        for cell, column in self.cells.items():
            if cell.in_flight != TARGET_IN_FLIGHT or cell.door is not SLOW or OURS not in column:
                continue
            for name in (name for name in TARGET_OVER if name in column):
                figure = f"async calls/s at {cell.in_flight} in flight and {cell.door.delay * 1000:g} ms, over {name}"
                best = _rates(column, "tripo3d", name)
                peers = NOTHING if best is None else f"tripo3d {short(best.middle)}"
                ours = _rates(column, OURS, name)
                assert ours is not None
                targets.append(Target.at_least(figure, TARGET_TIMES, ours, peers))
        return targets


def _rates(column: Mapping[str, Taken], one: str, other: str) -> Spread | None:
    if one not in column or other not in column:
        return None
    return ratios([took.rate for took in column[one].turns], [took.rate for took in column[other].turns])


def measure(server: Server, cells: Sequence[Cell], names: Sequence[str] = NAMES) -> Many:
    """Measures all cells, in rounds in each of which every contestant takes a turn, in an order that changes."""
    found: dict[Cell, dict[str, Taken]] = {}
    unable: dict[Cell, list[str]] = {}
    with running_workers(names, server.trusted) as workers:
        for cell in cells:
            unable[cell] = []
            found[cell] = _rounds(workers, cell, server, unable[cell])
    return Many(found, unable)


def _rounds(workers: Sequence[Worker], cell: Cell, server: Server, unable: list[str]) -> dict[str, Taken]:
    taken = {worker.name: Taken() for worker in workers}
    order = random.Random(cell.name)
    taking_part = list(workers)
    for number in range(cell.rounds):
        order.shuffle(taking_part)
        for worker in list(taking_part):
            try:
                _take(worker, cell, server, taken[worker.name], is_last=number == cell.rounds - 1)
            except UnableError as error:
                unable.append(f"{worker.name}: {error}.")
                taking_part.remove(worker)
                del taken[worker.name]
    return taken


def _take(worker: Worker, cell: Cell, server: Server, taken: Taken, *, is_last: bool) -> None:
    turn = Turn(server.url(cell.door), True, None, cell.seconds, cell.in_flight, cell.patience, is_last)
    # Just before it, since many a client drops connections that were idle while the others took their turns.
    warm_up = worker.take(replace(turn, calls=cell.in_flight, seconds=0.0, is_last=False))
    if warm_up.calls < cell.in_flight:
        few = f"{warm_up.calls} of the first {cell.in_flight} calls had an answer within {cell.patience:g} s"
        raise UnableError(f"{few}, and it was left out")
    before = server.counts(cell.door)
    took = worker.take(turn)
    after = server.counts(cell.door)
    taken.turns.append(took)
    taken.connections.append(after.connections)
    taken.server_busy.append((after.cpu - before.cpu) / took.seconds)
