"""What it costs to wait for thousands of tasks at once: CPU and memory, beside one asyncio task a waiter on httpx.

    python benchmarks/waiting.py [--tasks 10000] [--rate 300] [--seconds 40] [--json]

Every contender waits for the same tasks, which do not end, over real sockets, in a process of its own; the server has
one as well. All are to look equally often: `--rate` looks a second over all tasks together. CPU time and memory are
read until the time is over, so that they are those of waiting. `make bench` makes a table of several such runs.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import httpx

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.bench.server import Door, allow_many_files, running_server
from rodin_sdk import AsyncRodin, Outcome, Poll, RequestTimeoutError, Rodin, RodinError, TaskError, WaitTimeoutError

API_KEY: Final = "bench-key-of-nobody"
HEADERS: Final = {"Authorization": f"Bearer {API_KEY}"}
Look = Callable[[str], Awaitable[Any]]
"""Asks for the status of a task, given its key."""
TICK: Final = 0.25
"""Seconds between two readings of CPU time and memory."""


@dataclass(frozen=True)
class Setting:
    """What all contenders are given.

    Attributes:
        base_url: The server.
        keys: The tasks.
        rate: Looks a second, over all tasks together.
        seconds: How long to wait.
    """

    base_url: str
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
        core_low: The lower quartile of that over the readings.
        core_high: The upper one.
        cpu_per_look: CPU milliseconds for each good look.
        memory_per_task: Kilobytes for each task, at the most.
        late: By how many seconds looks came later than they were due: the median.
        late_95: What 19 of 20 of these stay below.
    """

    contender: str
    looks_per_second: float
    bad_looks: int
    setup_cpu: float
    core: float
    core_low: float
    core_high: float
    cpu_per_look: float
    memory_per_task: float
    late: float = 0.0
    late_95: float = 0.0


