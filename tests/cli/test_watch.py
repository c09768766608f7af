"""`rodin watch`: every change, in a pipe and for programs. What it has in common with `wait` is in `test_wait.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rodin_sdk.cli import _watch
from tests.cli.conftest import ticking_emulator
from tests.cli.test_wait import CANCELED, DONE, FAILS, NEVER, columns

if TYPE_CHECKING:
    from rodin_sdk.testing import Emulator
    from tests.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("impatient")
emulator = pytest.fixture(ticking_emulator)


def test_programs_read_every_change_and_which_is_the_last(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("watch", "--json", emulator.add_task(DONE))
    seen = [
        (line["task"]["state"], line["task"]["progress"], line["exit_status"], line["ended"]) for line in ended.json
    ]
    assert seen == [
        ("Waiting", 0, 0, False),
        ("Generating", 0, 0, False),
        ("Generating", 0.5, 0, False),
        ("Done", 1, 0, True),
    ]
    assert (ended.status, ended.err) == (0, "")
    times = [line["elapsed"] for line in ended.json]
    assert times == sorted(times)


def test_a_pipe_has_a_line_for_each_change(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("watch", emulator.add_task(CANCELED))
    assert [columns(line) for line in ended.lines[1:]] == [
        ["1", "Waiting", "0%", "1 Waiting"],
        ["1", "Canceled", "0%", "1 Canceled"],
    ]
    assert ended.status == 1


def test_a_failure_ends_the_watch_unless_a_part_is_enough(cli: CommandLine, emulator: Emulator) -> None:
    lines = cli("watch", "--json", emulator.add_task(FAILS)).json
    assert [(line["task"]["state"], line["exit_status"]) for line in lines] == [("Generating", 0), ("Failed", 1)]
    ended = cli("watch", "--json", "--allow-partial", emulator.add_task(FAILS))
    seen = [(line["task"]["progress"], line["exit_status"], line["ended"]) for line in ended.json]
    assert seen == [(0, 0, False), (0, 1, False), (0.5, 0, True)]
    assert ended.status == 0


def test_several_tasks_are_watched_at_once(cli: CommandLine, emulator: Emulator) -> None:
    keys = [emulator.add_task(task) for task in (DONE, FAILS, NEVER)]
    ended = cli("watch", "--json", "--timeout", "2", *keys, "no such task")
    assert ended.status == 3
    last = {line["position"]: line["exit_status"] for line in ended.json}
    assert last == {1: 0, 2: 1, 3: 4, 4: 3}
    assert sorted(line["position"] for line in ended.json if line["ended"]) == [1, 2, 3, 4]


def test_quiet_leaves_it_to_the_exit_status(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("watch", "--quiet", emulator.add_task(DONE))
    assert (ended.status, ended.out, ended.err) == (0, "", "")
    ended = cli("watch", "--quiet", emulator.add_task(FAILS))
    assert (ended.status, ended.out) == (1, "")
    assert " failed: 1 of 2 jobs; " in ended.err


def test_too_many_tasks_are_left_to_wait(cli: CommandLine, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "MOST_WATCHED", 2)
    keys = [cli.add("Done") for _ in range(3)]
    ended = cli("watch", *keys)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == ("rodin: 3 tasks are too many to watch: give up to 2, or use rodin wait, which takes all.\n")
    assert emulator.requests == ()
    assert cli("watch", *keys[:2], keys[0]).status == 0
