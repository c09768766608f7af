"""How much faster the server is than the fastest of those that are measured with it."""

import json
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks.bench.answers import STATUS_PATH, canned
from benchmarks.bench.contestants import BODY, OURS
from benchmarks.bench.figures import Spread, Table, Target, ratios
from benchmarks.bench.one_call import CLEAR, DOORS, TLS
from benchmarks.bench.server import Door, Server
from benchmarks.bench.workers import Turn, running_workers

FASTEST: Final = ("asyncio.Protocol", "aiohttp", OURS)
"""The fastest clients that there are here."""
IN_FLIGHT: Final = 100
CONNECTIONS: Final = 8
AT_ONCE: Final = 16
"""Requests that are sent in one piece, so that the sender costs next to nothing beside the server."""


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, and seconds in each."""

    rounds: int
    seconds: float


@dataclass(frozen=True)
class Ceiling:
    """What came of it: for each door and client, how many times as fast the server answers as the client asks."""

    over: dict[tuple[Door, str], Spread]

    def tables(self) -> list[Table]:
        """Returns it as a table."""
        table = Table(
            "The server",
            f"How many times as many calls a second the server answers, asked for {AT_ONCE} at once over {CONNECTIONS}"
            f" connections by a sender that does nothing else, as the fastest clients make with {IN_FLIGHT} in"
            " flight. Where this is well above 1, the server is not what limits them.",
            ["", "clear text", "TLS"],
            [[f"over {name}", str(self.over[CLEAR, name]), str(self.over[TLS, name])] for name in FASTEST],
        )
        return [table]

    def targets(self) -> list[Target]:
        """Returns nothing: the server has no target."""
        return []


def measure(server: Server, size: Size) -> Ceiling:
    """Measures the server alone, and with the fastest clients, by turns."""
    rates: dict[tuple[Door, str], list[float]] = {}
    ceilings: dict[Door, list[float]] = {}
    with running_workers(list(FASTEST), server.trusted) as workers:
        for _ in range(size.rounds):
            for door in DOORS:
                ceilings.setdefault(door, []).append(flood(server.url(door), size.seconds, server.trusted))
                for worker in workers:
                    turn = Turn(server.url(door), is_async=True, seconds=size.seconds, in_flight=IN_FLIGHT)
                    worker.take(replace(turn, seconds=0.1))
                    rates.setdefault((door, worker.name), []).append(worker.take(turn).rate)
    return Ceiling({(door, name): ratios(ceilings[door], values) for (door, name), values in rates.items()})


def flood(base_url: str, seconds: float, trusted: Path) -> float:
    """Returns how many calls a second the server answers."""
    address, content = urlsplit(base_url), json.dumps(BODY)
    head = f"POST {STATUS_PATH} HTTP/1.1\r\nhost: {address.netloc}\r\ncontent-length: {len(content)}\r\n\r\n"
    requests = (head + content).encode() * AT_ONCE
    expected = len(canned()[STATUS_PATH.encode()]) * AT_ONCE
    context = ssl.create_default_context(cafile=str(trusted)) if address.scheme == "https" else None
    host, port = address.hostname, address.port
    assert host is not None
    with ExitStack() as stack:
        connections: list[socket.socket] = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection((host, port)))
            if context is not None:
                connection = stack.enter_context(context.wrap_socket(connection, server_hostname=host))
            connections.append(connection)
            connection.sendall(requests)
        return _keep_busy(connections, requests, expected, seconds)


def _keep_busy(connections: Sequence[socket.socket], requests: bytes, expected: int, seconds: float) -> float:
    """Sends anew to each connection whose answers have come, so that there is always something to answer."""
    started, calls = time.monotonic(), 0
    while not calls or time.monotonic() < started + seconds:
        for connection in connections:
            left = expected
            while left:
                left -= len(connection.recv(left))
            connection.sendall(requests)
            calls += AT_ONCE
    return calls / (time.monotonic() - started)
