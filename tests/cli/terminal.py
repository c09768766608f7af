"""A terminal for tests: real screens, real keys pressed."""

from __future__ import annotations

import codecs
import os
import re
import select
import signal
import struct
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

if sys.platform != "win32":
    import fcntl
    import termios

PATIENCE = 30.0
CTRL_C = b"\x03"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TOKENS = re.compile(r"(\x1b\[\??([0-9;]*)([A-Za-z]))|([\r\n])|([^\x1b\r\n]+)")
STYLES = re.compile(r"\x1b\[[0-9;]*m")
# The terminal must be the process' own for Ctrl-C to reach it. Popen cannot do that without preexec_fn's risks.
TAKE_TERMINAL = "import os, sys; os.login_tty(0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"


@define
class Terminal:
    """A command that runs in a terminal of its own."""

    process: subprocess.Popen[bytes]
    screen: int
    text: str = field(default="", init=False)
    _decoder: codecs.IncrementalDecoder = field(factory=codecs.getincrementaldecoder("utf-8"), init=False)

    def read_until(self, pattern: str) -> re.Match[str]:
        """Waits until something has been shown."""
        deadline = time.monotonic() + PATIENCE
        while (found := re.search(pattern, self.text)) is None:
            assert self._read(deadline - time.monotonic()), self.text
        return found

    def press(self, keys: bytes) -> None:
        os.write(self.screen, keys)

    def end(self) -> int:
        """Reads to the end, and returns the exit status."""
        deadline = time.monotonic() + PATIENCE
        while self._read(deadline - time.monotonic()):
            pass
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.screen)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, but for what was overwritten."""
        return [ESCAPES.sub("", line.rpartition("\x1b[2K")[2]).rstrip() for line in self.text.splitlines()]

    @property
    def rows(self) -> list[str]:
        """What stands on the screen, as if it were endless in both directions."""
        rows, row, column = [""], 0, 0
        for escape, count, command, control, text in TOKENS.findall(self.text):
            if command == "A":
                row -= int(count or 1)
                assert row >= 0, "the cursor went above the first line"
            elif command == "K":
                rows[row] = ""
            elif control == "\r":
                column = 0
            elif control == "\n":
                row += 1
                rows += [""] * (row == len(rows))
            elif text:
                rows[row] = rows[row][:column].ljust(column) + text + rows[row][column + len(text) :]
                column += len(text)
            else:
                assert re.fullmatch(r"\x1b\[(\?25[hl]|[0-9;]*m)", escape), escape
        return [line.rstrip() for line in rows]

    @property
    def has_cursor(self) -> bool:
        """Whether the cursor can be seen."""
        return self.text.rfind(HIDE_CURSOR) <= self.text.rfind(SHOW_CURSOR)

    def _read(self, seconds: float) -> bool:
        if not self._is_ready(seconds):
            shown, self.text = self.text, ""
            self.process.send_signal(signal.SIGABRT)  # has Python show where each thread stands
            while self._is_ready(1) and self._take():
                pass
            pytest.fail(f"nothing new for {PATIENCE} s after: {shown}\nThe program stands at: {self.text}")
        return self._take()

    def _is_ready(self, seconds: float) -> bool:
        return bool(select.select([self.screen], [], [], max(seconds, 0))[0])

    def _take(self) -> bool:
        try:
            piece = os.read(self.screen, 65_536)
        except OSError:  # how Linux says that nobody has the terminal open any more
            return False
        self.text += self._decoder.decode(piece)
        return bool(piece)


def open_terminal(command: Sequence[str], env: Mapping[str, str], *, columns: int, rows: int) -> Terminal:
    screen, inside = os.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    # Otherwise Ctrl-C drops what was written and is not read yet: half a screen, if it is pressed at the wrong time.
    modes = termios.tcgetattr(inside)
    modes[3] |= termios.NOFLSH
    termios.tcsetattr(inside, termios.TCSANOW, modes)
    process = subprocess.Popen(
        [sys.executable, "-c", TAKE_TERMINAL, *command[1:]],
        env={**os.environ, **env, "PYTHONFAULTHANDLER": "1"},
        stdin=inside,
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    return Terminal(process, screen)
