"""Every shell block of the documents works as it stands, and so does what is written in TOML and JSON."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from rodin_sdk.cli._app import rodin
from rodin_sdk.testing import PRESETS, Emulator
from tests.docs.documents import DOCUMENTS, TESTED, TESTING, Block, blocks, prose, read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.conftest import Reader

PROJECT = tomllib.loads(read("pyproject.toml"))["project"]
TARGETS = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))

SHELL = [block for document in DOCUMENTS for block in blocks(document, "sh")]
COMMANDS = [(block, shlex.split(command, comments=True)) for block in SHELL for command in block.commands]
FIRST_WORDS = {"curl", "export", "git", "make", "pip", "rodin"}
ASKS = re.compile(r"^rodin (?!emulator\b)", re.MULTILINE)
"""What asks for the state of tasks; the emulator runs until it is interrupted."""
COMMAND = """#!/bin/sh
if [ "$1" = demo ]; then set -- "$@" --help; fi  # it takes some seconds, and has tests of its own
exec {python} -m rodin_sdk.cli "$@"
"""


def of(first: str) -> list[list[str]]:
    """Returns the commands that begin with a word, each once."""
    return [list(words) for words in dict.fromkeys(tuple(words) for _, words in COMMANDS if words[0] == first)]


def once(found: list[Block]) -> list[Block]:
    """Returns blocks that say different things: a translation says the same."""
    return list({block.meaning: block for block in reversed(found)}.values())[::-1]


def test_every_command_is_one_that_is_looked_at() -> None:
    assert {words[0] for _, words in COMMANDS} <= FIRST_WORDS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_target_of_make_exists(document: str) -> None:
    lines = re.findall(r"(?:^|`)make ([a-z][^`\n]*)", read(document), re.MULTILINE)
    assert {word for line in lines for word in line.split() if "=" not in word} <= TARGETS


@pytest.mark.parametrize("words", of("pip"), ids=" ".join)
def test_what_pip_is_to_install_exists(words: list[str]) -> None:
    assert words[:2] == ["pip", "install"]
    (requirement,) = words[2:]
    name, _, extras = requirement.removesuffix("]").partition("[")
    assert name in {PROJECT["name"], "."}
    assert set(filter(None, extras.split(","))) <= set(PROJECT["optional-dependencies"])


@pytest.fixture
def shell(tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a file of keys, and with the command on the path."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    (folder / "keys.txt").write_text("\n".join(reader.subscription_keys), "utf-8")
    commands = tmp_path / "bin"
    commands.mkdir()
    command = commands / "rodin"
    command.write_text(COMMAND.format(python=shlex.quote(sys.executable)), "utf-8")
    command.chmod(0o700)
    monkeypatch.setenv("PATH", os.pathsep.join([str(commands), os.environ["PATH"]]))
    return folder


@pytest.mark.parametrize("block", once([block for block in SHELL if ASKS.search(block.text)]), ids=str)
def test_a_shell_block_runs(block: Block, shell: Path, reader: Reader) -> None:
    done = subprocess.run(["sh", "-eu", "-c", block.text], cwd=shell, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert reader.emulator.requests
    assert not [key for key in (*reader.subscription_keys, reader.emulator.api_key) if key in done.stdout]


@pytest.mark.parametrize("words", [words for words in of("rodin") if words[1] == "emulator"], ids=" ".join)
def test_the_emulator_starts_as_documented(words: list[str], shell: Path) -> None:
    (script,) = blocks(TESTING, "toml")
    (shell / "tasks.toml").write_text(script.text, "utf-8")
    options = [*words[1:], "--port", "0", "--json"]  # the last port counts: the documented one may be taken
    with subprocess.Popen(
        [sys.executable, "-m", "rodin_sdk.cli", *options],
        cwd=shell,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130
    assert said["subscription_keys"] == (["first", "second"] if "--script" in words else list(PRESETS))


def test_the_line_of_curl_asks_for_the_scripted_task() -> None:
    (line,) = of("curl")
    assert shlex.join(line) == Emulator(api_key="demo", port=8000).curl("first")


def test_the_script_is_what_the_page_says(tmp_path: Path) -> None:
    (block,) = blocks(TESTING, "toml")
    file = tmp_path / "tasks.toml"
    file.write_text(block.text, "utf-8")
    assert Emulator.from_script(str(file)).subscription_keys == ("first", "second")


@pytest.mark.parametrize("block", [block for document in TESTED for block in blocks(document, "json")], ids=str)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("document", TESTED[:2])
def test_the_readme_names_every_command_and_no_other(document: str) -> None:
    named = set(re.findall(r"\brodin ([a-z]+)\b", read(document)))
    assert named == set(rodin.commands)


@pytest.mark.parametrize("document", TESTED)
def test_every_option_that_is_named_exists(document: str) -> None:
    options = {name for command in (rodin, *rodin.commands.values()) for each in command.params for name in each.opts}
    assert set(re.findall(r"`(--[a-z-]+)", prose(document))) <= options
