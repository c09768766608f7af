"""Forks after use: four children of 25 calls each, and the parent goes on. Reports how the calls of each ended.

The first argument says how: "sync"; "busy" for the same while other threads wait for answers; "closed" for a client
that was closed; "waiting" for a wait that the parent began; "async" for an event loop in each process; "loop" for one
that all go on with.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import warnings
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from rodin_sdk import ClientClosedError, RodinError
from tests.faults.programs.common import async_rodin, is_right, report, rodin

if TYPE_CHECKING:
    from collections.abc import Callable

    from rodin_sdk import Rodin

# From CPython 3.12 on, os.fork() beside other threads warns; that it works all the same is what this shows.
warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)

CALLS = 25
CHILDREN = 4


def fork(call_many: Callable[[str], Counter[str]]) -> None:
    """Makes the calls in four children and in the parent, all at once."""
    pipes: list[int] = []
    for number in range(CHILDREN):
        reader, writer = os.pipe()
        pipes.append(reader)
        if not os.fork():
            try:
                os.write(writer, json.dumps(call_many(f"child {number}")).encode())
            finally:
                os._exit(0)
        os.close(writer)
    ends = call_many("parent")
    for reader in pipes:
        with open(reader, "rb") as pipe:  # noqa: PTH123 - it has no path
            ends.update(json.loads(pipe.read() or b'{"died": 1}'))
    report(**ends)


def main(how: str, url: str) -> None:
    if how in {"sync", "busy", "closed"}:
        main_sync(how, url)
    elif how == "waiting":
        main_waiting(url)
    else:
        main_async(how, url)


def main_sync(how: str, url: str) -> None:
    with rodin(url, request_timeout=5) as client:
        assert is_right(client.status("first"), "first")
        if how == "busy":
            for number in range(3):
                threading.Thread(target=look, args=(client, f"slow {number}"), daemon=True).start()
            time.sleep(0.2)
        elif how == "closed":
            client.close()

        def call_many(who: str) -> Counter[str]:
            ends = Counter[str]()
            for key in (f"{who}, {number}" for number in range(CALLS)):
                try:
                    ends["right" if is_right(client.status(key), key) else "wrong"] += 1
                except ClientClosedError:
                    ends["closed"] += 1
                except RodinError:
                    ends["failed"] += 1
            return ends

        fork(call_many)


def main_waiting(url: str) -> None:
    with rodin(url, request_timeout=5) as client:
        outcomes = client.as_completed([f"task {number}" for number in range(CALLS + 1)])
        next(outcomes)

        def go_on(_: str) -> Counter[str]:
            ends = Counter[str]()
            try:
                for outcome in outcomes:
                    ends["right" if outcome.task else "wrong"] += 1
            except ClientClosedError as error:
                ends[str(error)] += 1
            return ends

        fork(go_on)


def look(client: Rodin, key: str) -> None:
    """Makes a call that may be under way when the program ends."""
    with suppress(RodinError):
        client.status(key)


def main_async(how: str, url: str) -> None:
    client = async_rodin(url, request_timeout=1)

    async def calls(who: str) -> Counter[str]:
        ends = Counter[str]()
        for key in (f"{who}, {number}" for number in range(CALLS)):
            try:
                ends["right" if is_right(await client.status(key), key) else "wrong"] += 1
            except RodinError:
                ends["failed"] += 1
        return ends

    if how == "async":
        asyncio.run(calls("first"))
        fork(lambda who: asyncio.run(calls(who)))
        asyncio.run(client.aclose())
    else:
        with asyncio.Runner() as runner:
            runner.run(calls("first"))
            fork(lambda who: runner.run(calls(who)))
            runner.run(client.aclose())


if __name__ == "__main__":
    main(*sys.argv[1:])
