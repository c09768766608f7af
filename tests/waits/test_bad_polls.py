"""Looks that bring no status: which are outlived, which end a wait, and what Retry-After does. In virtual time."""

from __future__ import annotations

import pytest

from rodin_sdk import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CompletedTask,
    InsufficientFundsError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    TransportError,
    WaitTimeoutError,
)
from rodin_sdk._messages import Answer, Fault, Phase
from tests.waits.simulation import Simulation, every
from tests.waits.world import (
    DONE,
    RUNNING,
    Reply,
    World,
    answer,
    in_turn,
    over_time,
    refused,
    reset,
    status_of,
    throttled,
)

KEY = "a-task's-key"
UNKNOWN_CODE = answer({"error": "SOMETHING_NEW"})
OTHER_UNKNOWN_CODE = answer({"error": "SOMETHING_NEWER"}, 200)

OUTLIVED: list[tuple[str, Reply, type]] = [
    ("reset", reset(), TransportError),
    ("refused", refused(), TransportError),
    ("timed out", Fault(RequestTimeoutError("no answer in time"), Phase.SENT), RequestTimeoutError),
    ("empty", answer(b""), InvalidResponseError),
    ("HTML with 200", answer(b"<html></html>", 200), InvalidResponseError),
    ("no jobs", answer({}), InvalidResponseError),
    ("jobs null", answer({"jobs": None}), InvalidResponseError),
    ("cut short", answer(b'{"jobs": [{"uuid": "job-0", "sta'), InvalidResponseError),
    ("two statuses", answer({"jobs": [{"a": "Done"}, {"a": "Failed"}]}), InvalidResponseError),
    ("unread", Answer(201, unread="it is too long"), InvalidResponseError),
    *((str(code), answer({"error": "X"}, code), APIError) for code in (408, 421, 425)),
    ("429", throttled(), RateLimitError),
    ("429 with a known code", answer({"error": "UNAUTHORIZED"}, 429), RateLimitError),
    *((str(code), answer(b"<html>", code), ServerError) for code in (500, 501, 502, 503, 504, 505, 511, 599)),
    *((str(code), answer(b"<html>", code), ServerError) for code in (520, 521, 522, 523, 524, 525, 526, 527, 530)),
    ("500 with a known code", answer({"error": "NO_SUCH_TASK"}, 500), ServerError),
    ("503 with Retry-After", answer(b"", 503, retry_after="3"), ServerError),
]
"""What status() would try again (ruling 3)."""

ENDING: list[tuple[str, Reply, type]] = [
    ("certificate", Fault(TransportError("unknown CA"), Phase.REFUSED), TransportError),
    *((str(code), answer(b"", code), APIError) for code in (300, 301, 302, 307, 308, 405, 406, 409, 410, 418, 451)),
    *((str(code), answer({"error": "SOMETHING_NEW"}, code), APIError) for code in (302, 409)),
    *((str(code), answer(b"", code), BadRequestError) for code in (400, 413, 415, 422)),
    ("401", answer(b"", 401), AuthenticationError),
    ("402", answer(b"", 402), InsufficientFundsError),
    ("403", answer(b"<html>", 403), PermissionDeniedError),
    ("404", answer(b"", 404), NotFoundError),
    *(
        (code, answer({"error": code, "message": "no"}), error)
        for code, error in [
            ("NO_SUCH_TASK", NotFoundError),
            ("UNAUTHORIZED", AuthenticationError),
            ("USER_NOT_FOUND", AuthenticationError),
            ("GROUP_NOT_FOUND", AuthenticationError),
            ("INVALID_REQUEST", BadRequestError),
            ("API_INSUFFICIENT_FUNDS", InsufficientFundsError),
            ("INSUFFICIENT_FUND", InsufficientFundsError),
            ("API_NO_ACTIVE_SUBSCRIPTION", PermissionDeniedError),
            ("SUBSCRIPTION_PLAN_TOO_LOW", PermissionDeniedError),
            ("PERMISSION_DENIED", PermissionDeniedError),
            ("API_PARALLELISM_LIMIT_REACHED", RateLimitError),
            ("UNKNOWN", APIError),
        ]
    ),
    ("408 with a known code", answer({"error": "NO_SUCH_TASK"}, 408), NotFoundError),
]
"""What status() would not try again."""


