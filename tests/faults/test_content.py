"""The answer arrives whole, and what is in it is odd."""

from __future__ import annotations

import codecs
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from attrs import field, frozen

from rodin_sdk import (
    APIError,
    AuthenticationError,
    InvalidResponseError,
    JobStatus,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
)
from tests.faults.answers import OK, answer, head
from tests.faults.clients import look
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, forever, read, send

if TYPE_CHECKING:
    from tests.faults.conftest import OpensClients

DONE: Final = b'{"jobs": [{"uuid": "a", "status": "Done"}]}'


@frozen
class Good:
    """An answer that is understood, and the jobs that it means."""

    row: str
    name: str
    body: bytes | object
    jobs: dict[str, str] = field(factory=lambda: {"a": "Done"})
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


def job(status: object, uuid: object = "a") -> dict[str, object]:
    return {"uuid": uuid, "status": status}


def typed(content_type: str | None) -> Good:
    fields = () if content_type is None else (f"Content-Type: {content_type}",)
    return Good("content-type", str(content_type), DONE, fields=fields)


def shaped(name: str, body: bytes, **jobs: str) -> Good:
    return Good("jobs-shapes", name, body, jobs)


GOOD: Final = [
    *map(typed, [None, "text/html", "text/plain; charset=utf-16", "application/octet-stream", "nonsense", ""]),
    Good("content-type", "BOM", codecs.BOM_UTF8 + DONE),
    Good("not-utf-8", "a lone surrogate", b'{"jobs": [{"uuid": "a", "status": "Done"}], "x": "\\ud800"}'),
    Good(
        "not-utf-8", "a lone surrogate in a status", b'{"jobs": [{"uuid": "a", "status": "\\udfff"}]}', {"a": "\ufffd"}
    ),
    Good("not-utf-8", "a pair of surrogates", b'{"jobs": {"\\ud83d\\ude00": "Done"}}', {"\U0001f600": "Done"}),
    Good("duplicate-names", "equal", b'{"jobs": {"a": "Done", "a": "Done"}, "jobs": {"a": "Done"}}'),
    *(
        Good("no-error", repr(value), {"error": value, "jobs": [job("Done")]})
        for value in (None, "", "OK", "none", "ok")
    ),
    Good("no-error", "absent", DONE),
    Good("error-but-final", "done", {"error": "ODD_CODE", "jobs": [job("Done")]}),
    Good("error-but-final", "failed", {"error": "NO_SUCH_TASK", "jobs": [job("Failed")]}, {"a": "Failed"}),
    Good("jobs-empty", "list", {"jobs": []}, {}),
    Good("jobs-empty", "map", {"jobs": {}}, {}),
    shaped("map", b'{"jobs": {"a": "Done", "b": "Waiting"}}', a="Done", b="Waiting"),
    shaped("list of maps", b'{"jobs": [{"a": "Done"}, {"b": "Waiting"}]}', a="Done", b="Waiting"),
    shaped("list of one map", b'{"jobs": [{"a": "Done", "b": "Waiting"}]}', a="Done", b="Waiting"),
    shaped("the page's sample", b'{"jobs": ["a": "Done", "b": "Waiting"]}', a="Done", b="Waiting"),
    shaped("mixed", b'{"jobs": [{"a": "Done"}, {"uuid": "b", "status": "Failed"}]}', a="Done", b="Failed"),
    shaped("mixed sample", b'{"jobs": ["a": "Done", {"uuid": "b", "status": "Failed"}]}', a="Done", b="Failed"),
    Good("status-values", "unknown", {"jobs": [job("Dreaming")]}, {"a": "Dreaming"}),
    Good("status-values", "number", {"jobs": [job(7)]}, {"a": "7"}),
    Good("status-values", "null", {"jobs": [job(None)]}, {"a": "null"}),
    Good("status-values", "list", {"jobs": [job([1])]}, {"a": "[1]"}),
    Good("status-values", "done", {"jobs": [job("done")]}, {"a": "done"}),
    Good("status-values", "Cancelled", {"jobs": [job(" Cancelled ")]}, {"a": " Cancelled "}),
    Good("uuid-twice", "equal", {"jobs": [job("Done"), {"a": "Done"}]}),
]

STATES: Final = {
    "done": JobStatus.DONE,
    " Cancelled ": JobStatus.CANCELED,
    "Dreaming": JobStatus.UNKNOWN,
    "7": JobStatus.UNKNOWN,
    "null": JobStatus.UNKNOWN,
    "[1]": JobStatus.UNKNOWN,
}


