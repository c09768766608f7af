"""Ctrl-C in the middle of a wait: it ends at once, leaves no thread, and the wait can be taken up again."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rodin_sdk.testing import Emulator, Fault, RandomFaults
from tests.unmeasured import unmeasured
from tests.waits.clients import Background
from tests.waits.interrupted import INTERRUPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = Path(__file__).with_name("interrupted.py")


class Program:
    """The program that is interrupted, and what it says."""

    def __init__(self, kind: str, emulator: Emulator) -> None:
        self.kind = kind
        done = emulator.add_task([[(0, "Done")]])
        keys = [*(emulator.add_task([[(0, "Generating")]]) for _ in range(20)), done]
        # An interruption right after a socket was made leaves it to the collector, which says so.
        options = ["-W", "error", "-W", "ignore::ResourceWarning"]
        self.process = subprocess.Popen(
            [sys.executable, *options, PROGRAM, kind, emulator.base_url, emulator.api_key, *keys],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=unmeasured(),
        )
        assert self.line() == "ready"

    def say(self, name: str, pause: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {pause}\n")
        self.process.stdin.flush()
        assert self.line() == "begun"

    def line(self) -> str:
        """Returns the next line; the limit is only for what would never end."""
        assert self.process.stdout is not None
        reading = Background(self.process.stdout.readline)
        try:
            reading.join()
        except AssertionError:
            self.process.kill()
            raise
        assert reading.result, self.process.communicate()[1]
        return str(reading.result).strip()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


@pytest.fixture(params=["sync", "async"])
def program(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Program]:
    program = Program(request.param, emulator)
    yield program
    if program.process.poll() is None:
        program.process.kill()
    program.process.communicate()


def test_ctrl_c_ends_every_call_at_once_and_it_can_be_taken_up_again(program: Program, emulator: Emulator) -> None:
    for fault in (None, Fault.stalled(), Fault.error(429, retry_after=600)):
        emulator.faults = None if fault is None else RandomFaults([fault], rate=1, seed=0)
        for call in ("wait", "as_completed", "wait_all", "watch") if fault is None else ("wait", "as_completed"):
            seen = len(emulator.requests)
            program.say(call, 3600)
            if fault is None or fault.status_code is None or call == "wait":
                emulator.wait_for_requests(seen + 1)
            program.interrupt()
            assert program.line() == "interrupted 0", (call, fault)
    program.process.kill()


def test_the_client_works_on_after_many_interruptions(program: Program, emulator: Emulator) -> None:
    program.say("storm", 0)
    interrupted, left = program.line().split()
    assert left == "0"
    assert int(interrupted) > INTERRUPTIONS / 2
    for _ in range(5):
        program.say("done", 0.01)
        assert program.line() == "returned 0"
    program.say("close", 1)
    assert program.line() == "returned 0"
    _, errors = program.process.communicate()
    # asyncio cancels its main task amid any step, and its own callbacks tell of that.
    assert (program.process.returncode, "" if program.kind == "async" else errors) == (0, "")
    assert len(emulator.requests) > 5


def test_what_nobody_catches_ends_the_program(program: Program, emulator: Emulator) -> None:
    program.say("as_completed", 3600)
    emulator.wait_for_requests(5)
    program.interrupt()
    assert program.line() == "interrupted 0"
    program.say("done", 0.01)
    assert program.line() == "returned 0"
    program.interrupt()
    _, errors = program.process.communicate()
    assert "KeyboardInterrupt" in errors
    assert program.process.returncode == -signal.SIGINT
