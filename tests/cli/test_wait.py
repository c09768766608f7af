"""`rodin wait`: how each task ends, in a pipe and for programs. `test_live.py` has what a terminal shows."""

from __future__ import annotations

import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from rodin_sdk import Rodin
from rodin_sdk.cli import _follow, _live, _wait, _watch
from rodin_sdk.testing import Emulator, Fault, JobScript
from tests.cli.conftest import ticking_emulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rodin_sdk.cli._report import Report
    from rodin_sdk.testing import RecordedRequest
    from tests.cli.conftest import CommandLine

pytestmark = pytest.mark.usefixtures("impatient")
emulator = pytest.fixture(ticking_emulator)

DONE = [[(0, "Waiting"), (1, "Generating"), (3, "Done")], [(0, "Waiting"), (2, "Done")]]
FAILS = [[(0, "Generating"), (1, "Failed")], [(0, "Generating"), (3, "Done")]]
CANCELED = [[(0, "Waiting"), (2, "Canceled")]]
NEVER = [[(0, "Generating")]]


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has all tasks waited for as those are that are too many for a thread each."""
    monkeypatch.setattr(_wait, "MOST_WATCHED", 0)


@pytest.fixture(params=["few", "many"])
def any_number(request: pytest.FixtureRequest) -> None:
    """Has the test run for few tasks and for many."""
    if request.param == "many":
        request.getfixturevalue("many")


def columns(line: str) -> list[str]:
    """Splits the columns of a line, without the time and the key."""
    _, position, _, *others = re.split(r" {2,}", line.strip())
    return [position, *others]


def by_position(lines: list[Any]) -> Mapping[int, Any]:
    return {line["position"]: line for line in lines}


def test_a_pipe_has_a_line_for_each_change_of_a_task(cli: CommandLine, emulator: Emulator) -> None:
    key = emulator.add_task(DONE)
    ended = cli("wait", key)
    assert re.split(r" {2,}", ended.lines[0]) == ["Seconds", "#", "Key", "State", "Done", "Jobs"]
    assert [columns(line) for line in ended.lines[1:]] == [
        ["1", "Waiting", "0%", "2 Waiting"],
        ["1", "Generating", "0%", "1 Waiting, 1 Generating"],
        ["1", "Generating", "50%", "1 Generating, 1 Done"],
        ["1", "Done", "100%", "2 Done"],
    ]
    assert (ended.status, ended.err) == (0, "")
    times = [float(line.split()[0]) for line in ended.lines[1:]]
    assert times == sorted(times)
    assert times[0] >= 0


def test_looks_that_bring_nothing_new_have_no_line(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("wait", emulator.add_task([[(0, "Generating"), (5, "Done")]]))
    assert len(ended.lines) == 3
    assert len(emulator.requests) == 6


@pytest.mark.usefixtures("many")
def test_a_pipe_has_a_line_for_each_end_of_many_tasks(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("wait", emulator.add_task(DONE), emulator.add_task(CANCELED))
    assert sorted(columns(line) for line in ended.lines[1:]) == [
        ["1", "Done", "100%", "2 Done"],
        ["2", "Canceled", "0%", "1 Canceled"],
    ]


@pytest.mark.usefixtures("any_number")
@pytest.mark.parametrize(
    ("tasks", "options", "status"),
    [
        ([DONE], [], 0),
        ([DONE, FAILS], [], 1),
        ([CANCELED], [], 1),
        ([CANCELED], ["--allow-partial"], 1),
        ([DONE, NEVER], ["--timeout", "0"], 4),
        ([CANCELED, NEVER], ["--timeout", "2"], 1),
        ([FAILS], ["--allow-partial"], 0),
        ([DONE], ["--timeout", "none"], 0),
        ([DONE], ["--timeout", "inf"], 0),
    ],
)
def test_the_exit_status_is_that_of_the_worst_task(
    cli: CommandLine, emulator: Emulator, tasks: list[Any], options: list[str], status: int
) -> None:
    def add() -> list[str]:
        return [emulator.add_task(task) for task in tasks]

    ended = cli("wait", *options, *add())
    assert ended.status == status
    programs = cli("wait", "--json", *options, *add())
    assert programs.status == status
    assert len(programs.json) == len(tasks)
    quiet = cli("wait", "-q", *options, *add())
    assert (quiet.status, quiet.out) == (status, "")
    assert bool(quiet.err) == bool(status)


@pytest.mark.usefixtures("any_number")
def test_programs_read_how_each_task_ended(cli: CommandLine, emulator: Emulator) -> None:
    keys = [emulator.add_task(task) for task in (DONE, FAILS, CANCELED, NEVER)]
    ended = cli("wait", "--json", "--timeout", "2", *keys, "no such task")
    assert (ended.status, ended.err) == (3, "")
    lines = by_position(ended.json)
    assert [lines[position]["exit_status"] for position in range(1, 6)] == [0, 1, 1, 4, 3]
    errors = [lines[position]["error"] for position in range(2, 6)]
    assert lines[1]["error"] is None
    assert [error["type"] for error in errors] == [
        "TaskFailedError",
        "TaskCanceledError",
        "WaitTimeoutError",
        "NotFoundError",
    ]
    states = [lines[position]["task"] and lines[position]["task"]["state"] for position in range(1, 6)]
    assert states == ["Done", "Failed", "Canceled", "Generating", None]
    assert all(line["ended"] for line in ended.json)
    times = [line["elapsed"] for line in ended.json]
    assert times == sorted(times)
    assert 2 <= lines[4]["elapsed"] < 10
    assert list(lines[1]) == ["schema", "position", "fingerprint", "exit_status", "elapsed", "ended", "task", "error"]


@pytest.mark.usefixtures("any_number")
def test_what_went_wrong_is_one_line_with_the_next_step(cli: CommandLine, emulator: Emulator) -> None:
    keys = [emulator.add_task(task) for task in (FAILS, CANCELED, NEVER)]
    ended = cli("wait", "--timeout", "2", *keys, "no such task")
    late = "did not end in time, and is Generating: 0 of 1 job done"
    how = "It goes on: wait again with the same subscription key"
    again = "or pass --allow-partial to take what is done in the end"
    # The deadline can come in the middle of a look, which is told then.
    cut = r"( The last look failed: 127\.0\.0\.1:\d+ gave no complete answer within .*)?"
    patterns = [
        rf"rodin: key 1 \([0-9a-f]{{8}}\) failed: 1 of 2 jobs; see rodin status, {again} \(\d+ looks? in \d+\.\d s\)\.",
        rf"rodin: key 2 \([0-9a-f]{{8}}\) was canceled; see rodin status, {again} \(\d+ looks? in \d+\.\d s\)\.",
        rf"rodin: key 3 \([0-9a-f]{{8}}\) {late}\. {how} \(\d+ looks in \d+\.\d s\)\.{cut}",
        r"rodin: key 4 \([0-9a-f]{8}\): HTTP 201 Created with error NO_SUCH_TASK: .* check --host\.",
    ]
    for line, pattern in zip(sorted(ended.err.splitlines()), patterns, strict=True):
        assert re.fullmatch(pattern, line)
    states = sorted(columns(line) for line in ended.lines if "..." not in line)[-1:]
    assert states == [["4", "?", "NotFoundError, NO_SUCH_TASK"]]
    assert any(line.endswith("1 Generating, timed out") for line in ended.lines)


@pytest.mark.usefixtures("any_number")
def test_what_is_done_in_part_is_done_where_that_is_enough(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("wait", "--allow-partial", emulator.add_task(FAILS))
    assert columns(ended.lines[-1]) == ["1", "Partial", "50%", "1 Done, 1 Failed"]
    assert (ended.status, ended.err) == (0, "")
    (line,) = cli("wait", "--allow-partial", "--json", emulator.add_task(FAILS)).json
    assert (line["exit_status"], line["task"]["state"], line["error"]) == (0, "Failed", None)


@pytest.mark.usefixtures("any_number")
def test_where_nothing_is_done_a_part_is_not_offered(cli: CommandLine, emulator: Emulator) -> None:
    ended = cli("wait", "--allow-partial", emulator.add_task([[(0, "Failed")], [(0, "Canceled")]]))
    assert re.fullmatch(r"rodin: key 1 \(\w{8}\) failed: 1 of 2 jobs; see rodin status \(1 look .*\)\.\n", ended.err)


@pytest.mark.usefixtures("any_number")
def test_a_time_out_says_why_the_last_look_failed(cli: CommandLine, emulator: Emulator) -> None:
    key = emulator.add_task(NEVER)
    emulator.faults = lambda _: Fault.error(503, message="base_url is down")
    ended = cli("wait", "--timeout", "0.5", key)
    assert ended.status == 4
    assert " did not end in time, and was not seen. It goes on: wait again " in ended.err
    assert re.search(r"The last look failed: HTTP 503 .*: base_url is down\. ", ended.err)
    assert columns(ended.lines[-1]) == ["1", "?", "timed out"]


def test_a_time_out_speaks_of_no_option_that_a_wait_has_not(cli: CommandLine, emulator: Emulator) -> None:
    emulator.inject(Fault.stalled(), times=3)
    ended = cli("wait", "--timeout", "0.2", cli.add("Done"))
    assert re.search(r"The last look failed: .* within 0\.\d+ s\b", ended.err)
    assert "--timeout" not in ended.err


def test_what_the_server_said_of_a_task_is_left_as_it_is(cli: CommandLine, emulator: Emulator) -> None:
    body = {"jobs": [{"uuid": "a", "status": "Waiting"}], "message": "base_url and api_key"}
    emulator.faults = lambda _: Fault(body=body)
    ended = cli("wait", "--timeout", "0", cli.add())
    assert "is Waiting: 0 of 1 job done (base_url and api_key). It goes on: " in ended.err


@pytest.mark.usefixtures("any_number")
def test_a_task_that_is_gone_is_shown_as_it_was_last_seen(cli: CommandLine, emulator: Emulator) -> None:
    key = emulator.add_task(NEVER)
    emulator.inject(None, Fault(status_code=403, body="no"))
    ended = cli("wait", key)
    assert ended.status == 3
    assert columns(ended.lines[-1])[-1].endswith("PermissionDeniedError")


@pytest.mark.usefixtures("any_number")
def test_a_key_that_is_given_twice_is_looked_at_once_and_reported_twice(cli: CommandLine, emulator: Emulator) -> None:
    key = cli.add("Done")
    ended = cli("wait", "--json", key, cli.add("Failed"), f"{key}\n")
    assert [by_position(ended.json)[position]["exit_status"] for position in (1, 2, 3)] == [0, 1, 0]
    assert len(emulator.requests) == 2


@pytest.mark.usefixtures("any_number")
def test_an_api_key_that_is_refused_ends_all(cli: CommandLine, emulator: Emulator) -> None:
    keys = [emulator.add_task(NEVER) for _ in range(20)]
    ended = cli("wait", "--json", *keys, RODIN_API_KEY="wrong")
    assert ended.status == 3
    assert [line["error"]["type"] for line in ended.json] == ["AuthenticationError"] * 20
    assert len(emulator.requests) <= 20


def test_an_api_key_that_is_withdrawn_ends_all(cli: CommandLine, emulator: Emulator) -> None:
    keys = [emulator.add_task(NEVER), emulator.add_task(NEVER)]
    emulator.inject(None, Fault(status_code=401, body="no"), subscription_key=keys[0])
    emulator.inject(Fault.stalled(), subscription_key=keys[1])
    ended = cli("wait", "--json", *keys)
    assert [line["error"]["type"] for line in ended.json] == ["AuthenticationError"] * 2
    assert by_position(ended.json)[1]["task"]["state"] == "Generating"


def test_the_wait_ends_after_twenty_minutes_unless_it_is_told_otherwise(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[object] = []
    watch = Rodin.watch

    def noted(rodin: Rodin, key: str, **options: Any) -> object:
        given.append(options["timeout"])
        return watch(rodin, key, **options)

    monkeypatch.setattr(Rodin, "watch", noted)
    for options in ([], ["--timeout", "60"], ["--timeout", " None "]):
        assert cli("wait", *options, cli.add("Done")).status == 0
    assert given == [1200, 60, float("inf")]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--timeout", "soon", "key"], "Invalid value for '--timeout': 'soon' is no number of seconds; none means "),
        (
            ["--timeout", "-1", "key"],
            "Invalid value for '--timeout': it must be 0 or more, not '-1'; none means no limit.",
        ),
        (
            ["--timeout", "nan", "key"],
            "Invalid value for '--timeout': it must be 0 or more, not 'nan'; none means no limit.",
        ),
        (["--json", "--quiet", "key"], "--json and --quiet do not go together."),
        ([], "Missing argument 'KEY...'."),
        ([""], "Argument 1 is empty where a key belongs"),
        (["\n"], "Argument 1 is empty where a key belongs"),
        (["--host", "http://example.com", "key"], "--host must be https: "),
    ],
)
@pytest.mark.parametrize("command", ["wait", "watch"])
def test_wrong_usage_is_one_line(cli: CommandLine, command: str, words: list[str], problem: str) -> None:
    ended = cli(command, *words)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"rodin: {problem}")
    assert len(ended.err.splitlines()) == 1
    assert cli.emulator.requests == ()


def test_keys_and_the_api_key_come_from_files_and_standard_input(
    cli: CommandLine, emulator: Emulator, tmp_path: Any
) -> None:
    (tmp_path / "keys").write_text(f"{cli.add('Done')}\n{cli.add('Done')}\n")
    (tmp_path / "api-key").write_text(emulator.api_key)
    ended = cli(
        "wait",
        "--json",
        "--api-key-file",
        str(tmp_path / "api-key"),
        f"@{tmp_path / 'keys'}",
        "-",
        stdin=cli.add("Failed").encode(),
        RODIN_API_KEY=None,
    )
    assert [by_position(ended.json)[position]["exit_status"] for position in (1, 2, 3)] == [0, 0, 1]


INTERRUPTED = [
    (1, "interrupted. The task goes on: rodin wait with the same key takes it up again."),
    (3, "interrupted. The tasks go on, 2 of 3 had not ended: rodin wait with the same keys takes it up again."),
]


@pytest.mark.usefixtures("any_number")
@pytest.mark.parametrize(("count", "line"), INTERRUPTED)
def test_ctrl_c_reports_what_had_ended_and_says_how_to_go_on(
    cli: CommandLine, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, count: int, line: str
) -> None:
    done = [cli.add("Done")] if count > 1 else []
    going = [emulator.add_task(NEVER) for _ in range(count - len(done))]
    to_report = list(done)
    presses = iter([signal.SIGINT])
    add = _live.Lines.add

    def noted(lines: _live.Lines, report: Report) -> None:
        add(lines, report)
        to_report.pop()

    def press(request: RecordedRequest) -> None:
        if request.subscription_key in going and not to_report:
            for number in presses:
                signal.raise_signal(number)

    monkeypatch.setattr(_live.Lines, "add", noted)
    emulator.faults = press
    ended = cli("wait", *done, *going)
    assert ended.status == 130
    assert ended.err == f"\nrodin: {line}\n"
    assert sum("100%" in shown for shown in ended.lines) == len(done)


def test_who_presses_ctrl_c_again_and_again_still_gets_what_is_known(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end(_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(_live.Lines, "end", end)
    assert cli("wait", cli.add("Done")).status == 0
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize(("seconds", "status"), [(60, 0), (0, 130)])
def test_a_ctrl_c_that_python_dropped_can_be_pressed_again_after_a_while(
    cli: CommandLine, monkeypatch: pytest.MonkeyPatch, seconds: float, status: int
) -> None:
    def press_twice(*_: object, **__: object) -> None:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
            pytest.fail("the first is always heard")
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(_follow, "_SECOND_CTRL_C", seconds)
    monkeypatch.setattr(_live.Lines, "add", press_twice)
    assert cli("wait", cli.add("Done")).status == status


def test_ctrl_c_stays_ignored_where_it_was(cli: CommandLine, emulator: Emulator) -> None:
    def press(_request: RecordedRequest) -> None:
        signal.raise_signal(signal.SIGINT)

    emulator.faults = press
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert cli("wait", cli.add("Done")).status == 0
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_fault_of_the_program_is_not_lost_in_a_thread(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(_watch, "_is_last", fail)
    ended = cli("wait", cli.add("Done"))
    assert ended.status == 3
    assert ended.err.startswith("rodin: Unexpected ZeroDivisionError: ")


def test_silence_does_not_end_a_wait(cli: CommandLine, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_watch, "_PULSE", 0.001)
    key = emulator.add_task([JobScript([(0, "Done")])], faults=[Fault(delay=0.1)])
    assert cli("wait", key).status == 0
