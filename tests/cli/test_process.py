"""The command as a process of its own: exit statuses, pipes, and what it loads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import COMMAND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rodin_sdk.testing import Emulator
    from tests.cli.conftest import CommandLine


def run(*words: str, env: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], env={**os.environ, **env}, input=stdin, capture_output=True, text=True, check=False
    )


def test_a_pipe_of_keys_gives_lines_of_json_and_the_worst_exit_status(cli: CommandLine) -> None:
    keys = [cli.add("Done"), cli.add("Canceled"), cli.add("Generating")]
    ended = run("status", "--json", "-", env=cli.environment, stdin="\n".join(keys))
    assert [json.loads(line)["exit_status"] for line in ended.stdout.splitlines()] == [0, 1, 0]
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.parametrize(("words", "status"), [((), 2), (("--version",), 0), (("status", ""), 2), (("status", "x"), 3)])
def test_the_process_ends_with_the_exit_status(cli: CommandLine, words: tuple[str, ...], status: int) -> None:
    assert run(*words, env=cli.environment).returncode == status


def test_tables_in_a_pipe_are_plain_lines(cli: CommandLine) -> None:
    ended = run("status", cli.add("Done", "Failed"), env={**cli.environment, "COLUMNS": "20"})
    assert ended.stdout.isascii()
    assert "\x1b" not in ended.stdout
    assert [line for line in ended.stdout.splitlines() if line != line.rstrip()] == []


def test_a_reader_that_goes_away_ends_it_quietly(cli: CommandLine) -> None:
    with subprocess.Popen(
        [*COMMAND, "status", "--json", "-"],
        env={**os.environ, **cli.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        _, errors = process.communicate(cli.add("Done").encode())
    assert (process.returncode, errors) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_one_line(cli: CommandLine) -> None:
    for form in ([], ["--json"]):
        with Path("/dev/full").open("w") as full:
            ended = subprocess.run(
                [*COMMAND, "status", *form, cli.add("Done")],
                env={**os.environ, **cli.environment},
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert ended.stderr == "rodin: The output cannot be written: No space left on device.\n"
        assert ended.returncode == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_an_error_that_cannot_be_shown_keeps_its_exit_status() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([*COMMAND, "status", "--bogus"], stderr=full, check=False)
    assert ended.returncode == 2


WHAT_IS_LOADED = """
import sys
from rodin_sdk.cli import main
try:
    sys.exit(main())
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_a_command_loads_what_it_needs_and_no_more(emulator: Emulator, cli: CommandLine) -> None:
    def loaded(*words: str) -> list[str]:
        command = [sys.executable, "-c", WHAT_IS_LOADED, *words]
        ended = subprocess.run(command, env={**os.environ, **cli.environment}, capture_output=True, check=False)
        return ended.stderr.decode().splitlines()[-1].split()

    for_help = loaded("--help")
    assert "click" in for_help
    assert not {"httpx", "rich"}.intersection(for_help)
    # httpx loads rich of itself where it is installed; so this looks at who of us would.
    assert "rodin_sdk.cli._screen" not in loaded("status", "--json", cli.add("Done"))
    assert "rodin_sdk.cli._screen" in loaded("status", cli.add("Done"))
    for_programs = loaded("wait", "--json", cli.add("Done"))
    assert "rodin_sdk.cli._wait" in for_programs
    assert not {"rodin_sdk.cli._screen", "rodin_sdk.testing"}.intersection(for_programs)
    assert len(emulator.requests) == 3


def test_importing_the_package_loads_neither_click_nor_rich() -> None:
    program = "import sys, rodin_sdk.cli; sys.exit(bool({'click', 'httpx', 'rich'} & sys.modules.keys()))"
    subprocess.run([sys.executable, "-c", program], check=True)