def one(*replies: Reply) -> Simulation:
    """Returns a simulation of a task each of whose looks brings the next reply."""
    return Simulation(World({KEY: in_turn(*replies)}))


@pytest.mark.parametrize(("name", "bad", "kind"), OUTLIVED, ids=[name for name, _, _ in OUTLIVED])
class TestOutlived:
    def test_one(self, name: str, bad: Reply, kind: type) -> None:  # noqa: ARG002
        simulation = one(RUNNING, bad, DONE)
        run = simulation.wait(KEY)
        simulation.run()
        assert isinstance(run.value, CompletedTask), run.error
        assert simulation.world.looks_at(KEY)[:2] == [0, 10]

    def test_at_first(self, name: str, bad: Reply, kind: type) -> None:  # noqa: ARG002
        simulation = one(bad, DONE)
        run = simulation.wait(KEY)
        simulation.run()
        assert isinstance(run.value, CompletedTask), run.error

    def test_until_the_deadline(self, name: str, bad: Reply, kind: type) -> None:  # noqa: ARG002
        simulation = one(RUNNING, bad)
        run = simulation.wait(KEY, timeout=95)
        simulation.run()
        assert isinstance(run.error, WaitTimeoutError)
        assert (run.ended, run.error.elapsed, run.error.status) == (95, 95, status_of(RUNNING))
        assert isinstance(run.error.__cause__, kind)
        assert run.error.polls == len(simulation.world.sent) == 10

    def test_each_look_is_one_attempt(self, name: str, bad: Reply, kind: type) -> None:  # noqa: ARG002
        """The next look comes when Poll says, and not after the pause of a retry."""
        simulation = one(bad)
        simulation.wait(KEY, timeout=95)
        simulation.run()
        assert simulation.world.looks_at(KEY) == [10.0 * number for number in range(10)]


@pytest.mark.parametrize(("name", "bad", "kind"), ENDING, ids=[name for name, _, _ in ENDING])
class TestEnding:
    def test_at_once(self, name: str, bad: Reply, kind: type) -> None:  # noqa: ARG002
        simulation = one(RUNNING, bad, DONE)
        run = simulation.wait(KEY)
        simulation.run()
        assert type(run.error) is kind
        assert (run.ended, len(simulation.world.sent)) == (10, 2)

    def test_with_a_timeout_of_0(self, name: str, bad: Reply, kind: type) -> None:  # noqa: ARG002
        simulation = one(bad, DONE)
        run = simulation.wait(KEY, timeout=0)
        simulation.run()
        assert type(run.error) is kind

    def test_as_one_of_many(self, name: str, bad: Reply, kind: type) -> None:
        """It spoils no other task; only what is wrong with the API key is wrong for all."""
        simulation = Simulation(World({"bad": in_turn(RUNNING, bad), "good": in_turn(RUNNING, RUNNING, DONE)}))
        many = simulation.as_completed(["bad", "good"])
        simulation.run()
        assert type(many.by_key["bad"].error) is kind
        good = many.by_key["good"]
        assert type(good.error) is kind if kind is AuthenticationError else good.task is not None, name


# --- An unknown code in a body of success: once in a row


@pytest.mark.parametrize(
    ("replies", "looks"),
    [
        ((UNKNOWN_CODE, UNKNOWN_CODE, DONE), 2),
        ((UNKNOWN_CODE, OTHER_UNKNOWN_CODE, DONE), 2),
        ((RUNNING, UNKNOWN_CODE, UNKNOWN_CODE, DONE), 3),
        ((UNKNOWN_CODE, RUNNING, UNKNOWN_CODE, RUNNING, UNKNOWN_CODE, UNKNOWN_CODE, DONE), 6),
        ((UNKNOWN_CODE, reset(), UNKNOWN_CODE, UNKNOWN_CODE, DONE), 4),
        ((UNKNOWN_CODE, throttled(), UNKNOWN_CODE, answer(b""), UNKNOWN_CODE, UNKNOWN_CODE, DONE), 6),
    ],
)
def test_an_unknown_code_is_outlived_once_in_a_row(replies: tuple[Reply, ...], looks: int) -> None:
    simulation = one(*replies)
    run = simulation.wait(KEY)
    simulation.run()
    assert type(run.error) is APIError
    assert run.error.code in {"SOMETHING_NEW", "SOMETHING_NEWER"}
    assert len(simulation.world.sent) == looks


