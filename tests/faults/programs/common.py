"""What the programs share: they run in a process of their own, against a server in the test's."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rodin_sdk import AsyncRodin, Rodin

if TYPE_CHECKING:
    from rodin_sdk import TaskStatus

# That a step of a busy event loop took long is worth a line of asyncio's in development mode, and says nothing.
logging.getLogger("asyncio").setLevel(logging.ERROR)

API_KEY = "sk-a-program-of-its-own"


def rodin(url: str, **options: Any) -> Rodin:
    settings: dict[str, Any] = {"requests_per_minute": None, "max_retries": 0, **options}
    return Rodin(API_KEY, base_url=url, **settings)


def async_rodin(url: str, **options: Any) -> AsyncRodin:
    settings: dict[str, Any] = {"requests_per_minute": None, "max_retries": 0, **options}
    return AsyncRodin(API_KEY, base_url=url, **settings)


def is_right(status: TaskStatus, key: str) -> bool:
    return [job.uuid for job in status.jobs] == [key]


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def report(**facts: Any) -> None:
    """Tells the test what happened."""
    sys.stdout.write(json.dumps(facts) + "\n")


def memory() -> tuple[int, int]:
    """Returns the bytes that the process holds, and the most that it ever held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    sizes = {name: value for name, _, value in (line.partition(":") for line in lines)}
    return int(sizes["VmRSS"].split()[0]) * 1024, int(sizes["VmHWM"].split()[0]) * 1024