@covers(*{case.row for case in GOOD})
@pytest.mark.parametrize("case", GOOD, ids=str)
def test_what_is_understood(case: Good, opens: OpensClients) -> None:
    raw = answer(case.body, *case.fields)
    if case.row == "content-type":
        raw = raw.replace(b"Content-Type: application/json\r\n", b"", 1)
    with FaultServer([forever(read, send(raw))]) as server:
        result = look(opens(server.url))
        assert result.jobs == case.jobs
        assert result.status is not None
        str(result.status).encode()
        repr(result.status).encode()
        json.dumps(result.status.raw, ensure_ascii=False).encode()
        assert result.status.is_done == (set(case.jobs.values()) in ({"Done"}, {"done"}))
        assert len(server.requests) == 1
        if case.row == "status-values":
            assert {each.raw_status: each.status for each in result.status.jobs}.items() <= STATES.items()
        if case.row == "error-but-final":
            assert result.status.error == result.status.raw["error"]


@frozen
class Bad:
    """An answer of success that is not understood."""

    row: str
    name: str
    body: bytes | object

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


def jobs_of(value: object) -> Bad:
    return Bad("jobs-malformed", json.dumps(value), {"jobs": value})


def odd(name: str, value: bytes) -> Bad:
    return Bad("odd-json", name, DONE[:-1] + b', "x": ' + value + b"}")


MALFORMED: Final[list[object]] = [
    *(None, 1, "Done", True, [1], ["a"], [None], [[]], [{}], [{"uuid": "a"}], [{"status": "Done"}]),
    *([job("Done", uuid)] for uuid in (5, None, [5])),
]
BAD: Final = [
    Bad("html", "200", b"<!doctype html><html><body>Please log in</body></html>"),
    Bad("not-utf-8", "UTF-16", DONE.decode().encode("utf-16")),
    Bad("not-utf-8", "UTF-32", DONE.decode().encode("utf-32")),
    Bad("not-utf-8", "Latin-1", '{"jobs": {"\xe4": "Done"}}'.encode("latin-1")),
    Bad("not-utf-8", "overlong", b'{"jobs": {"\xc0\xaf": "Done"}}'),
    Bad("not-utf-8", "an encoded surrogate", b'{"jobs": {"\xed\xa0\x80": "Done"}}'),
    *(
        odd(text, text.encode())
        for text in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "01", "1.", "'x'", "None")
    ),
    odd("5,000 digits", b"9" * 5000),
    odd("5,000 digits of a fraction", b"0." + b"9" * 5000),
    odd("10^5 brackets", b"[" * 10**5 + b"]" * 10**5),
    odd("10^5 open brackets", b"[" * 10**5),
    odd("10^5 braces", b'{"a":' * 10**5 + b"1" + b"}" * 10**5),
    odd("a trailing comma", b"[1,]"),
    odd("a comment", b"1 /* one */"),
    odd("a line end in a string", b'"a\nb"'),
    odd("a zero in a string", b'"a\0b"'),
    Bad("odd-json", "trailing data", DONE + b"{}"),
    Bad("odd-json", "trailing zeros", DONE + b"\0\0"),
    Bad("odd-json", "two answers", DONE + b"\n" + DONE),
    *(Bad("odd-json", text, text.encode()) for text in ("null", "true", "1", '"jobs"', "[]", "[1]")),
    Bad("duplicate-names", "jobs", b'{"jobs": {"a": "Done"}, "jobs": {"a": "Failed"}}'),
    Bad("duplicate-names", "within", b'{"jobs": [{"uuid": "a", "status": "Done", "status": "Failed"}]}'),
    Bad("duplicate-names", "in the sample", b'{"jobs": ["a": "Done", "a": "Failed"]}'),
    Bad("jobs-malformed", "missing", {"jbos": []}),
    *map(jobs_of, MALFORMED),
    Bad("uuid-twice", "different", {"jobs": [job("Done"), job("Failed")]}),
    Bad("uuid-twice", "different forms", {"jobs": [job("Done"), {"a": "Generating"}]}),
    Bad("uuid-twice", "so many values", {"jobs": [job("Done", str(number)) for number in range(12_000)]}),
]


@covers(*{case.row for case in BAD})
@pytest.mark.parametrize("case", BAD, ids=lambda case: str(case)[:60])
def test_what_is_not_understood(case: Bad, opens: OpensClients) -> None:
    content = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
    with FaultServer([read, send(answer(content)), read, send(answer(content)), forever(read, send(OK))]) as server:
        opened = opens(server.url)
        error = look(opened).error
        assert type(error) is InvalidResponseError, repr(error)
        assert (error.content, error.status_code, error.attempts) == (content, 200, 2)
        assert len(error.body) <= 512
        f"{error} {error!r}".encode()
        assert len(server.requests) == 2
        assert look(opened).jobs == {"job-1": "Done"}
        assert server.connections == 1


