"""A few threads that do jobs for a caller whom Ctrl-C may interrupt at any moment.

`concurrent.futures.ThreadPoolExecutor` guards itself with locks written in Python, which an interruption can leave
taken: the next step then waits for ever. Here the caller's thread shares with the others only queues that are made in
C, and starts none of them itself.
"""

import _thread
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from sys import is_finalizing
from typing import Final

_Started = SimpleQueue[BaseException | None]

_PATIENCE: Final = 1.0
"""Seconds for all threads to end: they take a moment, unless a transport of the user's own holds one up, or the garbage
collector closes a wait amid a step that they wait for."""


class Workers:
    """Threads that are started as they are needed, and end when they are told to.

    Args:
        limit: How many there are at most.
        name: What they are called.
    """

    def __init__(self, limit: int, name: str) -> None:
        self._limit: Final = limit
        self._name: Final = name
        self._jobs: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        # Of the workers alone: the caller never takes it.
        self._lock = threading.Lock()
        self._free = 0
        self._owner = 0

    def submit(self, job: Callable[[], object]) -> bool:
        """Has a job done, which must not raise, as soon as a thread is free; returns whether the system has any."""
        if not self._threads and not self._start_first():
            return False
        self._jobs.put(job)
        return True

    def close(self, *, wait: bool) -> None:
        """Forgets the jobs that were not begun, and ends all threads.

        Args:
            wait: Whether to wait until the jobs under way are done, which they should soon be.
        """
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
        self._jobs.put(None)
        # At the end of the program the others are stopped already. And it may be one of them in which the garbage
        # collector found that nobody wants the results.
        if wait and not is_finalizing() and threading.get_ident() == self._owner:
            deadline = time.monotonic() + _PATIENCE
            # Who starts another thread adds it before ending, so that this sees them all.
            for thread in self._threads:
                thread.join(max(0.0, deadline - time.monotonic()))
            # By yet another thread: the end of a Thread object calls back, and there an interruption would be lost.
            with suppress(RuntimeError):
                _thread.start_new_thread(self._threads.clear, ())

    def _start_first(self) -> bool:
        self._owner = threading.get_ident()
        started: _Started = SimpleQueue()
        try:
            _thread.start_new_thread(self._start, (started,))
        except RuntimeError:
            return False
        error = started.get()
        if error is not None and not isinstance(error, RuntimeError):
            raise error
        return error is None

    def _start(self, started: _Started) -> None:
        """Starts another thread; tells whether the system had one."""
        # A daemon, so that a generator that nobody closed does not keep the program from ending.
        thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
        try:
            thread.start()
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            started.put(error)
        else:
            self._free += 1
            self._threads.append(thread)
            started.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            with self._lock:
                self._free -= 1
                if not self._free and len(self._threads) < self._limit:
                    # Where the system has no more, it goes on with those that there are.
                    self._start(SimpleQueue())
            job()
            # Nothing that a job holds outlives it while the thread waits for the next one.
            del job
            with self._lock:
                self._free += 1
        self._jobs.put(None)
