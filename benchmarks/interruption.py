"""Whether a client still works after calls that were cancelled, or struck by Ctrl-C: the SDK's beside those of httpx.

    python benchmarks/interruption.py [--cancelled 10000] [--interrupted 400] [--clients Rodin] [--json]

Each client makes calls that are ended at random moments, and then 30 in earnest, in a process of its own; the emulator,
which takes some milliseconds for an answer, has one as well. The table says how many of the 30 succeed.
"""

import argparse
import asyncio
import json
import multiprocessing
import random
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import httpx

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from rodin_sdk import AsyncRodin, Rodin
from rodin_sdk.testing import Emulator, Fault

IN_EARNEST: Final = 30
AT_ONCE: Final = 50
PATIENCE: Final = 2.0
"""Seconds for one call in earnest."""
LATENCY: Final = 0.002
"""Seconds that the emulator takes for an answer."""

ASYNC_CLIENTS: Final = ("AsyncRodin", "httpx.AsyncClient")
CLIENTS: Final = (*ASYNC_CLIENTS, "Rodin", "httpx.Client")

Where = tuple[str, str, str]
"""The address of the emulator, its API key, and a task's subscription key."""


def serve(ready: Connection) -> None:
    """Runs the emulator until the other end is closed."""
    with Emulator(faults=lambda _: Fault.delayed(LATENCY)) as emulator:
        ready.send((emulator.base_url, emulator.api_key, emulator.add_task("never_ends")))
        ready.poll(None)


async def cancel(call: Callable[[], Awaitable[object]], count: int) -> int:
    """Cancels so many calls, fifty at once, and returns how many of those in earnest succeed."""
    dice = random.Random(5)
    for _ in range(0, count, AT_ONCE):
        tasks = [asyncio.ensure_future(call()) for _ in range(AT_ONCE)]
        for task in tasks:
            if dice.random() < 0.2:
                await asyncio.sleep(dice.choice([0, 0, 0, 0.001]))
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    right = 0
    for _ in range(IN_EARNEST):
        try:
            await asyncio.wait_for(call(), PATIENCE)
            right += 1
        except (httpx.HTTPError, RuntimeError, OSError):
            continue
    return right


def interrupt(call: Callable[[], object], count: int) -> int:
    """Presses Ctrl-C in so many calls, and returns how many of those in earnest succeed."""
    begun, pressed = threading.Semaphore(0), threading.Semaphore(0)
    main_thread, dice = threading.get_ident(), random.Random(7)
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def press() -> None:
        for _ in range(count):
            begun.acquire()
            time.sleep(dice.random() * 3 * LATENCY)
            signal.pthread_kill(main_thread, signal.SIGINT)
            pressed.release()

    threading.Thread(target=press, daemon=True).start()
    for _ in range(count):
        try:
            begun.release()
            call()
            while True:  # the call was faster
                time.sleep(0.001)
        except (KeyboardInterrupt, httpx.HTTPError, RuntimeError, OSError):
            pressed.acquire()
    right = 0
    for _ in range(IN_EARNEST):
        try:
            call()
            right += 1
        except (httpx.HTTPError, RuntimeError, OSError):
            continue
    return right


async def cancel_rodin(where: Where, count: int) -> int:
    """Counts for `AsyncRodin`."""
    url, api_key, key = where
    async with AsyncRodin(api_key, base_url=url, requests_per_minute=None, max_retries=0) as rodin:
        return await cancel(lambda: rodin.status(key), count)


async def cancel_httpx(where: Where, count: int) -> int:
    """Counts for `httpx.AsyncClient`, with the limits that it comes with."""
    url, api_key, key = where
    request = {"json": {"subscription_key": key}, "headers": {"Authorization": f"Bearer {api_key}"}}
    async with httpx.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        return await cancel(lambda: client.post(f"{url}/api/v2/status", **request), count)  # type: ignore[arg-type]


def interrupt_rodin(where: Where, count: int) -> int:
    """Counts for `Rodin`."""
    url, api_key, key = where
    with Rodin(api_key, base_url=url, requests_per_minute=None, max_retries=0, request_timeout=PATIENCE) as rodin:
        return interrupt(lambda: rodin.status(key), count)


def interrupt_httpx(where: Where, count: int) -> int:
    """Counts for `httpx.Client`, with the limits that it comes with."""
    url, api_key, key = where
    request = {"json": {"subscription_key": key}, "headers": {"Authorization": f"Bearer {api_key}"}}
    with httpx.Client(timeout=PATIENCE, trust_env=False) as client:
        return interrupt(lambda: client.post(f"{url}/api/v2/status", **request), count)  # type: ignore[arg-type]


def count_cancelled(name: str, where: Where, count: int, result: Connection) -> None:
    """Sends how many calls succeed after cancellations."""
    result.send(asyncio.run((cancel_rodin if name == "AsyncRodin" else cancel_httpx)(where, count)))


def count_interrupted(name: str, where: Where, count: int, result: Connection) -> None:
    """Sends how many calls succeed after Ctrl-C."""
    result.send((interrupt_rodin if name == "Rodin" else interrupt_httpx)(where, count))


@contextmanager
def in_process(target: Callable[..., None], *arguments: object) -> Generator[Connection, None, None]:
    """Runs a function in a process of its own, and yields what it sends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*arguments, theirs), daemon=True)
    process.start()
    try:
        yield ours
    finally:
        ours.close()
        theirs.close()
        process.join(PATIENCE)
        process.kill()


def measure(clients: Sequence[str], cancelled: int, interrupted: int) -> Iterator[tuple[str, str, int]]:
    """Yields for each client what was done to it, and how many of the calls in earnest succeed."""
    with in_process(serve) as emulator:
        where: Where = emulator.recv()
        for name in clients:
            is_async = name in ASYNC_CLIENTS
            target, count = (count_cancelled, cancelled) if is_async else (count_interrupted, interrupted)
            with in_process(target, name, where, count) as result:
                yield name, f"{count:,} {'cancelled calls' if is_async else 'times Ctrl-C'}", result.recv()


def main(rows: Iterator[tuple[str, str, int]], *, as_json: bool) -> None:
    """Prints a table, or JSON."""
    if as_json:
        print(json.dumps({name: succeeded for name, _, succeeded in rows}))
        return
    print(f"httpx {httpx.__version__}, Python {sys.version.split()[0]}\n")
    print(f"| client | after | of {IN_EARNEST} calls succeed |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cancelled", type=int, default=10_000)
    parser.add_argument("--interrupted", type=int, default=400)
    parser.add_argument("--clients", nargs="+", default=CLIENTS, choices=CLIENTS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    main(measure(options.clients, options.cancelled, options.interrupted), as_json=options.json)
