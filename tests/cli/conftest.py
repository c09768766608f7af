"""The command line as a user has it: words in, text and an exit status out; and never a key in what is shown."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen
from click.testing import CliRunner

from rodin_sdk import Poll, Rodin
from rodin_sdk.cli._app import rodin
from rodin_sdk.testing import Emulator, VirtualClock
from tests.cli.terminal import Terminal, open_terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rodin_sdk.testing import RecordedRequest

NOWHERE = "http://127.0.0.1:9"
"""Loopback, where nothing listens: no test reaches the service, whatever it forgets to set."""
# Before click 8.2 a runner mixes standard output and standard error unless it is told not to.
SEPARATE: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
COMMAND = [sys.executable, "-W", "error", "-m", "rodin_sdk.cli"]
IMPATIENT = Poll(0.02, jitter=0)
"""What lets a wait look as often as no user may."""
IMPATIENT_PROGRAM = """
import sys
from rodin_sdk import Poll, Rodin
from rodin_sdk.cli import main
Rodin.__init__.__kwdefaults__.update(poll=Poll(0.02, jitter=0), requests_per_minute=None)
sys.exit(main())
"""
IMPATIENT_COMMAND = [*COMMAND[:-2], "-c", IMPATIENT_PROGRAM]
"""The command with waits that look as often."""


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


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """A command that was interrupted leaves Ctrl-C ignored, since it ends the process."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    with Emulator() as emulator:
        yield emulator


def ticking_emulator(clock: VirtualClock) -> Iterator[Emulator]:
    """An emulator on which each look at a task takes a second, for modules that make it their fixture `emulator`."""

    def advance(_request: RecordedRequest) -> None:
        clock.advance(1)

    with Emulator(clock=clock, faults=advance) as emulator:
        yield emulator


@pytest.fixture
def cli(emulator: Emulator) -> CommandLine:
    return CommandLine(emulator)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets waits in this process look as often as no user may."""
    defaults = Rodin.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "poll", IMPATIENT)
    monkeypatch.setitem(defaults, "requests_per_minute", None)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def start() -> Iterator[Callable[..., Terminal]]:
    """Starts commands, each in a terminal of its own."""
    terminals: list[Terminal] = []

    def start(
        *words: str, env: Mapping[str, str], columns: int = 80, rows: int = 24, command: Sequence[str] = COMMAND
    ) -> Terminal:
        terminals.append(open_terminal([*command, *words], env, columns=columns, rows=rows))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()
