"""Reading an answer: what it takes from its bytes to a `TaskStatus`, over `json.loads` of the same bytes."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks.bench.answers import JOBS, status_body
from benchmarks.bench.contestants import API_KEY, TASK
from benchmarks.bench.figures import Spread, Table, Target, ratios
from benchmarks.bench.server import Server
from rodin_sdk import TaskStatus
from rodin_sdk._messages import Answer
from rodin_sdk._secrets import Secret
from rodin_sdk._wire import build_status_request, read

CREATED: Final = 201
LOADS: Final = "json.loads"
OURS: Final = "rodin-sdk"
WITH_ID: Final = "rodin-sdk, with a request's identifier"
GOAL: Final = 10 / 3


@dataclass(frozen=True)
class Size:
    """How much is measured: rounds, and readings in a turn."""

    rounds: int
    readings: int


@dataclass(frozen=True)
class Normalizer:
    """What came of it, over `json.loads`."""

    over_loads: Mapping[str, Spread]

    def tables(self) -> list[Table]:
        """Returns it as a table."""
        table = Table(
            "Reading an answer",
            f"CPU time from the bytes of an answer with {JOBS} jobs to a `TaskStatus`, over `json.loads` of the same"
            " bytes. Where a header has an identifier of the request, it is searched for keys as well.",
            ["", "over json.loads"],
            [[name, str(spread)] for name, spread in self.over_loads.items()],
        )
        return [table]

    def targets(self) -> list[Target]:
        """Returns how ours compares with what it should be."""
        figure = f"normalizer and model for {JOBS} jobs over `json.loads`, 10 µs where that takes 3"
        return [Target.at_most(figure, GOAL, self.over_loads[OURS])]


def measure(_server: Server | None, size: Size) -> Normalizer:
    """Measures all readings by turns, in this process."""
    content = status_body()
    request = build_status_request(Secret(API_KEY), Secret(TASK))
    bare, with_id = (Answer(CREATED, headers, content) for headers in ({}, {"x-request-id": "4f1c7a52"}))
    readings: dict[str, Callable[[], object]] = {
        LOADS: partial(json.loads, content),
        OURS: partial(read, request, bare, 1),
        WITH_ID: partial(read, request, with_id, 1),
    }
    assert isinstance(readings[OURS](), TaskStatus)
    taken: dict[str, list[float]] = {name: [] for name in readings}
    for _ in range(size.rounds):
        for name, reading in readings.items():
            started = time.process_time()
            for _ in range(size.readings):
                reading()
            taken[name].append(time.process_time() - started)
    return Normalizer({name: ratios(values, taken[LOADS]) for name, values in taken.items()})
