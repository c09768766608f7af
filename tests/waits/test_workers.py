"""The threads of `Rodin.as_completed`: as many as there is work for, and none left behind, whatever goes wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from rodin_sdk import Rodin
from tests.waits.clients import QUICK

if TYPE_CHECKING:
    from rodin_sdk.testing import Emulator


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("rodin-look")]


def failing_after(started: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the system refuse threads after so many."""
    left = started
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        nonlocal left
        if not left:
            raise RuntimeError("can't start new thread")
        left -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_system_without_threads_is_an_error_at_once(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    key = emulator.add_task("sketch")
    with Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:
        failing_after(0, monkeypatch)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            rodin.wait_all([key])
        monkeypatch.undo()
        assert not looking()
        assert rodin.status(key).jobs


def test_it_goes_on_with_the_threads_that_there_are(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [emulator.add_task([[(0, "Generating"), (0.1, "Done")]]) for _ in range(20)]
    with Rodin(emulator.api_key, base_url=emulator.base_url, poll=QUICK, requests_per_minute=None) as rodin:
        failing_after(2, monkeypatch)
        outcomes = rodin.as_completed(keys)
        next(outcomes)
        assert len(looking()) == 2
        assert all(outcome.task for outcome in outcomes)
    assert not looking()


def test_there_are_16_looks_at_once_at_most(emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Done")]]) for _ in range(100)]
    with Rodin(emulator.api_key, base_url=emulator.base_url, requests_per_minute=None) as rodin:
        for outcome in rodin.as_completed(keys):
            assert outcome.task
            assert len(looking()) <= 16
    assert not looking()


@pytest.mark.parametrize("end", ["", "sys.exit(0)"], ids=["at the end", "exit"])
def test_a_generator_that_nobody_closed_lets_the_program_end(emulator: Emulator, end: str) -> None:
    done = emulator.add_task([[(0, "Done")]])
    endless = [emulator.add_task("never_ends") for _ in range(20)]
    program = f"""
import sys
from rodin_sdk import Rodin
rodin = Rodin({emulator.api_key!r}, base_url={emulator.base_url!r}, requests_per_minute=None)
outcomes = rodin.as_completed({[done, *endless]!r})
next(outcomes)
rodin.status({done!r})
{end}
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")
