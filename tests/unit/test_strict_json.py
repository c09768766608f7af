"""Bytes that are no JSON, or none that can be relied on: each is an `InvalidResponseError` that keeps them."""

from __future__ import annotations

import codecs
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import InvalidResponseError
from rodin_sdk._normalize import MAX_DEPTH, MAX_ITEMS, MalformedBodyError, decode
from tests.unit.support import DONE, UUID, encode, look, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024 * 1024
TEXT = json.dumps(DONE)
TOO_MUCH_MEMORY = f"it takes more than {2 * MIB} bytes of memory"


def with_value(value: str) -> bytes:
    return f'{{"jobs": [], "x": {value}}}'.encode()


INVALID: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "white space": (b" \r\n\t ", "it is empty"),
    "BOM alone": (codecs.BOM_UTF8, "it is empty"),
    "nul": (b"\x00", "it is not JSON"),
    "html": (b"<!doctype html><title>502</title>", "it is not JSON"),
    "text": (b"ok", "it is not JSON"),
    "single quotes": (b"{'jobs': []}", "it is not JSON"),
    "comment": (b'{"jobs": [] /* none */}', "it is not JSON"),
    "trailing comma": (b'{"jobs": [],}', "it is not JSON"),
    "trailing comma in a list": (b'{"jobs": [{"a": "Done"},]}', "it is not JSON"),
    "trailing data": (TEXT.encode() + b"x", "it is not JSON"),
    "two objects": (TEXT.encode() * 2, "it is not JSON"),
    "JSON lines": (TEXT.encode() + b"\n" + TEXT.encode(), "it is not JSON"),
    "trailing nul": (TEXT.encode() + b"\x00", "it is not JSON"),
    "trailing BOM": (TEXT.encode() + codecs.BOM_UTF8, "it is not JSON"),
    "two BOMs": (codecs.BOM_UTF8 * 2 + TEXT.encode(), "it is not JSON"),
    "prefix against hijacking": (b")]}'\n" + TEXT.encode(), "it is not JSON"),
    "raw line break in a string": (b'{"jobs": [], "x": "a\nb"}', "it is not JSON"),
    "raw control character": (b'{"jobs": [], "x": "a\x01b"}', "it is not JSON"),
    "bad escape": (with_value(r'"\x41"'), "it is not JSON"),
    "short escape": (with_value(r'"\u12"'), "it is not JSON"),
    "unfinished string": (b'{"jobs": [], "x": "', "it is not JSON"),
    "cut short": (TEXT.encode()[:-2], "it is not JSON"),
    "number with a plus": (with_value("+1"), "it is not JSON"),
    "number with a zero before": (with_value("01"), "it is not JSON"),
    "number without a digit before": (with_value(".5"), "it is not JSON"),
    "number without a digit after": (with_value("1."), "it is not JSON"),
    "hexadecimal": (with_value("0x10"), "it is not JSON"),
    "underscores": (with_value("1_000"), "it is not JSON"),
    "Arabic digits": (with_value("\u0661"), "it is not JSON"),
    "no-break space": (b'{"jobs":\xc2\xa0[]}', "it is not JSON"),
    "names without quotes": (b"{jobs: []}", "it is not JSON"),
    "Python": (b'{"jobs": None}', "it is not JSON"),
    "array": (b"[]", "it is not a JSON object"),
    "array of jobs": (b'[{"uuid": "a", "status": "Done"}]', "it is not a JSON object"),
    "string": (b'"Done"', "it is not a JSON object"),
    "number": (b"1", "it is not a JSON object"),
    "null": (b"null", "it is not a JSON object"),
    "true": (b"true", "it is not a JSON object"),
    "NaN": (with_value("NaN"), "NaN is not JSON"),
    "Infinity": (with_value("Infinity"), "Infinity is not JSON"),
    "minus Infinity": (with_value("-Infinity"), "-Infinity is not JSON"),
    "NaN alone": (b"NaN", "NaN is not JSON"),
    "NaN as a status": (b'{"jobs": {"a": NaN}}', "NaN is not JSON"),
    "1e999": (with_value("1e999"), "it has a number that is too large"),
    "-1e999": (with_value("-1e999"), "it has a number that is too large"),
    "1e999 as a queue": (
        b'{"jobs": [{"uuid": "a", "status": "Waiting", "queue_length": 1e999}]}',
        "it has a number that is too large",
    ),
    "5,000 digits": (with_value("9" * 5_000), "it has a number that is too long"),
    "5,000 decimals": (with_value("0." + "1" * 5_000), "it has a number that is too long"),
    "exponent of 5,000 digits": (with_value("1e" + "9" * 5_000), "it has a number that is too long"),
    "duplicate name": (b'{"jobs": [], "jobs": [{"a": "Done"}]}', "'jobs' stands in it twice, with different values"),
    "duplicate error": (
        b'{"error": "OK", "error": "X", "jobs": []}',
        "'error' stands in it twice, with different values",
    ),
    "duplicate in a map": (b'{"jobs": {"a": "Done", "a": "Failed"}}', "'a' stands in it twice, with different values"),
    "duplicate, 1 and true": (b'{"jobs": [], "x": 1, "x": true}', "'x' stands in it twice, with different values"),
    "duplicate, 1 and 1.0": (b'{"jobs": [], "x": 1, "x": 1.0}', "'x' stands in it twice, with different values"),
    "duplicate, 0 and false": (
        b'{"jobs": [], "x": {"y": 0}, "x": {"y": false}}',
        "'x' stands in it twice, with different values",
    ),
    "third of three": (b'{"jobs": [], "x": 1, "x": 1, "x": 2}', "'x' stands in it twice, with different values"),
    "duplicate that is escaped": (rb'{"jobs": [], "\u006aobs": 1}', "'jobs' stands in it twice, with different values"),
    "UTF-16": (TEXT.encode("utf-16"), "it is not UTF-8 (byte 0)"),
    "UTF-16, little end": (TEXT.encode("utf-16-le"), "it is not JSON"),
    "UTF-16, big end": (TEXT.encode("utf-16-be"), "it is not JSON"),
    "UTF-32": (TEXT.encode("utf-32"), "it is not UTF-8"),
    "Latin-1": ('{"jobs": [], "x": "é"}'.encode("latin-1"), "it is not UTF-8 (byte 19)"),
    "lone continuation byte": (with_value('"\x80"').replace(b"\xc2", b""), "it is not UTF-8"),
    "overlong slash": (b'{"jobs": [], "x": "\xc0\xaf"}', "it is not UTF-8"),
    "surrogate in UTF-8": (b'{"jobs": [], "x": "\xed\xa0\x80"}', "it is not UTF-8"),
    "beyond Unicode": (b'{"jobs": [], "x": "\xf4\x90\x80\x80"}', "it is not UTF-8"),
    "gzip": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "it is not UTF-8 (byte 1)"),
    "10^5 brackets": (b"[" * 100_000, "it has more than 20000 values"),
    "10^5 braces": (b'{"a":' * 100_000, "it has more than 20000 values"),
    "10^5 closed brackets": (b'{"jobs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "it has more than 20000 values"),
    "20,000 brackets": (with_value("[" * 19_990 + "]" * 19_990), "it is nested too deeply"),
    "1,000 brackets": (with_value("[" * 1_000 + "]" * 1_000), "it is nested too deeply"),
    "33 levels": (with_value("[" * 32 + "]" * 32), "it is nested too deeply"),
    "33 levels of objects": (with_value('{"a": ' * 32 + "1" + "}" * 32), "it is nested too deeply"),
    "deep sample": (b'{"jobs": ["a": ' + b"[" * 40 + b"]" * 40 + b"]}", "it is nested too deeply"),
    "very deep sample": (b'{"jobs": ["a": ' + b"[" * 15_000 + b"]" * 15_000 + b"]}", "it is nested too deeply"),
    "text that takes too much memory": (b'{"x": "' + "🎲".encode() + b"x" * 1_000_000 + b'"}', TOO_MUCH_MEMORY),
    "too many values": (b'{"jobs": [' + b"1," * 20_000 + b"1]}", "it has more than 20000 values"),
    "one value too many": (with_value("[" + "1," * 19_997 + "1]"), "it has more than 20000 values"),
    "too many values, and strings": (
        b'{"x": "\\",", "jobs": [' + b'"",' * 20_000 + b'""]}',
        "it has more than 20000 values",
    ),
}


