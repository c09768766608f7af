"""How commands end: exit statuses, errors of one line, help, and what the shell asks for."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import rodin_sdk.cli
from rodin_sdk import AuthenticationError, __version__
from rodin_sdk.cli import _status
from rodin_sdk.cli._app import rodin
from rodin_sdk.cli._exit import ExitStatus, worst
from rodin_sdk.cli._report import explain
from tests.cli.conftest import NOWHERE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine


def test_the_worst_of_several_exit_statuses() -> None:
    order = [130, 2, 3, 1, 4, 0]
    for index, status in enumerate(order):
        assert worst(map(ExitStatus, reversed(order[index:]))) == status
    assert worst([]) == 0


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["statu", "key"], r"No such command 'statu'\..* See: rodin --help"),
        (["--nothing"], r"No such option:? '?--nothing'?\. See: rodin --help"),
        (["status"], r"Missing argument 'KEY...'\. See: rodin status --help"),
        (
            ["status", "--timeout", "soon", "key"],
            r"Invalid value for '--timeout': 'soon' is no number .* See: rodin .*",
        ),
        (["status", "--timeout", "0", "key"], r"--timeout must be above 0, not 0; none means no limit\."),
        (
            ["status", "--timeout", "nan", "key"],
            r"Invalid value for '--timeout': it must be 0 or more, not 'nan'; none means no limit\. See: .*",
        ),
        (["status", "--host", "http://example.com", "key"], r"--host must be https: .*"),
        (["status", "--host", "rodin", "key"], r"--host must start with https:// .*"),
        (["emulator", "--port", "65536"], r"Invalid value for '--port': .* See: rodin emulator --help"),
    ],
)
def test_wrong_usage_is_one_line_with_the_next_step(cli: CommandLine, words: list[str], problem: str) -> None:
    ended = cli(*words)
    assert (ended.status, ended.out) == (2, "")
    assert re.fullmatch(rf"rodin: {problem}\n", ended.err)


def test_wrong_settings_in_the_environment_are_named(cli: CommandLine) -> None:
    assert cli("status", "key", RODIN_API_KEY=None).err == (
        "rodin: No API key: set RODIN_API_KEY or HYPER3D_API_KEY in the environment, "
        "or name a file with --api-key-file.\n"
    )
    ended = cli("status", "key", RODIN_BASE_URL="ftp://example.com")
    assert ended.status == 2
    assert ended.err.startswith("rodin: RODIN_BASE_URL must start with https://")


def test_the_host_comes_before_the_environment(cli: CommandLine) -> None:
    ended = cli("status", "--host", cli.emulator.base_url + "/api/v2/", cli.add("Done"), RODIN_BASE_URL=NOWHERE)
    assert ended.status == 0


def test_what_the_server_says_is_left_as_it_is() -> None:
    error = AuthenticationError(status_code=401, message="The api_key of this base_url is wrong.")
    assert explain(error) == (
        "HTTP 401 Unauthorized: The api_key of this base_url is wrong. "
        "Check the API key (--api-key-file, RODIN_API_KEY or HYPER3D_API_KEY) and that it is active."
    )


def fail(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Lets every look end in this way."""

    def look(*_: object) -> object:
        raise error

    monkeypatch.setattr(_status, "look", look)


