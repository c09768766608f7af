"""`rodin demo`: complete without a key, honest, and never on the network of itself."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from rodin_sdk import JobStatus, Poll
from rodin_sdk.cli import _demo
from rodin_sdk.cli._follow import Patience
from rodin_sdk.testing import Emulator, Shape
from tests.cli.conftest import NOWHERE
from tests.cli.test_wait import columns

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine

NO_KEYS = {"RODIN_API_KEY": None, "RODIN_BASE_URL": None}
TRY = '    $ rodin status "$RODIN_SUBSCRIPTION_KEY"'


FATES = [
    ["1", "Done", "100%", "5 Done"],
    ["2", "Done", "100%", "2 Done"],
    ["3", "Failed", "0%", "2 Failed"],
    ["4", "Canceled", "0%", "2 Canceled"],
    ["5", "Partial", "83%", "5 Done, 1 Failed"],
    ["6", "Generating", "0%", "2 Generating, timed out"],
]


@pytest.fixture(autouse=True)
def haste(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for tasks that pass faster than anybody could follow."""
    if "at_leisure" not in request.fixturenames:
        monkeypatch.setattr(_demo, "_SPEED", 400.0)
        monkeypatch.setattr(_demo, "_PATIENCE", Patience(1.0, allow_partial=True))
        monkeypatch.setattr(_demo, "_LOOKS", Poll(0.05))


@pytest.fixture
def at_leisure() -> None:
    """Leaves the demo as it is."""


def test_it_shows_every_shape_every_state_and_errors_without_a_key(cli: CommandLine) -> None:
    ended = cli("demo", env=NO_KEYS)
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.count("Generating: 1 of 2 jobs done") == len(Shape)
    for state in JobStatus:
        assert re.search(rf"\b{state}\b", ended.out)
    for error in ("NotFoundError: ", "AuthenticationError: ", "RateLimitError: "):
        assert f"\n{error}HTTP " in ended.out
    assert '\n{"schema": 1, ' in ended.out
    assert ended.lines[-3:] == ["    $ export RODIN_API_KEY=... RODIN_SUBSCRIPTION_KEY=...", "", TRY]


@pytest.mark.usefixtures("at_leisure")
def test_it_waits_for_tasks_of_all_fates_and_ends_soon(cli: CommandLine) -> None:
    began = time.monotonic()
    ended = cli("demo", "--offline", env=NO_KEYS)
    assert time.monotonic() - began < 15
    assert (ended.status, ended.err) == (0, "")
    _, after = ended.out.split("rodin.as_completed(subscription_keys, timeout=4, allow_partial=True):\n")
    lines, _ = after.split("requests, and every answer was understood as it should be.\n")
    shown = [columns(line) for line in lines.splitlines() if re.match(r" +\d\.\d  ", line)]
    assert sorted(shown) == FATES
    assert shown[-1] == FATES[-1]


def test_it_says_when_a_task_has_another_fate(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_demo, "_PATIENCE", Patience(0.0, allow_partial=True))
    ended = cli("demo", env=NO_KEYS)
    assert ended.status == 3
    assert ended.err == (
        "rodin: The demo expected that every task has its fate, and that is not so: please report it.\n"
    )


@pytest.mark.parametrize("environment", [{"RODIN_API_KEY": None}, {"RODIN_SUBSCRIPTION_KEY": None}])
def test_one_key_of_the_two_is_not_enough_to_ask_the_service(
    cli: CommandLine, environment: dict[str, str | None]
) -> None:
    both: dict[str, str | None] = {"RODIN_SUBSCRIPTION_KEY": cli.add("Done")}
    assert cli("demo", env={**both, **environment}).lines[-1] == TRY
    assert cli.emulator.requests == ()


def test_with_both_keys_it_looks_at_the_service_once(cli: CommandLine, emulator: Emulator) -> None:
    key = cli.add("Done", "Failed")
    ended = cli("demo", RODIN_SUBSCRIPTION_KEY=key, RODIN_API_KEY=None, HYPER3D_API_KEY=emulator.api_key)
    assert ended.status == 0
    _, after = ended.out.split(f"{TRY}\n")
    assert "export" not in ended.out
    assert after.startswith(f"\nBoth keys are set, so here is one look, which costs nothing, at {emulator.base_url}:\n")
    assert re.search(r"^1  [0-9a-f]{8}  Failed  50%   1 Done, 1 Failed$", after, re.MULTILINE)
    assert [request.subscription_key for request in emulator.requests] == [key]


