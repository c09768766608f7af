"""At a terminal: real screens, real keys pressed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rodin_sdk import JobStatus, Rodin
from rodin_sdk.testing import Fault, JobScript, Shape
from tests.cli.terminal import CTRL_C, HIDE_CURSOR, SHOW_CURSOR, STYLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from rodin_sdk.testing import Emulator
    from tests.cli.conftest import CommandLine
    from tests.cli.terminal import Terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")


def test_a_task_on_a_screen(start: Callable[..., Terminal], cli: CommandLine, emulator: Emulator) -> None:
    key = emulator.add_task([JobScript([(0, "Failed")], uuid="mesh"), JobScript([(0, "Done")], uuid="texture")])
    terminal = start("status", key, env=cli.environment)
    assert terminal.end() == 1
    assert "\x1b[1;31mFailed" in terminal.text
    assert re.search(r"(?m)^1 +[0-9a-f]{8} +Failed +50% +1 Done, 1 Failed$", "\n".join(terminal.lines))
    assert re.search(r"(?m)^texture +Done$", "\n".join(terminal.lines))
    assert terminal.text.count(HIDE_CURSOR) == terminal.text.count(SHOW_CURSOR)


COUNTS = ["1 Waiting", "1 Generating", "1 Done", "1 Failed", "1 Canceled"]


@pytest.mark.parametrize(("columns", "shown"), [(40, COUNTS), (100, [", ".join(COUNTS)])])
def test_a_screen_of_any_width_is_kept_to(
    start: Callable[..., Terminal], cli: CommandLine, columns: int, shown: list[str]
) -> None:
    keys = [cli.add("Done", "Waiting", "Generating", "Failed", "Canceled"), cli.add()]
    terminal = start("status", *keys, env=cli.environment, columns=columns)
    assert terminal.end() == 1
    assert max(map(len, terminal.lines)) <= columns
    row, *others = (line for line in terminal.lines if any(count in line for count in COUNTS))
    assert [re.split(" {2,}", row)[-1], *(line.strip() for line in others)] == shown


@pytest.mark.parametrize("command", ["status", "wait"])
def test_a_screen_that_is_too_narrow_for_tables_has_lists(
    start: Callable[..., Terminal], cli: CommandLine, emulator: Emulator, command: str
) -> None:
    jobs = [JobScript([(0, "Canceled")], uuid="mesh"), JobScript([(0, "Waiting")], uuid="texture", queue_length=3)]
    terminal = start(command, emulator.add_task(jobs), env=cli.environment, columns=20)
    assert terminal.end() == 1
    rows = [re.sub("[0-9a-f]{8}", "********", row) for row in terminal.rows]
    first = rows.index("1")
    assert rows[first : first + 11] == [
        "1",
        "  Key: ********",
        "  State: Canceled",
        "  Jobs: 1 Waiting",
        "  1 Canceled",
        "",
        "mesh",
        "  Status: Canceled",
        "texture",
        "  Status: Waiting",
        "  Queue: 3",
    ]


def test_no_color_means_no_style_at_all(start: Callable[..., Terminal], cli: CommandLine) -> None:
    terminal = start("demo", "--offline", env={**cli.environment, "NO_COLOR": "1"})
    assert terminal.end() == 0
    assert STYLES.findall(terminal.text) == []
    terminal = start("status", cli.add("Failed"), env={**cli.environment, "NO_COLOR": "1"})
    assert terminal.end() == 1
    assert STYLES.findall(terminal.text) == []


def test_the_demo_on_a_screen(start: Callable[..., Terminal], cli: CommandLine) -> None:
    terminal = start("demo", "--offline", env=cli.environment)
    assert terminal.end() == 0
    assert "\x1b[1;31mNotFoundError" in terminal.text
    assert re.search(r"Waiting 0:0\d: .*6 going on|Waiting 0:0\d: 1 canceled, 5 going on", terminal.text)
    assert re.search(r"(?m)^5  [0-9a-f]{8}  Partial     83%   5 Done, 1 Failed$", "\n".join(terminal.rows))
    fates = "2 done, 1 done in part, 1 failed, 1 canceled, 1 timed out"
    assert any(re.fullmatch(rf"Waited 4\.\d s: {fates}\.", row) for row in terminal.rows)
    assert terminal.has_cursor
    assert terminal.text.count("Generating: 1 of 2 jobs done") == len(Shape)


def test_ctrl_c_while_waiting_for_an_answer(
    start: Callable[..., Terminal], cli: CommandLine, emulator: Emulator
) -> None:
    first, second = cli.add("Done"), cli.add("Done")
    emulator.inject(Fault.stalled(), subscription_key=second)
    terminal = start("status", first, second, env=cli.environment)
    emulator.wait_for_requests(2)
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert "rodin: interrupted. Nothing is lost: the tasks go on, and can be asked about again." in terminal.lines
    assert any(re.fullmatch(r"1 +[0-9a-f]{8} +Done +100% +1 Done", line) for line in terminal.lines)
    assert terminal.text.rindex(SHOW_CURSOR) > terminal.text.rindex(HIDE_CURSOR)
    assert "Traceback" not in terminal.text


def test_the_emulator_serves_until_ctrl_c(start: Callable[..., Terminal]) -> None:
    terminal = start("emulator", "--verbose", env={})
    found = terminal.read_until(r"env RODIN_API_KEY=(\S+) RODIN_BASE_URL=(\S+) rodin status (\S+)\r\n")
    api_key, base_url, key = found.groups()
    with Rodin(api_key, base_url=base_url) as rodin:
        assert rodin.status(key).state is JobStatus.WAITING
    terminal.read_until("POST /api/v2/status answered 201")
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert terminal.lines[-1] == "rodin: the emulator has ended, and has forgotten all tasks."
    assert "Traceback" not in terminal.text


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_what_the_emulator_says_to_paste_can_be_pasted(start: Callable[..., Terminal]) -> None:
    terminal = start("emulator", env={}, columns=400)
    command = shlex.split(terminal.read_until(r"(?m)^  (curl .*)\r\n")[1])
    answer = subprocess.run(command, capture_output=True, check=True)
    assert b'"status": "' in answer.stdout
