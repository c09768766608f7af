"""What it costs to wait for thousands of tasks at once: CPU and memory, beside one asyncio task a waiter on httpx.

    python benchmarks/waiting.py [--tasks 10000] [--rate 300] [--seconds 40] [--json]

Every contender waits for the same tasks, which do not end, over real sockets, in a process of its own; the emulator
has one as well. All are to look equally often: `--rate` looks a second over all tasks together. CPU time and memory
are read until the time is over, so that they are those of waiting, with each task looked at once at least.
"""

import argparse
import asyncio
import json
import multiprocessing
import resource
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import httpx

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from rodin_sdk import AsyncRodin, Outcome, Rodin, RodinError, TaskError, WaitTimeoutError
from rodin_sdk.testing import Emulator

TICK: Final = 0.25
"""Seconds between two readings of CPU time and memory."""


@dataclass(frozen=True)
class Setting:
    """What all contenders are given.

    Attributes:
        base_url: The emulator.
        api_key: Its key.
        keys: The tasks.
        rate: Looks a second, over all tasks together.
        seconds: How long to wait.
    """

    base_url: str
    api_key: str
    keys: Sequence[str]
    rate: float
    seconds: float

    @property
    def pause(self) -> float:
        """Seconds from one look at a task to the next."""
        return len(self.keys) / self.rate


@dataclass(frozen=True)
class Looks:
    """How many there were.

    Attributes:
        good: Looks that brought a status.
        bad: Looks that brought an error.
    """

    good: int
    bad: int


@dataclass(frozen=True)
class Result:
    """What one contender came to.

    Attributes:
        contender: Its name.
        looks_per_second: Looks a second that brought a status.
        bad_looks: Looks that brought an error.
        setup_cpu: CPU seconds before the first look.
        core: CPU seconds per second of waiting.
        cpu_per_look: CPU milliseconds for each good look.
        memory_per_task: Kilobytes for each task, at the most.
    """

    contender: str
    looks_per_second: float
    bad_looks: int
    setup_cpu: float
    core: float
    cpu_per_look: float
    memory_per_task: float


class Meter:
    """Reads the CPU time and the memory of this process, now and then, in a thread."""

    def __init__(self) -> None:
        self.ready_at = self.ended_at = time.monotonic()
        self.cpu = self.ready_cpu = self._first_cpu = cpu_time()
        self._first_memory = memory()
        self.most_memory = 0
        self._is_over = threading.Event()

    @contextmanager
    def running(self, seconds: float) -> Generator[None, None, None]:
        """Measures what happens in its block, for so many seconds at most."""
        self.ready_at, self.ready_cpu = time.monotonic(), cpu_time()
        thread = threading.Thread(target=self._run, args=(self.ready_at + seconds,))
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    def _run(self, deadline: float) -> None:
        while time.monotonic() < deadline - 2 * TICK and not self._is_over.wait(TICK):
            self.ended_at, self.cpu = time.monotonic(), cpu_time()
            self.most_memory = max(self.most_memory, memory() - self._first_memory)

    def result(self, contender: str, setting: Setting, looks: Looks) -> Result:
        """Returns what it comes to."""
        seconds = self.ended_at - self.ready_at
        core = (self.cpu - self.ready_cpu) / seconds
        per_second = looks.good / setting.seconds
        return Result(
            contender,
            looks_per_second=per_second,
            bad_looks=looks.bad,
            setup_cpu=self.ready_cpu - self._first_cpu,
            core=core,
            cpu_per_look=1000 * core / per_second,
            memory_per_task=self.most_memory / len(setting.keys) / 1000,
        )


def cpu_time() -> float:
    """Returns the CPU seconds of this process, those of the system for it included."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def memory() -> int:
    """Returns the bytes of memory that this process has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


# The contenders -------------------------------------------------------------------------------------------------------


def as_completed(setting: Setting, meter: Meter) -> Looks:
    """`Rodin.as_completed`."""
    with Rodin(setting.api_key, base_url=setting.base_url, requests_per_minute=60 * setting.rate) as rodin:
        rodin.status(setting.keys[0])
        with meter.running(setting.seconds):
            return _looks_of(list(rodin.as_completed(setting.keys, timeout=setting.seconds)))


