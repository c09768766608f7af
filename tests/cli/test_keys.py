"""Where keys come from, and that they are shown nowhere."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

from rodin_sdk.cli._exit import CommandError
from rodin_sdk.cli._keys import read_keys

if TYPE_CHECKING:
    from pathlib import Path

    from rodin_sdk.testing import Emulator
    from tests.cli.conftest import CommandLine


def test_keys_come_from_arguments_files_and_standard_input_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.txt"
    file.write_bytes("\ufeffb\r\n\r\n  c d \t\n".encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\nf\ng")))
    keys = read_keys(["a", f"@{file}", "e", "-", " h "])
    assert [key.secret.reveal() for key in keys] == ["a", "b", "c d", "e", "f", "g", " h "]
    assert [key.position for key in keys] == [1, 2, 3, 4, 5, 6, 7]


def test_no_repr_shows_a_key() -> None:
    assert "private" not in repr(read_keys(["private"]))


def test_keys_are_read_from_standard_input(cli: CommandLine, emulator: Emulator) -> None:
    keys = [cli.add("Done"), cli.add("Failed")]
    ended = cli("status", "--json", "-", stdin="\n".join(keys).encode())
    assert [line["exit_status"] for line in ended.json] == [0, 1]
    assert [request.subscription_key for request in emulator.requests] == keys


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("", "Argument 1 is empty where a key belongs: is the variable set?"),
        (" ", "Argument 1 is empty where a key belongs: is the variable set?"),
        ("-", "Standard input (argument 1) holds no key: it must have one a line."),
        ("@", "The file of argument 1 (@FILE) cannot be read: Is a directory. Check its name."),
        ("@a-key", "The file of argument 1 (@FILE) cannot be read: No such file or directory. Check its name."),
        ("@empty", "The file of argument 1 (@FILE) holds no key: it must have one a line."),
        ("@utf-16", "The file of argument 1 (@FILE) is not text in UTF-8: write it again, one key a line."),
    ],
)
def test_what_is_no_key_is_refused_before_anything_is_sent(
    cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, problem: str
) -> None:
    (tmp_path / "empty").write_text("\n \n")
    (tmp_path / "utf-16").write_text("a key", "utf-16")
    monkeypatch.chdir(tmp_path)
    ended = cli("status", argument, cli.add("Done"))
    assert (ended.status, ended.out, ended.err) == (2, "", f"rodin: {problem}\n")
    assert cli.emulator.requests == ()


def test_standard_input_can_be_read_once(cli: CommandLine) -> None:
    assert "(argument 2) holds no key" in cli("status", "-", "-", stdin=b"key").err


def test_a_closed_standard_input_holds_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CommandError, match="holds no key"):
        read_keys(["-"])


def test_the_api_key_comes_from_a_file_before_the_environment(
    cli: CommandLine, emulator: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "api-key"
    file.write_text(f"\n {emulator.api_key} \n")
    key = cli.add("Done")
    assert cli("status", "--api-key-file", str(file), key, RODIN_API_KEY="wrong").status == 0
    assert cli("status", "--api-key-file", str(file), key, RODIN_API_KEY=None).status == 0


def test_the_api_key_comes_from_either_variable(cli: CommandLine, emulator: Emulator) -> None:
    key = cli.add("Done")
    assert cli("status", key, RODIN_API_KEY=None, HYPER3D_API_KEY=emulator.api_key).status == 0
    assert cli("status", key, RODIN_API_KEY=emulator.api_key, HYPER3D_API_KEY="wrong").status == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "The file of --api-key-file cannot be read: No such file or directory. Check its name."),
        ("", "The file of --api-key-file holds no key: it must have one a line."),
        ("a\nb\n", "The file of --api-key-file has 2 lines: it must hold the key alone."),
        (
            "a key",
            "--api-key-file has a character outside visible ASCII at position 2 of 5",
        ),
    ],
)
def test_a_file_without_one_api_key_is_refused(
    cli: CommandLine, tmp_path: Path, content: str | None, problem: str
) -> None:
    file = tmp_path / "api-key"
    if content is not None:
        file.write_text(content)
    ended = cli("status", "--api-key-file", str(file), "key")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"rodin: {problem}")
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["{key}"],
        ["demo", "{key}"],
        ["emulator", "{key}"],
        ["status", "--host", "{key}", "a"],
        ["status", "--timeout", "{key}", "a"],
        ["status", "--timeout={key}", "a"],
        ["status", "--api-key-file", "{key}", "a"],
        ["status", "--api-key", "{key}"],
        ["status", "--api-key={key}"],
        ["status", "@{key}"],
        ["wait", "--timeout", "{key}", "a"],
        ["wait", "--allow-partial={key}", "a"],
        ["watch", "--timeout=-{key}", "a"],
        ["watch", "@{key}"],
        ["emulator", "--port={key}"],
    ],
)
def test_a_key_in_the_wrong_place_is_not_repeated(cli: CommandLine, words: list[str]) -> None:
    key = "eyJhbGciOiJIUzI1NiJ9.e30"
    ended = cli(*(word.format(key=key) for word in words))
    assert (ended.status, ended.out) == (2, "")
    assert key not in ended.err
    assert len(ended.err.splitlines()) == 1