class Meter:
    """Reads the CPU time and the memory of this process, now and then, in a thread.

    Args:
        report: Is told what a contender came to that does not end by itself.
    """

    def __init__(self, report: Callable[[Looks], None]) -> None:
        self._report = report
        self._readings = [(time.monotonic(), cpu_time())]
        self._first_cpu = cpu_time()
        self._first_memory = memory()
        self.most_memory = 0
        self._is_over = threading.Event()

    @contextmanager
    def running(self, seconds: float, so_far: Callable[[], Looks] | None = None) -> Generator[None, None, None]:
        """Measures what happens in its block, for so many seconds at most.

        A client on which thousands of tasks queue can take minutes for one turn of the event loop: where `so_far` tells
        what it came to, it is reported after that time, whatever goes on.
        """
        self._readings = [(time.monotonic(), cpu_time())]
        thread = threading.Thread(target=self._run, args=(self.ready_at + seconds, so_far))
        thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            thread.join()

    @property
    def ready_at(self) -> float:
        """When the waiting began."""
        return self._readings[0][0]

    def _run(self, deadline: float, so_far: Callable[[], Looks] | None) -> None:
        while time.monotonic() < deadline - 2 * TICK and not self._is_over.wait(TICK):
            self._readings.append((time.monotonic(), cpu_time()))
            self.most_memory = max(self.most_memory, memory() - self._first_memory)
        if so_far is not None and not self._is_over.wait(deadline - time.monotonic()):
            self._report(so_far())

    def result(self, contender: str, setting: Setting, looks: Looks) -> Result:
        """Returns what it comes to."""
        (ready_at, ready_cpu), (ended_at, cpu) = self._readings[0], self._readings[-1]
        core = (cpu - ready_cpu) / (ended_at - ready_at)
        ticks = [
            (cpu - cpu_before) / (at - before)
            for (before, cpu_before), (at, cpu) in zip(self._readings, self._readings[1:], strict=False)
        ]
        core_low, _, core_high = quantiles(ticks, n=4, method="inclusive")
        per_second = max(1, looks.good) / setting.seconds
        return Result(
            contender,
            looks_per_second=per_second,
            bad_looks=looks.bad,
            setup_cpu=ready_cpu - self._first_cpu,
            core=core,
            core_low=core_low,
            core_high=core_high,
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
    rate, poll = 60 * setting.rate, Poll(setting.pause, jitter=0)
    with Rodin(API_KEY, base_url=setting.base_url, requests_per_minute=rate, poll=poll) as rodin:
        rodin.status(setting.keys[0])
        with meter.running(setting.seconds):
            return _looks_of(list(rodin.as_completed(setting.keys, timeout=setting.seconds)))


def async_as_completed(setting: Setting, meter: Meter) -> Looks:
    """`AsyncRodin.as_completed`."""

    async def main() -> Looks:
        rate, poll = 60 * setting.rate, Poll(setting.pause, jitter=0)
        async with AsyncRodin(API_KEY, base_url=setting.base_url, requests_per_minute=rate, poll=poll) as rodin:
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
        # What the end of the run cut short is no failure; nor do the others count it.
        is_cut = isinstance(error.__cause__, RequestTimeoutError)
        bad += not isinstance(error, WaitTimeoutError) or (isinstance(error.__cause__, RodinError) and not is_cut)
    return Looks(good, bad)


def one_httpx_client(setting: Setting, meter: Meter) -> Looks:
    """One asyncio task a waiter, all on one httpx client."""

    async def main() -> Looks:
        client = httpx.AsyncClient(headers=HEADERS)
        return await _wait_in_tasks(setting, meter, [_httpx_look(setting, client)] * len(setting.keys))

    return asyncio.run(main())


def many_httpx_clients(setting: Setting, meter: Meter) -> Looks:
    """One asyncio task a waiter, each with an httpx client; the heaviest part of those, the TLS context, is shared."""
    context = httpx.create_ssl_context()

    async def main() -> Looks:
        clients = [httpx.AsyncClient(headers=HEADERS, verify=context) for _ in setting.keys]
        return await _wait_in_tasks(setting, meter, [_httpx_look(setting, client) for client in clients])

    return asyncio.run(main())


def _httpx_look(setting: Setting, client: httpx.AsyncClient) -> Look:
    async def look(key: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
        response = await client.post(f"{setting.base_url}/api/v2/status", json={"subscription_key": key})
        response.raise_for_status()
        return response.json()

    return look


def one_aiohttp_session(setting: Setting, meter: Meter) -> Looks:
    """One asyncio task a waiter, all on one session of aiohttp's."""
    aiohttp = import_module("aiohttp")

    async def main() -> Looks:
        session = aiohttp.ClientSession(headers=HEADERS, raise_for_status=True)

        async def look(key: str) -> Any:  # noqa: ANN401 - JSON has no narrower type
            body = {"subscription_key": key}
            async with session.post(f"{setting.base_url}/api/v2/status", json=body) as response:
                return await response.json()

        return await _wait_in_tasks(setting, meter, [look] * len(setting.keys))

    return asyncio.run(main())


async def _wait_in_tasks(setting: Setting, meter: Meter, looks: Sequence[Look]) -> Looks:
    good = bad = 0

    async def wait(look: Look, key: str, first: float) -> None:
        nonlocal good, bad
        await asyncio.sleep(first)
        while True:
            try:
                answer = await look(key)
            except Exception:  # noqa: BLE001 - counted, whatever it is
                bad += 1
            else:
                good += 1
                if all(job["status"] in {"Done", "Failed"} for job in answer["jobs"]):
                    return
            await asyncio.sleep(setting.pause)

    with meter.running(setting.seconds, lambda: Looks(good, bad)):
        waits = [
            asyncio.create_task(wait(look, key, number / setting.rate))
            for number, (look, key) in enumerate(zip(looks, setting.keys, strict=True))
        ]
        await asyncio.wait(waits)
    return Looks(good, bad)


Contender = Callable[[Setting, Meter], Looks]
CONTENDERS: Final[dict[str, Contender]] = {
    "Rodin.as_completed": as_completed,
    "AsyncRodin.as_completed": async_as_completed,
    "a task each, one httpx client": one_httpx_client,
    "a task each, one aiohttp session": one_aiohttp_session,
    "a task and an httpx client each": many_httpx_clients,
}


def available() -> list[str]:
    """Returns the contenders that can run here: aiohttp is installed for `make bench` only."""
    has_aiohttp = find_spec("aiohttp") is not None
    return [name for name, contender in CONTENDERS.items() if has_aiohttp or contender is not one_aiohttp_session]


# The processes --------------------------------------------------------------------------------------------------------


def measure(connection: Connection, contender: str, setting: Setting) -> None:
    """Runs one contender."""
    allow_many_files()

    def report(looks: Looks) -> None:
        connection.send((meter.result(contender, setting, looks), meter.ready_at))
        connection.close()
        os._exit(0)  # what is still open needs no farewell

    meter = Meter(report)
    report(CONTENDERS[contender](setting, meter))


def lateness(arrivals: Sequence[tuple[float, bytes]], setting: Setting, ready_at: float) -> tuple[float, float]:
    """Returns by how many seconds looks came later than they were due: the median, and what 19 of 20 stay below.

    The first looks are due one after the other, evenly spaced, and every other one a pause after the one before.
    """
    late: list[float] = []
    last: dict[bytes, float] = {}
    for at, body in arrivals:
        if at >= ready_at:
            due = last[body] + setting.pause if body in last else ready_at + len(last) / setting.rate
            late.append(max(0.0, at - due))
            last[body] = at
    return median(late), quantiles(late, n=20, method="inclusive")[-1]


def run(tasks: int, rate: float, seconds: float, contenders: Sequence[str] | None = None) -> list[Result]:
    """Runs contenders, all that can run here if no other are named, one after the other."""
    processes = multiprocessing.get_context("spawn")
    door = Door(notes=True)
    keys = [f"bench-key-of-a-task-{number:08}" for number in range(tasks)]
    results: list[Result] = []
    with running_server([door]) as server:
        setting = Setting(server.url(door), keys, rate, seconds)
        for contender in contenders or available():
            receiver, sender = processes.Pipe(duplex=False)
            process = processes.Process(target=measure, args=(sender, contender, setting))
            process.start()
            sender.close()
            result, ready_at = receiver.recv()
            process.join()
            late, late_95 = lateness(server.counts(door).arrivals, setting, ready_at)
            results.append(replace(result, late=late, late_95=late_95))
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
    print(f"{'':33}{'looks/s':>9}{'bad':>7}{'set-up, s':>11}{'a core':>8}{'ms/look':>9}{'kB/task':>9}{'late 95 %':>11}")
    for result in results:
        print(
            f"{result.contender:33}{result.looks_per_second:9.1f}{result.bad_looks:7}{result.setup_cpu:11.2f}"
            f"{result.core:8.1%}{result.cpu_per_look:9.3f}{result.memory_per_task:9.2f}{result.late_95:10.3f}s"
        )


if __name__ == "__main__":
    main()
