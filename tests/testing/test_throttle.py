"""The rate limit: counts requests in a window of time, and says when the next one may come."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from rodin_sdk.testing import Assumptions, Emulator, RetryAfterForm, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testing.conftest import Client

    Connect = Callable[[Emulator], Client]


def test_requests_beyond_the_limit_get_429_until_there_is_room(connect: Connect, clock: VirtualClock) -> None:
    with Emulator(clock=clock, requests_per_minute=3) as emulator:
        client = connect(emulator)
        key = emulator.add_task("sketch")
        answers: list[int] = []
        for _ in range(3):
            answers.append(client.ask(key).status)
            clock.advance(10)
        refused = client.ask(key)
        assert (answers, refused.status) == ([201] * 3, 429)
        assert refused.headers["Retry-After"] == "30"
        assert refused.json()["error"] == "TOO_MANY_REQUESTS"
        clock.advance(29.5)
        assert client.ask(key).headers["Retry-After"] == "1"
        clock.advance(0.5)
        assert [client.ask(key).status, client.ask(key).status] == [201, 429]
        clock.advance(1000)
        assert [client.ask(key).status for _ in range(4)] == [201, 201, 201, 429]


def test_only_status_requests_with_the_right_key_count(connect: Connect, clock: VirtualClock) -> None:
    with Emulator(clock=clock, requests_per_minute=1) as emulator:
        client = connect(emulator)
        replies = [client.send(path="/"), client.send("GET"), client.send(headers={})]
        assert [reply.status for reply in replies] == [404, 405, 401]
        assert [client.ask("unknown").status, client.ask("unknown").status] == [201, 429]


def test_refused_requests_may_count_as_well(connect: Connect, clock: VirtualClock) -> None:
    with Emulator(
        clock=clock, requests_per_minute=120, assumptions=Assumptions(throttle_window=1, refused_requests_count=True)
    ) as emulator:
        client = connect(emulator)
        answers: list[int] = []
        for _ in range(6):
            answers.append(client.ask("unknown").status)
            clock.advance(0.25)
        assert answers == [201, 201, 429, 429, 429, 429]


def test_a_share_below_one_request_is_one(connect: Connect, clock: VirtualClock) -> None:
    with Emulator(clock=clock, requests_per_minute=30, assumptions=Assumptions(throttle_window=1)) as emulator:
        assert [connect(emulator).ask("unknown").status for _ in range(2)] == [201, 429]


@pytest.mark.parametrize("form", [RetryAfterForm.IMF, RetryAfterForm.NONE])
def test_retry_after_may_be_a_date_or_be_missing(connect: Connect, clock: VirtualClock, form: RetryAfterForm) -> None:
    with Emulator(clock=clock, requests_per_minute=1, assumptions=Assumptions(retry_after_form=form)) as emulator:
        client = connect(emulator)
        client.ask("unknown")
        headers = client.ask("unknown").headers
        if form is RetryAfterForm.NONE:
            assert "Retry-After" not in headers
        else:
            wait = parsedate_to_datetime(headers["Retry-After"]) - parsedate_to_datetime(headers["Date"])
            assert wait.total_seconds() == 60


def test_the_date_follows_the_clock(emulator: Emulator, connect: Connect, clock: VirtualClock) -> None:
    client = connect(emulator)
    first = parsedate_to_datetime(client.ask("unknown").headers["Date"])
    clock.advance(86_400)
    assert (parsedate_to_datetime(client.ask("unknown").headers["Date"]) - first).total_seconds() == 86_400
