"""Whatever comes back, both clients return a `TaskStatus` or raise a `RodinError`, and never anything else."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rodin_sdk import APIError, InvalidResponseError, RodinError, TaskStatus
from rodin_sdk._normalize import MalformedBodyError, decode, read_error, read_jobs
from tests.unit.support import OTHER_UUID, UUID, look, look_async

BODIES: list[dict[str, object]] = [
    {"jobs": []},
    {"error": "OK", "jobs": [{"uuid": "text", "status": "Waiting"}]},
    {"error": None, "jobs": [{"uuid": UUID, "status": "Done"}, {"uuid": OTHER_UUID, "status": "Failed"}]},
    {"jobs": {UUID: "Generating", OTHER_UUID: "Done"}},
    {"jobs": [{UUID: "Generating"}, {"uuid": OTHER_UUID, "status": "Waiting", "queue_length": 4}]},
    {"error": "API_INSUFFICIENT_FUNDS", "message": "The fund in your wallet is insufficient."},
    {"error": "UNAUTHORIZED", "message": "Active API key is required."},
]
DOCUMENTED = [
    *(json.dumps(body).encode() for body in BODIES),
    b'{\n  "jobs": [\n    "123e4567-e89b-12d3-a456-426614174000": "Generating"\n  ]\n}',
]

codes = st.sampled_from([200, 201, 204, 302, 400, 401, 404, 429, 500, 503, 524, 599]) | st.integers(100, 999)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["Done", "OK", UUID]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text() | st.sampled_from(["uuid", "status", "jobs", "error"]), inner, max_size=4)
    ),
    max_leaves=12,
)
bodies_of_json = st.dictionaries(st.sampled_from(["jobs", "error", "message", "x"]), json_values, max_size=4).map(
    lambda body: json.dumps(body).encode()
)
PIECES = """{"jobs": [ ] { } , : "a" "uuid" "status" "Done" "error" null 1 - NaN 1e999 "\\ud800" " \\ true"""
tokens = st.lists(st.sampled_from([*PIECES.encode().split(), b" ", b"\xff", b"\xef\xbb\xbf"]), max_size=20).map(
    b"".join
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A documented body in which some bytes were lost, doubled, changed or swapped with those of another."""
    body = draw(st.sampled_from(DOCUMENTED))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(len(body), start + 12)))
        other = draw(st.sampled_from(DOCUMENTED))
        at = draw(st.integers(0, len(other)))
        piece = draw(st.sampled_from([b"", body[start:end] * 2, other[at : at + 12]]) | st.binary(max_size=3) | tokens)
        body = body[:start] + piece + body[end:]
    return body


bodies = st.binary() | tokens | bodies_of_json | mutated() | st.text().map(str.encode)


def outcome(body: bytes, status_code: int) -> TaskStatus | RodinError:
    try:
        return look(body, status_code)
    except RodinError as error:
        return error


async def outcome_async(body: bytes, status_code: int) -> TaskStatus | RodinError:
    try:
        return await look_async(body, status_code)
    except RodinError as error:
        return error


def check(found: TaskStatus | RodinError, body: bytes, status_code: int) -> None:
    """Everything that holds for any answer at all."""
    text = f"{found} {found!r}"
    text.encode()
    assert text.isprintable()
    assert repr(pickle.loads(pickle.dumps(found))) == repr(found)
    if isinstance(found, TaskStatus):
        assert status_code in range(200, 300)
        assert len({job.uuid for job in found.jobs}) == len(found.jobs)
        json.dumps(found.raw, allow_nan=False).encode()
        assert found.error is None or found.is_final
    else:
        assert isinstance(found, APIError | InvalidResponseError)
        assert found.status_code == status_code
        assert found.attempts == 1
        assert len(found.body) <= 512
    if isinstance(found, InvalidResponseError):
        assert status_code in range(200, 300)
        assert found.content == body


@settings(max_examples=400)
@given(bodies, codes)
@example(b"", 204)
@example(b'{"jobs":[]}\xff', 200)
def test_any_bytes_are_a_status_or_an_error(body: bytes, status_code: int) -> None:
    check(outcome(body, status_code), body, status_code)


@given(bodies, codes)
def test_both_clients_say_the_same(body: bytes, status_code: int) -> None:
    found, other = outcome(body, status_code), asyncio.run(outcome_async(body, status_code))
    assert type(found) is type(other)
    assert repr(found) == repr(other)
    if isinstance(found, RodinError):
        assert vars(found) == vars(other)
    else:
        assert found == other
        assert isinstance(other, TaskStatus)
        assert found.raw == other.raw


@settings(max_examples=400)
@given(bodies)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        value = decode(body)
        read_error(value)
        read_jobs(value)
    except MalformedBodyError as error:
        str(error).encode()


@given(json_values, st.sampled_from([None, 1, "\t"]))
def test_what_is_json_is_read_as_json(value: Any, indent: int | str | None) -> None:
    """The reading is strict, and no other: what it takes, it takes as everybody does."""
    body = json.dumps({"x": value}, indent=indent).encode()
    try:
        found = decode(body)
    except MalformedBodyError as error:
        refused = str(error)
        assert any(reason in refused for reason in ("not JSON", "too large", "too long", "twice")), refused
        return
    try:
        body.decode().encode("utf-8")
        expected = json.loads(body)
        json.dumps(expected, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # lone surrogates: cleaned
        json.dumps(found, ensure_ascii=False).encode()
        return
    assert found == expected
    assert json.dumps(found) == json.dumps(expected)


@given(bodies_of_json, st.sampled_from([b"", b" ", b"\n\n", b"\t"]), st.sampled_from([b"", b" ", b"\r\n"]))
def test_white_space_and_bom_around_it_do_not_matter(body: bytes, before: bytes, after: bytes) -> None:
    found, other = outcome(body, 201), outcome(b"\xef\xbb\xbf" + before + body + after, 201)
    assert type(found) is type(other)
    if isinstance(found, TaskStatus):
        assert found == other
    elif isinstance(found, APIError):
        assert str(found) == str(other)


@given(bodies)
def test_no_answer_of_failure_is_a_status(body: bytes) -> None:
    for status_code in (302, 404, 500):
        assert isinstance(outcome(body, status_code), APIError)
