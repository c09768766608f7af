"""Status codes, and what `Retry-After` adds to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from rodin_sdk import (
    APIError,
    AuthenticationError,
    BadRequestError,
    InsufficientFundsError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TaskStatus,
)
from tests.deadlines import in_time
from tests.faults.answers import DONE, OK, PRESIGNED, answer, echo, head
from tests.faults.clients import look
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, forever, read, reply, send, stall

if TYPE_CHECKING:
    from tests.faults.conftest import OpensClients

AT_ONCE: Final[dict[int, type[APIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientFundsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: APIError,
    409: APIError,
    413: BadRequestError,
    415: BadRequestError,
    418: APIError,
    422: BadRequestError,
    451: APIError,
}
RETRIED: Final[dict[int, type[APIError]]] = {
    408: APIError,
    500: ServerError,
    501: ServerError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
    **dict.fromkeys(range(520, 530), ServerError),
    599: ServerError,
}


@covers("success-codes")
@pytest.mark.parametrize("code", [200, 201, 202])
def test_success(code: int, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer(code=code)))]) as server:
        result = look(opens(server.url))
        assert result.jobs == {"job-1": "Done"}
        assert type(result.status) is TaskStatus
        assert len(server.requests) == 1


@covers("redirects")
@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 305, 307, 308, 399])
@pytest.mark.parametrize("body", [OK.partition(b"\r\n\r\n")[2], b""], ids=["body", "no body"])
def test_a_redirect_is_never_followed(code: int, body: bytes, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(OK))]) as other:
        fields = (f"Location: {other.url}/api/v2/status?{PRESIGNED}", f"Refresh: 0; url={other.url}")
        with FaultServer([forever(read, send(answer(body, *fields, code=code)))]) as server:
            opened = opens(server.url, max_retries=3)
            error = look(opened).error
            assert type(error) is APIError
            assert error.status_code == code
            assert "Redirects are not followed" in str(error)
            assert (len(server.requests), opened.pauses) == (1, [])
            assert (other.connections, other.received) == (0, 0)


@covers("client-errors")
@pytest.mark.parametrize("code", AT_ONCE)
def test_what_fails_at_once(code: int, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer({"error": "ODD", "message": "odd"}, code=code)))]) as server:
        opened = opens(server.url, max_retries=3)
        error = look(opened).error
        assert isinstance(error, APIError)
        assert type(error) is AT_ONCE[code]
        assert (error.status_code, error.code, error.message, error.attempts) == (code, "ODD", "odd", 1)
        assert (len(server.requests), opened.pauses) == (1, [])


@covers("server-errors")
@pytest.mark.parametrize("code", RETRIED)
def test_what_is_tried_again(code: int, opens: OpensClients) -> None:
    bad = send(answer(b"<html>", code=code))
    with FaultServer([read, bad, read, bad, read, bad, forever(read, send(OK))]) as server:
        opened = opens(server.url)
        result = look(opened)
        assert isinstance(result.error, APIError)
        assert type(result.error) is RETRIED[code]
        assert result.error.attempts == 2
        in_time(result.seconds, 2.0)
        assert (len(server.requests), len(opened.pauses)) == (2, 1)
        assert look(opened).jobs == {"job-1": "Done"}
        assert (server.connections, len(server.requests)) == (1, 4)


@covers("other-connection")
@pytest.mark.parametrize("code", [421, 425])
def test_one_retry_on_a_fresh_connection(code: int, opens: OpensClients) -> None:
    bad = send(answer(b"", code=code))
    with FaultServer([read, send(OK), forever(read, bad)], [forever(read, reply(echo))]) as server:
        opened = opens(server.url, max_retries=3)
        assert look(opened).jobs == {"job-1": "Done"}
        assert look(opened, "a task").jobs == {"a task": "Done"}
        assert (server.connections, len(server.requests)) == (2, 3)


@covers("other-connection")
@pytest.mark.parametrize("codes", [(421, 421), (425, 425), (421, 425)])
def test_no_second_retry(codes: tuple[int, int], opens: OpensClients) -> None:
    first, second = (send(answer(b"", code=code)) for code in codes)
    with FaultServer([forever(read, first)], [forever(read, second)]) as server:
        error = look(opens(server.url, max_retries=5)).error
        assert type(error) is APIError
        assert error.status_code == codes[1]
        assert (server.connections, len(server.requests)) == (2, 2)


@covers("rate-limit")
def test_429_is_tried_again_after_the_time_that_it_names(opens: OpensClients) -> None:
    slow_down = send(answer({"error": "slow"}, "Retry-After: 7", code=429))
    with FaultServer([read, slow_down, read, slow_down, forever(read, send(OK))]) as server:
        opened = opens(server.url, max_retries=3)
        assert look(opened).jobs == {"job-1": "Done"}
        assert len(server.requests) == 3
        assert len([pause for pause in opened.pauses if pause >= 7]) >= 2, "each 429 is a floor under its pause"


@covers("rate-limit")
def test_429_slows_the_whole_client_down(opens: OpensClients) -> None:
    with FaultServer([read, send(answer(b"", "Retry-After: 9", code=429)), forever(read, send(OK))]) as server:
        opened = opens(server.url, max_retries=0)
        error = look(opened).error
        assert type(error) is RateLimitError
        assert (error.retry_after, opened.pauses) == (9.0, [])
        assert look(opened, "another task").jobs == {"job-1": "Done"}
        assert sum(opened.pauses) > 8, "the next call waits as well, whatever it asks for"


@covers("rate-limit")
def test_429_without_a_time_is_tried_again(opens: OpensClients) -> None:
    with FaultServer([read, send(answer(b"", code=429)), forever(read, send(OK))]) as server:
        assert look(opens(server.url)).jobs == {"job-1": "Done"}
        assert len(server.requests) == 2


TIMES: Final = {
    "0": 0.0,
    "1": 1.0,
    " 30 ": 30.0,
    "007": 7.0,
    "999999999": 999999999.0,
    "Fri, 31 Dec 1999 23:59:59 GMT": 10.0,
    "Friday, 31-Dec-99 23:59:59 GMT": 10.0,
    "Fri Dec 31 23:59:59 1999": 10.0,
    "Fri, 31 Dec 1999 23:59:40 GMT": 0.0,
    "1000000000": None,
    "-5": None,
    "+5": None,
    "1.5": None,
    "1e3": None,
    "nan": None,
    "inf": None,
    "1_000": None,
    "0x10": None,
    "\xb2": None,
    "9" * 5000: None,
    "soon": None,
    "": None,
    "5, 6": None,
    "1999-12-31T23:59:59Z": None,
    "Fri, 31 Dec 1999 23:59:59 PST": None,
    "Fri, 31 Dec 1999 23:59:61 GMT": None,
    "Fri, 32 Dec 1999 23:59:59 GMT": None,
    "Fri, 31 Foo 1999 23:59:59 GMT": None,
}


@covers("retry-after")
@pytest.mark.parametrize("value", TIMES, ids=lambda value: value[:40])
def test_retry_after_is_read_strictly(value: str, opens: OpensClients) -> None:
    fields = (f"Retry-After: {value}", "Date: Fri, 31 Dec 1999 23:59:49 GMT")
    with FaultServer([forever(read, send(answer(b"", *fields, code=503)))]) as server:
        error = look(opens(server.url, max_retries=0)).error
        assert type(error) is ServerError
        assert error.retry_after == TIMES[value]


@covers("retry-after")
@pytest.mark.parametrize("value", ["\u0665", "\u06f5"], ids=["Arabic", "Persian"])
def test_digits_of_other_scripts_are_none(value: str, opens: OpensClients) -> None:
    fields = b"Retry-After: " + value.encode() + b"\r\n"
    raw = head("Content-Length: 0", code=503).replace(b"Content-Length", fields + b"Content-Length")
    with FaultServer([forever(read, send(raw))]) as server:
        error = look(opens(server.url, max_retries=0)).error
        assert type(error) is ServerError
        assert error.retry_after is None


@covers("retry-after")
def test_a_date_without_the_answers_own_is_none(opens: OpensClients) -> None:
    fields = ("Retry-After: Fri, 31 Dec 2199 23:59:59 GMT",)
    with FaultServer([forever(read, send(answer(b"", *fields, code=503)))]) as server:
        opened = opens(server.url)
        error = look(opened).error
        assert type(error) is ServerError
        assert (error.retry_after, len(server.requests)) == (None, 2)


@covers("retry-after")
@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_time_that_is_too_long_raises_at_once(code: int, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer(b"", "Retry-After: 61", code=code)))]) as server:
        opened = opens(server.url, max_retries=3)
        error = look(opened).error
        assert isinstance(error, APIError)
        assert (error.retry_after, len(server.requests), opened.pauses) == (61.0, 1, [])


@covers("retry-after")
@pytest.mark.parametrize("code", [408, 500, 502, 503, 520])
def test_a_time_is_a_floor(code: int, opens: OpensClients) -> None:
    with FaultServer([read, send(answer(DONE, "Retry-After: 60", code=code)), forever(read, send(OK))]) as server:
        opened = opens(server.url)
        assert look(opened).jobs == {"job-1": "Done"}
        assert (opened.pauses, len(server.requests)) == ([60.0], 2)


@covers("retry-after")
def test_an_answer_of_success_can_ask_to_wait_too(opens: OpensClients) -> None:
    with FaultServer([read, send(answer(b"", "Retry-After: 12")), forever(read, send(OK))]) as server:
        opened = opens(server.url)
        assert look(opened).jobs == {"job-1": "Done"}
        assert (opened.pauses, len(server.requests)) == ([12.0], 2)


def test_a_failure_whose_body_stalls_is_a_failure_to_answer(opens: OpensClients) -> None:
    with FaultServer([read, send(head("Content-Length: 5", code=404)), stall]) as server:
        result = look(opens(server.url, request_timeout=0.2, max_retries=0))
        assert isinstance(result.error, TimeoutError | APIError)
        in_time(result.seconds, 0.2)