@pytest.mark.parametrize(("body", "said"), INVALID.values(), ids=INVALID)
def test_what_is_no_json_is_refused_and_kept(body: bytes, said: str) -> None:
    error = refusal(body)
    assert type(error) is InvalidResponseError
    assert error.reason == said or error.reason.startswith(f"{said} (")
    assert error.content == body
    assert error.status_code == 201
    assert str(error).isprintable()
    assert len(error.reason) <= 512
    assert len(str(error)) < 1_500


VALID: dict[str, tuple[bytes, object]] = {
    "number of 64 digits": (with_value("1" * 64), int("1" * 64)),
    "largest float": (with_value("1.7976931348623157e308"), 1.7976931348623157e308),
    "underflow": (with_value("1e-999"), 0.0),
    "minus zero": (with_value("-0"), 0),
    "exponents": (with_value("[1E5, 1e+5, 1e-5]"), [1e5, 1e5, 1e-5]),
    "escapes": (with_value(r'"\"\\\/\b\f\n\r\t\u00e9"'), '"\\/\b\f\n\r\té'),
    "emoji": (with_value('"🎲"'), "🎲"),
    "pair of surrogates": (with_value(r'"\ud83c\udfb2"'), "🎲"),
    "noncharacters": (with_value('"\ufffe\uffff"'), "\ufffe\uffff"),
    "BOM within": (with_value('"\ufeff"'), "\ufeff"),
    "nul that is escaped": (with_value(r'"\u0000"'), "\x00"),
    "BOM that is escaped": (with_value(r'"\ufeffa"'), "\ufeffa"),
    "duplicates that are equal": (with_value('{"a": [1, {"b": 2}], "a": [1, {"b": 2}]}'), {"a": [1, {"b": 2}]}),
    "two names, each twice": (with_value('{"a": 1, "b": 2, "a": 1, "b": 2}'), {"a": 1, "b": 2}),
    "duplicates in another order": (
        with_value('{"a": {"x": 1, "y": 2}, "a": {"y": 2, "x": 1}}'),
        {"a": {"x": 1, "y": 2}},
    ),
    "duplicates in another spelling": (with_value(r'{"a": "\u0062", "\u0061": "b"}'), {"a": "b"}),
    "31 levels within": (with_value("[" * 31 + "]" * 31), json.loads("[" * 31 + "]" * 31)),
    "as many values as there may be": (with_value("[" + "1," * 19_996 + "1]"), [1] * 19_997),
    "many brackets side by side": (with_value("[" + "[]," * 5_000 + "[]]"), [[]] * 5_001),
    "many brackets in a string": (with_value('"' + "[" * 30_000 + '"'), "[" * 30_000),
    "many commas in a string": (with_value('"' + '\\",' * 30_000 + '"'), '",' * 30_000),
    "lone surrogate, high": (with_value(r'"a\ud800b"'), "a\ufffdb"),
    "lone surrogate, low": (with_value(r'"\udc00"'), "\ufffd"),
    "lone surrogate at the end": (with_value(r'"a\ud800"'), "a\ufffd"),
    "surrogates the wrong way round": (with_value(r'"\udfb2\ud83c"'), "\ufffd\ufffd"),
    "two high surrogates": (with_value(r'"\ud83c\ud83c\udfb2"'), "\ufffd🎲"),
    "what only looks like a surrogate": (with_value(r'"\\ud800"'), r"\ud800"),
    "lone surrogate behind a backslash": (with_value(r'"\\\ud800\\\\uDFFF"'), "\\\ufffd\\\\uDFFF"),
    "many surrogates": (
        with_value(r'"\uD83C\uDFB2\n\uDfFf\u0041\ud8FF\"\uDbfF\uDfb2"'),
        '🎲\n\ufffdA\ufffd"\U0010ffb2',
    ),
    "lone surrogate deep inside": (with_value(r'[{"a": ["\ud800", 1.5, null]}]'), [{"a": ["\ufffd", 1.5, None]}]),
    "lone surrogate in a name": (with_value(r'{"\ud800": 1}'), {"\ufffd": 1}),
    "names that become equal, as do their values": (with_value(r'{"\ud800": 1, "\ud801": 1}'), {"\ufffd": 1}),
}


