"""Cancels calls at random moments, and then makes 30 in earnest."""

from __future__ import annotations

import asyncio
import random
import sys

from rodin_sdk import RodinError
from tests.faults.programs.common import async_rodin, descriptors, is_right, report

AT_ONCE = 50


async def main(url: str, count: int) -> None:
    dice = random.Random(5)
    cancelled = 0
    before = descriptors()
    async with async_rodin(url, request_timeout=20) as client:
        assert is_right(await client.status("first"), "first")
        while cancelled < count:
            tasks = [asyncio.create_task(client.status(f"lost {n}")) for n in range(AT_ONCE)]
            for task in tasks:
                if dice.random() < 0.2:
                    await asyncio.sleep(dice.choice([0, 0, 0, 0.001]))
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            cancelled += sum(isinstance(result, asyncio.CancelledError) for result in results)
            strange = [result for result in results if isinstance(result, RodinError)]
            assert not strange, strange
        right = 0
        for number in range(30):
            right += is_right(await client.status(f"task {number}"), f"task {number}")
        others = len(asyncio.all_tasks()) - 1
    await asyncio.sleep(0.1)
    leaked = descriptors() - before
    report(cancelled=cancelled, right=right, other_tasks=others, leaked=leaked)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
