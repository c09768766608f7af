"""What a wait that did not end well raises: what it says, and that it can be pickled without the key showing."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from rodin_sdk import (
    CompletedTask,
    Outcome,
    RateLimitError,
    RodinError,
    TaskCanceledError,
    TaskError,
    TaskFailedError,
    TransportError,
    WaitTimeoutError,
)
from rodin_sdk._secrets import Secret
from tests.secrets_check import assert_no_secrets
from tests.waits.simulation import API_KEY, Simulation
from tests.waits.world import CANCELED, DONE, FAILED, HALF, RUNNING, World, in_turn, jobs, reset, status_of, throttled

if TYPE_CHECKING:
    from rodin_sdk import TaskStatus
    from rodin_sdk._messages import Answer
    from tests.waits.world import Reply

KEY = "eyJhbGciOiJIUzI1NiJ9." + "".join(f"job{number:03x}" for number in range(60)) + ".sIgNaTuRe-0_9"
GIVEN_UP = jobs("Canceled")


def raised(*replies: Reply, **options: Any) -> TaskError:
    """Returns the error that a wait ends with."""
    simulation = Simulation(World({KEY: in_turn(*replies)}, latency=0.5))
    run = simulation.wait(KEY, **options)
    simulation.run()
    assert isinstance(run.error, TaskError)
    return run.error


def errors() -> dict[str, tuple[TaskError, type[TaskError], TaskStatus | None]]:
    lost = jobs("Failed", "Failed")
    return {
        "failed": (raised(RUNNING, FAILED), TaskFailedError, status_of(FAILED)),
        "failed wholly": (raised(lost, allow_partial=True), TaskFailedError, status_of(lost)),
        "canceled": (raised(RUNNING, CANCELED), TaskCanceledError, status_of(CANCELED)),
        "canceled wholly": (raised(GIVEN_UP, allow_partial=True), TaskCanceledError, status_of(GIVEN_UP)),
        "late": (raised(HALF, timeout=25.0), WaitTimeoutError, status_of(HALF)),
        "never seen": (raised(reset(), timeout=25.0), WaitTimeoutError, None),
        "throttled": (raised(throttled("600"), timeout=25.0), WaitTimeoutError, None),
    }


CASES = errors()
each_error = pytest.mark.parametrize(("error", "kind", "status"), CASES.values(), ids=list(CASES))


@each_error
class TestError:
    def test_it_is_of_its_kind(self, error: TaskError, kind: type[TaskError], status: TaskStatus | None) -> None:
        assert type(error) is kind
        assert isinstance(error, RodinError)
        assert isinstance(error, TimeoutError) == (kind is WaitTimeoutError)
        assert error.status == status
        assert error.elapsed > 0
        assert error.polls > 0
        assert error.subscription_key == KEY
        assert hash(error) == hash(error)

    def test_it_shows_no_secret(self, error: TaskError, kind: type[TaskError], status: TaskStatus | None) -> None:  # noqa: ARG002
        assert_no_secrets([KEY, API_KEY], error, repr(error.__dict__), pickled=False)
        assert_no_secrets([API_KEY], error)

    def test_it_pickles_whole(self, error: TaskError, kind: type[TaskError], status: TaskStatus | None) -> None:
        error.add_note("a note of the caller's")
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            again = pickle.loads(pickle.dumps(error, protocol))
            assert type(again) is kind
            assert (str(again), again.args) == (str(error), error.args)
            assert (again.status, again.elapsed, again.polls) == (status, error.elapsed, error.polls)
            assert again.subscription_key == KEY
            assert again.__notes__ == error.__notes__
            assert_no_secrets([KEY, API_KEY], again, pickled=False)
        assert copy.copy(error).subscription_key == copy.deepcopy(error).subscription_key == KEY
        error.__notes__.clear()

    def test_it_says_how_to_go_on(self, error: TaskError, kind: type[TaskError], status: TaskStatus | None) -> None:  # noqa: ARG002
        text = str(error)
        if kind is WaitTimeoutError:
            assert "wait again" in text
            assert "subscription key" in text
        elif kind is TaskFailedError:
            assert "failed_jobs" in text
        else:
            assert "status.jobs" in text
        assert f"{error.polls} look" in text
        assert "\n" not in text


def test_it_names_the_task_without_its_key_and_counts_the_looks() -> None:
    task = f"Task {Secret(KEY).fingerprint()}"
    failed = raised(RUNNING, FAILED)
    assert (failed.status, failed.elapsed, failed.polls) == (status_of(FAILED), 11, 2)
    assert str(failed) == (
        f"{task} failed: 1 of 2 jobs; see status.failed_jobs, "
        "or pass allow_partial=True to take what is done in the end (2 looks in 11.0 s)."
    )
    assert str(raised(jobs("Canceled"), allow_partial=True)) == (
        f"{task} was canceled; see status.jobs (1 look in 0.5 s)."
    )


@pytest.mark.parametrize("last", [FAILED, CANCELED])
def test_allow_partial_is_advised_to_who_did_not_ask_for_it(last: Answer) -> None:
    assert "allow_partial=True" in str(raised(last))
    assert "allow_partial" not in str(raised(jobs("Failed"), allow_partial=True))
    assert "allow_partial" not in str(raised(jobs("Canceled"), allow_partial=True))


def test_the_text_of_a_deadline_tells_what_was_seen_last() -> None:
    assert str(status_of(HALF)) in str(raised(HALF, timeout=5.0))
    assert "not seen" in str(raised(reset(), timeout=5.0))


def test_a_hostile_message_does_not_break_the_text() -> None:
    text = str(raised(jobs("Waiting", message="\x1b[31mred\u202e\n" + "x" * 9999), timeout=5.0))
    assert text.isprintable()
    assert len(text) < 1500


def test_causes_are_the_errors_of_the_last_look() -> None:
    assert CASES["late"][0].__cause__ is None
    assert isinstance(CASES["never seen"][0].__cause__, TransportError)
    assert isinstance(CASES["throttled"][0].__cause__, RateLimitError)


def test_outcomes_pickle_and_show_no_key() -> None:
    for outcome in (
        Outcome(KEY, task=CompletedTask.of(status_of(DONE))),
        *(Outcome(KEY, error=error) for error, _, _ in CASES.values()),
    ):
        again = pickle.loads(pickle.dumps(outcome))
        assert again.subscription_key == KEY
        assert again.task == outcome.task
        assert str(again.error) == str(outcome.error)
        assert_no_secrets([KEY], outcome, again, pickled=False)


def test_outcomes_are_immutable() -> None:
    outcome = Outcome(KEY)
    with pytest.raises(AttributeError):
        outcome.task = CompletedTask.of(status_of(DONE))  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def test_a_completed_task_is_a_status_that_pickles() -> None:
    task = CompletedTask.of(status_of(DONE))
    again = pickle.loads(pickle.dumps(task))
    assert again == task
    assert hash(again) == hash(task)
    assert again.raw == task.raw
