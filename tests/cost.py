"""Counts what a look at a task costs, beside a bare request of httpx: a program for `test_cost.py`.

It runs in a process without other threads, so that nothing but the calls is counted. What is counted does not depend
on the machine or on what else it does.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.bench.instructions import count_instructions
from benchmarks.bench.virtual import Waiting
from rodin_sdk import AsyncRodin, Rodin

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 5
REPEATED = 100
FEW, MANY = 100, 2_000


def measure(call: Callable[[], object]) -> dict[str, float]:
    """Returns the instructions of a call, the bytes that it needs at once, and those that it leaves behind."""
    for _ in range(WARM_UP):
        call()
    count_instructions(call)  # the first time Python 3.12 counts none
    instructions = count_instructions(call).total()
    tracemalloc.start()
    call()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    call()
    _, peak = tracemalloc.get_traced_memory()
    for _ in range(REPEATED):
        call()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"instructions": instructions, "bytes": peak - before, "left": (after - before) / REPEATED}


def instructions_of_a_look(tasks: int) -> float:
    """Returns how many instructions a look takes when so many tasks are waited for."""
    waiting = Waiting(tasks)
    waiting.look(tasks)
    return count_instructions(lambda: waiting.look(tasks)).total() / tasks


def main(base_url: str, api_key: str, subscription_key: str) -> None:
    """Prints what is counted as JSON."""
    request: dict[str, Any] = {
        "url": f"{base_url}/api/v2/status",
        "json": {"subscription_key": subscription_key},
        "headers": {"Authorization": f"Bearer {api_key}"},
    }
    options: dict[str, Any] = {"base_url": base_url, "requests_per_minute": None}
    with Rodin(api_key, **options) as rodin, httpx.Client(trust_env=False) as client:
        counted = {"Rodin": measure(lambda: rodin.status(subscription_key))}
        counted["httpx.Client"] = measure(lambda: client.post(**request))
    with asyncio.Runner() as runner:
        async_rodin, async_client = AsyncRodin(api_key, **options), httpx.AsyncClient(trust_env=False)
        counted["AsyncRodin"] = measure(lambda: runner.run(async_rodin.status(subscription_key)))
        counted["httpx.AsyncClient"] = measure(lambda: runner.run(async_client.post(**request)))
        runner.run(async_rodin.aclose())
        runner.run(async_client.aclose())
    few, many = (instructions_of_a_look(tasks) for tasks in (FEW, MANY))
    counted["a look among few"], counted["a look among many"] = {"instructions": few}, {"instructions": many}
    print(json.dumps(counted))  # noqa: T201 - this is what it is for


if __name__ == "__main__":
    main(*sys.argv[1:])
