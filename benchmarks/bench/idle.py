"""Calls that are seconds apart, as polls are: whether the connection is still there."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.bench.contestants import ASYNC, OURS, SYNC
from benchmarks.bench.figures import NOTHING, Table, Target, short
from benchmarks.bench.one_call import CLEAR, NAMES, PEERS
from benchmarks.bench.server import Server
from benchmarks.bench.workers import Turn, UnableError, running_workers

PAUSE: Final = 6.0
"""Seconds between two calls. httpx closes what was idle for five."""


@dataclass(frozen=True)
class Size:
    """How much is measured: calls of each client."""

    calls: int


@dataclass(frozen=True)
class Idle:
    """What came of it: for each contestant, synchronous and not, how many connections its calls took."""

    size: Size
    connections: Mapping[tuple[str, bool], int]
    unable: Sequence[str]

    def tables(self) -> list[Table]:
        """Returns it as a table."""
        names = list(dict.fromkeys(name for name, _ in self.connections))
        about = f"Calls for each connection: {self.size.calls} calls, with {PAUSE:g} seconds between two."
        rows = [[name, self._cell(name, is_async=False), self._cell(name, is_async=True)] for name in names]
        return [Table(f"A call every {PAUSE:g} s", about, ["", "sync", "async"], rows, self.unable)]

    def _cell(self, name: str, *, is_async: bool) -> str:
        connections = self.connections.get((name, is_async))
        return NOTHING if connections is None else short(self.size.calls / connections)

    def targets(self) -> list[Target]:
        """Returns how ours compares with what it should be."""
        best = min((count for (name, _), count in self.connections.items() if name in PEERS), default=None)
        peers = NOTHING if best is None else f"{self.size.calls} on {best}"
        ours = max(count for (name, _), count in self.connections.items() if name == OURS)
        figure = f"calls on a connection when polling every {PAUSE:g} s"
        return [Target(figure, "all on one", f"{self.size.calls} on {ours}", ours == 1, peers)]


def measure(server: Server, size: Size, names: Sequence[str] = NAMES, pause: float = PAUSE) -> Idle:
    """Has every client make a call, and waits; so that all wait at the same time."""
    connections: dict[tuple[str, bool], int] = {}
    unable: list[str] = []
    with running_workers(names, server.trusted) as workers:
        clients = [(worker, is_async) for worker in workers for is_async in _kinds(worker.name)]
        for number in range(size.calls):
            if number:
                time.sleep(pause)
            for worker, is_async in list(clients):
                server.counts(CLEAR)
                try:
                    worker.take(Turn(server.url(CLEAR), is_async, calls=1))
                except UnableError as error:
                    unable.append(f"{worker.name}: {error}.")
                    clients.remove((worker, is_async))
                    continue
                kind = worker.name, is_async
                connections[kind] = connections.get(kind, 0) + server.counts(CLEAR).connections
    return Idle(size, connections, unable)


def _kinds(name: str) -> list[bool]:
    return [is_async for is_async, contestants in ((False, SYNC), (True, ASYNC)) if name in contestants]
