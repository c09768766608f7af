"""What can go wrong with an answer, as a client sees it on the wire."""

from __future__ import annotations

import json
import time
from datetime import datetime
from email.utils import parsedate_to_datetime
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from rodin_sdk.testing import Emulator, End, Fault, Framing, JobScript, Point, RandomFaults, RecordedRequest

if TYPE_CHECKING:
    from tests.testing.conftest import Client

JOB = [JobScript([(0, "Done")], uuid="a")]
BODY = b'{"jobs": [{"uuid": "a", "status": "Done"}]}'


@pytest.fixture
def key(emulator: Emulator) -> str:
    return emulator.add_task(JOB)


def wire(emulator: Emulator, client: Client, key: str, fault: Fault) -> bytes:
    """Returns all that is sent until the connection ends."""
    emulator.inject(fault)
    return client.exchange(client.raw_request(key))


def test_an_error_in_the_way_of_the_service(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(
        Fault.error(503),
        Fault.error(201, "API_INSUFFICIENT_FUNDS", "The fund in your wallet is insufficient."),
        Fault.error(599),
        Fault.error(500, message=""),
    )
    replies = [client.ask(key) for _ in range(5)]
    assert [reply.status for reply in replies] == [503, 201, 599, 500, 201]
    assert [reply.json().get("message") for reply in replies] == [
        "Service Unavailable",
        "The fund in your wallet is insufficient.",
        "",
        "",
        None,
    ]
    assert replies[0].json()["error"] == "UNKNOWN"
    assert replies[1].json()["error"] == "API_INSUFFICIENT_FUNDS"


def test_what_is_not_given_stays(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(
        Fault(status_code=202, headers={"X-Trace": "ä", "content-type": "text/plain"}),
        Fault(body={"jobs": None}),
        Fault(body="text"),
        Fault(body=b"\xff"),
    )
    first = client.ask(key)
    assert (first.status, first.body) == (202, BODY)
    assert first.headers.get_all("Content-Type") == ["text/plain"]
    assert first.headers["X-Trace"].encode("latin-1").decode() == "ä"
    assert [client.ask(key).body for _ in range(3)] == [b'{"jobs": null}', b"text", b"\xff"]


def test_a_page_of_html_and_a_wrong_content_type(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault.html(), Fault.content_type("image/png"))
    page, picture = client.ask(key), client.ask(key)
    assert (page.status, page.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert b"<h1>502 Bad Gateway</h1>" in page.body
    assert (picture.headers["Content-Type"], picture.body) == ("image/png", BODY)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(emulator: Emulator, client: Client, key: str, status: int) -> None:
    emulator.inject(Fault(status_code=status), None)
    reply = client.ask(key)
    assert (reply.status, reply.body) == (status, b"")
    assert ("Content-Length" in reply.headers) == (status == 304)
    assert client.ask(key).body == BODY


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (Fault.error(429, retry_after=2), "2"),
        (Fault.error(429, retry_after=1.2), "2"),
        (Fault.error(429, retry_after="soon"), "soon"),
        (Fault.error(429, retry_after="-5", retry_after_form="imf"), "-5"),
        (Fault.error(429, retry_after="١٢"), "١٢"),
        (Fault.error(429, retry_after=5, retry_after_form="none"), None),
    ],
)
def test_retry_after_as_text(emulator: Emulator, client: Client, key: str, fault: Fault, sent: str | None) -> None:
    emulator.inject(fault)
    found = client.ask(key).headers["Retry-After"]
    assert (found and found.encode("latin-1").decode()) == sent


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("imf", "%a, %d %b %Y %H:%M:%S GMT"),
        ("rfc850", "%A, %d-%b-%y %H:%M:%S GMT"),
        ("asctime", "%a %b %d %H:%M:%S %Y"),
    ],
)
def test_retry_after_as_a_date(emulator: Emulator, client: Client, key: str, form: str, pattern: str) -> None:
    emulator.inject(Fault.error(503, retry_after=90, retry_after_form=form))
    headers = client.ask(key).headers
    told = datetime.strptime(headers["Retry-After"], pattern).astimezone()
    sent = parsedate_to_datetime(headers["Date"]).replace(tzinfo=None).astimezone()
    assert (told - sent).total_seconds() == 90


