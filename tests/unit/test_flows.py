"""One call on a virtual clock: what is retried, how often, after how long, and what the error says in the end."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import (
    AuthenticationError,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    TaskStatus,
    TransportError,
)
from rodin_sdk._messages import Answer, Fault, Phase
from rodin_sdk._retry import QUOTA
from tests.unit.support import DONE, SECRETS, Slow, Step, World, answer, fault, world

OK = answer(DONE)
UNKNOWN_CODE = answer({"error": "TEAPOT"})
OTHER_UNKNOWN_CODE = answer({"error": "KETTLE"})
KNOWN_CODE = answer({"error": "NO_SUCH_TASK"})

PASSING: dict[str, Answer | Fault] = {
    "lost": fault(Phase.SENT),
    "not connected": fault(Phase.CONNECTING),
    "timed out": Fault(RequestTimeoutError("too late"), Phase.SENT),
    "408": answer(b"", 408),
    "429": answer(b"", 429),
    "500": answer(b"", 500),
    "501": answer(b"", 501),
    "502": answer(b"", 502),
    "503": answer(b"", 503),
    "504": answer(b"", 504),
    "520": answer(b"", 520),
    "530": answer(b"", 530),
    "599": answer(b"", 599),
    "html of success": answer(b"<html>"),
    "empty success": answer(b"", 204),
    "no jobs": answer({}),
    "cut": answer(b'{"jobs": ['),
    "unread": Answer(200, unread="it is compressed, though identity was asked for"),
    "code beside 500": answer({"error": "NO_SUCH_TASK"}, 500),
    "code beside 429": answer({"error": "INVALID_REQUEST"}, 429),
}
LASTING: dict[str, Answer | Fault] = {
    "certificate": fault(Phase.REFUSED),
    "redirect": answer(b"", 302),
    "400": answer(b"", 400),
    "401": answer(b"", 401),
    "402": answer(b"", 402),
    "403": answer(b"", 403),
    "404": answer(b"", 404),
    "409": answer(b"", 409),
    "422": answer(b"", 422),
    "unknown code beside 400": answer({"error": "TEAPOT"}, 400),
    "known code": KNOWN_CODE,
    "documented unknown": answer({"error": "UNKNOWN"}),
    "known code beside 408": answer({"error": "NO_SUCH_TASK"}, 408),
    "199": answer(DONE, 199),
    "600": answer(DONE, 600),
    "999": answer(DONE, 999),
}
ONCE: dict[str, tuple[Answer, bool]] = {
    "unknown code": (UNKNOWN_CODE, False),
    "421": (answer(b"", 421), True),
    "425": (answer(b"", 425), True),
}


def call(*script: Step, dice: float = 0.5, **options: Any) -> tuple[World, Any]:
    scene = world(*script, dice=dice)
    return scene, scene.status(scene.session(), **options)


# --- what is retried, and how often


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING)
def test_passing_failure_is_retried_to_the_end(step: Answer | Fault) -> None:
    for max_retries in (0, 1, 3, 7):
        scene, error = call(step, max_retries=max_retries)
        assert len(scene.sent) == error.attempts == max_retries + 1


@pytest.mark.parametrize("step", PASSING.values(), ids=PASSING)
def test_passing_failure_passes(step: Answer | Fault) -> None:
    scene, status = call(step, step, OK)
    assert isinstance(status, TaskStatus)
    assert len(scene.sent) == 3


@pytest.mark.parametrize("step", LASTING.values(), ids=LASTING)
def test_lasting_failure_is_not_retried(step: Answer | Fault) -> None:
    scene, error = call(step, OK)
    assert (len(scene.sent), error.attempts) == (1, 1)


@pytest.mark.parametrize("step", LASTING.values(), ids=LASTING)
def test_lasting_failure_ends_the_retries(step: Answer | Fault) -> None:
    scene, error = call(answer(b"", 500), fault(), step, OK)
    assert (len(scene.sent), error.attempts) == (3, 3)


@pytest.mark.parametrize(("step", "fresh"), ONCE.values(), ids=ONCE)
def test_some_failures_are_retried_once(step: Answer, *, fresh: bool) -> None:
    scene, error = call(step, max_retries=9)
    assert (len(scene.sent), error.attempts) == (2, 2)
    assert [sent.fresh for sent in scene.sent] == [False, fresh]
    assert isinstance(call(step, OK)[1], TaskStatus)
    assert len(call(step, OK, max_retries=0)[0].sent) == 1


def test_unknown_code_is_retried_once_in_a_row() -> None:
    scene, status = call(UNKNOWN_CODE, answer(b"", 500), UNKNOWN_CODE, OK)
    assert isinstance(status, TaskStatus)
    assert len(scene.sent) == 4


def test_two_unknown_codes_are_two_in_a_row() -> None:
    scene, error = call(UNKNOWN_CODE, OTHER_UNKNOWN_CODE, OK)
    assert (len(scene.sent), error.code) == (2, "KETTLE")


def test_misdirected_and_too_early_are_one_kind() -> None:
    scene, error = call(answer(b"", 421), answer(b"", 425), OK)
    assert (len(scene.sent), error.status_code) == (2, 425)


def test_default_is_three_retries() -> None:
    assert len(call(answer(b"", 500))[0].sent) == 4


@pytest.mark.parametrize(
    ("first", "fresh"),
    [(fault(Phase.SENT), True), (fault(Phase.CONNECTING), True), (answer(b"", 500), False), (answer(b"<"), False)],
    ids=["lost", "not connected", "500", "html"],
)
def test_lost_connection_is_not_used_again(first: Answer | Fault, *, fresh: bool) -> None:
    scene, _ = call(first, OK)
    assert [sent.fresh for sent in scene.sent] == [False, fresh]


def test_fresh_connection_is_for_the_next_attempt_only() -> None:
    scene, _ = call(fault(), answer(b"", 500), OK)
    assert [sent.fresh for sent in scene.sent] == [False, True, False]


def test_last_error_is_the_one_that_is_raised() -> None:
    script: list[Step] = [fault(), answer(b"", 500), answer(b"<"), answer(b"", 503)]
    kinds = [TransportError, ServerError, InvalidResponseError, ServerError]
    for retries, kind in enumerate(kinds):
        assert type(call(*script, max_retries=retries)[1]) is kind


ANY: list[Step] = [*PASSING.values(), *LASTING.values(), UNKNOWN_CODE, OK]


@given(st.lists(st.sampled_from(ANY), min_size=1), st.integers(0, 5))
def test_any_script_ends_within_its_retries(script: list[Step], max_retries: int) -> None:
    scene, found = call(*script, max_retries=max_retries)
    assert 1 <= len(scene.sent) <= max_retries + 1
    if not isinstance(found, TaskStatus):
        assert found.attempts == len(scene.sent)
        assert not any(secret in repr(found) for secret in SECRETS)


# --- the pauses between


@pytest.mark.parametrize(("dice", "gaps"), [(0.0, [0, 0, 0, 0, 0]), (0.5, [0.25, 0.5, 1, 2, 4])])
def test_pauses_grow_within_full_jitter(dice: float, gaps: list[float]) -> None:
    assert call(answer(b"", 500), dice=dice, max_retries=5)[0].gaps == gaps


def test_pauses_are_never_longer_than_eight_seconds() -> None:
    scene, _ = call(answer(b"", 500), dice=0.999999, max_retries=50)
    assert max(scene.gaps) < 8
    assert scene.gaps[10:] == pytest.approx([8] * 40, rel=1e-3)


@pytest.mark.parametrize("status_code", [200, 408, 421, 425, 429, 500, 503, 524])
@pytest.mark.parametrize("seconds", ["0", "1", "7", "60"])
def test_retry_after_is_a_floor(status_code: int, seconds: str) -> None:
    scene, status = call(answer(b"", status_code, retry_after=seconds), OK, dice=0.0)
    assert isinstance(status, TaskStatus)
    assert scene.gaps == [float(seconds)]


def test_jitter_comes_on_top_of_retry_after() -> None:
    scene, _ = call(answer(b"", 503, retry_after="7"), answer(b"", 503, retry_after="7"), OK, dice=0.5)
    assert scene.gaps == [7.25, 7.5]


@pytest.mark.parametrize("status_code", [200, 429, 500, 503])
@pytest.mark.parametrize("seconds", ["61", "3600", "999999999"])
def test_long_retry_after_is_the_callers_decision(status_code: int, seconds: str) -> None:
    scene, error = call(answer(b"", status_code, retry_after=seconds), OK)
    assert (len(scene.sent), error.attempts, error.retry_after) == (1, 1, float(seconds))
    assert scene.now == 1_000


def test_retry_after_as_a_date() -> None:
    date = {"date": "Sun, 06 Nov 1994 08:49:37 GMT"}
    scene, _ = call(answer(b"", 503, retry_after="Sun, 06 Nov 1994 08:49:49 GMT", **date), OK, dice=0.0)
    assert scene.gaps == [12]


@pytest.mark.parametrize("value", ["-5", "nan", "inf", "soon", "1e9", "99999999999"])
def test_malformed_retry_after_is_no_reason_to_wait(value: str) -> None:
    scene, error = call(answer(b"", 503, retry_after=value), dice=0.0)
    assert scene.gaps == [0, 0, 0]
    assert error.retry_after is None


@pytest.mark.parametrize("seconds", ["30", "60"])
def test_retry_after_of_a_429_holds_the_whole_client(seconds: str) -> None:
    scene = world(answer(b"", 429, retry_after=seconds), OK)
    session = scene.session()
    assert isinstance(scene.status(session, max_retries=0), RateLimitError)
    assert isinstance(scene.status(session), TaskStatus)
    assert scene.gaps == [float(seconds)]


def test_long_hold_of_the_client_is_said_before_anything_is_sent() -> None:
    scene = world(answer(b"", 429, retry_after="90"), OK)
    session = scene.session()
    assert isinstance(scene.status(session), RateLimitError)
    scene.now += 20
    error = scene.status(session)
    assert isinstance(error, RateLimitError)
    assert (error.status_code, error.retry_after, error.attempts, len(scene.sent)) == (429, 70, 0, 1)
    assert str(error) == (
        "HTTP 429 Too Many Requests: Nothing was sent: the service asked this client to wait. "
        "Send fewer requests, or wait before the next one. The service asks to wait 70 s."
    )
    scene.now += 20
    assert isinstance(scene.status(session), TaskStatus)
    assert scene.gaps == [90]


def test_retry_after_of_another_answer_holds_its_own_call_only() -> None:
    scene = world(answer(b"", 503, retry_after="30"), OK)
    session = scene.session()
    assert isinstance(scene.status(session, max_retries=0), ServerError)
    assert isinstance(scene.status(session), TaskStatus)
    assert scene.gaps == [0]


# --- time


def test_every_attempt_has_the_whole_time() -> None:
    scene, error = call(Slow(Fault(RequestTimeoutError("late"), Phase.SENT), 12.0), request_timeout=12.0, dice=0.0)
    assert [sent.timeout for sent in scene.sent] == [12.0] * 4
    assert isinstance(error, RequestTimeoutError)
    assert scene.now == 1_000 + 4 * 12


@pytest.mark.parametrize("timeout", [None, 0.001, 30.0])
def test_one_host_has_the_whole_time_to_connect(timeout: float | None) -> None:
    scene, _ = call(OK, request_timeout=timeout)
    assert (scene.sent[0].timeout, scene.sent[0].connect_timeout) == (timeout, None)


@given(st.integers(0, 6), st.floats(0.1, 60), st.floats(0, 1, exclude_max=True))
def test_no_call_takes_longer_than_the_contract_says(max_retries: int, timeout: float, dice: float) -> None:
    late = Slow(Fault(RequestTimeoutError("late"), Phase.SENT), timeout)
    scene, _ = call(late, request_timeout=timeout, max_retries=max_retries, dice=dice)
    assert scene.now - 1_000 <= (max_retries + 1) * timeout + 8 * max_retries + 1e-6


# --- the quota that all calls of a client share


def test_outage_is_not_multiplied_by_retries() -> None:
    scene = world(answer(b"", 500))
    session = scene.session()
    for _ in range(1_000):
        assert isinstance(scene.status(session), ServerError)
    assert len(scene.sent) == 1_000 + QUOTA


def test_quota_spent_is_an_end_of_retries_and_says_so_in_attempts() -> None:
    scene = world(answer(b"", 500))
    session = scene.session()
    scene.status(session, max_retries=int(QUOTA) - 1)
    found: Any = scene.status(session)
    assert found.attempts == 2
    found = scene.status(session)
    assert found.attempts == 1


def test_every_success_gives_one_retry_back() -> None:
    scene = world(answer(b"", 500))
    session = scene.session()
    scene.status(session, max_retries=1_000)
    for successes in (1, 3):
        scene.script = [*[OK] * successes, answer(b"", 500)]
        for _ in range(successes):
            assert isinstance(scene.status(session), TaskStatus)
        scene.sent.clear()
        scene.status(session, max_retries=1_000)
        assert len(scene.sent) == 1 + successes


def test_failures_that_are_not_retried_cost_nothing() -> None:
    scene = world(KNOWN_CODE)
    session = scene.session()
    for _ in range(500):
        assert isinstance(scene.status(session), NotFoundError)
    scene.script = [answer(b"", 500)]
    scene.sent.clear()
    scene.status(session)
    assert len(scene.sent) == 4


# --- keys


def test_callable_is_asked_for_every_attempt() -> None:
    numbers = count()
    scene = world(answer(b"", 500))
    scene.status(scene.session(api_key=lambda: f"key-{next(numbers)}"))
    assert next(numbers) == 4


def test_bad_key_ends_the_call_before_the_next_attempt() -> None:
    keys = iter(["good", "not good"])
    scene = world(answer(b"", 500))
    assert isinstance(scene.status(scene.session(api_key=lambda: next(keys))), ConfigurationError)
    assert len(scene.sent) == 1


def test_error_hides_the_key_of_its_own_attempt() -> None:
    keys = iter(["first-key-0123456789", "second-key-0123456789"])
    scene = world(answer(b"", 500), answer({"error": "X", "message": "not second-key-0123456789"}, 401))
    error = scene.status(scene.session(api_key=lambda: next(keys)))
    assert isinstance(error, AuthenticationError)
    assert error.message == "not [redacted]"
