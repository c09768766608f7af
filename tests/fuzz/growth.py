"""Answers that grow, to see that the work grows no faster than they do."""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, Final

from rodin_sdk._messages import Answer
from rodin_sdk._wire import read
from tests.fuzz.answers import ALL_KEYS, REQUESTS, spellings

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_API_KEY: Final = ALL_KEYS[0].api_key
_ESCAPED_BUT_ONE: Final = "".join(f"\\u{ord(character):04x}" for character in _API_KEY[:-1])


def _jobs(entry: Callable[[int], str], start: str = '{"jobs": [', end: str = "]}") -> Callable[[int], str]:
    return lambda count: start + ", ".join(map(entry, range(count))) + end


FAMILIES: Final[dict[str, Callable[[int], str]]] = {
    "jobs": _jobs(lambda number: f'{{"uuid": "{number}", "status": "Done"}}'),
    "one job again and again": _jobs(lambda _: '{"uuid": "a", "status": "Done"}'),
    "unknown statuses": _jobs(lambda number: f'{{"uuid": "{number}", "status": [{number}]}}'),
    "sample": _jobs(lambda number: f'"{number}": "Done"'),
    "sample, spread out": _jobs(lambda number: f'  "{number}"  \n :\t\t  "Done"  '),
    "sample, broken at its end": _jobs(lambda number: f'"{number}": "Done"', end=']} "'),
    "map": _jobs(lambda number: f'"{number}": "Done"', '{"jobs": {', "}}"),
    "one name again and again": _jobs(lambda _: '"a": [1]', "{", "}"),
    "pairs of names": _jobs(lambda number: f'"{number // 2}": {{"b": {number // 2}}}', "{", "}"),
    "lone surrogates": _jobs(lambda _: '"\\ud800"', '{"jobs": [], "x": ['),
    "names that become one": _jobs(lambda number: f'"\\ud{800 + number % 200}": 1', "{", "}"),
    "brackets": lambda count: "[" * count,
    "objects": lambda count: '{"a":' * count,
    "brackets in strings": lambda count: '{"jobs": [], "x": "' + "[{," * count + '"}',
    "quotes": lambda count: '{"jobs": "' + '"' * count,
    "backslashes": lambda count: '{"jobs": [], "message": "' + "\\" * (2 * count) + '"}',
    "spaces": lambda count: '{"jobs":' + " " * (8 * count) + "]",
    "a long number": lambda count: '{"jobs": ' + "9" * (4 * count) + "}",
    "digits after a point": lambda count: '{"jobs": 0.' + "9" * (4 * count) + "}",
    "control characters": lambda count: '{"error": "' + "\x1b" * count,
    "the key": lambda count: '{"jobs": [], "message": "' + _API_KEY * (count // 16) + '"}',
    "the key, escaped": lambda count: '{"jobs": [], "x": "' + "".join(spellings(_API_KEY)) * (count // 64) + '"}',
    "all of the key but its end": lambda count: '{"error": "' + _ESCAPED_BUT_ONE * (count // 32) + '"}',
    "a member of the key's characters": lambda count: '{"error": "\\\\' + _API_KEY[0] * (4 * count) + '"}',
}


def answer(family: str, count: int, status_code: int) -> Answer:
    return Answer(status_code, {}, FAMILIES[family](count).encode())


def calls_to_read(grown: Answer) -> int:
    """Returns how many functions, of Python's own as well, are called to read an answer."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read(REQUESTS[0], grown, 1)
    finally:
        sys.setprofile(before)
    return calls


def seconds_to_read(grown: Answer) -> float:
    """Returns the seconds of processor time that it takes to read an answer, the least of a few tries."""
    times: list[float] = []
    gc.collect()
    for _ in range(3):
        began = time.thread_time()
        read(REQUESTS[0], grown, 1)
        times.append(time.thread_time() - began)
    return min(times)
