"""The benchmarks run, and what they print is what they measured. How good it is, they say and no test."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[1]


def run(name: str, *arguments: str, folder: Path) -> Any:
    """Runs a benchmark from elsewhere, and returns its JSON."""
    command = [sys.executable, "-W", "error", str(TOP / "benchmarks" / name), *arguments, "--json"]
    return json.loads(subprocess.check_output(command, cwd=folder, text=True, timeout=100))


def test_waiting(tmp_path: Path) -> None:
    results = run("waiting.py", "--tasks", "40", "--rate", "40", "--seconds", "2", folder=tmp_path)
    assert [result["contender"] for result in results] == [
        "Rodin.as_completed",
        "AsyncRodin.as_completed",
        "a task and an httpx client each",
    ]
    for result in results:
        assert result["bad_looks"] == 0
        # Each task is looked at once a second: at the start, after one second, and perhaps at the very end.
        assert 15 <= result["looks_per_second"] <= 60
        assert result["core"] > 0
        assert result["memory_per_task"] > 0


def test_interruption(tmp_path: Path) -> None:
    sizes = ["--cancelled", "100", "--interrupted", "10"]
    results = run("interruption.py", *sizes, "--clients", "AsyncRodin", "Rodin", folder=tmp_path)
    assert results == {"AsyncRodin": 30, "Rodin": 30}
