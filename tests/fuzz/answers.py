"""Answers as no service should give them: documented shapes, broken at random; the same for the same seed and number.

Some quote the keys of the request, as services do in messages: raw, or in any of the ways in which JSON can spell them.
"""

from __future__ import annotations

import json
import random
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from attrs import frozen

from rodin_sdk._secrets import Secret
from rodin_sdk._wire import build_status_request
from rodin_sdk.testing._answers import RetryAfterForm, http_date
from rodin_sdk.testing._keys import KeyMaker
from rodin_sdk.testing._shapes import Shape, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rodin_sdk._messages import Request

Headers = tuple[tuple[bytes, bytes], ...]


@frozen
class Keys:
    """The keys of a request."""

    api_key: str
    subscription_key: str

    @property
    def both(self) -> tuple[str, str]:
        return self.api_key, self.subscription_key

    def request(self) -> Request:
        return build_status_request(Secret(self.api_key), Secret(self.subscription_key))


@frozen
class Received:
    """An answer as it arrives, and which of `ALL_KEYS` the request had."""

    status_code: int
    headers: Headers
    content: bytes
    keys: int = 0


def _all_keys() -> tuple[Keys, ...]:
    maker = KeyMaker(20_201)
    few, many = ([maker.uuid() for _ in range(count)] for count in (2, 19))
    return (
        Keys(maker.api_key(), maker.subscription_key(few)),
        Keys(maker.api_key(), maker.subscription_key(many)),
        # One is a part of the other; and characters that JSON and regular expressions spell in their own ways. What
        # JSON unescapes is no part of them, else a part of a key that is written as JSON could look like all of it.
        Keys("rodin-key-0123456789", "rodin-key-0123456789.rodin-key-0123456789"),
        Keys('q"/^$.*+?{}[]|()\\-quoted', "a\\qb\\u0041c'\"/\\(d)[e]~{f}#g"),
    )


ALL_KEYS: Final = _all_keys()
REQUESTS: Final = tuple(keys.request() for keys in ALL_KEYS)

_CUMULATED: Final = (80, 85, 640, 1000)
"""How often each: long keys take long to look for."""

STATUSES: Final = ("Waiting", "Generating", "Done", "Failed", "Canceled", "Cancelled", "done", "Baking", "")
UUIDS: Final = (KeyMaker(3).uuid(), "text", "0", "uuid", "status", "jobs")
ERRORS: Final = (
    "UNAUTHORIZED",
    "USER_NOT_FOUND",
    "INVALID_REQUEST",
    "API_INSUFFICIENT_FUNDS",
    "PERMISSION_DENIED",
    "SUBSCRIPTION_PLAN_TOO_LOW",
    "NO_SUCH_TASK",
    "API_PARALLELISM_LIMIT_REACHED",
    "UNKNOWN",
    "NOBODY_KNOWS",
    "OK",
)
TOKENS: Final[tuple[bytes, ...]] = (
    *(b'{ } [ ] , : " \\ / "jobs" "uuid" "status" "error" "message" "queue_length" "Done" "OK" ""'.split()),
    *(b"null true false 0 -0 -1 1.5 1e999 -1e999 1e-999 NaN Infinity -Infinity 0x10 01 1. .5 + - 1E+ Done".split()),
    b"9" * 70,
    b"1" + b"0" * 5_000,
    b"1." + b"3" * 80,
    b"[" * 40,
    b"[" * 2_000,
    b"]" * 40,
    b'{"a":' * 40,
    b'{"jobs":' * 3,
    b'{"a":' * 1_200,
    b'"\\ud800"',
    b"\\ud800",
    b"\\udfff\\ud800",
    b"\\ud83d\\ude00",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\x00",
    b"\\u0000",
    b"\x1b[31m",
    b"\\u001b]8;;",
    b"\r\n",
    b"\t",
    b"\x7f",
    b"\xc2\x85",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xae",
    b"\\u202e",
    b"\xf0\x9f\x94\x91",
    b"\xf4\x90\x80\x80",
    b"\xc0\xaf",
    b"\x80",
    b" " * 300,
    b"\\" * 33,
    b'"' * 9,
    b'"jobs":[],',
    b'"jobs":[{"uuid":"a","status":"Done"}],',
    b'"error":"OK","error":"FAILED",',
    b'"a":1,"a":1.0,"a":true,',
    b'"uuid":"a","uuid":"a",',
    b'{"uuid":"a","status":"Done"},{"uuid":"a","status":"Failed"},',
    b'"text":"Done",',
    b"/* x */",
    b"</script>",
    b"%s%n{0}{x!r}",
)