@pytest.mark.parametrize(("body", "value"), VALID.values(), ids=VALID)
def test_what_is_json_is_read(body: bytes, value: object) -> None:
    found = look(body).raw["x"]
    assert found == value
    assert type(found) is type(value) or isinstance(value, (dict, list))


def test_names_that_become_equal_with_different_values_are_refused() -> None:
    error = refusal(rb'{"jobs": {"\ud800": "Done", "\ud801": "Failed"}}')
    assert isinstance(error, InvalidResponseError)
    assert "stands in it twice" in error.reason


def test_lone_surrogates_can_be_printed_later() -> None:
    body = rb'{"jobs": [{"uuid": "\ud800", "status": "\udfff"}], "error": "\ud800", "message": "\udc00!"}'
    error: Any = refusal(body)
    for text in (str(error), error.code, error.message, error.body, repr(error)):
        text.encode()
    status = look(body.replace(rb'"error": "\ud800"', b'"error": "OK"'))
    for text in (str(status), repr(status), str(status.jobs[0]), status.jobs[0].uuid, status.jobs[0].raw_status):
        text.encode()
    json.dumps(status.raw, ensure_ascii=False).encode()


def test_largest_answers_are_read() -> None:
    jobs = [{"uuid": f"{UUID[:-6]}{number:06}", "status": "Waiting"} for number in range(6_000)]
    assert len(look({"jobs": jobs}).jobs) == 6_000


