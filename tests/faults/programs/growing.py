"""Asks for one small answer and then for one that is meant to fill the memory; reports by how much it grew at most."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from rodin_sdk import RodinError
from tests.faults.programs.common import async_rodin, memory, report, rodin


def start_counting() -> int:
    Path("/proc/self/clear_refs").write_text("5")  # forgets the most that it ever held
    return memory()[0]


def main(how: str, url: str) -> None:
    end = "success"
    if how == "sync":
        with rodin(url, request_timeout=60) as client:
            client.status("a")
            before = start_counting()
            try:
                client.status("a")
            except RodinError as error:
                end = type(error).__name__
    else:
        before, end = asyncio.run(main_async(url))
    report(grown=memory()[1] - before, end=end)


async def main_async(url: str) -> tuple[int, str]:
    async with async_rodin(url, request_timeout=60) as client:
        await client.status("a")
        before = start_counting()
        try:
            await client.status("a")
        except RodinError as error:
            return before, type(error).__name__
        return before, "success"


if __name__ == "__main__":
    main(*sys.argv[1:])
