"""What comes is not what HTTP promised, or more of it than anybody can want."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Final

import pytest

from rodin_sdk import APIError, InvalidResponseError, NotFoundError, ServerError, TransportError
from tests.faults.answers import CHUNKED, DONE, OK, answer, chunked, head
from tests.faults.cases import Case, hold
from tests.faults.certificates import good, trusting
from tests.faults.clients import look
from tests.faults.matrix import covers
from tests.faults.server import FaultServer, forever, read, reset, secure, send, stall

if TYPE_CHECKING:
    from tests.faults.conftest import OpensClients
    from tests.faults.server import Step

BODY: Final = OK.partition(b"\r\n\r\n")[2]
CLOSE: Final = "Connection: close"
BLOCK: Final = b"x" * 65536
BLANKS: Final = " " * 15_000
"""That many would keep h11 busy for a second and more."""


def cut(name: str, data: bytes, *ending: Step) -> Case:
    return Case("cut-off", name, [read, send(data), *ending], TransportError)


def invalid(row: str, name: str, data: bytes, *ending: Step) -> Case:
    return Case(row, name, [read, send(data), *ending], InvalidResponseError)


def foreign(name: str, data: bytes) -> Case:
    return Case("not-http", name, [read, send(data)], TransportError)


def huge(name: str, data: bytes, *more: Step) -> Case:
    return Case("huge-head", name, [read, send(data), *more, stall], TransportError)


CASES: Final = [
    Case("hang-up", "FIN", [read], TransportError),
    Case("hang-up", "RST", [read, reset], TransportError),
    Case("hang-up", "RST before the request is read", [reset], TransportError, seen=0),
    Case("hang-up", "FIN in TLS", [secure(good()), read], TransportError, is_tls=True),
    Case("hang-up", "RST in TLS", [secure(good()), read, reset], TransportError, is_tls=True),
    cut("FIN within the status line", b"HTTP/1.1 20"),
    cut("FIN within the head", head()[:-2]),
    cut("RST within the head", head()[:-2], reset),
    cut("FIN after an interim answer", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    cut("FIN mid body", OK[:-3]),
    cut("RST mid body", OK[:-3], reset),
    cut("RST mid body without length", head(version="1.0") + BODY[:-3], reset),
    cut("FIN mid chunk", CHUNKED + b"20\r\n{"),
    cut("FIN before the last chunk", CHUNKED + chunked(BODY)),
    cut("FIN before the last line", CHUNKED + chunked(BODY) + b"0\r\n"),
    cut("a chunk size that is no number", CHUNKED + b"zz\r\n" + BODY, stall),
    cut("a chunk size beyond all numbers", CHUNKED + b"f" * 40 + b"\r\n" + BODY, stall),
    cut("a chunk longer than its size", CHUNKED + b"2\r\n" + BODY, stall),
    cut("a negative length", head("Content-Length: -5") + BODY, stall),
    cut("a length that is no number", head("Content-Length: many") + BODY, stall),
    cut("a length of 400 digits", head("Content-Length: " + "9" * 400), stall),
    cut("two lengths", head("Content-Length: 3", "Content-Length: 5") + BODY, stall),
    cut("an unknown transfer encoding", head("Transfer-Encoding: gzip") + BODY, stall),
    Case("cut-off", "FIN mid body in TLS", [secure(good()), read, send(OK[:-3])], TransportError, is_tls=True),
    invalid("cut-off", "a length that is too short", head("Content-Length: 9") + BODY, stall),
    Case("cut-unnoticed", "FIN", [read, send(head(version="1.0") + BODY[:-1])], InvalidResponseError),
    Case("cut-unnoticed", "in 1.1", [read, send(head(CLOSE) + BODY[:-9])], InvalidResponseError),
    Case(
        "cut-unnoticed",
        "in TLS, without a farewell",
        [secure(good()), read, send(head(CLOSE) + BODY[:-9])],
        InvalidResponseError,
        is_tls=True,
    ),
    foreign("zeros", b"\0" * 40 + b"\r\n\r\n"),
    foreign("another protocol", b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    foreign("HTTP/2", b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80\0\x04\0\x01\0\0\0\x05\0\xff\xff"),
    foreign("HTTP/0.9", BODY + b"\r\n\r\n"),
    foreign("bytes beyond ASCII", b"HTTP/1.1 2\xb2\xb2 \xff\r\n\r\n"),
    foreign("status 99", b"HTTP/1.1 99 What\r\n\r\n"),
    foreign("status 099", b"HTTP/1.1 099 What\r\n\r\n"),
    foreign("status 1000", b"HTTP/1.1 1000 What\r\n\r\n"),
    foreign("status -1", b"HTTP/1.1 -01 What\r\n\r\n"),
    foreign("a header without a colon", b"HTTP/1.1 200 OK\r\nnothing\r\n\r\n" + BODY),
    foreign("a header without a name", b"HTTP/1.1 200 OK\r\n: value\r\n\r\n" + BODY),
    foreign("a zero in a header", b"HTTP/1.1 200 OK\r\nServer: a\0b\r\n\r\n" + BODY),
    foreign("a switch to another protocol", b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
    Case("not-http", "status 999", [read, send(answer(DONE, CLOSE, code=999))], APIError, is_retried=False),
    Case("not-http", "status 600", [read, send(answer(DONE, CLOSE, code=600))], APIError, is_retried=False),
    huge("a header of 200 KB", head("Server: " + "x" * 200_000)),
    huge("5,000 fields", head(*(f"x-{n}: y" for n in range(5000)), "Content-Length: 0")),
    huge("300 fields", head(*(f"x-{n}: y" for n in range(300)), "Content-Length: 0")),
    huge("an endless header", b"HTTP/1.1 200 OK\r\nServer: ", forever(send(BLOCK))),
    huge("an endless reason", b"HTTP/1.1 200 ", forever(send(BLOCK))),
    huge("endless fields", b"HTTP/1.1 200 OK\r\n", forever(send(b"x: y\r\n" * 9999))),
    huge("an endless chunk extension", CHUNKED + b"5;name=", forever(send(BLOCK))),
    huge("endless trailers", CHUNKED + chunked(BODY) + b"0\r\n", forever(send(b"x: y\r\n" * 9999))),
    huge("empty lines before the answer", b"", forever(send(b"\r\n" * 9999))),
    *(
        Case("blanks", name, [read, send(data), stall], TransportError, timeout=0.3)
        for name, data in {
            "in a header": head("Server: " + BLANKS + "\0"),
            "of tabs": head("Server: " + "\t" * 15_000 + "\0"),
            "in a folded header": head("Server:" + "\r\n " * 5_000 + "\0"),
            "before a chunk": CHUNKED + f"5;{BLANKS}\nx\r\n".encode(),
            "in a trailer": CHUNKED + b"0\r\n" + f"Server: {BLANKS}\0\r\n\r\n".encode(),
        }.items()
    ),
    invalid("endless-body", "1 GB", head(f"Content-Length: {2**30}"), stall),
    invalid("endless-body", "a length of 20 digits", head("Content-Length: " + "9" * 20), stall),
    Case("endless-body", "chunked", [read, send(CHUNKED), forever(send(chunked(BLOCK)))], InvalidResponseError),
    Case("endless-body", "no length", [read, send(head()), forever(send(BLOCK))], InvalidResponseError),
    Case(
        "endless-body",
        "of a failure",
        [read, send(head(code=404)), forever(send(BLOCK))],
        NotFoundError,
        is_retried=False,
    ),
    invalid("compressed", "gzip", answer(gzip.compress(BODY), "Content-Encoding: gzip"), stall),
    invalid("compressed", "twice", answer(gzip.compress(gzip.compress(BODY)), "Content-Encoding: gzip, gzip"), stall),
    invalid("compressed", "unheard of", head("Content-Encoding: x-unknown", "Content-Length: 500"), stall),
    invalid(
        "compressed", "after saying identity", answer(gzip.compress(BODY), "Content-Encoding: identity, gzip"), stall
    ),
    invalid("compressed", "unsaid", answer(gzip.compress(BODY), CLOSE)),
    Case(
        "compressed",
        "502",
        [read, send(answer(gzip.compress(BODY), "Content-Encoding: gzip", code=502)), stall],
        ServerError,
    ),
    invalid("empty", "204", head(CLOSE, code=204)),
    invalid("empty", "200", answer(b"", CLOSE)),
    invalid("empty", "white space", answer(b" \r\n\t ", CLOSE)),
    invalid("empty", "no chunk", head(CLOSE, "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    Case("empty", "no length", [read, send(head(version="1.0"))], InvalidResponseError),
]


@covers(*{case.row for case in CASES})
@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_answer_that_breaks_its_promise(case: Case, opens: OpensClients) -> None:
    hold(case, opens)


def test_a_status_beyond_all_classes_is_named(opens: OpensClients) -> None:
    with FaultServer([read, send(answer(code=999)), stall]) as server:
        error = look(opens(server.url)).error
        assert type(error) is APIError
        assert error.status_code == 999


def test_white_space_in_a_body_is_read(opens: OpensClients) -> None:
    for white in (b" ", b"\r\n", b"\t"):
        body = white * 9000 + BODY + white * 9000
        chunks = CHUNKED + chunked(body[:8999], body[8999:9001], body[9001:], b"")
        with FaultServer([forever(read, send(answer(body)), read, send(chunks))]) as server:
            opened = opens(server.url)
            assert [look(opened).jobs for _ in range(4)] == [{"job-1": "Done"}] * 4
            assert server.connections == 1


def test_a_head_of_15_kb_is_read(opens: OpensClients) -> None:
    fields = [f"x-{number}: {'y' * 140}" for number in range(100)]
    with FaultServer([forever(read, send(answer(DONE, *fields)))]) as server:
        opened = opens(server.url)
        assert [look(opened).jobs for _ in range(2)] == [{"job-1": "Done"}] * 2
        assert server.connections == 1


@covers("compressed")
def test_no_compression_is_asked_for(opens: OpensClients) -> None:
    with FaultServer([read, send(OK), stall]) as server:
        assert look(opens(server.url)).jobs == {"job-1": "Done"}
        assert b"\r\naccept-encoding: identity\r\n" in server.requests[0].lower()


@covers("endless-body")
@pytest.mark.parametrize("size", [2**20 - 1, 2**20])
def test_a_body_of_1_mib_is_read(size: int, opens: OpensClients) -> None:
    body = BODY + b" " * (size - len(BODY))
    with FaultServer([read, send(answer(body)), read, send(CHUNKED + chunked(body, b"")), stall]) as server:
        opened = opens(server.url)
        assert look(opened).jobs == {"job-1": "Done"}
        assert look(opened).jobs == {"job-1": "Done"}
        assert server.connections == 1


@pytest.mark.parametrize("encoding", ["identity", "", " Identity "])
def test_identity_is_no_compression(encoding: str, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer(DONE, f"Content-Encoding: {encoding}")))]) as server:
        assert look(opens(server.url)).jobs == {"job-1": "Done"}


@covers("http-1.0")
@pytest.mark.parametrize(
    "whole",
    [
        head(version="1.0") + BODY,
        answer(version="1.0"),
        answer(DONE, "Connection: keep-alive", version="1.0"),
        answer(DONE, CLOSE),
        head() + BODY,
    ],
    ids=["no length", "length", "keep-alive", "1.1 that closes", "1.1 without length"],
)
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_an_old_server_works(whole: bytes, is_tls: bool, opens: OpensClients) -> None:  # noqa: FBT001
    hold_on = [*([secure(good())] if is_tls else []), read, send(whole)]
    with FaultServer(hold_on, scheme="https" if is_tls else "http") as server:
        options = {"ssl_context": trusting()} if is_tls else {}
        opened = opens(server.url, max_retries=0, **options)
        for count in range(1, 4):
            assert look(opened).jobs == {"job-1": "Done"}
            server.wait_until_served(count)
        assert (server.connections, len(server.requests)) == (3, 3)


def test_an_answer_before_the_request_was_read(opens: OpensClients) -> None:
    refusal = answer({"error": "INVALID_REQUEST"}, CLOSE, code=413)
    with FaultServer([send(refusal), stall]) as server:
        error = look(opens(server.url)).error
        assert isinstance(error, APIError)
        assert error.status_code == 413
