"""Runs the programs of `programs/`, each in a process of its own with every warning an error."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.faults.programs.common import API_KEY
from tests.secrets_check import assert_no_secrets
from tests.unmeasured import unmeasured

_TOP = Path(__file__).parents[2]


@frozen
class Ended:
    """What a program said."""

    stdout: str
    stderr: str

    @property
    def facts(self) -> dict[str, Any]:
        """What it reported; fails where it also complained."""
        assert not self.stderr, self.stderr
        facts: dict[str, Any] = json.loads(self.stdout)
        return facts


def run_program(name: str, *arguments: object, strict: bool = True, measured: bool = True) -> Ended:
    """Runs a program to its end, which must be a success and show no key.

    Args:
        name: The program.
        arguments: Its arguments.
        strict: Whether every warning is an error, those of Python's development mode included.
        measured: Whether coverage counts what it runs.
    """
    flags = ["-X", "dev", "-W", "error"] if strict else []
    command = [sys.executable, *flags, "-m", f"tests.faults.programs.{name}", *map(str, arguments)]
    try:
        ended = subprocess.run(
            command,
            cwd=_TOP,
            env=None if measured else unmeasured(),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        # What Python says of an interruption that it swallowed, for one.
        raise AssertionError(f"{name} did not end, and said: {late.stderr!r}") from late
    assert_no_secrets([API_KEY], ended.stdout, ended.stderr)
    assert not ended.returncode, ended.stderr
    return Ended(ended.stdout, ended.stderr)