def async_as_completed(setting: Setting, meter: Meter) -> Looks:
    """`AsyncRodin.as_completed`."""

    async def main() -> Looks:
        rate = 60 * setting.rate
        async with AsyncRodin(setting.api_key, base_url=setting.base_url, requests_per_minute=rate) as rodin:
            await rodin.status(setting.keys[0])
            with meter.running(setting.seconds):
                return _looks_of([out async for out in rodin.as_completed(setting.keys, timeout=setting.seconds)])

    return asyncio.run(main())


def _looks_of(outcomes: Sequence[Outcome]) -> Looks:
    good = bad = 0
    for outcome in outcomes:
        error = outcome.error
        assert isinstance(error, TaskError)
        good += error.polls
        bad += not isinstance(error, WaitTimeoutError) or isinstance(error.__cause__, RodinError)
    return Looks(good, bad)


def httpx_tasks(setting: Setting, meter: Meter) -> Looks:
    """One asyncio task a waiter, each with an httpx client; the heaviest part of those, the TLS context, is shared."""
    context = httpx.create_ssl_context()
    good = bad = 0
    headers = {"Authorization": f"Bearer {setting.api_key}"}

    async def wait(client: httpx.AsyncClient, key: str, first: float) -> None:
        nonlocal good, bad
        await asyncio.sleep(first)
        while True:
            try:
                response = await client.post(f"{setting.base_url}/api/v2/status", json={"subscription_key": key})
                response.raise_for_status()
            except httpx.HTTPError:
                bad += 1
            else:
                good += 1
                if all(job["status"] in {"Done", "Failed"} for job in response.json()["jobs"]):
                    return
            await asyncio.sleep(setting.pause)

    async def main() -> None:
        clients = [httpx.AsyncClient(headers=headers, verify=context) for _ in setting.keys]
        with meter.running(setting.seconds), suppress(TimeoutError):
            async with asyncio.timeout(setting.seconds), asyncio.TaskGroup() as group:
                for number, (client, key) in enumerate(zip(clients, setting.keys, strict=True)):
                    group.create_task(wait(client, key, number / setting.rate))

    asyncio.run(main())
    return Looks(good, bad)


Contender = Callable[[Setting, Meter], Looks]
CONTENDERS: Final[dict[str, Contender]] = {
    "Rodin.as_completed": as_completed,
    "AsyncRodin.as_completed": async_as_completed,
    "a task and an httpx client each": httpx_tasks,
}


# The processes --------------------------------------------------------------------------------------------------------


def serve(connection: Connection, tasks: int) -> None:
    """Runs the emulator until the other side says that it is enough."""
    _allow_many_files()
    with Emulator() as emulator:
        keys = [emulator.add_task("never_ends") for _ in range(tasks)]
        connection.send((emulator.base_url, emulator.api_key, keys))
        connection.recv()


def measure(connection: Connection, contender: str, setting: Setting) -> None:
    """Runs one contender."""
    _allow_many_files()
    meter = Meter()
    connection.send(meter.result(contender, setting, CONTENDERS[contender](setting, meter)))


def _allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run(tasks: int, rate: float, seconds: float) -> list[Result]:
    """Runs all contenders, one after the other."""
    processes = multiprocessing.get_context("spawn")
    ours, theirs = processes.Pipe()
    server = processes.Process(target=serve, args=(theirs, tasks))
    server.start()
    base_url, api_key, keys = ours.recv()
    setting = Setting(base_url, api_key, keys, rate, seconds)
    results: list[Result] = []
    try:
        for contender in CONTENDERS:
            receiver, sender = processes.Pipe(duplex=False)
            process = processes.Process(target=measure, args=(sender, contender, setting))
            process.start()
            sender.close()
            results.append(receiver.recv())
            process.join()
    finally:
        ours.send(None)
        server.join()
    return results


def main() -> None:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--rate", type=float, default=300.0, help="looks a second, over all tasks together")
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    results = run(given.tasks, given.rate, given.seconds)
    if given.json:
        print(json.dumps([asdict(result) for result in results]))
        return
    print(f"{given.tasks} tasks, to be looked at {given.rate:g} times a second in all, for {given.seconds:g} s\n")
    print(f"{'':33}{'looks/s':>9}{'bad':>7}{'set-up, s':>11}{'a core':>8}{'ms/look':>9}{'kB/task':>9}")
    for result in results:
        print(
            f"{result.contender:33}{result.looks_per_second:9.1f}{result.bad_looks:7}{result.setup_cpu:11.2f}"
            f"{result.core:8.1%}{result.cpu_per_look:9.3f}{result.memory_per_task:9.2f}"
        )


if __name__ == "__main__":
    main()
