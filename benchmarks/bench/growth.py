"""How the cost of a call grows with the jobs in its answer, and that of a look with the tasks that are waited for."""

import gc
import math
import multiprocessing
import random
import tracemalloc
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from benchmarks.bench.contestants import OURS
from benchmarks.bench.figures import Spread, Table, Target, ratios, short
from benchmarks.bench.server import Door, Server
from benchmarks.bench.virtual import Waiting
from benchmarks.bench.workers import Turn, running_workers

BESIDE: Final = "httpx and its .json()"
DOORS: Final = tuple(Door(jobs=jobs) for jobs in (1, 10, 100, 1000))
TASKS: Final = (1, 10, 100, 1000, 10_000, 50_000)
MEASURED_TASKS: Final = 10_000


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, and in each of them calls, and looks."""

    rounds: int
    calls: int
    looks: int
    tasks: Sequence[int] = TASKS
    measured_tasks: int = MEASURED_TASKS


@dataclass(frozen=True)
class Growth:
    """What came of it: for each number of jobs ours and httpx's, over ours with one job; a look, over that at one task.

    Attributes:
        calls: By the number of jobs.
        looks: By the number of tasks.
        memory: Bytes of each waiting task besides its key, before its first look and after it.
    """

    calls: Mapping[int, tuple[Spread, Spread]]
    looks: Mapping[int, Spread]
    memory: tuple[float, float]

    def tables(self) -> list[Table]:
        """Returns both tables."""
        before, after = (short(each / 1000) for each in self.memory)
        return [
            Table(
                "Jobs in the answer",
                "CPU time of `Rodin.status()` by the number of jobs in the answer, over that with one job; and that of"
                " httpx, which decodes the answer and checks nothing, over the same.",
                ["jobs", OURS, BESIDE],
                [[f"{jobs:,}", str(ours), str(others)] for jobs, (ours, others) in self.calls.items()],
            ),
            Table(
                "Tasks that are waited for",
                "CPU time of one look in the scheduler by the number of tasks, over that with one task. Without a"
                " network: the request is built, a canned answer of 4 jobs read, and the next look planned.",
                ["tasks", "over one task"],
                [[f"{tasks:,}", str(spread)] for tasks, spread in self.looks.items()],
                [f"Besides its key a task takes {before} kB before its first look, and {after} kB after it."],
            ),
        ]

    def targets(self) -> list[Target]:
        """Returns how the growth compares with that of the work."""
        fewer, most = sorted(self.calls)[-2:]
        (ours_fewer, others_fewer), (ours_most, others_most) = self.calls[fewer], self.calls[most]
        tasks = max(self.looks)
        return [
            Target(
                f"`status()` with {most:,} jobs over one with {fewer:,}",
                f"≤ {short(most / fewer)}, as the jobs",
                short(ours_most.middle / ours_fewer.middle),
                ours_most.middle / ours_fewer.middle <= most / fewer,
                f"httpx {short(others_most.middle / others_fewer.middle)}",
            ),
            Target(
                f"a look with {tasks:,} tasks in the scheduler over one with 1",
                f"≤ {short(math.log2(tasks))}, the logarithm",
                str(self.looks[tasks]),
                self.looks[tasks].middle <= math.log2(tasks),
            ),
        ]


def measure(server: Server, size: Size, doors: Sequence[Door] = DOORS) -> Growth:
    """Measures both, and the memory."""
    return Growth(_calls(server, size, doors), _looks(size), memory_per_task(size.measured_tasks))


def _calls(server: Server, size: Size, doors: Sequence[Door]) -> dict[int, tuple[Spread, Spread]]:
    taken: dict[tuple[str, int], list[float]] = {}
    with running_workers([OURS, BESIDE], server.trusted) as workers:
        cells = [(worker, door) for worker in workers for door in doors]
        order = random.Random(3)
        for number in range(-1, size.rounds):  # the first is the warm-up
            order.shuffle(cells)
            for worker, door in cells:
                took = worker.take(Turn(server.url(door), is_async=False, calls=size.calls))
                if number >= 0:
                    taken.setdefault((worker.name, door.jobs), []).append(took.cpu_per_call)
    one = taken[OURS, doors[0].jobs]
    return {door.jobs: (ratios(taken[OURS, door.jobs], one), ratios(taken[BESIDE, door.jobs], one)) for door in doors}


def _looks(size: Size) -> dict[int, Spread]:
    """Measures each number of tasks in a process of its own, so that none has the others' objects in its heap."""
    processes = multiprocessing.get_context("spawn")
    connections: dict[int, Connection] = {}
    taken: dict[int, list[float]] = {tasks: [] for tasks in size.tasks}
    with ExitStack() as stack:
        for tasks in size.tasks:
            ours, theirs = processes.Pipe()
            process = processes.Process(target=_wait_and_look, args=(theirs, tasks, size.looks), daemon=True)
            process.start()
            theirs.close()
            stack.callback(process.join)
            stack.callback(ours.close)
            connections[tasks] = ours
        for connection in connections.values():
            connection.recv()
        for _ in range(size.rounds):
            for tasks, connection in connections.items():
                connection.send(None)
                taken[tasks].append(connection.recv())
    return {tasks: ratios(values, taken[min(taken)]) for tasks, values in taken.items()}


def _wait_and_look(connection: Connection, tasks: int, looks: int) -> None:
    waiting = Waiting(tasks)
    waiting.look(max(tasks, looks))
    connection.send(None)
    try:
        while True:
            connection.recv()
            connection.send(waiting.cpu_of_look(looks))
    except EOFError:
        return


def memory_per_task(tasks: int) -> tuple[float, float]:
    """Returns the bytes of each waiting task besides its key, before its first look and after it."""
    Waiting(1).look(1)
    gc.collect()
    tracemalloc.start()
    try:
        keys = [f"bench-key-of-a-task-{number:08}" for number in range(tasks)]
        bare = tracemalloc.get_traced_memory()[0]
        del keys
        waiting = Waiting(tasks)
        before = tracemalloc.get_traced_memory()[0] - bare
        waiting.look(tasks)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0] - bare
    finally:
        tracemalloc.stop()
    return before / tasks, after / tasks
