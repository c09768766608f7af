"""Nothing stretches a time limit."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from rodin_sdk import ConfigurationError, RequestTimeoutError
from tests.deadlines import in_time
from tests.faults.answers import CHUNKED, OK, chunked, head
from tests.faults.cases import Case, arrived, hold
from tests.faults.certificates import good
from tests.faults.clients import look
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, drip, forever, read, secure, send, stall

if TYPE_CHECKING:
    from tests.faults.conftest import OpensClients

SHORT: Final = 0.25
INTERVAL: Final = 0.03
LENGTH: Final = head("Content-Length: 100000")
EARLY_HINTS: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
EXTENDED: Final = b"1;name=" + b"x" * 50 + b"\r\n \r\n"


def stalling(name: str, *data: bytes, retries: int = 0) -> Case:
    script = [read, *map(send, data), stall]
    return Case("stall", name, script, RequestTimeoutError, timeout=SHORT, retries=retries)


def dripping(name: str, first: bytes, drops: bytes, *, retries: int = 0) -> Case:
    script = [read, send(first), forever(drip(drops, INTERVAL))]
    return Case("drip", name, script, RequestTimeoutError, timeout=SHORT, retries=retries)


def flooding(name: str, first: bytes, waves: bytes) -> Case:
    """Returns a case in which the bytes come as fast as they are read, so that no operation ever waits."""
    script = [read, send(first), forever(send(waves * (2**20 // len(waves))))]
    return Case("drip", name, script, RequestTimeoutError, timeout=SHORT, retries=0)


CASES: Final = [
    Case("stall", "before the request is read", [stall], RequestTimeoutError, seen=0, timeout=SHORT),
    stalling("before the head", retries=1),
    stalling("within the status line", b"HTTP/1.1 2"),
    stalling("within the head", head()[:-2]),
    stalling("after the head", LENGTH, retries=1),
    stalling("after an interim answer", EARLY_HINTS),
    stalling("mid body", OK[:-1], retries=1),
    stalling("mid chunk", CHUNKED + b"5\r\nab"),
    stalling("before the last chunk", CHUNKED + chunked(b'{"jobs": []}')),
    Case(
        "stall", "in TLS", [secure(good()), read, send(LENGTH), stall], RequestTimeoutError, timeout=SHORT, is_tls=True
    ),
    dripping("of the status line", b"HTTP/1.1 200 ", b"O"),
    dripping("of a header", b"HTTP/1.1 200 OK\r\nServer: ", b"x"),
    dripping("of headers", b"HTTP/1.1 200 OK\r\n", b"a: b\r\n", retries=1),
    dripping("of the body", LENGTH, b" ", retries=1),
    dripping("of a body without length", head(version="1.0"), b" "),
    dripping("of a chunk", CHUNKED + b"ffff\r\n", b" "),
    dripping("of chunks", CHUNKED, chunked(b" ")),
    dripping("of interim answers", b"", EARLY_HINTS),
    dripping("of chunk extensions", CHUNKED + b"5;name=", b"x"),
    flooding("a flood of interim answers", b"", EARLY_HINTS),
    flooding("a flood of empty interim answers", b"", b"HTTP/1.1 103 \r\n\r\n"),
    flooding("a flood of chunks with extensions", CHUNKED, EXTENDED),
    flooding("a flood of small chunks", CHUNKED, chunked(b" ")),
    Case(
        "drip",
        "of the body in TLS",
        [secure(good()), read, send(LENGTH), forever(drip(b" ", INTERVAL))],
        RequestTimeoutError,
        timeout=SHORT,
        is_tls=True,
    ),
]


@covers(*{case.row for case in CASES})
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_call_ends_at_its_deadline(case: Case, opens: OpensClients) -> None:
    hold(case, opens)


@covers("drip")
def test_a_time_limit_of_one_call_counts(opens: OpensClients) -> None:
    with FaultServer([read, send(LENGTH), forever(drip(b" ", INTERVAL))]) as server:
        result = look(opens(server.url, request_timeout=None), request_timeout=timedelta(seconds=SHORT), max_retries=2)
        assert type(result.error) is RequestTimeoutError
        in_time(result.seconds, 3 * SHORT)
        arrived(server, 3, 3)


@covers("wall-clock")
@pytest.mark.parametrize("jump", [3600, -3600, 10 * 365 * 86400, -10 * 365 * 86400])
def test_the_wall_clock_does_not_matter(jump: int, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    real, real_ns = time.time, time.time_ns
    with FaultServer([read, send(OK), read, send(OK), read, stall]) as server:
        opened = opens(server.url, request_timeout=SHORT, max_retries=0)
        assert look(opened).jobs == {"job-1": "Done"}
        monkeypatch.setattr(time, "time", lambda: real() + jump)
        monkeypatch.setattr(time, "time_ns", lambda: real_ns() + jump * 10**9)
        assert look(opened).jobs == {"job-1": "Done"}
        result = look(opened)
        assert type(result.error) is RequestTimeoutError
        assert result.seconds >= SHORT
        in_time(result.seconds, SHORT)
        assert (server.connections, len(server.requests)) == (1, 3)


@covers("time-limits")
@pytest.mark.parametrize(
    "limit", [0, 0.0, -1, -0.001, float("nan"), float("-inf"), timedelta(0), timedelta(seconds=-1)]
)
def test_a_time_limit_that_is_none_is_refused(limit: float | timedelta, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(OK))]) as server:
        result = look(opens(server.url), request_timeout=limit)
        assert type(result.error) is ConfigurationError
        assert isinstance(result.error, ValueError)
        with pytest.raises(ConfigurationError):
            opens(server.url, request_timeout=limit)
        assert server.connections == 0


@covers("time-limits")
@pytest.mark.parametrize("limit", [None, float("inf"), 1e300, timedelta.max])
def test_no_time_limit_can_be_asked_for(limit: float | timedelta | None, opens: OpensClients) -> None:
    with FaultServer([read, drip(OK[:20], 0.01), send(OK[20:]), forever(read, send(OK))]) as server:
        opened = opens(server.url, request_timeout=limit)
        assert look(opened).jobs == {"job-1": "Done"}
        assert look(opened, request_timeout=limit).jobs == {"job-1": "Done"}
        assert len(server.requests) == 2