def test_limits_are_documented_numbers() -> None:
    assert (MAX_DEPTH, MAX_ITEMS) == (32, 20_000)


@given(st.lists(st.sampled_from([*'\ud800\udbff\udc00\udfff\U0001f3b2\\\\"\n/ud8', "\\ud800", "\\u0041"])))
def test_surrogates_are_replaced_wherever_they_stand(pieces: list[str]) -> None:
    value = "".join(pieces)
    # As UTF-16 has it, of which JSON's escapes are an image: halves that stand side by side are one character.
    expected = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert decode(with_value(json.dumps(value)))["x"] == expected


def test_an_escape_can_make_a_text_as_wide_as_the_character_itself() -> None:
    """A thousand escapes of six characters each, in pairs, count as a thousand characters; each takes four bytes."""

    def body(length: int) -> bytes:
        return with_value('"' + "x" * (length - 1_002) + r"\ud83d\ude00" * 500 + '"')

    assert len(decode(body(MIB // 2))["x"]) == MIB // 2 - 502
    with pytest.raises(MalformedBodyError, match=TOO_MUCH_MEMORY):
        decode(body(MIB // 2 + 1))


def test_only_texts_that_are_wide_count_as_such() -> None:
    jobs = [{"uuid": f"{UUID}-{number:06}", "status": "Generating"} for number in range(6_600)]
    body = json.dumps({"jobs": jobs, "message": "Ready \U0001f600"}).encode()
    assert len(body) > MIB // 2
    assert len(look(body).jobs) == 6_600


def test_escaped_backslashes_count_as_one_character() -> None:
    body = with_value('"' + r"\\" * (MIB // 2 - 99) + r"\ud83d\ude00" + '"')
    assert len(decode(body)["x"]) == MIB // 2 - 98


def test_escaped_backslashes_hide_no_wide_text() -> None:
    body = with_value('"' + r"\\u" * (MIB // 4) + r"\ud83d\ude00" + '"')
    assert len(body) < MIB
    with pytest.raises(MalformedBodyError, match=TOO_MUCH_MEMORY):
        decode(body)


def test_other_escapes_make_no_text_wide() -> None:
    assert len(decode(with_value('"' + "x" * (MIB - 99) + '\\u0041"'))["x"]) == MIB - 98


def test_stack_is_not_what_limits_the_depth() -> None:
    """Little stack is left where the SDK is called from deep inside: then, too, the answer is refused and no more."""

    def at_depth(depth: int, call: Callable[[], object]) -> object:
        return call() if not depth else at_depth(depth - 1, call)

    for depth in (0, 100, 500):
        with pytest.raises(MalformedBodyError, match="nested too deeply"):
            at_depth(depth, lambda: decode(with_value("[" * 5_000 + "]" * 5_000)))


# --- time: every byte that comes may have been chosen by somebody who wants the reading to last

HOSTILE: dict[str, Callable[[int], bytes]] = {
    "brackets": lambda n: b"[" * n,
    "braces": lambda n: b'{"a":' * (n // 5),
    "quotes": lambda n: b'"' * n,
    "quotes and commas": lambda n: b'",' * (n // 2),
    "escaped quotes behind commas": lambda n: b"[" + b"," * 20_001 + b'\\"' * ((n - 20_002) // 2),
    "backslashes behind commas": lambda n: b"[" + b"," * 20_001 + b'"' + b"\\" * (n - 20_003),
    "open strings behind commas": lambda n: b"[" + b"," * 20_001 + b'"\\\n' * ((n - 20_002) // 3),
    "spaces": lambda n: b" " * n,
    "spaces in the sample": lambda n: b'{"jobs": ["a"' + b" " * n,
    "samples": lambda n: b'{"jobs": [' + b'"a":1,' * min(n // 6, 19_000) + b" " * (n - 120_000),
    "colons": lambda n: b'{"jobs": ["a"' + b":" * n,
    "digits": lambda n: b'{"jobs": ' + b"1" * n + b"}",
    "digits in many numbers": lambda n: b'{"x": [' + b",".join([b"1" * 50] * (n // 60)) + b"]}",
    "duplicates": lambda n: b"{" + b'"a":1,' * min(n // 6, 19_000) + b'"a":2}',
    "long duplicates": lambda n: b'{"a": "' + b"x" * (n // 2) + b'", "a": "' + b"x" * (n // 2) + b'"}',
    "duplicates within duplicates": lambda n: _doubled(b"1", n),
    "equal jobs": lambda n: encode({"jobs": [{"a": "Done"}] * min(n // 20, 9_000)}),
    "surrogates": lambda n: b'{"jobs": [], "x": "' + b"\\ud800" * (n // 6) + b'"}',
    "one long message": lambda n: b'{"jobs": [], "error": "X", "message": "' + b"\\u202e" * (n // 6) + b'"}',
    "one long code": lambda n: b'{"error": "' + b"INSUFFICIENT_FUN" * (n // 16) + b'"}',
    "one long status": lambda n: b'{"jobs": {"a": "' + b"Wait" * (n // 4) + b'"}}',
}


def _doubled(inner: bytes, size: int) -> bytes:
    body = inner
    while len(body) < size // 2:
        body = b'{"a":' + body + b',"a":' + body + b"}"
    return body


# Processor time is limited, and not the time on the wall, which depends on what else the machine does.
READ = """
import resource
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
from rodin_sdk import RodinError
from tests.unit.support import look
from tests.unit.test_strict_json import HOSTILE, MIB
for name, write in HOSTILE.items():
    body = write(MIB)
    assert len(body) <= MIB + 100, name
    print(name, flush=True)
    try:
        look(body)
    except RodinError:
        pass
print("done")
"""


def test_hostile_bytes_are_done_with_in_no_time() -> None:
    """A MiB of whatever kind takes some hundredths of a second; what grows faster than its size takes minutes."""
    ended = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines() == [*HOSTILE, "done"], ended.stderr[-500:]
