"""Several hosts: when the next is asked, in which order, within which time, and which is asked first from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import (
    APIError,
    AsyncRodin,
    InvalidResponseError,
    RequestTimeoutError,
    Rodin,
    ServerError,
    TaskStatus,
    TransportError,
)
from rodin_sdk._messages import Answer, Fault, Phase
from rodin_sdk._retry import QUOTA
from tests.unit.support import API_KEY, DONE, SUBSCRIPTION_KEY, Slow, Step, World, answer, fault, response, world

if TYPE_CHECKING:
    from rodin_sdk._flows import Session

A, B, C = "https://a.example", "https://b.example", "https://c.example"
OK = answer(DONE)
DEAD = fault(Phase.CONNECTING)

MOVES_ON: dict[str, Answer | Fault] = {
    "not connected": DEAD,
    "not connected in time": Fault(RequestTimeoutError("late"), Phase.CONNECTING),
    "certificate": fault(Phase.REFUSED),
    **{str(code): answer(b"", code) for code in (502, 503, 504, *range(520, 530))},
    "503 with a code": answer({"error": "NO_SUCH_TASK"}, 503),
    "503 that asks to wait": answer(b"", 503, retry_after="30"),
    "502 with final jobs": answer(DONE, 502),
}
STAYS: dict[str, Answer | Fault] = {
    "success": OK,
    "lost": fault(Phase.SENT),
    "timed out": Fault(RequestTimeoutError("late"), Phase.SENT),
    **{
        str(code): answer(b"", code)
        for code in (302, 400, 401, 403, 404, 408, 409, 421, 425, 429, 500, 501, 505, 519, 530, 599)
    },
    "code": answer({"error": "NO_SUCH_TASK"}),
    "unknown code": answer({"error": "TEAPOT"}),
    "cannot be understood": answer(b"<html>"),
    "empty": answer(b"", 204),
}


def hosts(scene: World) -> list[str]:
    return [sent.host for sent in scene.sent]


def call(*script: Step, urls: tuple[str, ...] = (A, B, C), **options: Any) -> tuple[World, Session, Any]:
    scene = world(*script)
    session = scene.session(*urls)
    return scene, session, scene.status(session, **options)


@pytest.mark.parametrize("step", MOVES_ON.values(), ids=MOVES_ON)
def test_next_host_is_asked_at_once(step: Answer | Fault) -> None:
    scene, session, status = call(step, step, OK, max_retries=0)
    assert isinstance(status, TaskStatus)
    assert hosts(scene) == [A, B, C]
    assert scene.gaps == [0, 0]
    assert str(session.hosts.preferred) == C


@pytest.mark.parametrize("step", STAYS.values(), ids=STAYS)
def test_next_host_is_not_asked(step: Answer | Fault) -> None:
    scene, session, _ = call(step, max_retries=0)
    assert hosts(scene) == [A]
    assert str(session.hosts.preferred) == A


@pytest.mark.parametrize("step", [step for step in STAYS.values() if isinstance(step, Answer)])
def test_host_that_answered_is_asked_first_from_then_on(step: Answer) -> None:
    scene, session, _ = call(DEAD, step, max_retries=0)
    scene.script = [OK]
    scene.status(session)
    assert hosts(scene) == [A, B, B]


@pytest.mark.parametrize("step", [step for step in STAYS.values() if isinstance(step, Fault)])
def test_host_that_did_not_answer_is_not_asked_first(step: Fault) -> None:
    scene, session, error = call(DEAD, step, max_retries=0)
    assert isinstance(error, TransportError)
    scene.script = [OK]
    scene.status(session)
    assert hosts(scene) == [A, B, A]


def test_order_goes_round_from_the_preferred_host() -> None:
    scene, session, _ = call(DEAD, OK)
    scene.script = [DEAD, DEAD, OK]
    scene.status(session)
    assert hosts(scene) == [A, B, B, C, A]
    scene.script = [OK]
    scene.status(session)
    assert hosts(scene)[-1] == A


def test_preference_holds_while_the_first_host_is_well_again() -> None:
    scene, session, _ = call(DEAD, OK)
    scene.script = [OK]
    for _ in range(5):
        scene.status(session)
    assert hosts(scene) == [A] + [B] * 6


def test_every_retry_goes_round_once_more() -> None:
    scene, session, error = call(DEAD, max_retries=2)
    assert hosts(scene) == [A, B, C] * 3
    assert scene.gaps == [0, 0, 0.25, 0, 0, 0.5, 0, 0]
    assert error.attempts == 3
    assert str(session.hosts.preferred) == A


def test_failover_costs_no_retry_of_the_quota() -> None:
    scene = world(DEAD)
    session = scene.session(A, B, C)
    for _ in range(300):
        scene.status(session, max_retries=0)
    scene.script = [answer(b"", 500)]
    scene.sent.clear()
    scene.status(session, max_retries=1_000)
    assert len(scene.sent) == 1 + QUOTA


def test_retry_after_a_time_out_asks_the_same_host() -> None:
    scene, _, status = call(fault(Phase.SENT), OK)
    assert isinstance(status, TaskStatus)
    assert hosts(scene) == [A, A]


def test_retry_after_a_failover_asks_the_host_that_answered() -> None:
    scene, _, status = call(DEAD, answer(b"", 500), OK)
    assert isinstance(status, TaskStatus)
    assert hosts(scene) == [A, B, B]


def test_one_host_alone_has_no_other() -> None:
    scene, _, error = call(DEAD, urls=(A,), max_retries=1)
    assert hosts(scene) == [A, A]
    assert isinstance(error, TransportError)


# --- the error, where no host did


@pytest.mark.parametrize(
    ("script", "kind", "retried"),
    [
        ([DEAD, DEAD, answer(b"", 503)], ServerError, True),
        ([answer(b"", 503), DEAD, DEAD], ServerError, True),
        ([DEAD, answer(b"", 502), fault(Phase.REFUSED)], ServerError, True),
        ([DEAD, DEAD, DEAD], TransportError, True),
        ([DEAD, fault(Phase.REFUSED), fault(Phase.REFUSED)], TransportError, True),
        ([fault(Phase.REFUSED), fault(Phase.REFUSED), DEAD], TransportError, True),
        ([fault(Phase.REFUSED)] * 3, TransportError, False),
    ],
    ids=["answer last", "answer first", "answer between", "dead", "one may live", "last may live", "certificates"],
)
def test_error_that_tells_most_is_raised(script: list[Step], kind: type[Exception], *, retried: bool) -> None:
    scene, _, error = call(*script, max_retries=0)
    assert type(error) is kind
    assert hosts(scene) == [A, B, C]
    scene, _, status = call(*script, OK, max_retries=1)
    assert isinstance(status, TaskStatus) == retried


def test_last_of_equal_errors_is_raised() -> None:
    texts = ["first", "second", "third"]
    _, _, error = call(*(fault(Phase.CONNECTING, text) for text in texts), max_retries=0)
    assert str(error) == "third"
    _, _, error = call(answer(b"", 503), answer(b"", 520), DEAD, max_retries=0)
    assert error.status_code == 520


def test_retry_after_of_the_error_that_is_raised_counts() -> None:
    scene, _, error = call(answer(b"", 503, retry_after="90"), DEAD, DEAD)
    assert (error.retry_after, len(scene.sent)) == (90, 3)


# --- time: all hosts of a round share one limit


def test_time_is_shared() -> None:
    scene, _, _ = call(Slow(DEAD, 10), Slow(DEAD, 12), OK, request_timeout=30.0, max_retries=0)
    assert [sent.timeout for sent in scene.sent] == [30, 20, 8]
    assert [sent.connect_timeout for sent in scene.sent] == [10, 10, None]


def test_no_time_limit_is_shared_by_none() -> None:
    scene, _, _ = call(Slow(DEAD, 1e6), Slow(DEAD, 1e6), OK, request_timeout=None, max_retries=0)
    assert [(sent.timeout, sent.connect_timeout) for sent in scene.sent] == [(None, None)] * 3


def test_no_host_is_asked_without_time() -> None:
    for seconds in (30.0, 31.0):
        scene, session, error = call(Slow(DEAD, seconds), OK, request_timeout=30.0, max_retries=0)
        assert hosts(scene) == [A]
        assert isinstance(error, TransportError)
        assert str(session.hosts.preferred) == A


def test_next_host_is_asked_however_little_time_is_left() -> None:
    scene, _, status = call(Slow(DEAD, 29.5), OK, request_timeout=30.0, max_retries=0)
    assert isinstance(status, TaskStatus)
    assert [sent.timeout for sent in scene.sent] == [30, 0.5]


@given(
    st.lists(st.floats(0, 40), min_size=1, max_size=5),
    st.integers(1, 4),
    st.floats(0.001, 60),
    st.sampled_from([DEAD, answer(b"", 503), answer(b"", 500), fault(Phase.SENT)]),
)
def test_no_attempt_is_given_more_than_its_time(
    seconds: list[float], number: int, timeout: float, result: Answer | Fault
) -> None:
    """Whatever each host takes of the time that it is given, the round ends within the limit."""

    class Honest(World):
        def _perform(self, effect: object) -> Answer | Fault | None:
            given_time = getattr(effect, "connect_timeout", None) or getattr(effect, "timeout", None)
            if given_time is not None:
                self.script = [Slow(result, min(given_time, seconds[len(self.sent) % len(seconds)]))]
            return super()._perform(effect)

    scene = Honest([OK])
    session = scene.session(*(A, B, C, "https://d.example")[:number])
    scene.status(session, request_timeout=timeout, max_retries=0)
    assert scene.now - 1_000 <= timeout + 1e-6
    assert all(sent.timeout is not None and 0 < sent.timeout <= timeout for sent in scene.sent)
    assert all((sent.connect_timeout or 0) <= (sent.timeout or 0) for sent in scene.sent)


# --- through the clients


class Hosts(httpx.MockTransport):
    """Some hosts are dead."""

    def __init__(self, *dead: str) -> None:
        self.dead = set(dead)
        self.asked: list[str] = []
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"https://{request.url.host}")
        if self.asked[-1] in self.dead:
            raise httpx.ConnectError("dead")
        return response()


def test_client_shows_the_host_that_answers() -> None:
    net = Hosts(A)
    with Rodin(API_KEY, base_url=[A, B], http_transport=net, max_retries=0) as rodin:
        assert rodin.base_url == A
        rodin.status(SUBSCRIPTION_KEY)
        assert rodin.base_url == B
        assert repr(rodin) == f"Rodin(base_url='{B}')"
        assert rodin.with_options(max_retries=1).base_url == B
        rodin.with_options(max_retries=1).status(SUBSCRIPTION_KEY)
    assert net.asked == [A, B, B]


def test_preference_is_shared_with_clients_made_of_this_one() -> None:
    net = Hosts(A)
    with Rodin(API_KEY, base_url=[A, B], http_transport=net, max_retries=0) as rodin:
        other = rodin.with_options(max_retries=1)
        other.status(SUBSCRIPTION_KEY)
        assert rodin.base_url == B


async def test_async_client_fails_over_as_well() -> None:
    net = Hosts(A, B)
    async with AsyncRodin(API_KEY, base_url=[A, B, C], http_transport=net, max_retries=0) as rodin:
        await rodin.status(SUBSCRIPTION_KEY)
        await rodin.status(SUBSCRIPTION_KEY)
        assert rodin.base_url == C
    assert net.asked == [A, B, C, C]


@pytest.mark.parametrize("code", [401, 404, 429, 500])
def test_answer_about_the_request_is_not_asked_for_elsewhere(code: int) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return response(b"", code)

    mock = httpx.MockTransport(handle)
    with Rodin(API_KEY, base_url=[A, B], http_transport=mock, max_retries=0) as rodin, pytest.raises(APIError):
        rodin.status(SUBSCRIPTION_KEY)
    assert asked == ["a.example"]


def test_answer_that_cannot_be_understood_is_not_asked_for_elsewhere() -> None:
    scene, _, error = call(answer(b"<html>"), OK, max_retries=0)
    assert isinstance(error, InvalidResponseError)
    assert hosts(scene) == [A]
