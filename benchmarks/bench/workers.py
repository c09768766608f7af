"""Workers: a process for each contestant, which takes its turns and tells what they cost.

In a process of its own no contestant pays for what another has imported, or left for the garbage collector.
"""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable, Generator, MutableMapping, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from benchmarks.bench.contestants import ASYNC, SYNC, AsyncCall, Call
from benchmarks.bench.server import allow_many_files

GRACE: Final = 20.0
"""Seconds that a worker has to give up calls, before it is given up itself: some clients take minutes."""
_MOST_ERRORS: Final = 10_000
"""After so many failed calls a turn is over, however much of it is left."""


@dataclass(frozen=True)
class Turn:
    """What a contestant is to do.

    Attributes:
        base_url: The server.
        is_async: With which of its two clients.
        calls: How many calls to make; None for as many as there is time for, and at least one.
        seconds: When to begin no more calls.
        in_flight: How many calls at once; more than one is for async only.
        patience: After so many more seconds the calls that are still under way are given up, and its client with them.
        is_last: Whether its client is not needed any more, and is closed.
    """

    base_url: str
    is_async: bool
    calls: int | None = None
    seconds: float = 60.0
    in_flight: int = 1
    patience: float = 60.0
    is_last: bool = False


@dataclass(frozen=True)
class Took:
    """What a turn took.

    Attributes:
        calls: Calls that brought an answer.
        errors: Calls that did not.
        cpu: CPU seconds of the whole process.
        seconds: Until the last call had ended.
    """

    calls: int
    errors: int
    cpu: float
    seconds: float

    @property
    def cpu_per_call(self) -> float:
        """CPU seconds for each call that brought an answer."""
        return self.cpu / max(1, self.calls)

    @property
    def rate(self) -> float:
        """Calls a second that brought an answer."""
        return self.calls / self.seconds


class UnableError(Exception):
    """A contestant cannot do what it is asked for, and says why."""


class Worker:
    """A contestant, seen from the process that measures."""

    def __init__(self, name: str, trusted: Path) -> None:
        self.name = name
        self._trusted = trusted
        self._start()

    def _start(self) -> None:
        processes = multiprocessing.get_context("spawn")
        self._connection, theirs = processes.Pipe()
        self._process = processes.Process(target=_work, args=(theirs, self.name, self._trusted), daemon=True)
        self._process.start()
        theirs.close()

    def close(self) -> None:
        """Ends its process."""
        self._connection.close()
        self._process.join()

    def take(self, turn: Turn) -> Took:
        """Has it take a turn.

        Raises:
            UnableError: It cannot, or is not back long after it should be.
        """
        self._connection.send(turn)
        if not self._connection.poll(turn.seconds + turn.patience + GRACE):
            self._process.kill()
            self.close()
            self._start()
            raise UnableError(f"it did not end {turn.patience + GRACE:g} s after the time for its calls was over")
        took: Took | str = self._connection.recv()
        if isinstance(took, str):
            raise UnableError(took)
        return took


@contextmanager
def running_workers(names: Sequence[str], trusted: Path) -> Generator[list[Worker], None, None]:
    """Runs a worker for each of these contestants."""
    with ExitStack() as stack:
        workers = [Worker(name, trusted) for name in names]
        for worker in workers:
            stack.callback(worker.close)
        yield workers


def isolate(environment: MutableMapping[str, str], trusted: Path) -> None:
    """Takes away what an environment says of proxies, and names the certificates to trust, for all clients alike."""
    for name in list(environment):
        if name.lower().endswith("_proxy") or name == "SSL_CERT_DIR":
            del environment[name]
    environment["SSL_CERT_FILE"] = str(trusted)


# In the worker's process ----------------------------------------------------------------------------------------------


def _work(connection: Connection, name: str, trusted: Path) -> None:
    isolate(os.environ, trusted)
    allow_many_files()
    with asyncio.Runner() as runner:
        contestant = _Contestant(name, runner)
        try:
            while True:
                connection.send(_answer(contestant, connection.recv()))
        except EOFError:
            os._exit(0)  # the clients that are still open need no farewell


def _answer(contestant: "_Contestant", turn: Turn) -> Took | str:
    try:
        return contestant.take(turn)
    except Exception as error:  # noqa: BLE001 - a contestant that fails is reported, and the others go on
        return f"{type(error).__name__}: {str(error).partition(os.linesep)[0]}"


class _Contestant:
    """A contestant with its open clients, each with its own connections."""

    def __init__(self, name: str, runner: asyncio.Runner) -> None:
        self._name = name
        self._runner = runner
        self._clients: dict[str, tuple[Call, ExitStack]] = {}
        self._async_clients: dict[str, tuple[AsyncCall, AsyncExitStack]] = {}

    def take(self, turn: Turn) -> Took:
        if turn.is_async:
            return self._runner.run(self._take_async(turn))
        if turn.base_url not in self._clients:
            stack = ExitStack()
            self._clients[turn.base_url] = stack.enter_context(SYNC[self._name](turn.base_url)), stack
        call, stack = self._clients[turn.base_url]
        took = _measured(turn, call)
        if turn.is_last:
            del self._clients[turn.base_url]
            stack.close()
        return took

    async def _take_async(self, turn: Turn) -> Took:
        if turn.base_url not in self._async_clients:
            stack = AsyncExitStack()
            call = await stack.enter_async_context(ASYNC[self._name](turn.base_url))
            self._async_clients[turn.base_url] = call, stack
        call, stack = self._async_clients[turn.base_url]
        took, is_whole = await _measured_async(turn, call)
        if turn.is_last or not is_whole:
            del self._async_clients[turn.base_url]
            await stack.aclose()
        return took


class _Account:
    """How far a turn has come."""

    def __init__(self, turn: Turn) -> None:
        self._calls = turn.calls
        self._begun = 0
        self.error: Exception | None = None
        self.good = self.bad = 0
        self._started, self._cpu = time.monotonic(), time.process_time()
        self._deadline = self._started + turn.seconds

    def may_begin(self) -> bool:
        """Whether one more call is due, which is then taken for begun. For a first one there is always time."""
        self._begun += 1
        if self._calls is not None:
            return self._begun <= self._calls
        return self._begun == 1 or (time.monotonic() < self._deadline and self.bad < _MOST_ERRORS)

    def failed(self, error: Exception) -> None:
        self.bad += 1
        self.error = self.error or error

    def took(self) -> Took:
        cpu, seconds = time.process_time() - self._cpu, time.monotonic() - self._started
        if self.error is not None and not self.good:
            raise self.error
        return Took(self.good, self.bad, cpu, seconds)


def _measured(turn: Turn, call: Callable[[], object]) -> Took:
    account = _Account(turn)
    while account.may_begin():
        try:
            call()
        except Exception as error:  # noqa: BLE001 - counted, whatever it is
            account.failed(error)
        else:
            account.good += 1
    return account.took()


async def _measured_async(turn: Turn, call: AsyncCall) -> tuple[Took, bool]:
    """Returns what a turn took, and whether all of its calls ended by themselves."""
    account = _Account(turn)

    async def caller() -> None:
        while account.may_begin():
            try:
                await call()
            except Exception as error:  # noqa: BLE001 - counted, whatever it is
                account.failed(error)
            else:
                account.good += 1

    if turn.in_flight == 1:
        await caller()
        return account.took(), True
    callers = [asyncio.create_task(caller()) for _ in range(turn.in_flight)]
    _, late = await asyncio.wait(callers, timeout=turn.seconds + turn.patience)
    account.bad += len(late)
    took = account.took()
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return took, not late
