"""Tasks that are waited for at a terminal: real screens, Ctrl-C pressed; and what pipes and logs get of it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, cast

import pytest

from rodin_sdk.testing import Emulator, Fault, JobScript
from tests.cli.conftest import IMPATIENT_COMMAND
from tests.cli.terminal import CTRL_C, ESCAPES, HIDE_CURSOR, PATIENCE, STYLES

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from rodin_sdk.testing import VirtualClock
    from tests.cli.conftest import CommandLine
    from tests.cli.terminal import Terminal

terminals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")

TASK = [[(0, "Waiting"), (1, "Generating"), (2, "Done")], [(0, "Waiting"), (1, "Generating"), (3, "Done")]]
NEVER = [[(0, "Generating")]]
AGAIN = "takes it up again."


@pytest.fixture
def emulator(clock: VirtualClock) -> Iterator[Emulator]:
    """An emulator on which time stands still until the test moves it."""
    with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
def run(start: Callable[..., Terminal], cli: CommandLine) -> Callable[..., Terminal]:
    """Starts a command in a terminal; it looks as often as no user may."""

    def run(*words: str, columns: int = 80, rows: int = 24, **env: str) -> Terminal:
        environment = {**cli.environment, **env}
        return start(*words, env=environment, columns=columns, rows=rows, command=IMPATIENT_COMMAND)

    return run


@terminals
@pytest.mark.parametrize("command", ["wait", "watch"])
def test_a_terminal_shows_how_a_task_stands_now(
    run: Callable[..., Terminal], emulator: Emulator, clock: VirtualClock, command: str
) -> None:
    terminal = run(command, emulator.add_task(TASK))
    terminal.read_until(r"1  [0-9a-f]{8}  .*Waiting.* 0% .*2 Waiting")
    clock.advance(1)
    terminal.read_until(r"Waiting \d:\d\d: 1 going on\. Last look \d s ago\.")
    terminal.read_until(r"Generating.* 0% .*2 Generating")
    clock.advance(1)
    terminal.read_until(r"Generating.* 50% .*1 Generating.*, .*1 Done")
    clock.advance(1)
    assert terminal.end() == 0
    assert terminal.has_cursor
    assert HIDE_CURSOR in terminal.text
    head, rule, row, *others = terminal.rows
    assert re.split(" {2,}", head) == ["#", "Key", "State", "Done", "Jobs"]
    assert set(rule) == {"─"}
    assert re.fullmatch(r"1  [0-9a-f]{8}  Done   100%  2 Done", row)
    assert [len(line.split()) for line in others[1:5]] == [2, 1, 2, 2]  # the table of its jobs
    assert re.fullmatch(r"Waited \d+\.\d s: 1 done\.", terminal.rows[-2])


@terminals
def test_a_terminal_shows_that_nothing_was_seen_yet(run: Callable[..., Terminal], emulator: Emulator) -> None:
    key = emulator.add_task(TASK, faults=[Fault.stalled()])
    terminal = run("wait", key)
    terminal.read_until(r"Waiting 0:00: 1 going on\. No look yet\.")
    terminal.read_until(r"\.\.\.")
    terminal.read_until(r"Waiting 0:01: ")
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert terminal.has_cursor
    assert re.fullmatch(r"Waited \d+\.\d s: 1 going on\.", terminal.rows[1])
    assert not any("..." in row for row in terminal.rows)


@terminals
def test_a_terminal_shows_what_came_of_tasks_that_did_not_end(run: Callable[..., Terminal], emulator: Emulator) -> None:
    terminal = run("wait", "--timeout", "0", emulator.add_task(NEVER), "no such task")
    assert terminal.end() == 3
    assert terminal.has_cursor
    rows = [re.split(" {2,}", row) for row in terminal.rows]
    assert rows[2][2:] == ["Generating", "0%", "1 Generating, timed out"]
    assert rows[3][2:] == ["?", "NotFoundError, NO_SUCH_TASK"]
    assert re.fullmatch(r"Waited \d+\.\d s: 1 timed out, 1 not known\.", terminal.rows[5])
    assert [row[:12] for row in terminal.rows[6:8]] == ["rodin: key 1", "rodin: key 2"]


@terminals
def test_ctrl_c_leaves_what_is_known_on_a_usable_screen(run: Callable[..., Terminal], emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Done")]]), emulator.add_task(NEVER), emulator.add_task([[(0, "Failed")]])]
    terminal = run("wait", *keys)
    terminal.read_until(r"Waiting \d:\d\d: 1 done, 1 failed, 1 going on\.")
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert terminal.has_cursor
    assert "Traceback" not in terminal.text
    table = [re.split(" {2,}", row)[:1] + re.split(" {2,}", row)[2:] for row in terminal.rows[2:5]]
    assert table == [
        ["1", "Done", "100%", "1 Done"],
        ["2", "Generating", "0%", "1 Generating"],
        ["3", "Failed", "0%", "1 Failed"],
    ]
    assert re.fullmatch(r"Waited \d+\.\d s: 1 done, 1 failed, 1 going on\.", terminal.rows[6])
    assert terminal.rows[7].startswith("rodin: key 3 (")
    line = "interrupted. The tasks go on, 1 of 3 had not ended: rodin wait with the same keys takes it up again."
    assert terminal.rows[8:] == ["", f"rodin: {line}", ""]
    for key in keys:
        assert key not in terminal.text


@terminals
def test_ctrl_c_pressed_again_and_again_leaves_a_usable_screen(
    run: Callable[..., Terminal], emulator: Emulator
) -> None:
    terminal = run("watch", emulator.add_task(NEVER))
    terminal.read_until("1 Generating")
    for _ in range(5):
        terminal.press(CTRL_C)
    assert terminal.end() in {130, -signal.SIGINT}  # a press while the interpreter ends; to a shell both are 130
    assert terminal.has_cursor
    assert "Traceback" not in terminal.text
    assert terminal.text.count("rodin: interrupted.") == 1


@terminals
def test_many_tasks_are_counted(run: Callable[..., Terminal], emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Done")]]) for _ in range(50)] + [emulator.add_task(NEVER)]
    terminal = run("wait", *keys)
    terminal.read_until(r"Waiting \d:\d\d: 50 done, 1 going on\. Last look \d+ s ago\.")
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert terminal.has_cursor
    assert sum("100%" in row for row in terminal.rows) == 50
    assert any(row.startswith("Waited ") and row.endswith(": 50 done, 1 going on.") for row in terminal.rows)
    assert terminal.rows[-2].endswith(f"1 of 51 had not ended: rodin wait with the same keys {AGAIN}")


@terminals
def test_a_low_screen_shows_what_goes_on(run: Callable[..., Terminal], emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Done")]]) for _ in range(9)] + [emulator.add_task(NEVER)]
    terminal = run("watch", *keys, rows=10)
    terminal.read_until(r"Waiting \d:\d\d: 9 done, 1 going on\.(?s:.*)10  [0-9a-f]{8}  .*Generating")
    assert "100%" not in terminal.text
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert terminal.has_cursor
    assert sum("100%" in row for row in terminal.rows) == 9


@terminals
def test_a_narrow_screen_is_kept_to(run: Callable[..., Terminal], emulator: Emulator) -> None:
    key = emulator.add_task([JobScript([(0, "Generating")]), JobScript([(0, "Done")])])
    terminal = run("wait", key, columns=40)
    terminal.read_until("1 Done")
    shown = [ESCAPES.sub("", line) for line in terminal.text.splitlines()]
    assert max(len(line) for line in shown) <= 40
    terminal.press(CTRL_C)
    assert terminal.end() == 130


@terminals
def test_no_color_leaves_nothing_but_the_place(run: Callable[..., Terminal], emulator: Emulator) -> None:
    terminal = run("wait", emulator.add_task([[(0, "Done")]]), NO_COLOR="1")
    assert terminal.end() == 0
    assert STYLES.findall(terminal.text) == []
    assert terminal.has_cursor


@terminals
def test_a_terminal_that_can_do_nothing_gets_lines(run: Callable[..., Terminal], emulator: Emulator) -> None:
    terminal = run("wait", emulator.add_task([[(0, "Done")]]), TERM="dumb")
    assert terminal.end() == 0
    assert ESCAPES.findall(terminal.text) == []
    assert terminal.rows[0].split() == ["Seconds", "#", "Key", "State", "Done", "Jobs"]
    assert len(terminal.rows) == 3


@pytest.mark.usefixtures("impatient")
def test_a_log_that_may_have_colors_gets_lines_all_the_same(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("wait", emulator.add_task([[(0, "Done")]]), FORCE_COLOR="1")
    assert len(ended.lines) == 2
    assert "\x1b" not in ended.out


@contextmanager
def piped(cli: CommandLine, *words: str) -> Generator[tuple[subprocess.Popen[str], TextIO]]:
    """Runs a command whose output is a pipe, and yields it with the pipe."""
    with subprocess.Popen(
        [*IMPATIENT_COMMAND, *words],
        env={**os.environ, **cli.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, cast("TextIO", process.stdout)
        finally:
            process.kill()


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_lines_come_when_something_changes_and_not_in_the_end(
    cli: CommandLine, emulator: Emulator, clock: VirtualClock, form: list[str]
) -> None:
    with piped(cli, "watch", *form, emulator.add_task(TASK)) as (process, pipe):
        assert form or pipe.readline().startswith("Seconds")
        assert "Waiting" in pipe.readline()
        clock.advance(1)
        assert "Generating" in pipe.readline()
        clock.advance(2)
        assert "Done" in pipe.readline()
        assert process.communicate() == ("", "")
        assert process.returncode == 0


def test_ctrl_c_in_a_pipe_is_one_line(cli: CommandLine, emulator: Emulator) -> None:
    with piped(cli, "watch", "--json", emulator.add_task(NEVER)) as (process, pipe):
        assert "Generating" in pipe.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
        assert (process.returncode, out) == (130, "")
    assert err == f"\nrodin: interrupted. The task goes on: rodin watch with the same key {AGAIN}\n"


def test_a_reader_that_goes_away_ends_it_quietly(cli: CommandLine, emulator: Emulator, clock: VirtualClock) -> None:
    with piped(cli, "watch", "--json", emulator.add_task(TASK)) as (process, pipe):
        assert "Waiting" in pipe.readline()
        pipe.close()
        clock.advance(1)
        assert process.wait(PATIENCE) == 141
        assert process.stderr is not None
        assert process.stderr.read() == ""
