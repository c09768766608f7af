"""`--verbose`: the log of the requests, on standard error, without keys, and beside a screen that stays whole."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from rodin_sdk.cli._log import log_shown
from rodin_sdk.testing import Emulator, Fault
from tests.cli.conftest import COMMAND, IMPATIENT_COMMAND, IMPATIENT_PROGRAM, ticking_emulator
from tests.cli.terminal import CTRL_C
from tests.secrets_check import leaked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import CommandLine, Ended
    from tests.cli.terminal import Terminal

terminals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")

TASK = [[(0, "Waiting"), (1, "Generating"), (2, "Done")]]
REQUEST = (
    r"\d\d:\d\d:\d\d POST http://127\.0\.0\.1:\d+/api/v2/status: 201 in \d\.\d{3} s, attempt \d+, task [0-9a-f]{8}"
)

emulator = pytest.fixture(ticking_emulator)


def requests(ended: Ended) -> list[str]:
    return [line for line in ended.err.splitlines() if re.match(REQUEST, line)]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("command", ["status", "wait", "watch"])
@pytest.mark.parametrize("form", [[], ["--json"], ["--quiet"]])
def test_each_request_is_one_line_on_standard_error_and_the_output_is_the_same(
    cli: CommandLine, emulator: Emulator, command: str, form: list[str]
) -> None:
    key = cli.add("Done")
    plain = cli(command, *form, key)
    verbose = cli(command, *form, "--verbose", key)
    assert plain.err == ""
    assert (verbose.status, verbose.out.count("\n")) == (plain.status, plain.out.count("\n"))
    assert "POST" not in verbose.out
    assert len(requests(verbose)) == 1
    assert len(emulator.requests) == 2


@pytest.mark.usefixtures("impatient")
def test_states_and_failed_looks_are_told(cli: CommandLine, emulator: Emulator) -> None:
    key = emulator.add_task(TASK)
    emulator.inject(None, Fault.error(503, message="later"), subscription_key=key)
    ended = cli("wait", "-v", key)
    assert ended.status == 0
    assert len([line for line in ended.err.splitlines() if " POST " in line]) == len(emulator.requests)
    assert re.search(r": 503 \w+ in \d\.\d{3} s, attempt 2, ", ended.err)
    assert re.search(r"(?m)^\d\d:\d\d:\d\d A look at task [0-9a-f]{8} failed: HTTP 503 .*: later\.", ended.err)
    assert re.search(r"(?m)^\d\d:\d\d:\d\d Task [0-9a-f]{8} is Done: 1 of 1 job done$", ended.err)


def test_the_log_of_the_demo_is_that_of_the_client_alone(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> None:
        """Spares the time for waiting."""

    monkeypatch.setattr("rodin_sdk.cli._demo._show_waiting", nothing)
    ended = cli("demo", "--offline", "-v")
    (count,) = re.findall(r"(?m)^(\d+) requests, ", ended.out)
    assert len([line for line in ended.err.splitlines() if " POST " in line]) == int(count)
    assert " answered " not in ended.err


def test_no_key_shows_not_even_if_the_server_repeats_it(cli: CommandLine, emulator: Emulator) -> None:
    key = cli.add("Done")
    echo = {"x-request-id": f"{emulator.api_key}/{key}"}
    emulator.inject(
        Fault(headers=echo), Fault(status_code=403, headers=echo, body=f"no: {emulator.api_key} {key}"), times=1
    )
    for status in (0, 3):
        ended = cli("status", "-v", key)
        assert ended.status == status
        assert "x-request-id" in ended.err
        for secret in (key, emulator.api_key):
            assert leaked(secret, ended.out + ended.err) is None


def test_the_log_is_switched_off_again(cli: CommandLine) -> None:
    logger = logging.getLogger("rodin_sdk")
    before = (logger.level, logger.handlers[:])
    assert cli("status", "-v", cli.add("Done")).err
    assert cli("status", "-v").status == 2
    assert (logger.level, logger.handlers) == before


def test_a_log_that_cannot_be_written_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    logger = logging.getLogger("rodin_sdk")
    monkeypatch.setattr(sys, "stderr", Gone())
    with log_shown("rodin_sdk"):
        logger.info("nobody reads this")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that can close a stream")
def test_a_closed_standard_error_leaves_the_output_alone(cli: CommandLine) -> None:
    shell = ["sh", "-c", '"$@" 2>&-', "sh", *COMMAND, "status", "-v", "--json", cli.add("Done")]
    ended = subprocess.run(shell, env={**os.environ, **cli.environment}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert [line[:12] for line in ended.stdout.splitlines()] == ['{"schema": 1']


def whole(terminal: Terminal) -> list[str]:
    """Returns the last rows of a screen, after all that was logged; the log's rows must stand above, unbroken."""
    rows = terminal.rows
    start = max(index for index, row in enumerate(rows) if re.match(r"\d\d:\d\d:\d\d ", row))
    assert not any(row.startswith(("Waiting ", "Ctrl-C ends")) for row in rows)
    return rows[start + 1 :]


