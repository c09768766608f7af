"""A program that waits, and is interrupted while it does: `test_interrupt.py` runs it, and sends it SIGINT.

Its arguments are the client (`sync` or `async`), the address, the API key and the tasks' keys; the last task is done.
Every line that it reads names a call and a pause; for every line it writes that it begins, then how the call ended and
how many threads are left of it.
"""

from __future__ import annotations

import asyncio
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from rodin_sdk import AsyncRodin, Poll, Rodin

INTERRUPTIONS = 60
INTERRUPTED = (KeyboardInterrupt, asyncio.CancelledError)
"""The second is what asyncio.run() of CPython 3.11 raises where the interruption comes before its coroutine begins."""


Call = Callable[[str, float, float], object]
"""Performs a call: its name, the pause between two looks, and the seconds after which it is interrupted; 0: never."""


def begin(kind: str, base_url: str, api_key: str, keys: list[str]) -> Call:
    """Returns what performs a call with one client."""
    if kind == "sync":
        rodin = Rodin(api_key, base_url=base_url, requests_per_minute=None)

        def call(name: str, pause: float, fuse: float) -> object:
            signal.setitimer(signal.ITIMER_REAL, fuse)
            client = rodin.with_options(poll=Poll(pause, 1, pause, 0))
            calls: dict[str, Callable[[], object]] = {
                "wait": lambda: client.wait(keys[0]),
                "watch": lambda: list(client.watch(keys[0])),
                "as_completed": lambda: list(client.as_completed(keys)),
                "wait_all": lambda: client.wait_all(keys),
                "done": lambda: client.wait(keys[-1]),
                "close": rodin.close,
            }
            return calls[name]()

        return call

    async_rodin = AsyncRodin(api_key, base_url=base_url, requests_per_minute=None)

    async def async_call(name: str, pause: float, fuse: float) -> None:
        # Not before: what interrupts asyncio.run() while it sets up has nothing to do with us.
        signal.setitimer(signal.ITIMER_REAL, fuse)
        client = async_rodin.with_options(poll=Poll(pause, 1, pause, 0))
        if name == "watch":
            async for _ in client.watch(keys[0]):
                pass
        elif name == "as_completed":
            async for _ in client.as_completed(keys):
                pass
        elif name == "wait_all":
            await client.wait_all(keys)
        elif name == "close":
            await async_rodin.aclose()
        else:
            await client.wait(keys[-1] if name == "done" else keys[0])

    return lambda name, pause, fuse: asyncio.run(async_call(name, pause, fuse))


def storm(call: Call) -> int:
    """Interrupts calls again and again, each after a few milliseconds; returns how many were."""
    chance = random.Random(1)
    interrupted = 0
    for number in range(INTERRUPTIONS):
        try:
            call(("as_completed", "wait", "wait_all")[number % 3], 0.001, 0.001 + 0.02 * chance.random())
        except INTERRUPTED:
            interrupted += 1
    return interrupted


def threads_left() -> int:
    """Returns how many threads there are beside this one; what is about to end, or even to begin, has the time to."""
    deadline = time.monotonic() + 5
    while (others := set(threading.enumerate()) - {threading.current_thread()}) and time.monotonic() < deadline:
        for thread in others:
            with suppress(RuntimeError):
                thread.join(0.01)
    return len(others)


def _pass_on(_number: int, _frame: object) -> None:
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    kind, base_url, api_key, *keys = sys.argv[1:]
    signal.signal(signal.SIGALRM, _pass_on)
    # A shell lets what it runs in the background ignore the signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    call = begin(kind, base_url, api_key, keys)
    print("ready", flush=True)  # noqa: T201 - the other side reads it
    for line in sys.stdin:
        name, pause = line.split()
        try:
            print("begun", flush=True)  # noqa: T201 - as above
            result = storm(call) if name == "storm" else call(name, float(pause), 0)
            ended = str(result) if name == "storm" else "returned"
        except INTERRUPTED:
            ended = "interrupted"
        print(ended, threads_left(), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    main()
