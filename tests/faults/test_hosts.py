"""Failover between hosts, on real sockets."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import pytest

from rodin_sdk import NotFoundError, RequestTimeoutError, ServerError, TransportError
from tests.deadlines import in_time
from tests.faults import certificates
from tests.faults.addresses import refusing, silent
from tests.faults.answers import OK, answer, echo
from tests.faults.cases import arrived
from tests.faults.certificates import good, trusting
from tests.faults.clients import look
from tests.faults.server import FaultServer, forever, read, receive, reply, reset, secure, send, stall

if TYPE_CHECKING:
    from tests.faults.conftest import OpensClients
    from tests.faults.server import Script

ALIVE: Final[Script] = [forever(read, reply(echo))]


def test_the_next_host_is_asked_and_then_asked_first(opens: OpensClients) -> None:
    with refusing() as dead, FaultServer(ALIVE) as second:
        opened = opens([f"http://127.0.0.1:{dead[1]}", second.url], max_retries=0)
        for key in ("one", "two"):
            assert look(opened, key).jobs == {key: "Done"}
        assert (second.connections, len(second.requests), opened.pauses) == (1, 2, [])


@pytest.mark.parametrize("code", [502, 503, 504, 520, 526])
def test_a_gateway_that_cannot_reach_the_service(code: int, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer(b"", code=code)))]) as first, FaultServer(ALIVE) as second:
        opened = opens([first.url, second.url], max_retries=0)
        for key in ("one", "two", "three"):
            assert look(opened, key).jobs == {key: "Done"}
        assert (len(first.requests), len(second.requests)) == (1, 3)


HANDSHAKES: Final[dict[str, Script]] = {
    "reset": [receive, reset],
    "FIN": [receive],
    "unknown CA": [secure(certificates.of_an_unknown_authority()), stall],
    "plain text": [receive, send(answer(b"", code=400))],
}


@pytest.mark.parametrize("how", HANDSHAKES)
def test_a_host_whose_tls_fails(how: str, opens: OpensClients) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(FaultServer(HANDSHAKES[how], scheme="https"))
        second = stack.enter_context(FaultServer([secure(good()), *ALIVE], scheme="https"))
        opened = opens([first.url, second.url], ssl_context=trusting(), max_retries=0)
        assert look(opened, "one").jobs == {"one": "Done"}
        assert (first.connections, first.requests, len(second.requests)) == (1, [], 1)


@pytest.mark.parametrize("how", ["silent", "stalled handshake"])
def test_a_host_that_does_not_answer_leaves_time_for_the_next(how: str, opens: OpensClients) -> None:
    with ExitStack() as stack:
        second = stack.enter_context(FaultServer([secure(good()), *ALIVE], scheme="https"))
        if how == "silent":
            port = stack.enter_context(silent())[1]
        else:
            port = stack.enter_context(FaultServer([receive, stall], scheme="https")).port
        opened = opens(
            [f"https://127.0.0.1:{port}", second.url], ssl_context=trusting(), max_retries=0, request_timeout=2.0
        )
        result = look(opened, "one")
        assert result.jobs == {"one": "Done"}
        in_time(result.seconds, 2.0)


def test_all_hosts_dead(opens: OpensClients) -> None:
    with refusing() as one, refusing() as two, refusing() as three:
        opened = opens([f"http://127.0.0.1:{port}" for _, port in (one, two, three)])
        result = look(opened)
        assert type(result.error) is TransportError
        assert len(opened.pauses) == 1


def test_all_hosts_silent(opens: OpensClients) -> None:
    with silent() as one, silent() as two, silent() as three:
        opened = opens([f"http://127.0.0.1:{port}" for _, port in (one, two, three)], request_timeout=0.45)
        result = look(opened)
        assert type(result.error) is RequestTimeoutError
        in_time(result.seconds, 0.9)


def test_an_answer_says_more_than_none(opens: OpensClients) -> None:
    with refusing() as dead, FaultServer([forever(read, send(answer(b"", code=502)))]) as server:
        opened = opens([server.url, f"http://127.0.0.1:{dead[1]}"], max_retries=0)
        assert type(look(opened).error) is ServerError
        assert len(server.requests) == 1


@pytest.mark.parametrize("code", [400, 401, 403, 404, 429, 500, 501])
def test_an_answer_about_the_request_stays(code: int, opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer(b"", code=code)))]) as first, FaultServer(ALIVE) as second:
        result = look(opens([first.url, second.url], max_retries=0))
        assert result.error is not None
        assert (len(first.requests), second.connections) == (1, 0)


def test_a_body_with_an_error_stays(opens: OpensClients) -> None:
    with FaultServer([forever(read, send(answer({"error": "NO_SUCH_TASK"})))]) as first, FaultServer(ALIVE) as second:
        assert type(look(opens([first.url, second.url])).error) is NotFoundError
        assert (len(first.requests), second.connections) == (1, 0)


@pytest.mark.parametrize("script", [[read, stall], [read, reset], [read]], ids=["stall", "RST", "FIN"])
def test_what_happens_after_the_request_is_no_failover(script: Script, opens: OpensClients) -> None:
    with FaultServer(script) as first, FaultServer(ALIVE) as second:
        result = look(opens([first.url, second.url], max_retries=0, request_timeout=0.5))
        assert isinstance(result.error, TransportError)
        arrived(first, 1, 1)
        assert second.connections == 0


def test_back_to_the_first_host_when_the_second_dies(opens: OpensClients) -> None:
    bad = send(answer(b"", code=503))
    with (
        FaultServer([read, bad, *ALIVE], ALIVE) as first,
        FaultServer([read, send(OK), read, bad, stall]) as second,
    ):
        opened = opens([first.url, second.url], max_retries=0)
        assert look(opened, "one").jobs == {"job-1": "Done"}
        assert look(opened, "two").jobs == {"two": "Done"}
        assert look(opened, "three").jobs == {"three": "Done"}
        assert (len(first.requests), len(second.requests)) == (3, 2)
