"""`CompletedTask`, `Outcome` and the errors of a wait: values that may hold a key, and show none."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from attrs.exceptions import FrozenInstanceError

from rodin_sdk import (
    AsyncRodin,
    CompletedTask,
    ConfigurationError,
    Job,
    JobStatus,
    NotFoundError,
    Outcome,
    Rodin,
    TaskCanceledError,
    TaskError,
    TaskFailedError,
    TaskStatus,
    WaitTimeoutError,
)
from rodin_sdk._budget import BURST
from tests.secrets_check import assert_no_secrets
from tests.unit.support import API_KEY, DONE, SUBSCRIPTION_KEY, UUID, look, transport

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = TaskStatus((Job(UUID, JobStatus.FAILED),), None, "Odd.", "id-1", {"jobs": {UUID: "Failed"}})
ERRORS = pytest.mark.parametrize("cls", [TaskError, TaskFailedError, TaskCanceledError, WaitTimeoutError])


def make(cls: type[TaskError], status: TaskStatus | None = FAILED, polls: int = 3) -> TaskError:
    return cls("failed", SUBSCRIPTION_KEY, status=status, elapsed=12.34, polls=polls)


# --- CompletedTask


def test_completed_task_is_the_status_that_it_was_made_of() -> None:
    status = look(DONE, x_request_id="id-1")
    task = CompletedTask.of(status)
    assert isinstance(task, TaskStatus)
    assert (task.jobs, task.raw, task.request_id, task.state) == (status.jobs, status.raw, "id-1", "Done")
    assert repr(task).startswith("<CompletedTask Done jobs=(")
    assert str(task) == str(status)


def test_completed_task_is_a_value() -> None:
    task = CompletedTask.of(look(DONE))
    for twin in (pickle.loads(pickle.dumps(task)), copy.deepcopy(task), CompletedTask.of(look(DONE))):
        assert type(twin) is CompletedTask
        assert twin == task
        assert hash(twin) == hash(task)
    with pytest.raises(FrozenInstanceError):
        task.jobs = ()  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


# --- the errors of a wait


@ERRORS
def test_task_error_has_its_attributes(cls: type[TaskError]) -> None:
    error = make(cls)
    assert (error.subscription_key, error.status, error.elapsed, error.polls) == (SUBSCRIPTION_KEY, FAILED, 12.34, 3)
    assert "(3 looks in 12.3 s)." in str(error)
    assert "(1 look in 12.3 s)." in str(make(cls, None, 1))


@ERRORS
def test_task_error_shows_no_key(cls: type[TaskError], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(cls) as caught:
        raise make(cls)
    logging.getLogger("test").error("It ended", exc_info=caught.value)
    assert len(caplog.records) == 1
    assert_no_secrets([SUBSCRIPTION_KEY], caught.value, *caplog.records, pickled=False)
    assert_no_secrets([SUBSCRIPTION_KEY], "".join(traceback.format_exception(caught.value)))


@ERRORS
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_task_error_is_pickled_with_its_key(cls: type[TaskError], protocol: int) -> None:
    error = make(cls)
    error.add_note("seen by worker 7")
    for twin in (pickle.loads(pickle.dumps(error, protocol)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is cls
        assert (str(twin), twin.args, twin.__notes__) == (str(error), error.args, ["seen by worker 7"])
        assert (twin.subscription_key, twin.status, twin.elapsed, twin.polls) == (SUBSCRIPTION_KEY, FAILED, 12.34, 3)
        assert_no_secrets([SUBSCRIPTION_KEY], twin, pickled=False)
        assert len({twin, error}) == 2


@ERRORS
def test_key_of_a_task_error_cannot_be_changed(cls: type[TaskError]) -> None:
    error: Any = make(cls)
    with pytest.raises(AttributeError):
        error.subscription_key = "another"


def test_wait_that_ran_out_of_time_is_pythons_own_timeout_as_well() -> None:
    with pytest.raises(TimeoutError):
        raise make(WaitTimeoutError)


# --- Outcome


def test_outcome_of_success() -> None:
    task = CompletedTask.of(look(DONE))
    outcome = Outcome(SUBSCRIPTION_KEY, task)
    assert outcome.unwrap() is task
    assert (outcome.subscription_key, outcome.error) == (SUBSCRIPTION_KEY, None)


@pytest.mark.parametrize("error", [make(TaskFailedError), NotFoundError(status_code=404)], ids=["task", "api"])
def test_outcome_of_failure(error: TaskError | NotFoundError) -> None:
    with pytest.raises(type(error)) as caught:
        Outcome(SUBSCRIPTION_KEY, None, error).unwrap()
    assert caught.value is error


def test_outcomes_that_share_an_error_do_not_add_to_its_traceback() -> None:
    error = NotFoundError(status_code=404)
    for _ in range(3):
        with pytest.raises(NotFoundError) as caught:
            Outcome(SUBSCRIPTION_KEY, None, error).unwrap()
        assert [entry.name for entry in traceback.extract_tb(caught.value.__traceback__)][1:] == ["unwrap"]


def test_outcome_of_nothing() -> None:
    with pytest.raises(ValueError, match="neither a task nor an error"):
        Outcome(SUBSCRIPTION_KEY).unwrap()


def test_outcome_shows_no_key_and_pickles_it() -> None:
    outcome = Outcome(SUBSCRIPTION_KEY, CompletedTask.of(look(DONE)))
    assert_no_secrets(
        [SUBSCRIPTION_KEY], outcome, Outcome(SUBSCRIPTION_KEY, None, make(TaskFailedError)), pickled=False
    )
    twin = pickle.loads(pickle.dumps(outcome))
    assert twin == outcome
    assert hash(twin) == hash(outcome)
    assert twin.subscription_key == SUBSCRIPTION_KEY
    with pytest.raises(FrozenInstanceError):
        outcome.subscription_key = ""  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


# --- lists of keys that are none

BAD_LISTS: dict[str, tuple[Any, str]] = {
    "one key": (SUBSCRIPTION_KEY, "subscription_keys must be a list of keys, not one str"),
    "bytes": (SUBSCRIPTION_KEY.encode(), "subscription_keys must be a list of keys, not one bytes"),
    "bytearray": (bytearray(b"key"), "subscription_keys must be a list of keys, not one bytearray"),
    "none": (None, "subscription_keys must be a list of keys, not one NoneType"),
    "number": (5, "subscription_keys must be a list of keys, not one int"),
    "empty key": ([SUBSCRIPTION_KEY, ""], "subscription_keys[1] is empty"),
    "key of the wrong type": ([SUBSCRIPTION_KEY, None], "subscription_keys[1] must be a str, not NoneType"),
    "key of bytes": ([SUBSCRIPTION_KEY.encode()], "subscription_keys[0] must be a str, not bytes"),
}


@pytest.mark.parametrize("method", ["as_completed", "wait_all"])
@pytest.mark.parametrize(("keys", "said"), BAD_LISTS.values(), ids=BAD_LISTS)
async def test_bad_list_of_keys_is_refused_at_the_call(method: str, keys: Any, said: str) -> None:
    with Rodin(API_KEY, http_transport=transport()) as rodin, pytest.raises(ConfigurationError) as caught:
        getattr(rodin, method)(keys)
    assert str(caught.value).startswith(said)
    assert_no_secrets([API_KEY, SUBSCRIPTION_KEY], caught.value)
    async with AsyncRodin(API_KEY, http_transport=transport()) as other:
        with pytest.raises(ConfigurationError) as caught:
            await getattr(other, method)(keys)
    assert str(caught.value).startswith(said)
    assert_no_secrets([API_KEY, SUBSCRIPTION_KEY], caught.value)


# --- the rate and the pauses

BAD_RATES: dict[str, tuple[dict[str, Any], str]] = {
    "zero": ({"requests_per_minute": 0}, "requests_per_minute must be above 0"),
    "negative": ({"requests_per_minute": -1.5}, "requests_per_minute must be above 0"),
    "nan": ({"requests_per_minute": float("nan")}, "requests_per_minute must be above 0"),
    "bool": ({"requests_per_minute": True}, "requests_per_minute must be a number or None, not bool"),
    "text": ({"requests_per_minute": "100"}, "requests_per_minute must be a number or None, not str"),
    "below all floats": ({"requests_per_minute": -(10**400)}, "requests_per_minute must be above 0"),
    "poll": ({"poll": 5}, "poll must be a Poll or a callable of a task's age, not int"),
    "poll of none": ({"poll": None}, "poll must be a Poll or a callable of a task's age, not NoneType"),
}


@pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
@pytest.mark.parametrize(("arguments", "said"), BAD_RATES.values(), ids=BAD_RATES)
def test_bad_rate_or_poll(cls: Callable[..., Any], arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cls(API_KEY, http_transport=transport(), **arguments)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    "rate", [None, 1, 0.5, float("inf"), 10**400, 5e-324], ids=["none", "int", "half", "inf", "huge", "tiny"]
)
def test_good_rate(rate: Any) -> None:
    with Rodin(API_KEY, http_transport=transport(), requests_per_minute=rate) as rodin:
        assert all(rodin.status(SUBSCRIPTION_KEY).is_done for _ in range(BURST))
        if rate == 5e-324:
            with pytest.raises(WaitTimeoutError):
                rodin.wait(SUBSCRIPTION_KEY, timeout=0.01)