def spellings(key: str) -> Iterator[str]:
    """Returns a key as JSON strings may spell it."""
    yield json.dumps(key)[1:-1]
    yield key.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
    yield "".join(f"\\u{ord(character):04x}" for character in key)
    yield (
        "".join(f"\\u{ord(character):04X}" if place % 3 else character for place, character in enumerate(key))
        if (key.isalnum())
        else "".join(f"\\u{ord(character):04X}" for character in key)
    )


def _echoes(keys: Keys) -> Iterator[bytes]:
    for key in keys.both:
        for spelling in spellings(key):
            quoted = f'"{spelling}"'
            for text in (
                f'{{"error": "NO_SUCH_TASK", "message": "There is no task {spelling}, sorry."}}',
                f'{{"error": {quoted}, "jobs": [{{"uuid": {quoted}, "status": "Done"}}]}}',
                f'{{"jobs": [{{{quoted}: {quoted}}}], "message": {quoted}, {quoted}: [{quoted}, 1]}}',
                f'{{"jobs": [{quoted}: "Done"]}}',
                f'{{"jobs": {quoted}}}',
                f'{{"jobs": [{{"uuid": "a", "status": [{quoted}]}}], "error": [{quoted}]}}',
                f"{{{quoted}: 1, {quoted}: 2}}",
                f'{{"jobs": [], "message": "{"x" * 480}{spelling}"}}',
            ):
                yield text.encode()
        yield f"<html>Bearer {key}</html>".encode()
        yield f"{'y' * 500}{key}".encode()
        yield key.encode() * 3


def _documented() -> Iterator[bytes]:
    dice = random.Random(1)
    for shape in Shape:
        for count in (0, 1, 2, 5, 12):
            for _ in range(3):
                uuids = [*dice.sample(UUIDS, min(count, 3)), *(f"job-{number}" for number in range(count))][:count]
                jobs: list[dict[str, object]] = [{"uuid": uuid, "status": dice.choice(STATUSES)} for uuid in uuids]
                if dice.random() < 0.4 and jobs:
                    jobs[0]["queue_length"] = dice.choice([0, 17, -1, None, "3"])
                yield render(shape, jobs, dice.choice([{}, {}, {"message": "hello"}, {"error": dice.choice(ERRORS)}]))
        done: list[dict[str, object]] = [{"uuid": uuid, "status": "Done"} for uuid in ("a", "b")]
        yield render(shape, done, {})
    for code in ERRORS:
        yield json.dumps({"error": code}).encode()
        yield json.dumps({"error": code, "message": "Words, words; \u202e and\nlines."}, ensure_ascii=False).encode()
    yield b'{"jobs": {"a": {"status": "Done", "uuid": "a"}, "b": {"status": "Waiting", "queue_length": 4}}}'
    yield b"<html>\n<head><title>502 Bad Gateway</title></head>\n</html>\n"
    yield b""


DOCUMENTED: Final = tuple(_documented())
ECHOES: Final = tuple(tuple(_echoes(keys)) for keys in ALL_KEYS)

