"""The scheduler without a network, on a clock of its own: what is left is what waiting itself costs.

Every look brings the same answer at once, and where nothing is due the clock goes on to where something is.
"""

import time
from typing import Final

from attrs import evolve

from benchmarks.bench.answers import status_body
from benchmarks.bench.contestants import API_KEY
from rodin_sdk import Poll
from rodin_sdk._config import Options, resolve
from rodin_sdk._flows import open_session
from rodin_sdk._messages import Answer
from rodin_sdk._schedule import Idle, Look, Schedule
from rodin_sdk._secrets import Secret
from rodin_sdk._waits import WaitOptions

CREATED: Final = 201
PAUSE: Final = 60.0


class Waiting:
    """So many tasks that are waited for, and that do not end."""

    def __init__(self, tasks: int) -> None:
        self._now = 0.0
        self._content = status_body()
        session = open_session(resolve(Secret(API_KEY), "http://127.0.0.1", requests_per_minute=None))
        keys = [Secret(f"bench-key-of-a-task-{number:08}") for number in range(tasks)]
        options = WaitOptions(Options(poll=Poll(PAUSE, jitter=0)), timeout=None)
        self._schedule = Schedule(evolve(session, clock=lambda: self._now), keys, options)

    def look(self, times: int) -> None:
        """Takes so many looks, at whichever tasks are due."""
        while times:
            step = self._schedule.step()
            if isinstance(step, Look):
                self._take(step)
                times -= 1
            else:
                assert isinstance(step, Idle)
                self._now += step.seconds or 0.0

    def _take(self, look: Look) -> None:
        next(look.flow)
        try:
            # A copy, as each answer of a real service is.
            look.flow.send(Answer(CREATED, {}, bytes(bytearray(self._content))))
        except StopIteration as stop:
            self._schedule.took(look.watched, stop.value)

    def cpu_of_look(self, times: int) -> float:
        """Returns the CPU seconds of a look."""
        started = time.process_time()
        self.look(times)
        return (time.process_time() - started) / times
