"""Presses Ctrl-C at random moments of calls, and then makes 30 in earnest."""

from __future__ import annotations

import asyncio
import gc
import random
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from tests.faults.programs.common import async_rodin, descriptors, is_right, report, rodin

if TYPE_CHECKING:
    from collections.abc import Callable


class Presser:
    """Presses Ctrl-C so many times, each at a moment of its own after a call has begun."""

    def __init__(self, count: int) -> None:
        self.interrupted = 0
        self._count = count
        self._begun, self._pressed = threading.Semaphore(0), threading.Semaphore(0)
        threading.Thread(target=self._press, daemon=True).start()

    def _press(self) -> None:
        dice, main_thread = random.Random(7), threading.main_thread().ident
        assert main_thread is not None
        for _ in range(self._count):
            self._begun.acquire()
            time.sleep(dice.random() * 0.006)
            signal.pthread_kill(main_thread, signal.SIGINT)
            self._pressed.release()

    def begin(self) -> None:
        """Says that from now on an interrupt is expected."""
        self._begun.release()

    def survive(self, call: Callable[[str], None]) -> None:
        """Makes calls until all interrupts have come."""
        for number in range(self._count):
            try:
                call(f"lost {number}")
            except KeyboardInterrupt:
                self.interrupted += 1
            self._pressed.acquire()


def main(how: str, url: str, count: int) -> None:
    before = descriptors()
    presser = Presser(count)
    right = main_sync(url, presser) if how == "sync" else main_async(url, presser)
    gc.collect()
    report(interrupted=presser.interrupted, right=right, leaked=descriptors() - before)


def main_sync(url: str, presser: Presser) -> int:
    client = rodin(url, request_timeout=20)
    assert is_right(client.status("first"), "first")

    def call(key: str) -> None:
        presser.begin()
        assert is_right(client.status(key), key), "an answer for somebody else"
        while True:  # the call was faster; one long sleep could begin right after the signal, and not notice
            time.sleep(0.001)

    presser.survive(call)
    right = sum(is_right(client.status(f"task {number}"), f"task {number}") for number in range(30))
    client.close()
    return right


def main_async(url: str, presser: Presser) -> int:
    client = async_rodin(url, request_timeout=20)

    async def look(key: str) -> bool:
        return is_right(await client.status(key), key)

    async def look_and_wait(key: str) -> None:
        presser.begin()
        assert await look(key), "an answer for somebody else"
        while True:  # noqa: ASYNC110 - one long sleep could begin right after the signal, and not notice
            await asyncio.sleep(0.001)

    assert asyncio.run(look("first"))
    presser.survive(lambda key: asyncio.run(look_and_wait(key)))
    right = sum(asyncio.run(look(f"task {number}")) for number in range(30))
    asyncio.run(client.aclose())
    return right


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