@terminals
@pytest.mark.parametrize("command", ["wait", "watch"])
def test_the_log_stands_above_the_table_that_is_kept_up_to_date(
    start: Callable[..., Terminal], cli: CommandLine, emulator: Emulator, command: str
) -> None:
    terminal = start(
        command, "-v", emulator.add_task(TASK), env=cli.environment, columns=300, command=IMPATIENT_COMMAND
    )
    assert terminal.end() == 0
    assert terminal.has_cursor
    head, rule, row, *_ = whole(terminal)
    assert re.split(" {2,}", head) == ["#", "Key", "State", "Done", "Jobs"]
    assert set(rule) == {"─"}
    assert re.fullmatch(r"1  [0-9a-f]{8}  Done   100%  1 Done", row)
    logged = [row for row in terminal.rows if re.match(REQUEST, row)]
    assert len(logged) == len(emulator.requests)


@terminals
def test_ctrl_c_leaves_the_log_and_what_is_known(start: Callable[..., Terminal], cli: CommandLine) -> None:
    keys = [cli.add("Done"), cli.add("Generating")]
    terminal = start("watch", "-v", *keys, env=cli.environment, columns=300, command=IMPATIENT_COMMAND)
    terminal.read_until(r"1 done, 1 going on\.")
    terminal.press(CTRL_C)
    assert terminal.end() == 130
    assert terminal.has_cursor
    rows = whole(terminal)
    assert [row.split()[0] for row in rows if row][:4] == ["#", rows[1], "1", "2"]
    assert rows[-2].startswith("rodin: interrupted. The tasks go on, 1 of 2 had not ended: ")
    for key in keys:
        assert key not in terminal.text


@terminals
def test_a_log_is_folded_where_the_screen_ends(
    start: Callable[..., Terminal], cli: CommandLine, emulator: Emulator
) -> None:
    terminal = start("watch", "-v", emulator.add_task(TASK), env=cli.environment, columns=40, command=IMPATIENT_COMMAND)
    assert terminal.end() == 0
    assert max(map(len, terminal.rows)) <= 40
    assert any(re.fullmatch(r"1  [0-9a-f]{8}  Done   1 Done", row) for row in whole(terminal))


@terminals
def test_a_log_that_goes_to_a_file_leaves_the_screen_alone(
    start: Callable[..., Terminal], cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "log.txt"
    program = f"import os; os.dup2(os.open({str(file)!r}, os.O_CREAT | os.O_WRONLY), 2)\n{IMPATIENT_PROGRAM}"
    command = [*IMPATIENT_COMMAND[:-1], program]
    terminal = start("wait", "-v", emulator.add_task(TASK), env=cli.environment, command=command)
    assert terminal.end() == 0
    assert "POST" not in terminal.text
    assert len(re.findall(rf"(?m)^{REQUEST}", file.read_text())) == len(emulator.requests)