def test_an_unknown_code_between_good_looks_is_outlived_any_number_of_times() -> None:
    simulation = one(*[RUNNING, UNKNOWN_CODE] * 20, DONE)
    run = simulation.wait(KEY)
    simulation.run()
    assert isinstance(run.value, CompletedTask)


def test_an_unknown_code_of_one_task_is_not_another_ones() -> None:
    keys = [f"task-{number}" for number in range(10)]
    simulation = Simulation(World({key: in_turn(UNKNOWN_CODE, DONE) for key in keys}))
    many = simulation.as_completed(keys)
    simulation.run()
    assert all(outcome.task is not None for _, outcome in many.outcomes)


# --- 421 and 425 want another connection


@pytest.mark.parametrize("code", [421, 425])
def test_what_wants_a_fresh_connection_gets_one(code: int) -> None:
    """status() would try again once on a fresh connection: on the old one the next look would be refused as well."""
    simulation = one(RUNNING, answer(b"", code), DONE)
    simulation.wait(KEY)
    simulation.run()
    assert [sent.fresh for sent in simulation.world.sent] == [False, False, True]


# --- Retry-After


@pytest.mark.parametrize("code", [429, 503, 500, 408])
@pytest.mark.parametrize(("retry_after", "pause"), [("3", 10), ("10", 10), ("25", 25), ("60", 60), ("soon", 10)])
def test_retry_after_is_a_floor_under_the_next_pause(code: int, retry_after: str, pause: float) -> None:
    simulation = one(RUNNING, answer(b"", code, retry_after=retry_after), RUNNING, DONE)
    run = simulation.wait(KEY)
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert simulation.world.looks_at(KEY) == [0, 10, 10 + pause, 20 + pause]


def test_retry_after_as_a_date_is_a_floor() -> None:
    dates = {"date": "Sun, 06 Nov 1994 08:49:00 GMT", "retry_after": "Sun, 06 Nov 1994 08:49:37 GMT"}
    simulation = one(answer(b"", 429, **dates), DONE)
    simulation.wait(KEY)
    simulation.run()
    assert simulation.world.looks_at(KEY) == [0, 37]


def test_retry_after_of_an_invalid_answer_is_a_floor() -> None:
    simulation = one(answer(b"<html>", 200, retry_after="42"), DONE)
    simulation.wait(KEY)
    simulation.run()
    assert simulation.world.looks_at(KEY) == [0, 42]


@pytest.mark.parametrize("retry_after", ["91", "600", "86400", "999999999"])
def test_a_long_retry_after_means_no_further_look(retry_after: str) -> None:
    simulation = one(RUNNING, throttled(retry_after), DONE)
    run = simulation.wait(KEY, timeout=100)
    simulation.run()
    assert simulation.world.looks_at(KEY) == [0, 10]
    assert run.ended == 100
    error = run.error
    assert isinstance(error, WaitTimeoutError)
    assert (error.status, error.polls, error.elapsed) == (status_of(RUNNING), 2, 100)
    assert isinstance(error.__cause__, RateLimitError)
    assert error.__cause__.retry_after == float(retry_after)


def test_a_long_retry_after_of_as_completed() -> None:
    simulation = Simulation(World({"slow": in_turn(RUNNING, throttled("600"), DONE), "other": in_turn(RUNNING)}))
    many = simulation.as_completed(["slow", "other"], timeout=100)
    simulation.run()
    error = many.by_key["slow"].error
    assert isinstance(error, WaitTimeoutError)
    assert isinstance(error.__cause__, RateLimitError)
    assert len(simulation.world.looks_at("slow")) == 2
    assert isinstance(many.by_key["other"].error, WaitTimeoutError)
    assert [at for at, _ in many.outcomes] == [100, 100]


def test_a_long_retry_after_without_a_deadline_is_kept() -> None:
    simulation = Simulation(World({KEY: in_turn(throttled("600"), DONE)}))
    run = simulation.wait(KEY, timeout=None)
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert simulation.world.looks_at(KEY) == [0, 600]


