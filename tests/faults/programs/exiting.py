"""Ends with its client open. The argument says which client, and in what state."""

from __future__ import annotations

import asyncio
import sys
import threading

from tests.faults.programs.common import async_rodin, is_right, rodin


def main(how: str, url: str) -> None:
    global client  # noqa: PLW0603 - what a module holds lives until the interpreter ends
    if how == "sync":
        client = rodin(url)
        assert is_right(client.status("a"), "a")
    elif how == "unused":
        client = rodin(url)
    elif how == "busy":
        client = rodin(url)
        assert is_right(client.status("a"), "a")
        threading.Thread(target=client.status, args=("stall",), daemon=True).start()
        sys.stdin.readline()
    elif how == "async":
        client = async_rodin(url)
        assert is_right(asyncio.run(client.status("a")), "a")
    elif how == "unused async":
        client = async_rodin(url)


client: object = None

if __name__ == "__main__":
    main(*sys.argv[1:])
