"""Scripts in TOML: what they may say, and that their errors name the line."""

from __future__ import annotations

import pickle
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from rodin_sdk.testing import (
    Assumptions,
    Emulator,
    ErrorAnswer,
    Fault,
    JobScript,
    Script,
    ScriptError,
    Shape,
    TaskScript,
    VirtualClock,
    load_script,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.testing.conftest import Client

FULL = """
    api_key = "demo"
    seed = 3
    shape = "array_ok"
    requests_per_minute = 120

    [assumptions]
    success_status = 200
    no_such_task = { status_code = 404, code = "NO_SUCH_TASK", message = "Gone." }

    [[tasks]]
    preset = "regular"
    speed = 10
    shape = ["array", "map"]
    subscription_key = "first"
    extra = { note = "x" }

    [[tasks]]
    name = "own"
    [[tasks.jobs]]
    uuid = "a"
    queue_length = 3
    timeline = [
        [0, "Waiting"],  # a comment
        [2, "Generating"],
        [8],
        [20, "Done"],
    ]
    [[tasks.jobs]]
    timeline = [[0, "Done"]]
    extra = { kind = "mesh" }
    [[tasks.faults]]
    kind = "reset"
    at = "middle"

    [[faults]]
    kind = "error"
    status_code = 503
    retry_after = 2
    times = 2

    [[faults]]

    [[faults]]
    body = { jobs = 5 }
    headers = { X-Trace = "1" }
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "script.toml"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


def test_a_script_says_all_there_is(write: Callable[[str], Path]) -> None:
    script = load_script(write(FULL))
    first, second = script.tasks
    assert script == Script(
        api_key="demo",
        seed=3,
        shape="array_ok",
        requests_per_minute=120,
        assumptions=Assumptions(success_status=200, no_such_task=ErrorAnswer(404, "NO_SUCH_TASK", "Gone.")),
        tasks=(first, second),
        faults=(
            *[Fault.error(503, retry_after=2)] * 2,
            Fault(),
            Fault(body={"jobs": 5}, headers={"X-Trace": "1"}),
        ),
    )
    assert (first.name, first.shape, first.subscription_key) == ("regular", (Shape.ARRAY, Shape.MAP), "first")
    assert (len(first.jobs), first.jobs[4].timeline[-1], first.extra) == (5, (7.0, "Done"), {"note": "x"})
    assert second == TaskScript(
        [
            JobScript([(0, "Waiting"), (2, "Generating"), (8, None), (20, "Done")], uuid="a", queue_length=3),
            JobScript([(0, "Done")], extra={"kind": "mesh"}),
        ],
        name="own",
        faults=[Fault.reset(at="middle")],
    )
    assert "demo" not in repr(script)
    assert "first" not in repr(script)


def test_a_script_is_checked() -> None:
    tasks: Any = ["regular"]
    with pytest.raises(TypeError, match=r"tasks must be TaskScript, not str\."):
        Script(tasks=tasks)


def test_an_emulator_does_as_its_script_says(
    write: Callable[[str], Path], connect: Callable[[Emulator], Client], clock: VirtualClock
) -> None:
    with Emulator.from_script(write(FULL), clock=clock) as emulator:
        client = connect(emulator)
        assert emulator.api_key == "demo"
        first, second = emulator.subscription_keys
        answers = [client.ask(first) for _ in range(4)]
        assert [answer.status for answer in answers] == [503, 503, 200, 200]
        assert answers[0].headers["Retry-After"] == "2"
        assert answers[3].json() == {"jobs": 5}
        with pytest.raises(ConnectionResetError):
            client.ask(second)
        client.close()
        clock.advance(2)
        assert client.jobs(second) == [("Generating", None), ("Done", None)]
        assert client.ask("unknown").status == 404


def test_an_empty_script_is_an_emulator_with_defaults(write: Callable[[str], Path]) -> None:
    script = load_script(str(write("")))
    assert script == Script()
    assert Emulator.from_script(script, port=4).base_url == "http://127.0.0.1:4"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("seed = 1\nseed = 2\n", 2, "Cannot overwrite a value."),
        ("seed = 1\n\n[[tasks", 3, "Expected ']]' at the end of an array declaration."),
        ("seed = 1\nshape = [\n'map',\n", 4, "Invalid value."),
        ("seed = 1\r\n# note\r\nsheed = 2\r\n", 3, "sheed is not known here; known are: tasks, faults, api_key, "),
        ("\n# note\nseed = -1\n", 3, "seed must be at least 0, not -1."),
        ("shape = [\n  'map',\n  'tree',\n]\n", 1, "shape must be one of array, "),
        ("requests_per_minute = true\n", 1, "requests_per_minute must be a number, not bool."),
        ("api_key = 'two words'\n", 1, "api_key must be visible ASCII characters, at least one."),
        ("\nassumptions = 5\n", 2, "assumptions must be a table."),
        ("\n[assumptions]\nkept_for = 0\n", 3, "kept_for must be above 0."),
        ("\n[assumptions]\nnot_found = { code = 'A' }\n", 3, "status_code is missing."),
        ("tasks = 5\n", 1, "tasks must be tables: write [[tasks]]."),
        ("\n[tasks]\npreset = 'regular'\n", 2, "tasks must be tables: write [[tasks]]."),
        ("tasks = [5]\n", 1, "tasks 0 must be a table."),
        ("[[tasks]]\npreset = 'regular'\n[[tasks]]\n", 3, "preset or jobs must be given, and not both."),
        ("[[tasks]]\npreset = 'quick'\n", 2, "preset must be one of sketch, "),
        ("[[tasks]]\nspeed = 2\npreset = 5\n", 3, "preset must be a str, not int."),
        ("[[tasks]]\npreset = 'fails'\nspeed = 0\n", 3, "speed must be above 0."),
        (
            "[[tasks]]\npreset = 'fails'\nsubscription_key = 'a'\n" * 2,
            6,
            "subscription_key is another task's already.",
        ),
        ("[[tasks]]\nname = 'x'\njobs = 'all'\n", 3, "jobs must be tables: write [[tasks.jobs]]."),
        ("[[tasks]]\n[[tasks.jobs]]\nuuid = 'a'\n", 2, "timeline is missing."),
        ("[[tasks]]\n[[tasks.jobs]]\nuuid = 'a'\ntimeline = [\n[1, 'a'],\n[1, 'b']]\n", 4, "timeline must be in order"),
        ("[[tasks]]\n[[tasks.jobs]]\ntimeline = [[0, 1979-05-27]]\n", 3, "timeline must hold pairs"),
        ("[[tasks]]\n[[tasks.jobs]]\ntimeline = [[0, 'a']]\nextra = { a = 1979-05-27 }\n", 4, "extra must be"),
        ("[[tasks]]\njobs = []\n\n[[tasks.faults]]\nkind = 'quake'\n", 5, "kind must be one of error, html, "),
        ("[[faults]]\nkind = 5\n", 2, "kind must be one of error, html, "),
        ("[[faults]]\n[[faults]]\ntimes = 0\n", 3, "times must be at least 1, not 0."),
        ("[[faults]]\nkind = 'error'\n", 1, "status_code is missing."),
        ("[[faults]]\nkind = 'reset'\ndelay = 5\n", 3, "delay is not known here; known are: kind, times, at."),
        ("[[faults]]\ndelay = 5\nstatus_code = 20\n", 3, "status_code must be from 200 to 999, not 20."),
        ("[[faults]]\nbody = 1979-05-27\n", 2, "body and raw must be bytes"),
        ("[[faults]]\nkind = 'delayed'\ndelay = -1\n", 3, "delay must be finite and at least 0, not -1."),
        ("[[faults]]\nheaders = 5\n", 2, "headers must be a sequence, not int."),
    ],
)
def test_an_error_names_the_line(write: Callable[[str], Path], text: str, line: int, problem: str) -> None:
    path = write("")
    path.write_bytes(text.encode())
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    assert caught.value.problem.startswith(problem)
    assert caught.value.line == line
    assert str(caught.value) == f"{path}:{line}: {caught.value.problem}"
    assert "two words" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_file_that_is_not_utf_8_is_refused(write: Callable[[str], Path]) -> None:
    path = write("")
    path.write_bytes(b"seed = 1\n# \xff\n")
    with pytest.raises(ScriptError, match=r"script\.toml:2: The file must be in UTF-8\."):
        load_script(path)


def test_a_file_that_is_not_there_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_script(tmp_path / "none.toml")