NOTABLE_CODES: Final = (
    202,
    204,
    206,
    299,
    301,
    302,
    304,
    400,
    401,
    402,
    403,
    404,
    405,
    408,
    413,
    415,
    421,
    422,
    425,
)
WORSE_CODES: Final = (429, 500, 501, 502, 503, 504, 520, 522, 524, 530, 599, 100, 101, 103, 199, 600, 999)
HEADER_NAMES: Final = (
    b"Retry-After",
    b"retry-after",
    b"Date",
    b"X-Request-Id",
    b"x-tt-logid",
    b"CF-Ray",
    b"Server",
    b"Content-Type",
    b"Set-Cookie",
    b"Content-Encoding",
    b"Content-Length",
    b"X-\xff",
)
DATES: Final = tuple(
    http_date(moment, form).encode()
    for moment in (0.0, 784_111_777.0, 1_795_000_000.0, 4_102_444_800.0)
    for form in (RetryAfterForm.IMF, RetryAfterForm.RFC850, RetryAfterForm.ASCTIME)
)
HEADER_VALUES: Final[tuple[bytes, ...]] = (
    *(b"0 1 5 120 999999999 1000000000 -1 1.5 nan inf 1e9 0x10 5, gzip identity br 1048577 12 text/html".split()),
    b"9" * 5_000,
    b"\xb2",
    b"\xd9\xa3",
    b"",
    b" \t ",
    b"\x1b[31mred",
    b"a\r\nb",
    b"\xff\xfe\x00",
    b"x" * 700,
    b"Sun, 31 Feb 2027 08:49:37 GMT",
    b"Sun, 06 Nov 9999 23:59:60 GMT",
    b"Sun, 06 Nov 0000 08:49:37 GMT",
    b"Sunday, 06-Nov-94 99:99:99 GMT",
    b"Sun Nov 31 08:49:37 1994",
)


def received(seed: int, number: int) -> Received:
    """Returns the answer of that number."""
    dice = random.Random((seed << 40) | number)
    keys = dice.choices(range(len(ALL_KEYS)), cum_weights=_CUMULATED)[0]
    return Received(_status_code(dice), _headers(dice, keys), _content(dice, keys), keys)


def _status_code(dice: random.Random) -> int:
    which = dice.random()
    if which < 0.8:
        return 201 if which < 0.5 else 200
    return dice.choice(NOTABLE_CODES + WORSE_CODES) if which < 0.92 else dice.randint(100, 999)


def _headers(dice: random.Random, keys: int) -> Headers:
    if dice.random() < 0.6:
        return ()
    return tuple((dice.choice(HEADER_NAMES), _header_value(dice, keys)) for _ in range(dice.randint(1, 4)))


def _header_value(dice: random.Random, keys: int) -> bytes:
    which = dice.random()
    if which < 0.4:
        return dice.choice(DATES)
    if which < 0.5:
        return b"id " + dice.choice(ALL_KEYS[keys].both).encode() + b";" + dice.choice(HEADER_VALUES)
    if which < 0.7:
        return mutated(dice, dice.choice(DATES), HEADER_VALUES, 1)
    return dice.choice(HEADER_VALUES)


def _content(dice: random.Random, keys: int) -> bytes:
    make = dice.choices(_MAKERS, cum_weights=_LIMITS)[0]
    return make(dice, keys)


def _intact(dice: random.Random, _keys: int) -> bytes:
    return dice.choice(DOCUMENTED)


def _reworded(dice: random.Random, _keys: int) -> bytes:
    return _swap_word(dice, dice.choice(DOCUMENTED), DOCUMENTED)


def _broken(dice: random.Random, _keys: int) -> bytes:
    return mutated(dice, dice.choice(DOCUMENTED), DOCUMENTED, dice.choice((1, 1, 1, 2, 2, 3, 5)))


def _echo(dice: random.Random, keys: int) -> bytes:
    return dice.choice(ECHOES[keys])


def _broken_echo(dice: random.Random, keys: int) -> bytes:
    return mutated(dice, dice.choice(ECHOES[keys]), ECHOES[keys], dice.choice((1, 1, 2, 4)))


def _tokens(dice: random.Random, _keys: int) -> bytes:
    return b"".join(dice.choices(TOKENS, k=dice.randint(0, 12)))


def _noise(dice: random.Random, _keys: int) -> bytes:
    return dice.randbytes(dice.randint(0, 80))