def test_a_fault_of_the_program_is_one_line_without_what_it_may_hold(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(monkeypatch, ZeroDivisionError("with a key"))
    ended = cli("status", "key")
    assert ended.status == 3
    assert ended.err == (
        f"rodin: Unexpected ZeroDivisionError: this is a fault of rodin-sdk {__version__}, please report it. "
        "RODIN_DEBUG=1 shows the traceback; remove keys from it.\n"
    )
    ended = cli("status", "key", RODIN_DEBUG="1")
    assert ended.err.startswith("Traceback (most recent call last):")
    assert "ZeroDivisionError: with a key" in ended.err


def test_a_reader_that_went_away_is_no_error_to_speak_of(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, BrokenPipeError())
    ended = cli("status", "key")
    assert (ended.status, ended.err) == (141, "")


def test_output_that_cannot_be_written_is_an_error(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, OSError(28, "No space left on device"))
    ended = cli("status", "key")
    assert (ended.status, ended.err) == (3, "rodin: The output cannot be written: No space left on device.\n")


HELPFUL: list[list[str]] = [[], ["status"], ["wait"], ["watch"], ["demo"], ["emulator"]]


def test_help_and_version(cli: CommandLine) -> None:
    assert cli("--version").out == f"rodin {__version__}\n"
    for words in HELPFUL:
        ended = cli(*words, "--help")
        assert (ended.status, ended.err) == (0, "")
        assert ended.out.startswith(" ".join(["Usage: rodin", *words]))
        assert cli(*words, "-h") == ended
    ended = cli()
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("Usage: rodin")


def test_help_fits_a_screen_of_80_columns_and_has_what_scripts_need(cli: CommandLine) -> None:
    for words in HELPFUL:
        assert max(map(len, cli(*words, "--help").lines)) <= 80
    fields = {"schema", "position", "fingerprint", "exit_status", "task", "error"}
    waited = fields | {"elapsed", "ended"}
    for command, documented in {"status": fields, "wait": waited, "watch": waited}.items():
        text = cli(command, "--help").out
        for status in ExitStatus:
            assert re.search(rf"^ +{status.value} ", text, re.MULTILINE)
        for field in documented:
            assert re.search(rf"^ +{field} ", text, re.MULTILINE)
        (line,) = cli(command, "--json", cli.add("Done")).json
        assert line.keys() == documented


def test_the_shell_completes_commands_and_options(cli: CommandLine) -> None:
    assert "_RODIN_COMPLETE=zsh_complete" in cli(_RODIN_COMPLETE="zsh_source").out
    ended = cli(_RODIN_COMPLETE="zsh_complete", COMP_WORDS="rodin sta", COMP_CWORD="1")
    assert ended.lines[:2] == ["plain", "status"]
    ended = cli(_RODIN_COMPLETE="zsh_complete", COMP_WORDS="rodin status --qui", COMP_CWORD="2")
    assert ended.lines[:2] == ["plain", "--quiet"]
    ended = cli(_RODIN_COMPLETE="zsh_complete", COMP_WORDS="rodin wa", COMP_CWORD="1")
    assert [ended.lines[1], ended.lines[4]] == ["wait", "watch"]


def test_completion_that_is_asked_for_by_hand_is_an_error_of_one_line(cli: CommandLine) -> None:
    ended = cli(_RODIN_COMPLETE="zsh_complete")
    assert (ended.status, len(ended.err.splitlines())) == (3, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the bash of other systems is too old, or there is none")
def test_bash_takes_what_help_says_to_write_into_its_start_up_file(cli: CommandLine, tmp_path: Path) -> None:
    (line,) = re.findall(r"(?m)^ +bash +(.+)$", cli("--help").out)
    command = tmp_path / "rodin"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m rodin_sdk.cli "$@"\n')
    command.chmod(0o700)
    press_tab = "COMP_WORDS=(rodin wa) COMP_CWORD=1; _rodin_completion rodin wa rodin; echo ${COMPREPLY[@]}"
    ended = subprocess.run(
        ["bash", "-c", f"{line}\ncomplete -p rodin\n{press_tab}"],
        env={**os.environ, "PATH": os.pathsep.join([str(tmp_path), os.environ["PATH"]])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    assert ended.stdout.splitlines() == ["complete -o nosort -F _rodin_completion rodin", "wait watch"]


def test_main_runs_the_words_of_the_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["/somewhere/rodin.exe", "status"])
    with pytest.raises(SystemExit) as end:
        rodin_sdk.cli.main()
    assert end.value.code == 2
    assert capsys.readouterr().err == "rodin: Missing argument 'KEY...'. See: rodin status --help\n"


@pytest.mark.parametrize("missing", [["click"], ["rich"], ["click", "rich"]])
def test_main_says_which_extra_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: list[str]
) -> None:
    for name in missing:
        monkeypatch.setitem(sys.modules, name, None)
    assert rodin_sdk.cli.main() == 2
    names = " and ".join(missing)
    assert capsys.readouterr().err == f"rodin: {names} must be installed: pip install 'rodin-sdk[cli]'\n"


def test_main_can_be_interrupted_before_a_command_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rodin, "main", main)
    assert rodin_sdk.cli.main() == 130


def test_a_console_that_lacks_a_character_shows_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    console = io.TextIOWrapper(io.BytesIO(), "latin-1", write_through=True)
    monkeypatch.setattr(sys, "stdout", console)
    monkeypatch.setattr(sys, "stderr", None)
    with pytest.raises(SystemExit) as end:
        rodin.main(["demo", "--offline"], prog_name="rodin")
    assert end.value.code == 0
    console.seek(0)
    assert r'[{"uuid": \u2026, "status": \u2026}, \u2026]' in console.read()
