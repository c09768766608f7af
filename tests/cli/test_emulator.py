"""`rodin emulator`: says where it listens, answers, and ends with Ctrl-C."""

from __future__ import annotations

import json
import socket
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field

from rodin_sdk import JobStatus, Rodin
from rodin_sdk.cli import _serve
from rodin_sdk.testing import PRESETS, Emulator

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import CommandLine, Ended

SCRIPT = """
api_key = "scripted"
[[tasks]]
jobs = [{ timeline = [[0, "Done"]] }]
subscription_key = "it's-mine"
"""


@define
class Session:
    """Runs the command, asks about a task while it serves, and presses Ctrl-C."""

    cli: CommandLine
    emulators: list[Emulator] = field(factory=list[Emulator])
    states: list[JobStatus] = field(factory=list[JobStatus])

    def __call__(self, *words: str) -> Ended:
        return self.cli("emulator", *words, RODIN_API_KEY=None)

    def sleep(self, _seconds: float) -> None:
        (emulator,) = self.emulators
        for key in emulator.subscription_keys[:1]:
            with Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:
                self.states.append(rodin.status(key).state)
        raise KeyboardInterrupt


@pytest.fixture
def session(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Session:
    session = Session(cli)

    class Known(Emulator):
        def start(self) -> None:
            super().start()
            session.emulators[:] = [self]

    monkeypatch.setattr(_serve, "Emulator", Known)
    monkeypatch.setattr(_serve, "time", SimpleNamespace(sleep=session.sleep, monotonic=time.monotonic))
    return session


def test_it_serves_one_task_of_every_kind_until_ctrl_c(session: Session) -> None:
    ended = session()
    (emulator,) = session.emulators
    assert session.states == [JobStatus.WAITING]
    assert ended.status == 130
    assert ended.lines[0] == f"The emulator listens at {emulator.base_url}. Ctrl-C ends it."
    assert "API key: emulator" in ended.lines
    assert [line.strip() for line in ended.lines if line.strip() in PRESETS] == list(PRESETS)
    assert f"  {emulator.curl('sketch')}" in ended.lines
    assert f"  env RODIN_API_KEY=emulator RODIN_BASE_URL={emulator.base_url} rodin status sketch" in ended.lines
    assert ended.err == "\nrodin: the emulator has ended, and has forgotten all tasks.\n"


def test_it_listens_on_the_port_that_is_wanted(session: Session) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = session("--port", port)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == (
        f"rodin: 127.0.0.1, port {port} cannot be listened on: Address already in use. "
        "Choose others with --host and --port; port 0 takes a free one.\n"
    )
    assert session("--port", port).lines[0] == f"The emulator listens at http://127.0.0.1:{port}. Ctrl-C ends it."


def test_it_listens_at_the_address_that_is_wanted(session: Session) -> None:
    assert session("--host", "localhost").lines[0].startswith("The emulator listens at http://localhost:")
    assert session.states == [JobStatus.WAITING]


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("", "--host must be visible ASCII characters, at least one."),
        ("nowhere.invalid", "nowhere.invalid, port 0 cannot be listened on: there is no such host. "),
        ("a" * 64, f"{'a' * 64}, port 0 cannot be listened on: there is no such host. "),
    ],
)
def test_an_address_that_is_none_is_refused(session: Session, host: str, line: str) -> None:
    ended = session("--host", host)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"rodin: {line}")


@pytest.mark.parametrize("script", [False, True])
def test_it_ends_of_itself_after_the_time_that_it_is_given(cli: CommandLine, tmp_path: Path, script: bool) -> None:  # noqa: FBT001
    path = tmp_path / "tasks.toml"
    path.write_text(SCRIPT)
    ended = cli("emulator", "--timeout", "0.05", *(["--script", str(path)] if script else []))
    assert (ended.status, ended.err) == (0, "")
    assert ended.lines[0].startswith("The emulator listens at ")


def test_it_can_say_nothing(session: Session) -> None:
    ended = session("--quiet")
    assert session.states == [JobStatus.WAITING]
    assert (ended.status, ended.out) == (130, "")
    assert session("--quiet", "--json").status == 2


def test_a_script_brings_its_own_tasks(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "tasks.toml"
    script.write_text(SCRIPT)
    ended = session("--script", str(script))
    assert session.states == [JobStatus.DONE]
    assert "API key: scripted" in ended.lines
    assert "  it's-mine" in ended.lines
    assert ended.lines[-2].endswith("""rodin status 'it'"'"'s-mine'""")


def test_programs_read_where_it_listens(session: Session) -> None:
    ended = session("--json")
    (emulator,) = session.emulators
    (line,) = ended.lines
    expected: dict[str, Any] = {
        "schema": 1,
        "base_url": emulator.base_url,
        "api_key": "emulator",
        "subscription_keys": list(PRESETS),
    }
    assert json.loads(line) == expected


def test_a_script_without_tasks_is_tried_with_an_unknown_key(session: Session, tmp_path: Path) -> None:
    script = tmp_path / "empty.toml"
    script.write_text("")
    assert session("--script", str(script)).lines[-2].endswith("rodin status unknown")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "The script {script} cannot be read: No such file or directory. Check its name."),
        ("[[tasks]]\npreset = 'nothing'", "{script}:2: preset must be one of "),
        (f"{SCRIPT}{SCRIPT.replace('api_key', '#')}", "{script}:10: subscription_key is another task's already."),
    ],
)
def test_a_script_that_cannot_be_used_is_refused(
    session: Session, tmp_path: Path, content: str | None, problem: str
) -> None:
    script = tmp_path / "tasks.toml"
    if content is not None:
        script.write_text(content)
    ended = session("--script", str(script))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"rodin: {problem.format(script=script)}")
    assert len(ended.err.splitlines()) == 1


def test_requests_are_shown_on_request(session: Session) -> None:
    assert session("--verbose").err.splitlines()[0].endswith(" POST /api/v2/status answered 201")
    assert "POST" not in session().err