ERRORS_IN_SUCCESS: Final[dict[str, tuple[type[APIError], int]]] = {
    "NO_SUCH_TASK": (NotFoundError, 1),
    "UNAUTHORIZED": (AuthenticationError, 1),
    "API_PARALLELISM_LIMIT_REACHED": (RateLimitError, 1),
    "PERMISSION_DENIED": (PermissionDeniedError, 1),
    "UNKNOWN": (APIError, 1),
    "NEVER_SEEN_BEFORE": (APIError, 2),
}


@covers("error-in-2xx")
@pytest.mark.parametrize("code", ERRORS_IN_SUCCESS)
@pytest.mark.parametrize("rest", [{}, {"jobs": []}, {"jobs": [job("Generating")]}, {"jobs": 5}], ids=json.dumps)
def test_an_error_that_calls_itself_success(code: str, rest: dict[str, Any], opens: OpensClients) -> None:
    expected, requests = ERRORS_IN_SUCCESS[code]
    with FaultServer([forever(read, send(answer({"error": code, "message": "odd", **rest}, code=201)))]) as server:
        error = look(opens(server.url, max_retries=3)).error
        assert isinstance(error, APIError)
        assert type(error) is expected
        assert (error.code, error.status_code, error.message, len(server.requests)) == (code, 201, "odd", requests)


@covers("html")
@pytest.mark.parametrize(
    ("code", "expected", "requests"),
    [(403, PermissionDeniedError, 1), (502, ServerError, 2), (520, ServerError, 2), (200, InvalidResponseError, 2)],
)
def test_html(code: int, expected: type[APIError | InvalidResponseError], requests: int, opens: OpensClients) -> None:
    page = b"<html>\x1b[31m\r\n\x00\x07" + "\u202e\u2066".encode() + b"<p>" * 5000
    with FaultServer([forever(read, send(answer(page, "Content-Type: text/html", code=code)))]) as server:
        error = look(opens(server.url)).error
        assert type(error) is expected
        assert isinstance(error, APIError | InvalidResponseError)
        assert len(error.body) <= 512
        assert len(str(error)) <= 1024
        assert error.body.isprintable()
        assert str(error).isprintable()
        assert len(server.requests) == requests


HOSTILE: Final = "\x1b[2J\x1b]0;title\x07\r\n\t\x00\x7f\x9b31m\u202e\u2066\u200f\ufeff\u2028\ud800" + "x" * 2**20


@covers("hostile-text")
@pytest.mark.parametrize("code", [200, 400, 500])
def test_hostile_text_is_escaped_and_cut(code: int, opens: OpensClients) -> None:
    content = json.dumps({"error": HOSTILE[:600], "message": HOSTILE[: 2**20 - 5000]}).encode()
    with FaultServer([forever(read, send(answer(content, code=code)))]) as server:
        error = look(opens(server.url, max_retries=0)).error
        assert isinstance(error, APIError)
        for text in (error.message, error.code, error.body):
            assert text is not None
            assert len(text) <= 512
            assert text.isprintable()
        assert str(error).isprintable()
        assert len(str(error)) <= 2048


@covers("hostile-text")
def test_hostile_text_of_success(opens: OpensClients) -> None:
    content = json.dumps({"message": HOSTILE[:9000], "jobs": {HOSTILE[:40]: HOSTILE[:50]}}).encode()
    with FaultServer([forever(read, send(answer(content)))]) as server:
        status = look(opens(server.url)).status
        assert status is not None
        assert status.message is not None
        assert len(status.message) <= 512
        assert str(status).isprintable()
        assert repr(status).isprintable()
        assert str(status.jobs[0]).isprintable()
        f"{status} {status!r} {status.jobs[0]}".encode()


@covers("hostile-text")
def test_hostile_headers(opens: OpensClients) -> None:
    raw = head("X-Request-Id: \x1b[2J\xff" + "x" * 9000, "Server: a\tb\x85c", "Content-Length: 0", code=404)
    with FaultServer([forever(read, send(raw))]) as server:
        error = look(opens(server.url)).error
        if isinstance(error, NotFoundError):  # HTTP lets a client refuse such headers, too
            assert all(value.isprintable() and len(value) <= 512 for value in error.headers.values())
        assert str(error).isprintable()