def _structure(dice: random.Random, _keys: int) -> bytes:
    """Returns an object whose members are what nobody asked for."""
    names = ("jobs", "jobs", "error", "message", "x")
    members = [f"{json.dumps(dice.choice(names))}: {_value(dice, 4)}" for _ in range(dice.randint(0, 4))]
    return f"{{{', '.join(members)}}}".encode()


def _value(dice: random.Random, depth: int) -> str:
    which = dice.random()
    if not depth or which < 0.45:
        return dice.choice(
            (
                json.dumps(dice.choice(STATUSES + UUIDS)),
                "null",
                "1",
                "true",
                "-2.5",
                '"\\ud800"',
                "1e400",
                '""',
                "1e308",
            )
        )
    if which < 0.7:
        return f"[{', '.join(_value(dice, depth - 1) for _ in range(dice.randint(0, 3)))}]"
    names = ("uuid", "uuid", "status", "status", "queue_length", *UUIDS)
    members = (f"{json.dumps(dice.choice(names))}: {_value(dice, depth - 1)}" for _ in range(dice.randint(0, 3)))
    return f"{{{', '.join(members)}}}"


def mutated(dice: random.Random, content: bytes, others: Sequence[bytes], times: int) -> bytes:
    """Returns bytes to which something happened a few times."""
    for _ in range(times):
        content = dice.choice(MUTATIONS)(dice, content, others)
    return content


def _flip(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    if not content:
        return b"\x00"
    place = dice.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << dice.randrange(8)]) + content[place + 1 :]


def _set(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    place = dice.randint(0, len(content))
    return content[:place] + dice.choice(b'"\\{}[],: 0\xff\x00').to_bytes(1) + content[place + 1 :]


def _truncate(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    return content[: dice.randint(0, len(content))]


def _lose(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(dice, content)
    return content[:start] + content[end:]


def _repeat(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(dice, content)
    return content[:end] + content[start:end] * dice.choice((1, 1, 2, 60)) + content[end:]


def _insert(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    place = dice.randint(0, len(content))
    return content[:place] + dice.choice(TOKENS) + content[place:]


def _replace(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    start, end = _span(dice, content)
    return content[:start] + dice.choice(TOKENS) + content[end:]


def _splice(dice: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    other = dice.choice(others)
    return content[: dice.randint(0, len(content))] + other[dice.randint(0, len(other)) :]


def _wrap(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    before, after = dice.choice(_WRAPPERS)
    return before + content + after


def _swap_word(dice: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    """Puts one quoted word in the place of all like another, which keeps JSON what it is."""
    words = content.split(b'"')[1::2]
    if not words:
        return content
    return content.replace(b'"' + dice.choice(words) + b'"', dice.choice((b'"' + dice.choice(words) + b'"', *VALUES)))


_WRAPPERS: Final = (
    (b"\xef\xbb\xbf", b""),
    (b" \r\n", b"\n"),
    (b"[", b"]"),
    (b'{"jobs": ', b"}"),
    (b'{"data": ', b"}"),
    (b"", b"\x00"),
)
VALUES: Final = (b"null", b"7", b"[]", b"{}", b'"\\ud800"', b'"Done"', b'["Done"]', b"1e5", b"true", b'"uuid"', b'""')
MUTATIONS: Final = (
    _flip,
    _set,
    _truncate,
    _lose,
    _repeat,
    _insert,
    _insert,
    _replace,
    _splice,
    _wrap,
    _swap_word,
    _swap_word,
    _swap_word,
)


def _span(dice: random.Random, content: bytes) -> tuple[int, int]:
    start = dice.randint(0, len(content))
    return start, min(len(content), start + dice.choice((1, 2, 4, 9, 30, 200)))


_KINDS: Final = {
    _intact: 8,
    _reworded: 17,
    _broken: 48,
    _echo: 4,
    _broken_echo: 9,
    _tokens: 4,
    _structure: 7,
    _noise: 3,
}
"""How many of a hundred answers are of each kind."""
_MAKERS: Final = tuple(_KINDS)
_LIMITS: Final = tuple(accumulate(_KINDS.values()))