def test_a_delay_comes_first_and_the_connection_is_kept(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault.delayed(0.05), Fault.delayed(0.05, at="end"), Fault.delayed(0.05, at="middle"))
    began = time.monotonic()
    bodies = [client.ask(key).body for _ in range(4)]
    assert time.monotonic() - began >= 0.15
    assert bodies == [BODY] * 4


@pytest.mark.parametrize("at", list(Point))
@pytest.mark.parametrize("framing", [Framing.LENGTH, Framing.CHUNKED])
def test_an_answer_may_drip(emulator: Emulator, client: Client, key: str, at: Point, framing: Framing) -> None:
    emulator.inject(evolve(Fault.dripping(0.001, drip_size=7, at=at), framing=framing))
    began = time.monotonic()
    reply = client.ask(key)
    assert reply.body == BODY
    assert reply.headers["Transfer-Encoding"] == (None if framing is Framing.LENGTH else "chunked")
    drops = {Point.START: len(BODY) // 7, Point.BODY: len(BODY) // 7, Point.MIDDLE: len(BODY) // 14, Point.END: 0}
    assert time.monotonic() - began >= 0.001 * (drops[at] - 1)


def test_requests_sent_ahead_are_answered_in_turn(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault.delayed(0.001), None, Fault(delay=0.001))
    last = client.raw_request(key).replace(b"Host:", b"Connection: close\r\nHost:")
    received = client.exchange(client.raw_request(key) * 3 + last)
    assert received.count(b"HTTP/1.1 201 Created") == 4
    assert received.count(BODY) == 4


@pytest.mark.parametrize("at", list(Point))
def test_a_connection_may_be_closed_anywhere(emulator: Emulator, client: Client, key: str, at: Point) -> None:
    received = wire(emulator, client, key, Fault.closed(at=at))
    head, _, body = received.partition(b"\r\n\r\n")
    assert (head == b"") == (at is Point.START)
    assert body == {Point.MIDDLE: BODY[: len(BODY) // 2], Point.END: BODY}.get(at, b"")


@pytest.mark.parametrize("at", [Point.START, Point.BODY, Point.MIDDLE])
def test_a_connection_may_be_reset_anywhere(emulator: Emulator, client: Client, key: str, at: Point) -> None:
    with pytest.raises(ConnectionResetError):
        wire(emulator, client, key, Fault.reset(at=at))


@pytest.mark.parametrize("at", [Point.START, Point.BODY, Point.MIDDLE])
def test_an_answer_may_stall_until_someone_gives_up(emulator: Emulator, client: Client, key: str, at: Point) -> None:
    emulator.inject(Fault.stalled(at=at))
    with client.socket() as raw:
        raw.sendall(client.raw_request(key) * 2)
        received = b""
        while BODY[:5] not in received and at is Point.MIDDLE:
            received += raw.recv(65_536)
        emulator.wait_for_requests(1)
        emulator.close()
        while piece := raw.recv(65_536):
            received += piece
    assert len(emulator.requests) == 1
    assert received.count(b"HTTP/1.1 ") == (at is not Point.START)
    assert not received.endswith(BODY)


def test_a_body_may_be_cut_short(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault.truncated(), Fault.truncated(framing="chunked"), Fault.truncated(framing="close"))
    for _ in range(2):
        with pytest.raises(IncompleteRead):
            client.ask(key)
        client.close()
    assert client.ask(key).body == BODY[: len(BODY) // 2]


def test_a_body_without_a_length_ends_with_the_connection(emulator: Emulator, client: Client, key: str) -> None:
    received = wire(emulator, client, key, Fault(framing=Framing.CLOSE, status_code=418))
    head, _, body = received.partition(b"\r\n\r\n")
    assert body == BODY
    assert head.startswith(b"HTTP/1.1 418 I'm a Teapot\r\n")
    assert b"connection: close" in head.lower()
    assert b"content-length" not in head.lower()


@pytest.mark.parametrize("framing", list(Framing))
def test_a_body_may_be_oversized(emulator: Emulator, client: Client, key: str, framing: Framing) -> None:
    size = 20_000_000
    emulator.inject(evolve(Fault.oversized(size), framing=framing))
    body = client.ask(key).body
    assert len(body) == size
    assert json.loads(body) == json.loads(BODY)
    assert client.ask(key).body == BODY


def test_padding_never_shortens(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault.oversized(1))
    assert client.ask(key).body == BODY


def test_a_client_that_leaves_ends_the_answer(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault.oversized(1_000_000_000), Fault.dripping(60))
    with client.socket() as endless, client.socket() as dripping:
        endless.sendall(client.raw_request(key))
        assert endless.recv(1)
        dripping.sendall(client.raw_request(key))
        assert dripping.recv(1)
    assert client.ask(key).body == BODY


@pytest.mark.parametrize("raw", ["HTTP/1.1 99 Odd\r\n\r\n", b"\x00\xff garbage", ""])
def test_anything_may_be_sent(emulator: Emulator, client: Client, key: str, raw: str | bytes) -> None:
    assert wire(emulator, client, key, Fault.garbage(raw)) == (raw.encode() if isinstance(raw, str) else raw)
    half = Fault(raw="0123456789", at=Point.MIDDLE, end=End.CLOSE)
    assert wire(emulator, client, key, half) == b"01234"


def test_a_client_of_http_1_0_gets_no_chunks(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault(framing="chunked"))
    received = client.exchange(client.raw_request(key).replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert received.endswith(b"\r\n\r\n" + BODY)


def test_faults_come_in_turn(emulator: Emulator, client: Client) -> None:
    other = emulator.add_task(JOB)
    key = emulator.add_task(JOB, faults=[Fault.error(501), None])
    emulator.faults = RandomFaults([Fault.error(504)], rate=1, seed=0)
    emulator.inject(Fault.error(503), subscription_key=key)
    emulator.inject(Fault.error(502), None, times=2)
    assert [client.ask(key).status for _ in range(3)] == [502, 201, 502]
    assert [client.ask(other).status for _ in range(2)] == [201, 504]
    assert [client.ask(key).status for _ in range(4)] == [501, 201, 503, 504]
    emulator.faults = None
    assert client.ask(key).status == 201


def test_only_status_requests_use_faults_up(emulator: Emulator, client: Client, key: str) -> None:
    emulator.inject(Fault.error(503), Fault.error(504))
    assert [client.send(path="/favicon.ico").status, client.send("GET").status] == [404, 405]
    assert [client.ask(key).status, client.send(headers={}).status] == [503, 504]


def test_faults_for_no_task_are_refused(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="subscription_key must be a task's"):
        emulator.inject(Fault.reset(), subscription_key="unknown")
    with pytest.raises(ValueError, match="times must be at least 1, not 0"):
        emulator.inject(Fault.reset(), times=0)


def test_a_source_of_faults_sees_the_request(emulator: Emulator, client: Client, key: str) -> None:
    def source(request: RecordedRequest) -> Fault | None:
        assert request.status_code is None
        return Fault.error(503) if request.subscription_key == key and len(emulator.requests) < 2 else None

    emulator.faults = source
    assert [client.ask(key).status for _ in range(3)] == [503, 503, 201]


def test_a_source_of_faults_that_breaks_is_logged(
    emulator: Emulator, client: Client, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    def source(request: RecordedRequest) -> Fault | None:
        raise LookupError(request.method)

    emulator.faults = source
    reply = client.ask(key)
    assert (reply.status, reply.json()["error"]) == (500, "UNKNOWN")
    assert "The fault source raised an exception" in caplog.text
    assert "LookupError: POST" in caplog.text
    no_fault: Any = "reset"
    emulator.faults = lambda _request: no_fault
    assert client.ask(key).status == 500
    assert "faults must be Fault or None, not str." in caplog.text


def test_a_list_of_faults_is_no_source(emulator: Emulator) -> None:
    faults: Any = [Fault.reset()]
    with pytest.raises(TypeError, match="faults must be a function of the request, not list: inject takes faults"):
        emulator.faults = faults
    assert emulator.faults is None
    with pytest.raises(TypeError, match="faults must be a function"):
        Emulator(faults=faults)


def test_faults_at_random_are_the_same_for_a_seed(emulator: Emulator, client: Client, key: str) -> None:
    def run(seed: int) -> list[int]:
        emulator.faults = RandomFaults([Fault.error(502), Fault.error(503), None], rate=0.6, seed=seed)
        return [client.ask(key).status for _ in range(50)]

    first = run(1)
    assert first == run(1) != run(2)
    assert set(first) == {201, 502, 503}
    emulator.faults = RandomFaults([Fault.error(503)], rate=0, seed=1)
    assert {client.ask(key).status for _ in range(20)} == {201}


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"faults": [], "rate": 0.5, "seed": 1}, ValueError, r"faults must not be empty\."),
        ({"faults": [None], "rate": 1.5, "seed": 1}, ValueError, r"rate must be at most 1, not 1\.5\."),
        ({"faults": [None], "rate": -1, "seed": 1}, ValueError, r"rate must be finite and at least 0, not -1\."),
        ({"faults": [None], "rate": 0.5, "seed": "x"}, TypeError, r"seed must be a whole number, not str\."),
    ],
)
def test_random_faults_are_checked(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        RandomFaults(**arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"status_code": 99}, ValueError, r"status_code must be from 200 to 999, not 99\."),
        ({"headers": {"Content-Length": "5"}}, ValueError, r"headers must not have Content-Length: use framing"),
        ({"headers": {"a b": "5"}}, ValueError, r"headers must be what HTTP allows: .* Use raw for anything else\."),
        ({"headers": {"a": "1\r\nb: 2"}}, ValueError, r"headers must be what HTTP allows"),
        ({"headers": {"a": 5}}, TypeError, r"headers must be names and values, all of them str\."),
        ({"headers": "a: 5"}, TypeError, r"headers must be a sequence, not str\."),
        ({"body": object()}, TypeError, r"body and raw must be bytes, a str, or what JSON can hold\."),
        ({"retry_after": -1}, ValueError, r"retry_after must be finite and at least 0, not -1\."),
        ({"retry_after": 1e12}, ValueError, r"retry_after must be at most 1e\+09, not 1000000000000\.0\."),
        ({"retry_after": "1\n2"}, ValueError, r"headers must be what HTTP allows"),
        ({"retry_after_form": "iso"}, ValueError, r"retry_after_form must be one of seconds"),
        ({"pad_to": -1}, ValueError, r"pad_to must be at least 0, not -1\."),
        ({"framing": "none"}, ValueError, r"framing must be one of length, chunked, close, not 'none'\."),
        ({"at": "dawn"}, ValueError, r"at must be one of start, body, middle, end, not 'dawn'\."),
        ({"end": 5}, TypeError, r"end must be a str, not int\."),
        ({"delay": float("inf")}, ValueError, r"delay must be finite and at least 0, not inf\."),
        ({"drip": "slow"}, TypeError, r"drip must be a number, not str\."),
        ({"drip_size": 0}, ValueError, r"drip_size must be at least 1, not 0\."),
        ({"drip": 1, "end": "reset"}, ValueError, r"drip must not stand beside an end"),
        ({"raw": b"", "status_code": 200}, ValueError, r"raw must stand alone"),
        ({"raw": b"", "headers": {"a": "b"}}, ValueError, r"raw must stand alone"),
    ],
)
def test_faults_are_checked(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Fault(**arguments)


def test_faults_are_values() -> None:
    assert Fault.error(503) == Fault.error(503) != Fault.error(504)
    assert len({Fault.reset(), Fault.reset(), Fault(headers=[("a", "b")]), Fault(headers={"a": "b"})}) == 2
