"""Waiting in a thread, so that what it waits for, the client's end, and Ctrl-C all wake it."""

import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final, Protocol, TypeVar

T = TypeVar("T")

_NAP: Final = 0.25
"""Seconds that the main thread sleeps at a stretch. An interruption that comes right before a blocking call goes unseen
until that call returns, and on Windows so does one that comes during it."""


class Alarm(Protocol):
    """What wakes a thread that waits: a `SimpleQueue`, whose lock no interruption leaves taken."""

    def put(self, item: None, /) -> object:
        """Wakes it."""


def next_of(queue: SimpleQueue[T], seconds: float | None) -> T | None:
    """Returns the next item of a queue, once there is one; None where so many seconds pass before."""
    nap = _NAP if threading.get_ident() == threading.main_thread().ident else threading.TIMEOUT_MAX
    end = None if seconds is None else time.monotonic() + seconds
    while True:
        left = nap if end is None else end - time.monotonic()
        with suppress(Empty):
            return queue.get(timeout=max(0.0, min(left, nap)))
        if left < nap:
            return None
