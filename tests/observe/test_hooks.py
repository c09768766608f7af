"""Hooks: what they are told of each request, in which order, and that they harm no call."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from threading import Barrier
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from attrs.exceptions import FrozenInstanceError

from rodin_sdk import AsyncRodin, ClientClosedError, Poll, Rodin, ServerError
from rodin_sdk.instrumentation import Attempt, add_hook
from tests.observe.test_log import FINGERPRINT, call, told
from tests.secrets_check import assert_no_secrets
from tests.unit.support import API_KEY, DONE, RUNNING, SECRETS, SUBSCRIPTION_KEY, response, transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.clients import Kind

pytestmark = pytest.mark.usefixtures("no_pauses")


def in_turn(*answers: httpx.Response) -> httpx.MockTransport:
    """Returns a transport that gives these answers, in order."""
    left = list(answers)
    return httpx.MockTransport(lambda _: left.pop(0))


def test_an_attempt_in_full(kind: Kind, attempts: list[Attempt]) -> None:
    http = transport(DONE, 200, x_request_id="id-1", set_cookie="session=1")
    call(kind, "status", SUBSCRIPTION_KEY, http_transport=http, base_url="https://[::1]:8443/gateway/api/v2/")
    (attempt,) = attempts
    assert 0 <= attempt.duration < 5
    assert attempt == Attempt(
        method="POST",
        url="https://[::1]:8443/gateway/api/v2/status",
        host="::1",
        port=8443,
        path="/gateway/api/v2/status",
        task=FINGERPRINT,
        number=1,
        resend_count=0,
        duration=attempt.duration,
        status_code=200,
        error=None,
        headers={"x-request-id": "id-1"},
    )
    assert_no_secrets(SECRETS, attempt)
    assert len({attempt, attempts[0]}) == 1
    with pytest.raises(FrozenInstanceError):
        attempt.number = 2  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def test_retries_and_other_hosts_are_resends(kind: Kind, attempts: list[Attempt]) -> None:
    http = in_turn(response(b"", 502), response(b"", 503), response(b"", 429), response(DONE))
    urls = ["https://a.example", "https://b.example"]
    call(kind, "status", SUBSCRIPTION_KEY, http_transport=http, base_url=urls)
    assert [(each.host, each.number, each.resend_count, each.status_code, each.error) for each in attempts] == [
        ("a.example", 1, 0, 502, "ServerError"),
        ("b.example", 1, 1, 503, "ServerError"),
        ("a.example", 2, 2, 429, "RateLimitError"),
        ("a.example", 3, 3, 201, None),
    ]


def test_looks_of_a_wait_are_no_resends(kind: Kind, attempts: list[Attempt]) -> None:
    http = in_turn(response(RUNNING), response(b"", 500), response(DONE))
    call(kind, "wait", SUBSCRIPTION_KEY, http_transport=http)
    assert [(each.number, each.resend_count) for each in attempts] == [(1, 0), (2, 0), (3, 0)]


def test_an_error_with_a_code_of_success_and_no_answer_at_all(kind: Kind, attempts: list[Attempt]) -> None:
    call(kind, "status", SUBSCRIPTION_KEY, http_transport=transport({"error": "NO_SUCH_TASK"}))

    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    call(kind, "status", SUBSCRIPTION_KEY, http_transport=httpx.MockTransport(fail), max_retries=0)
    assert [(each.status_code, each.error) for each in attempts] == [
        (201, "NotFoundError"),
        (None, "RequestTimeoutError"),
    ]


def test_an_attempt_shows_no_secret_that_the_server_sends_back(kind: Kind, attempts: list[Attempt]) -> None:
    echo = f"{API_KEY} {SUBSCRIPTION_KEY}"
    call(kind, "status", SUBSCRIPTION_KEY, http_transport=transport(DONE, 201, x_request_id=echo))
    assert attempts[0].headers == {"x-request-id": "[redacted] [redacted]"}
    assert_no_secrets(SECRETS, *attempts)


def test_hooks_are_called_in_the_order_in_which_they_were_added() -> None:
    told_to: list[str] = []
    hooks: list[Callable[[Attempt], None]] = [
        lambda _: told_to.append("a"),
        lambda _: told_to.append("b"),
        lambda _: told_to.append("c"),
    ]
    removers = [add_hook(hook) for hook in hooks]
    call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    removers[1]()
    call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    for remove in removers * 2:
        remove()
    call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    assert told_to == ["a", "b", "c", "a", "c"]


def test_a_hook_that_was_added_twice_is_called_twice_and_removed_once_at_a_time() -> None:
    told_to: list[Attempt] = []
    first, second = add_hook(told_to.append), add_hook(told_to.append)
    call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    first()
    first()
    call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    second()
    assert len(told_to) == 3


def test_a_hook_may_remove_itself() -> None:
    told_to: list[str] = []
    removers: list[Callable[[], None]] = []

    def once(_: Attempt) -> None:
        told_to.append("once")
        removers[0]()

    removers += [add_hook(once), add_hook(lambda _: told_to.append("always"))]
    for _ in range(2):
        call("sync", "status", SUBSCRIPTION_KEY, http_transport=transport())
    removers[1]()
    assert told_to == ["once", "always", "always"]


def test_what_a_hook_raises_is_logged_once_and_harms_nothing(
    kind: Kind, attempts: list[Attempt], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(attempt: Attempt) -> None:
        raise ZeroDivisionError(f"at attempt {attempt.number}")

    removers = [add_hook(fail), add_hook(attempts.append)]
    http = in_turn(response(RUNNING), response(DONE))
    assert not isinstance(call(kind, "wait", SUBSCRIPTION_KEY, http_transport=http), Exception)
    for remove in removers:
        remove()
    assert len(attempts) == 4
    (record,) = (record for record in caplog.records if record.levelno >= logging.WARNING)
    assert record.name == "rodin_sdk"
    assert told(caplog, logging.WARNING) == ["A hook failed; its further failures are not logged: correct it"]
    assert record.exc_info is not None
    assert repr(record.exc_info[1]) == "ZeroDivisionError('at attempt 1')"
    assert_no_secrets(SECRETS, *caplog.records)


def test_an_interrupt_in_a_hook_goes_through() -> None:
    def interrupt(_: Attempt) -> None:
        raise KeyboardInterrupt

    remove = add_hook(interrupt)
    with Rodin(API_KEY, http_transport=transport()) as rodin, pytest.raises(KeyboardInterrupt) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    remove()
    assert_no_secrets(SECRETS, caught.value)


def test_a_request_that_is_cut_off_is_not_told(attempts: list[Attempt]) -> None:
    async def main() -> None:
        async def never(_: httpx.Request) -> httpx.Response:
            await asyncio.sleep(60)
            raise AssertionError

        async with AsyncRodin(API_KEY, http_transport=httpx.MockTransport(never)) as rodin:
            task = asyncio.create_task(rodin.status(SUBSCRIPTION_KEY))
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises((asyncio.CancelledError, ClientClosedError)):
                await task

    asyncio.run(main())
    assert attempts == []


place: ContextVar[str] = ContextVar("place", default="nowhere")


@pytest.mark.parametrize("name", ["status", "wait", "wait_all"])
def test_hooks_see_the_context_of_the_call(kind: Kind, name: str) -> None:
    seen: list[str] = []
    remove = add_hook(lambda _: seen.append(place.get()))
    token = place.set("here")
    call(kind, name, SUBSCRIPTION_KEY, http_transport=transport())
    place.reset(token)
    remove()
    assert seen == ["here"]


def test_looks_at_the_same_time_each_have_their_context() -> None:
    barrier, seen = Barrier(4, timeout=10), list[str]()

    def handle(_: httpx.Request) -> httpx.Response:
        barrier.wait()
        return response(DONE)

    remove = add_hook(lambda _: seen.append(place.get()))
    token = place.set("here")
    options: dict[str, Any] = {"requests_per_minute": None, "poll": Poll(0.01)}
    with Rodin(API_KEY, http_transport=httpx.MockTransport(handle), **options) as rodin:
        rodin.wait_all([f"key {number}" for number in range(4)])
    place.reset(token)
    remove()
    assert seen == ["here"] * 4


def test_without_a_hook_and_a_log_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: object) -> None:
        raise AssertionError("an attempt was made")

    caplog.set_level(logging.INFO, "rodin_sdk")
    monkeypatch.setattr("rodin_sdk._observe.Attempt", fail)
    with Rodin(API_KEY, http_transport=transport(b"", 500), max_retries=0) as rodin, pytest.raises(ServerError):
        rodin.status(SUBSCRIPTION_KEY)
