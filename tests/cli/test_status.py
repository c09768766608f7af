"""`rodin status`: what people see, and how it ends."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from rodin_sdk.cli import _status
from rodin_sdk.testing import Fault, JobScript

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rodin_sdk.testing import Emulator
    from tests.cli.conftest import CommandLine

ESCAPE = "\x1b"


def fingerprint(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:8]


def words(lines: list[str]) -> list[list[str]]:
    """Splits the columns of a table."""
    return [re.split(r" {2,}", line) for line in lines]


def test_one_task_is_shown_with_its_jobs(cli: CommandLine, emulator: Emulator) -> None:
    jobs = [JobScript([(0, "Done")], uuid="a"), JobScript([(0, "Waiting")], uuid="b", queue_length=3)]
    key = emulator.add_task(jobs)
    ended = cli("status", key)
    assert words(ended.lines) == [
        ["#", "Key", "State", "Done", "Jobs"],
        ["1", fingerprint(key), "Generating", "50%", "1 Waiting, 1 Done"],
        [""],
        ["Job", "Status", "Queue"],
        ["a", "Done"],
        ["b", "Waiting", "3"],
    ]
    assert (ended.status, ended.err) == (0, "")


def test_several_tasks_are_shown_in_one_table_in_their_order(cli: CommandLine, emulator: Emulator) -> None:
    keys = [cli.add(), cli.add("Done", "Done"), cli.add("Done", "Failed"), "no such task"]
    ended = cli("status", *keys)
    assert words(ended.lines) == [
        ["#", "Key", "State", "Done", "Jobs"],
        ["1", fingerprint(keys[0]), "Waiting", "0%", "none yet"],
        ["2", fingerprint(keys[1]), "Done", "100%", "2 Done"],
        ["3", fingerprint(keys[2]), "Failed", "50%", "1 Done, 1 Failed"],
        ["4", fingerprint(keys[3]), "?", "NotFoundError, NO_SUCH_TASK"],
    ]
    (error,) = ended.err.splitlines()
    assert error.startswith(f"rodin: key 4 ({fingerprint(keys[3])}): HTTP 201 Created with error NO_SUCH_TASK: ")
    assert error.endswith("If no key works, check --host.")
    assert [request.subscription_key for request in emulator.requests] == keys


def test_a_task_without_jobs_is_shown_without_a_table_of_them(cli: CommandLine) -> None:
    assert len(cli("status", cli.add()).lines) == 2


def test_one_task_that_cannot_be_looked_at_is_one_line(cli: CommandLine) -> None:
    ended = cli("status", "no such task")
    assert (ended.status, ended.out) == (3, "")
    assert len(ended.err.splitlines()) == 1


def test_an_error_without_a_code_is_shown_by_its_class(cli: CommandLine, emulator: Emulator) -> None:
    emulator.inject(Fault(status_code=403, body="no"))
    ended = cli("status", cli.add("Done"), cli.add("Done"))
    assert words(ended.lines)[1][2:] == ["?", "PermissionDeniedError"]


def test_what_the_server_wrote_cannot_reach_the_terminal_as_commands(cli: CommandLine, emulator: Emulator) -> None:
    job = JobScript([(0, f"{ESCAPE}[31mPost\nprocessing")], uuid=f"[bold]{ESCAPE}]0;title\a")
    key = emulator.add_task([job])
    ended = cli("status", key)
    assert ended.lines[-1] == r"[bold]\x1b]0;title\x07  \x1b[31mPost\nprocessing"


def test_a_note_of_the_server_is_shown(cli: CommandLine, emulator: Emulator) -> None:
    emulator.inject(Fault(body={"jobs": [{"uuid": "a", "status": "Done"}], "message": "[soon] gone"}))
    assert words(cli("status", cli.add()).lines)[1][2:] == ["Done", "100%", "1 Done, [soon] gone"]


@pytest.mark.parametrize(
    ("tasks", "status"),
    [
        (["Done"], 0),
        (["Waiting"], 0),
        (["Generating"], 0),
        (["Postprocessing"], 0),
        (["Failed"], 1),
        (["Canceled"], 1),
        (["Done", "Failed", "Waiting"], 1),
        (["Failed", "no such task", "Done"], 3),
    ],
)
def test_the_exit_status_is_that_of_the_worst_task(cli: CommandLine, tasks: list[str], status: int) -> None:
    keys = [task if " " in task else cli.add(task) for task in tasks]
    assert cli("status", *keys).status == status
    assert cli("status", "--json", *keys).status == status


def test_quiet_shows_errors_only(cli: CommandLine) -> None:
    ended = cli("status", "--quiet", cli.add("Failed"), "no such task")
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.startswith(f"rodin: key 2 ({fingerprint('no such task')}): ")


def test_an_api_key_that_is_refused_is_not_tried_for_the_other_tasks(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("status", "--json", *(cli.add("Done") for _ in range(3)), RODIN_API_KEY="wrong")
    assert [line["error"]["type"] for line in ended.json] == ["AuthenticationError"] * 3
    assert "(--api-key-file, RODIN_API_KEY or HYPER3D_API_KEY)" in ended.json[0]["error"]["text"]
    assert ended.status == 3
    assert len(emulator.requests) == 1


def test_an_answer_can_have_all_the_time_that_it_needs(cli: CommandLine) -> None:
    assert cli("status", "--timeout", "none", cli.add("Done")).status == 0


def test_an_answer_that_cannot_be_understood_names_nothing_that_only_python_has(
    cli: CommandLine, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rodin_sdk._retry.BACKOFF_BASE", 0.0)
    emulator.faults = lambda _: Fault.html(200)
    ended = cli("status", cli.add("Done"))
    assert ended.status == 3
    assert "anything between here and the service. It begins: " in ended.err


def test_no_answer_in_time_is_an_error_of_transport(
    cli: CommandLine, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rodin_sdk._retry.BACKOFF_BASE", 0.0)
    emulator.inject(Fault.stalled(), times=4)
    ended = cli("status", "--timeout", "0.3", cli.add("Done"))
    assert ended.status == 3
    assert len(emulator.requests) == 4
    assert len(ended.err.splitlines()) == 1


def test_what_is_known_when_it_is_interrupted_is_shown(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    look = _status.look

    def interrupted(*arguments: object) -> Iterator[object]:
        yield next(look(*arguments))  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(_status, "look", interrupted)
    ended = cli("status", cli.add("Done"), cli.add("Done"))
    assert ended.status == 130
    assert words(ended.lines)[1][2:] == ["Done", "100%", "1 Done"]
    assert ended.err == "\nrodin: interrupted. Nothing is lost: the tasks go on, and can be asked about again.\n"


@pytest.mark.parametrize("columns", ["20", "40", "80"])
def test_a_narrow_screen_folds_lines_and_loses_nothing(cli: CommandLine, emulator: Emulator, columns: str) -> None:
    uuid = "123e4567-e89b-12d3-a456-426614174000"
    key = emulator.add_task([JobScript([(0, "Generating")], uuid=uuid)])
    ended = cli("status", key, FORCE_COLOR="1", NO_COLOR="1", COLUMNS=columns)
    assert ended.status == 0
    assert max(map(len, ended.lines)) <= int(columns)
    first_column = [line.split(" ")[0] for line in ended.lines]
    assert "".join(first_column).endswith(uuid)


def test_colors_are_for_terminals_that_may_have_them(cli: CommandLine) -> None:
    key = cli.add("Done")
    assert ESCAPE not in cli("status", key).out
    assert f"{ESCAPE}[32mDone" in cli("status", key, FORCE_COLOR="1").out
    assert ESCAPE not in cli("status", key, FORCE_COLOR="1", NO_COLOR="1").out
    assert f"{ESCAPE}[32mDone" in cli("status", key, FORCE_COLOR="1", NO_COLOR="").out
    assert ESCAPE not in cli("status", key, FORCE_COLOR="1", TERM="dumb").out


def test_who_waits_at_a_terminal_sees_that_something_is_going_on(cli: CommandLine) -> None:
    ended = cli("status", cli.add("Done"), cli.add("Done"), FORCE_COLOR="1")
    assert "Looked at" in ended.err
    assert "Looked at" not in ended.out
    assert cli("status", cli.add("Done")).err == ""
