"""The command line as a user has it: words in, text and an exit status out; and never a key in what is shown."""

from __future__ import annotations

import inspect
import json
import os
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen
from click.testing import CliRunner

from rodin_sdk.cli._app import rodin
from rodin_sdk.testing import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOWHERE = "http://127.0.0.1:9"
"""Loopback, where nothing listens: no test reaches the service, whatever it forgets to set."""
# Before click 8.2 a runner mixes standard output and standard error unless it is told not to.
SEPARATE: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
COMMAND = [sys.executable, "-W", "error", "-m", "rodin_sdk.cli"]


@frozen
class Ended:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


@frozen
class CommandLine:
    """Runs commands in this process, against one emulator."""

    emulator: Emulator

    @property
    def environment(self) -> Mapping[str, str]:
        return {"RODIN_API_KEY": self.emulator.api_key, "RODIN_BASE_URL": self.emulator.base_url}

    def __call__(
        self,
        *words: str,
        stdin: bytes = b"",
        env: Mapping[str, str | None] = MappingProxyType({}),
        **more: str | None,
    ) -> Ended:
        """Runs `rodin` with these words. The environment is given as a mapping, as single variables, or both."""
        result = CliRunner(**SEPARATE).invoke(
            rodin, words, input=stdin, env={**self.environment, **env, **more}, prog_name="rodin"
        )
        ended = Ended(result.exit_code, result.stdout, result.stderr)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        for key in (self.emulator.api_key, *self.emulator.subscription_keys):
            assert key not in ended.out + ended.err
        return ended

    def add(self, *statuses: str) -> str:
        """Adds a task that stands still."""
        return self.emulator.add_task([[(0, status)] for status in statuses])


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the environment that it runs in."""
    for name in list(os.environ):
        if name.startswith(("RODIN_", "HYPER3D_", "_RODIN_", "TTY_")):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RODIN_BASE_URL", NOWHERE)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def cli(emulator: Emulator) -> CommandLine:
    return CommandLine(emulator)
