"""The document that the command writes."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.bench.figures import REACHED, Table, Target

PACKAGES: Final = (
    "rodin-sdk",
    "httpx",
    "httpcore",
    "h11",
    "urllib3",
    "aiohttp",
    "fal-client",
    "replicate",
    "openai",
    "runwayml",
    "tripo3d",
    "uvloop",
)

_HEAD: Final = """# What a call costs

Written by `{command}` on {date}. Do not edit: run the command.

{size}

- **Machine:** {machine}
- **Measured:** the wheel of this tree, as `make build` makes it, installed into `.venv-bench`.
- **Versions:** {versions}

## How to read it

- Each figure is a ratio within one run on one machine, so that it says something about another machine as well.
- Those that are compared take turns, in each round all of them once, in an order that changes. A figure is the median
  over the rounds; what stands in parentheses are the quartiles. Where they are far apart, the machine was busy.
- Cost is CPU time of the client's process, the system's for it included. Hardware counters, which many machines do not
  offer, are not used.
- Each contestant has a process of its own, and the server, which answers with the same bytes every time, has one too.
- httpx, aiohttp and the SDKs of other services have their own defaults, where nothing else is said. `asyncio.Protocol`
  is no client: it sends the same bytes again and again, and shows what is left when nothing is done.
- Each SDK makes its own call for the status of a task, and gets an answer that its model accepts: `status` of
  fal-client, `predictions.get` of replicate, `videos.retrieve` of openai, `tasks.retrieve` of runwayml, `get_task` of
  tripo3d. All have a setting for the server's address but fal-client, in whose module it was replaced. tripo3d opens a
  connection for every call.
"""


def document(tables: Sequence[Table], targets: Sequence[Target], *, quick: bool) -> str:
    """Returns the document."""
    size = (
        "This is the quick run: few rounds, and some tables are smaller. The full one is `make bench`."
        if quick
        else "This is the full run; `make bench QUICK=1` is a smaller one."
    )
    head = _HEAD.format(
        command="make bench QUICK=1" if quick else "make bench",
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        size=size,
        machine=machine(),
        versions=versions(),
    )
    parts = [head.rstrip(), target_table(targets), "## Tables", *(table.markdown() for table in tables)]
    return "\n\n".join(parts) + "\n"


def target_table(targets: Sequence[Target]) -> str:
    """Returns what was aimed at, and what came of it."""
    columns = ["figure", "target", "measured", "reached", "best of the peers"]
    rows = [[t.figure, t.goal, t.measured, REACHED[t.reached], t.peers] for t in targets]
    lines = [columns, ["---"] * len(columns), *rows]
    return "## Targets\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    """Returns the class of this machine: nothing that tells which one it is."""
    cores = f"{os.cpu_count()} cores"
    system = f"{platform.system()} on {platform.machine()}"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join(part for part in (_processor(), cores, _memory(), system, python) if part)


def versions() -> str:
    """Returns what was measured, with its versions."""
    return ", ".join(f"{name} {_version(name)}" for name in PACKAGES)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else ""


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, ValueError, OSError):
        return ""
