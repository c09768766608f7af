"""A call costs no more than it did: counted, and not timed, so that no machine is too busy for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[1]
Counted = dict[str, dict[str, float]]


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns an environment without what measures the coverage, or has Python do more: that would be counted too."""
    return {name: value for name, value in environment.items() if not name.startswith(("COV", "PYTHON"))}


@pytest.fixture(scope="module")
def counted() -> Counted:
    """What `cost.py` counts, against an emulator in a process of its own."""
    environment = clean(os.environ)
    with subprocess.Popen(
        [sys.executable, "-m", "rodin_sdk.cli", "emulator", "--json", "--timeout", "120"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as emulator:
        try:
            assert emulator.stdout is not None
            where = json.loads(emulator.stdout.readline())
            ended = subprocess.run(
                [sys.executable, "-m", "tests.cost", where["base_url"], where["api_key"], "regular"],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            emulator.kill()
    assert (ended.returncode, ended.stderr) == (0, "")
    result: Counted = json.loads(ended.stdout)
    return result


# On Python 3.11 to 3.13 it is up to 0.549, and with asyncio up to 0.34.
@pytest.mark.parametrize(
    ("ours", "theirs", "most"), [("Rodin", "httpx.Client", 0.55), ("AsyncRodin", "httpx.AsyncClient", 0.37)]
)
def test_a_look_takes_fewer_instructions_than_a_bare_request(
    counted: Counted, ours: str, theirs: str, most: float
) -> None:
    assert 0.2 < counted[ours]["instructions"] / counted[theirs]["instructions"] <= most


def test_a_look_needs_little_memory(counted: Counted) -> None:
    assert 1_000 < counted["Rodin"]["bytes"] <= 11_000
    # The event loop itself reads into 256 KiB.
    assert counted["AsyncRodin"]["bytes"] <= 2**18 + 11_000


@pytest.mark.parametrize("ours", ["Rodin", "AsyncRodin"])
def test_a_look_leaves_nothing_behind(counted: Counted, ours: str) -> None:
    assert counted[ours]["left"] <= 200  # bytes, from 100 looks; a forgotten answer has more


def test_a_look_costs_the_same_among_many_tasks(counted: Counted) -> None:
    few, many = (counted[f"a look among {tasks}"]["instructions"] for tasks in ("few", "many"))
    assert few <= many <= 1.1 * few  # of twenty times as many