def test_no_retry_after_silences_a_wait_for_more_than_an_hour() -> None:
    simulation = Simulation(World({KEY: in_turn(answer(b"", 503, retry_after="999999999"), DONE)}))
    run = simulation.wait(KEY, timeout=None)
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert simulation.world.looks_at(KEY) == [0, 3600]


@pytest.mark.parametrize("timeout", [0, 5, 50])
def test_a_wait_that_is_held_back_by_anothers_429_says_so(timeout: float) -> None:
    simulation = Simulation(World({"first": in_turn(throttled("100")), "second": in_turn(RUNNING)}))
    simulation.wait("first", timeout=None)
    run = simulation.wait("second", at=10, timeout=timeout)
    simulation.run(until=90)
    assert (run.ended, simulation.world.looks_at("second")) == (10 + timeout, [])
    assert isinstance(run.error, WaitTimeoutError)
    assert isinstance(run.error.__cause__, RateLimitError)
    assert run.error.__cause__.retry_after == 90 - timeout
    assert "Nothing was sent" in str(run.error.__cause__)


@pytest.mark.parametrize(("retry_after", "looks", "ended"), [("20", 20, 20), ("30", 20, 30), ("31", 16, 0)])
def test_a_429_amid_many_looks_with_a_timeout_of_0(retry_after: str, looks: int, ended: float) -> None:
    """What the service asks for is waited for where that is no longer than a look may take."""
    keys = [f"task {number}" for number in range(20)]
    world = World({key: in_turn(throttled(retry_after), RUNNING) for key in keys})
    simulation = Simulation(world, requests_per_minute=None)
    many = simulation.as_completed(keys, timeout=0, request_timeout=30)
    simulation.run(until=5000)
    assert len(many.by_key) == 20
    assert max(at for at, _ in many.outcomes) == ended
    causes = {key: outcome.error.__cause__ for key, outcome in many.by_key.items() if outcome.error is not None}
    assert {type(cause) for cause in causes.values()} == {RateLimitError}
    assert sorted(len(world.looks_at(key)) for key in keys) == [0] * (20 - looks) + [1] * looks


def test_a_retry_after_with_a_timeout_of_0() -> None:
    simulation = one(throttled("5"), DONE)
    run = simulation.wait(KEY, timeout=0)
    simulation.run()
    assert isinstance(run.error, WaitTimeoutError)
    assert isinstance(run.error.__cause__, RateLimitError)
    assert (run.ended, run.error.polls, run.error.status) == (0, 1, None)


def test_the_cause_is_the_last_looks_error_only() -> None:
    simulation = Simulation(World({KEY: over_time((0, reset()), (15, RUNNING))}))
    run = simulation.wait(KEY, timeout=25)
    simulation.run()
    assert isinstance(run.error, WaitTimeoutError)
    assert run.error.__cause__ is None
    assert run.error.status == status_of(RUNNING)


def test_without_any_status_the_error_has_none() -> None:
    simulation = one(reset())
    run = simulation.wait(KEY, timeout=25, poll=every(5))
    simulation.run()
    assert isinstance(run.error, WaitTimeoutError)
    assert run.error.status is None
    assert "not seen" in str(run.error)
    assert isinstance(run.error.__cause__, TransportError)


def test_a_timeout_of_the_connection_is_not_the_deadline() -> None:
    """It comes long before, and what came before it does not count as the look before the next one."""
    unknown = answer({"error": "NEW"})
    slow = Fault(RequestTimeoutError("no connection in time"), Phase.CONNECTING)
    simulation = Simulation(World({"key": in_turn(unknown, slow, unknown, DONE)}))
    run = simulation.wait("key", timeout=29, poll=every(5))
    simulation.run()
    assert isinstance(run.value, CompletedTask)


def test_a_look_that_the_deadline_cuts_short_does_not_hide_what_went_wrong() -> None:
    world = World({"key": in_turn(answer(b"", 503))}, latency=lambda _key, age: 60.0 if age else 0.0)
    simulation = Simulation(world)
    run = simulation.wait("key", timeout=8, poll=every(5))
    simulation.run()
    assert isinstance(run.error, WaitTimeoutError)
    assert isinstance(run.error.__cause__, ServerError)
    assert (run.error.polls, run.ended) == (2, 8)
