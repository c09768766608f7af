"""Consoles that lack characters or take no codes, as on Windows."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from attrs import define, field

from rodin_sdk.cli._app import rodin
from rodin_sdk.testing import Fault, JobScript
from tests.cli.conftest import COMMAND

if TYPE_CHECKING:
    from collections.abc import Callable

    from rodin_sdk.testing import Emulator
    from tests.cli.conftest import CommandLine

UUID, STATUS, MESSAGE = "ü-😀", "完成 ✓", "Nön: 没有"


@pytest.mark.parametrize("color", [{}, {"FORCE_COLOR": "1"}], ids=["pipe", "terminal"])
@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_a_character_that_cannot_be_shown_is_shown_by_its_code(
    cli: CommandLine, emulator: Emulator, encoding: str, color: dict[str, str]
) -> None:
    def shown(text: str) -> str:
        return text.encode(encoding, "backslashreplace").decode(encoding)

    def run(*words: str) -> tuple[str, str]:
        environment = {**os.environ, **cli.environment, **color, "PYTHONIOENCODING": encoding}
        ended = subprocess.run([*COMMAND, *words], env=environment, capture_output=True, check=False)
        assert (ended.returncode, b"Unexpected" in ended.stderr) == (status, False)
        return ended.stdout.decode(encoding), ended.stderr.decode(encoding)

    key, status = emulator.add_task([JobScript([(0, STATUS)], uuid=UUID)]), 0
    out, err = run("status", "-v", key)
    assert shown(UUID) in out
    assert shown(STATUS) in out
    assert shown(STATUS) in err  # the log says that it is unknown
    emulator.inject(Fault.error(403, message=MESSAGE), subscription_key=key)
    status = 3
    _, err = run("wait", key)
    assert shown(MESSAGE) in err


class OldConsole(io.TextIOWrapper):
    """Takes the place of a standard stream that is shown by a console of Windows 8, which knows no escape codes."""

    def __init__(self, number: int, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding, newline="", write_through=True)
        self._number = number

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._number

    @property
    def text(self) -> str:
        self.seek(0)
        return self.read()


@define
class OldWindows:
    """What rich asks of such a Windows: all that there is, so that anything else fails."""

    styles: list[str] = field(factory=list[str])
    hidden: int = 0
    erased: int = 0
    _write: Callable[[str], object] = field(default=print, init=False)

    def __call__(self, file: OldConsole) -> OldWindows:
        self._write = file.write
        return self

    def write_text(self, text: str) -> None:
        self._write(text)

    def write_styled(self, text: str, style: object) -> None:
        if str(style) != "none":
            self.styles.append(str(style))
        self._write(text)

    def hide_cursor(self) -> None:
        self.hidden += 1

    def show_cursor(self) -> None:
        self.hidden -= 1

    def move_cursor_up(self) -> None:
        """Is there."""

    def erase_line(self) -> None:
        self.erased += 1


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch, cli: CommandLine) -> OldWindows:
    """Lets rich take this machine for an old Windows, and its terminal for one of that."""
    windows = OldWindows()
    interface = ModuleType("rich._win32_console")
    vars(interface).update(LegacyWindowsTerm=windows, WindowsCoordinates=tuple)
    monkeypatch.setitem(sys.modules, "rich._win32_console", interface)
    monkeypatch.setitem(sys.modules, "rich._windows_renderer", interface)
    del sys.modules["rich._windows_renderer"]  # the real one is to be loaded, and to be forgotten in the end
    monkeypatch.setattr("rich.console.WINDOWS", True)
    monkeypatch.setattr("rich.console.detect_legacy_windows", lambda: True)
    for name, value in {**cli.environment, "COLUMNS": "80", "LINES": "25"}.items():
        monkeypatch.setenv(name, value)
    return windows


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("encoding", ["utf-8", "cp437", "cp1252"])
@pytest.mark.parametrize("no_color", ["", "1"])
@pytest.mark.parametrize("command", ["status", "wait"])
def test_an_old_console_of_windows_gets_calls_and_no_codes(
    *,
    cli: CommandLine,
    windows: OldWindows,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
    no_color: str,
    command: str,
) -> None:
    keys = [cli.emulator.add_task([JobScript([(0, "Done")], uuid=UUID)]), cli.add("Failed")]
    out, err = OldConsole(1, encoding), OldConsole(2, encoding)
    monkeypatch.setenv("NO_COLOR", no_color)
    with monkeypatch.context() as streams:
        streams.setattr(sys, "stdout", out)
        streams.setattr(sys, "stderr", err)
        with pytest.raises(SystemExit) as end:
            rodin.main([command, "-v", *keys], prog_name="rodin")
    assert end.value.code == 1
    assert "\x1b" not in out.text + err.text
    assert "100%" in out.text
    assert "POST" in out.text + err.text
    assert windows.erased
    assert windows.hidden == 0
    assert bool(windows.styles) is not bool(no_color)
