"""The threads of `Rodin.as_completed`: as many as there is work for, and none left behind, whatever goes wrong."""

from __future__ import annotations

import _thread
import gc
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, cast

import httpx
import pytest

from rodin_sdk import ClientClosedError, Rodin
from rodin_sdk._budget import Budget
from tests.waits.clients import QUICK, Background

if TYPE_CHECKING:
    from collections.abc import Generator

    from rodin_sdk import Outcome
    from rodin_sdk.testing import Emulator


def looking() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("rodin-look")]


def wait_for_all_looks() -> None:
    """Waits for all threads, those that a thread has just started included."""
    deadline = time.monotonic() + 10
    while threads := looking():
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert time.monotonic() < deadline, threads


def failing_after(started: int, monkeypatch: pytest.MonkeyPatch, error: type[Exception] = RuntimeError) -> None:
    """Lets the system refuse threads after so many."""
    left = started
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        nonlocal left
        if not left:
            raise error("can't start new thread")
        left -= 1
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_system_without_memory_for_a_thread_is_an_error_at_once(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = emulator.add_task("sketch")
    with Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:
        failing_after(0, monkeypatch, MemoryError)
        with pytest.raises(MemoryError, match="can't start new thread"):
            rodin.wait_all([key])
        monkeypatch.undo()
        assert not looking()
        assert rodin.status(key).jobs


@pytest.mark.parametrize("which", ["any", "a second"])
def test_a_system_without_threads_looks_in_the_callers(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    keys = [emulator.add_task([[(0, "Generating"), (0.1, "Done")]]) for _ in range(20)]
    with Rodin(emulator.api_key, base_url=emulator.base_url, poll=QUICK, requests_per_minute=None) as rodin:
        if which == "any":
            monkeypatch.setattr(_thread, "start_new_thread", refuse)
        else:
            failing_after(0, monkeypatch)
        outcomes = rodin.wait_all(keys)
    assert all(outcome.task for outcome in outcomes)


def test_ctrl_c_ends_a_look_in_the_callers_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def strike(_: httpx.Request) -> httpx.Response:
        nonlocal looks
        looks += 1
        raise KeyboardInterrupt

    service = httpx.MockTransport(strike)
    with Rodin("key", http_transport=service, requests_per_minute=None) as rodin:
        monkeypatch.setattr(_thread, "start_new_thread", refuse)
        with pytest.raises(KeyboardInterrupt):
            rodin.wait_all(["a", "b", "c"])
    assert looks == 1


def refuse(*_: object) -> int:
    raise RuntimeError("can't start new thread")


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


def test_a_generator_that_the_garbage_collector_closes_in_another_thread(emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Done")]]), *(emulator.add_task("never_ends") for _ in range(20))]
    with Rodin(emulator.api_key, base_url=emulator.base_url, poll=QUICK, requests_per_minute=None) as rodin:
        cycle: list[object] = [rodin.as_completed(keys)]
        next(cast("Generator[Outcome]", cycle[0]))
        cycle.append(cycle)
        assert looking()
        del cycle
        Background(gc.collect).join()
        wait_for_all_looks()
        assert rodin.status(keys[0]).is_done


def test_the_garbage_collector_may_close_a_generator_amid_a_step_of_the_budget() -> None:
    budget = Budget(100)
    ticket = budget.reserve(0.0)

    def step() -> None:
        with budget._lock:  # pyright: ignore[reportPrivateUsage]
            budget.give_back(ticket)

    Background(step).join()
    assert budget.reserve(0.0) == ticket


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


def test_closing_wakes_who_waits_even_if_the_users_own_transport_cannot_be_closed() -> None:
    class Service(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - as the base has it
            asked.set()
            return httpx.Response(201, json={"jobs": {"job": "Generating"}})

        def close(self) -> None:
            raise OSError("a mistake")

    asked = threading.Event()
    rodin = Rodin("key", http_transport=Service(), poll=lambda _age: 3600.0)
    waiting = Background(lambda: rodin.wait("task", timeout=None))
    assert asked.wait(10)
    with pytest.raises(OSError, match="a mistake"):
        rodin.close()
    waiting.join()
    assert isinstance(waiting.error, ClientClosedError)


def test_nothing_is_sent_over_the_users_own_transport_once_the_generator_is_closed() -> None:
    sent: list[httpx.Request] = []
    keys = iter(["key"])
    first, later = threading.Event(), threading.Event()

    def api_key() -> str:
        """Holds all looks up but the first."""
        if next(keys, None) is None:
            first.set()
            assert later.wait(10)
        return "key"

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(201, json={"jobs": {"job": "Done"}})

    with Rodin(api_key, http_transport=httpx.MockTransport(respond), requests_per_minute=None) as rodin:
        outcomes = rodin.as_completed(["one", "two", "three"])
        next(outcomes)
        assert first.wait(10)
        outcomes.close()
        later.set()
        wait_for_all_looks()
        assert len(sent) == 1
