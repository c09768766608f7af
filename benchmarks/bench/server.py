"""The server: canned answers over keep-alive connections, in a process of its own.

It reads no more of a request than it needs to tell where it ends, so that it is not what limits the contestants.
"""

import asyncio
import multiprocessing
import os
import ssl
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, cast

import certifi
import trustme

from benchmarks.bench.answers import JOBS, canned

_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"
_BACKLOG: Final = 4096


@dataclass(frozen=True)
class Door:
    """A port that the server listens on.

    Attributes:
        tls: Whether it speaks TLS.
        delay: Seconds before each answer.
        jobs: Jobs in the answer to a status call.
        notes: Whether it takes down which request came when.
    """

    tls: bool = False
    delay: float = 0.0
    jobs: int = JOBS
    notes: bool = False


@dataclass(frozen=True)
class Counts:
    """What came through a door since it was last asked.

    Attributes:
        connections: New connections.
        arrivals: When each request had arrived, on the monotonic clock, and its body; where the door takes notes.
        cpu: CPU seconds of the server, all doors together.
    """

    connections: int
    arrivals: Sequence[tuple[float, bytes]]
    cpu: float


class Server:
    """The server, seen from the process that started it.

    Attributes:
        trusted: The file of certificates that clients have to trust.
    """

    def __init__(self, connection: Connection, ports: Sequence[int], doors: Sequence[Door], trusted: Path) -> None:
        self._connection = connection
        self._ports = dict(zip(doors, ports, strict=True))
        self.trusted = trusted

    def url(self, door: Door) -> str:
        """Returns the address of a door."""
        return f"{'https' if door.tls else 'http'}://127.0.0.1:{self._ports[door]}"

    def counts(self, door: Door) -> Counts:
        """Returns what came through a door, and begins to count anew."""
        self._connection.send(self._ports[door])
        counts: Counts = self._connection.recv()
        return counts


@contextmanager
def running_server(doors: Sequence[Door]) -> Generator[Server, None, None]:
    """Runs a server in a process of its own."""
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        trusted, identity = make_certificates(Path(folder))
        ours, theirs = processes.Pipe()
        process = processes.Process(target=_serve, args=(theirs, doors, identity), daemon=True)
        process.start()
        theirs.close()
        try:
            yield Server(ours, ours.recv(), doors, trusted)
        finally:
            ours.close()
            process.join()


def make_certificates(folder: Path) -> tuple[Path, Path]:
    """Writes what clients trust, the usual authorities and ours, and what the server shows; returns both files.

    The usual ones are there since reading them is a part of what a client costs to start.
    """
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    trusted, identity = folder / "trusted.pem", folder / "identity.pem"
    trusted.write_bytes(Path(certifi.where()).read_bytes() + authority.cert_pem.bytes())
    identity.write_bytes(certificate.private_key_and_cert_chain_pem.bytes())
    return trusted, identity


# In the server's process ----------------------------------------------------------------------------------------------


class _Counter:
    def __init__(self, *, notes: bool) -> None:
        self.notes = notes
        self.connections = 0
        self.arrivals: list[tuple[float, bytes]] = []

    def take(self) -> Counts:
        counts = Counts(self.connections, self.arrivals, time.process_time())
        self.connections, self.arrivals = 0, []
        return counts


class _Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self, answers: dict[bytes, bytes], delay: float, counter: _Counter) -> None:
        self._answers = answers
        self._delay = delay
        self._counter = counter
        self._rest = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its class
        self._counter.connections += 1

    def data_received(self, data: bytes) -> None:
        data = self._rest + data if self._rest else data
        answers: list[bytes] = []
        while end := end_of_request(data):
            path = data[: data.index(b" HTTP/")].split(b" ", 1)[1].split(b"?", 1)[0]
            answers.append(self._answers.get(path, _NOT_FOUND))
            if self._counter.notes:
                body = data[data.index(b"\r\n\r\n") + 4 : end]
                self._counter.arrivals.append((time.monotonic(), body))
            data = data[end:]
        self._rest = data
        if not answers:
            return
        answer = b"".join(answers)
        if self._delay:
            self._loop.call_later(self._delay, self._write, answer)
        else:
            self._transport.write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def end_of_request(data: bytes) -> int:
    """Returns where the first request ends; 0 where it has not arrived as a whole."""
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return 0
    body = 0
    if not data.startswith(b"GET "):
        length = data[:head].lower().find(b"\r\ncontent-length:")
        if length >= 0:
            body = int(data[length + 17 : head].split(b"\r\n", 1)[0])
    end = head + 4 + body
    return end if len(data) >= end else 0


def _serve(connection: Connection, doors: Sequence[Door], identity: Path) -> None:
    allow_many_files()
    try:
        loop_factory: Any = import_module("uvloop").new_event_loop
    except ImportError:  # where the tests run, and on Windows
        loop_factory = None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(_run(connection, doors, identity))


async def _run(connection: Connection, doors: Sequence[Door], identity: Path) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    counters: dict[int, _Counter] = {}
    servers: list[asyncio.Server] = []
    for door in doors:
        counter = _Counter(notes=door.notes)
        make = partial(_Answering, canned(door.jobs), door.delay, counter)
        tls = context if door.tls else None
        servers.append(await loop.create_server(make, "127.0.0.1", 0, ssl=tls, backlog=_BACKLOG))
        port: int = servers[-1].sockets[0].getsockname()[1]
        counters[port] = counter

    async def take(port: int) -> Counts:
        return counters[port].take()

    def answer() -> None:
        try:
            connection.send(list(counters))
            while True:
                connection.send(asyncio.run_coroutine_threadsafe(take(connection.recv()), loop).result())
        except (EOFError, OSError):
            os._exit(0)  # connections that are still open need no farewell

    # In a thread: what is sent can be long, and of a pipe that an event loop watches it refuses what does not fit.
    threading.Thread(target=answer, daemon=True).start()
    await loop.create_future()


def allow_many_files() -> None:
    """Lets this process open as many connections as the machine does."""
    with suppress(ImportError):  # nothing to allow on Windows
        resource: Any = import_module("resource")
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
