"""Runs out of file descriptors: with 150 callers at once, or before the first call of the process.

Reports how the calls ended, whether 30 calls then succeed, how many descriptors the client keeps after the many, and
how many are left behind.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.faults.programs.common import async_rodin, descriptors, is_right, report, rodin

CALLERS = 150
LIMIT = 60


def take_all() -> list[int]:
    """Opens files until no more can be."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    taken: list[int] = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return taken


def give_back(taken: list[int]) -> None:
    for descriptor in taken:
        os.close(descriptor)


def main(how: str, when: str, url: str) -> None:
    if how == "sync":
        client = rodin(url, request_timeout=20)

        def look(key: str) -> str:
            try:
                return "right" if is_right(client.status(key), key) else "wrong"
            except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
                return type(error).__name__

        taken, before, kept = take_all(), 0, 0
        if when == "many":
            give_back(taken)
            look("first")
            before = descriptors()
            with ThreadPoolExecutor(CALLERS) as pool:
                ends = list(pool.map(look, (f"caller {n}" for n in range(CALLERS))))
            kept = descriptors() - before
        else:
            ends = [look("first")]
            give_back(taken)
        right = [look(f"task {number}") for number in range(30)].count("right")
        client.close()
        left = descriptors() - before
    else:
        ends, right, left, kept = asyncio.run(main_async(when, url))
    report(ends=Counter(ends), right=right, left=left, kept=kept)


async def main_async(when: str, url: str) -> tuple[list[str], int, int, int]:
    client = async_rodin(url, request_timeout=20)

    async def look(key: str) -> str:
        try:
            return "right" if is_right(await client.status(key), key) else "wrong"
        except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
            return type(error).__name__

    taken, before, kept = take_all(), 0, 0
    if when == "many":
        give_back(taken)
        await look("first")
        before = descriptors()
        ends = await asyncio.gather(*(look(f"caller {number}") for number in range(CALLERS)))
        await asyncio.sleep(0.05)
        kept = descriptors() - before
    else:
        ends = [await look("first")]
        give_back(taken)
    right = [await look(f"task {number}") for number in range(30)].count("right")
    await client.aclose()
    await asyncio.sleep(0.05)
    return list(ends), right, descriptors() - before, kept


if __name__ == "__main__":
    main(*sys.argv[1:])