def test_it_leaves_the_service_alone_on_request(cli: CommandLine, emulator: Emulator) -> None:
    assert cli("demo", "--offline", RODIN_SUBSCRIPTION_KEY=cli.add("Done")).lines[-1] == TRY
    assert emulator.requests == ()


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"RODIN_API_KEY": "wrong"}, "rodin: HTTP 401 Unauthorized with error UNAUTHORIZED: "),
        ({"RODIN_API_KEY": "a key"}, "rodin: RODIN_API_KEY has a character outside visible ASCII "),
        ({"RODIN_BASE_URL": "nowhere"}, "rodin: RODIN_BASE_URL must start with https://"),
        ({"RODIN_BASE_URL": NOWHERE}, "rodin: "),
    ],
)
def test_a_look_at_the_service_that_fails_is_one_line_and_not_the_demos_fault(
    cli: CommandLine, emulator: Emulator, environment: dict[str, str | None], line: str
) -> None:
    ended = cli("demo", env={"RODIN_SUBSCRIPTION_KEY": cli.add("Done"), **environment})
    assert (ended.status, ended.err) == (0, "")
    assert ended.lines[-1].startswith(line)
    assert len(emulator.requests) <= 1


def test_it_says_when_something_is_not_as_it_should_be(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_demo, "_STATES", [((), JobStatus.DONE)])
    ended = cli("demo", env=NO_KEYS)
    assert ended.status == 3
    assert ended.err == (
        "rodin: The demo expected that every task is in its state, and that is not so: please report it.\n"
    )


def test_it_says_when_an_error_does_not_come(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def inject(*_: object) -> None:
        """Lets nothing go wrong."""

    monkeypatch.setattr(Emulator, "inject", inject)
    ended = cli("demo", env=NO_KEYS)
    assert ended.status == 3
    assert ended.err.startswith("rodin: The demo expected that RateLimitError is raised, ")


# --- For programs, and for nobody


def test_programs_read_a_line_for_each_task(cli: CommandLine) -> None:
    ended = cli("demo", "--json", env=NO_KEYS)
    assert (ended.status, ended.err) == (0, "")
    states = [line["task"]["state"] for line in ended.json if line["task"]]
    assert states[: len(Shape)] == ["Generating"] * len(Shape)
    assert set(states) == set(JobStatus) - {JobStatus.UNKNOWN}
    errors = [line["error"]["type"] for line in ended.json if line["error"]]
    assert errors[:3] == ["NotFoundError", "AuthenticationError", "RateLimitError"]
    assert sorted(errors[3:]) == ["TaskCanceledError", "TaskFailedError", "WaitTimeoutError"]
    assert [line["ended"] for line in ended.json if "ended" in line] == [True] * len(FATES)


@pytest.mark.parametrize(
    ("form", "out", "err"),
    [
        ("--json", r'{"schema": 1, .*"error": {"type": "AuthenticationError".*\n', ""),
        ("--quiet", "", r"rodin: key 1 \([0-9a-f]{8}\): HTTP 401 Unauthorized with error UNAUTHORIZED: .*\n"),
    ],
)
def test_a_look_at_the_service_that_fails_is_told_to_programs_and_to_those_who_want_errors_only(
    cli: CommandLine, form: str, out: str, err: str
) -> None:
    offline = cli("demo", form, env=NO_KEYS)
    ended = cli("demo", form, RODIN_SUBSCRIPTION_KEY=cli.add("Done"), RODIN_API_KEY="wrong")
    assert (ended.status, offline.status, offline.err) == (0, 0, "")
    assert re.fullmatch(out, "".join(f"{line}\n" for line in ended.lines[len(offline.lines) :]))
    assert re.fullmatch(err, ended.err)


def test_quiet_says_when_something_is_not_as_it_should_be(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_demo, "_STATES", [((), JobStatus.DONE)])
    ended = cli("demo", "--quiet", env=NO_KEYS)
    assert (ended.status, ended.out) == (3, "")
    assert ended.err.startswith("rodin: The demo expected that every task is in its state, ")


def test_it_asks_the_host_that_is_wanted(cli: CommandLine, emulator: Emulator) -> None:
    key = cli.add("Done")
    environment = {"RODIN_SUBSCRIPTION_KEY": key, "RODIN_BASE_URL": NOWHERE}
    ended = cli("demo", "--host", emulator.base_url, "--timeout", "10", env=environment)
    assert f"at {emulator.base_url}:" in ended.out
    assert [request.subscription_key for request in emulator.requests] == [key]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--host", "hyper3d"], "--host needs RODIN_API_KEY and RODIN_SUBSCRIPTION_KEY in the environment."),
        (["--host", "hyper3d", "--offline"], "--offline and --host do not go together. See: rodin demo --help"),
        (["--json", "--quiet"], "--json and --quiet do not go together. See: rodin demo --help"),
        (["--timeout", "0"], "--timeout must be above 0"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_shown(cli: CommandLine, words: list[str], line: str) -> None:
    ended = cli("demo", *words, env=NO_KEYS)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"rodin: {line}")
