"""`JobStatus`, `Job` and `TaskStatus`: the rules of their state, and that nothing changes them."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import CompletedTask, Job, JobStatus, TaskStatus
from tests.unit.support import each_of

if TYPE_CHECKING:
    from random import Random

STATUSES = {
    "WAITING": "Waiting",
    "GENERATING": "Generating",
    "DONE": "Done",
    "FAILED": "Failed",
    "CANCELED": "Canceled",
    "UNKNOWN": "Unknown",
}


def task(*statuses: JobStatus) -> TaskStatus:
    return TaskStatus(tuple(Job(f"job-{index}", status) for index, status in enumerate(statuses)))


statuses = st.lists(st.sampled_from(JobStatus), max_size=6)
jobs = st.builds(
    Job,
    st.text(max_size=8),
    st.sampled_from(JobStatus),
    st.text(max_size=8),
    st.none() | st.integers(),
)
tasks = st.builds(
    TaskStatus,
    st.lists(jobs, max_size=4),
    st.none() | st.text(max_size=8),
    st.none() | st.text(max_size=8),
    st.none() | st.text(max_size=8),
)


# --- JobStatus


def test_job_status_has_the_members_of_the_contract() -> None:
    assert {status.name: status.value for status in JobStatus} == STATUSES
    assert issubclass(JobStatus, StrEnum)


def test_final_statuses() -> None:
    assert {status for status in JobStatus if status.is_final} == {
        JobStatus.DONE,
        JobStatus.FAILED,
        JobStatus.CANCELED,
    }


@pytest.mark.parametrize("status", JobStatus)
def test_spelling_of_a_status_is_forgiven(status: JobStatus) -> None:
    for spelling in (status.lower(), status.upper(), status.swapcase(), f"  {status}\n"):
        assert JobStatus(spelling) is status


@pytest.mark.parametrize("spelling", ["Cancelled", "cancelled", "CANCELLED", "Canceled", " cancelled "])
def test_both_spellings_of_canceled(spelling: str) -> None:
    assert JobStatus(spelling) is JobStatus.CANCELED


@pytest.mark.parametrize(
    "value", ["", " ", "Finished", "Donee", "D one", "完成", "done!", None, 1, 0, True, 1.5, [], {}, b"Done", ("Done",)]
)
def test_what_is_no_known_status_is_unknown(value: Any) -> None:
    assert JobStatus(value) is JobStatus.UNKNOWN


def test_white_space_is_forgiven_up_to_the_length_of_an_excerpt() -> None:
    assert JobStatus("Done".rjust(512)) is JobStatus.DONE
    assert JobStatus("Done".rjust(513)) is JobStatus.UNKNOWN


@given(st.text())
def test_any_text_is_a_status(text: str) -> None:
    assert isinstance(JobStatus(text), JobStatus)


# --- Job


def test_job_shows_what_it_was_made_of() -> None:
    job = Job("a", JobStatus.WAITING, "waiting", 7)
    assert (job.uuid, job.status, job.raw_status, job.queue_length) == ("a", "Waiting", "waiting", 7)


def test_job_needs_no_raw_status_and_no_queue() -> None:
    job = Job("a", JobStatus.CANCELED)
    assert (job.raw_status, job.queue_length) == ("Canceled", None)


@pytest.mark.parametrize(
    ("job", "text"),
    [
        (Job("a", JobStatus.DONE), "a: Done"),
        (Job("a", JobStatus.DONE, "dOnE"), "a: Done"),
        (Job("a", JobStatus.WAITING, queue_length=3), "a: Waiting (3 in the queue)"),
        (Job("a", JobStatus.WAITING, queue_length=0), "a: Waiting (0 in the queue)"),
        (Job("a", JobStatus.UNKNOWN, "Baking"), "a: Baking"),
        (Job("\x1b[31m", JobStatus.UNKNOWN, "\u202ered"), r"\x1b[31m: \u202ered"),
    ],
    ids=each_of(["done", "case", "queue", "empty queue", "unknown", "control"]),
)
def test_job_as_text(job: Job, text: str) -> None:
    assert str(job) == text


def test_job_as_text_is_cut() -> None:
    assert len(str(Job("u" * 10_000, JobStatus.UNKNOWN, "s" * 10_000))) < 1_100


@pytest.mark.parametrize("name", ["uuid", "status", "raw_status", "queue_length", "new"])
def test_job_cannot_be_changed(name: str) -> None:
    job = Job("a", JobStatus.DONE)
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(job, name, "x")
    assert job == Job("a", JobStatus.DONE)


# --- TaskStatus: the rules


@pytest.mark.parametrize(
    ("given_statuses", "state"),
    [
        ([], "Waiting"),
        (["Waiting"], "Waiting"),
        (["Waiting", "Waiting"], "Waiting"),
        (["Waiting", "Done"], "Generating"),
        (["Waiting", "Unknown"], "Generating"),
        (["Unknown"], "Generating"),
        (["Generating"], "Generating"),
        (["Done", "Unknown"], "Generating"),
        (["Done"], "Done"),
        (["Done", "Done"], "Done"),
        (["Done", "Canceled"], "Canceled"),
        (["Waiting", "Canceled"], "Canceled"),
        (["Canceled", "Failed"], "Failed"),
        (["Generating", "Failed"], "Failed"),
        (["Done", "Failed"], "Failed"),
    ],
    ids=str,
)
def test_state(given_statuses: list[str], state: str) -> None:
    assert task(*map(JobStatus, given_statuses)).state == state


@given(statuses)
def test_rules_of_a_task(given_statuses: list[JobStatus]) -> None:
    status = task(*given_statuses)
    count, total = Counter(map(str, given_statuses)), len(given_statuses)
    final = count["Done"] + count["Failed"] + count["Canceled"]
    assert (status.state == "Failed") == (count["Failed"] > 0) == status.is_failed
    assert (status.state == "Canceled") == (count["Canceled"] > 0 == count["Failed"])
    assert (status.state == "Done") == (count["Done"] == total > 0) == status.is_done
    assert (status.state == "Waiting") == (count["Waiting"] == total)
    assert status.state != "Unknown"
    assert status.is_final == (final == total > 0)
    assert status.progress == (count["Done"] / total if total else 0.0)
    assert isinstance(status.progress, float)
    assert [job.uuid for job in status.failed_jobs] == [
        f"job-{index}" for index, one in enumerate(given_statuses) if one == "Failed"
    ]


@given(statuses, st.randoms())
def test_order_of_the_jobs_does_not_matter(given_statuses: list[JobStatus], chance: Random) -> None:
    shuffled = list(given_statuses)
    chance.shuffle(shuffled)
    one, other = task(*given_statuses), task(*shuffled)
    assert (one.state, one.progress, one.is_final) == (other.state, other.progress, other.is_final)


def test_no_jobs_are_not_the_end() -> None:
    status = TaskStatus()
    assert (status.is_done, status.is_final, status.is_failed, status.progress) == (False, False, False, 0.0)
    assert status.jobs == status.failed_jobs == ()


# --- TaskStatus: a value


def test_equality_is_of_jobs_error_and_message() -> None:
    one = TaskStatus((Job("a", JobStatus.DONE),), "E", "m", "id-1", {"jobs": []})
    same = TaskStatus((Job("a", JobStatus.DONE),), "E", "m", "id-2", {"other": 1})
    assert one == same
    assert hash(one) == hash(same)
    assert len({one, same}) == 1


@pytest.mark.parametrize(
    "other",
    [
        TaskStatus((Job("a", JobStatus.WAITING, "Waiting", 3),), None, "m"),
        TaskStatus((Job("a", JobStatus.WAITING),), "E", "m"),
        TaskStatus((Job("a", JobStatus.WAITING),), None, None),
        TaskStatus((Job("b", JobStatus.WAITING),), None, "m"),
        TaskStatus((Job("a", JobStatus.UNKNOWN, "Queued"),), None, "m"),
        TaskStatus((), None, "m"),
    ],
    ids=["queue", "error", "message", "uuid", "status", "jobs"],
)
def test_differences_show(other: TaskStatus) -> None:
    assert TaskStatus((Job("a", JobStatus.WAITING),), None, "m") != other


@pytest.mark.parametrize("other", [None, 1, "Done", (), {}])
def test_nothing_else_is_equal(other: object) -> None:
    assert TaskStatus() != other


@pytest.mark.parametrize("name", ["jobs", "error", "message", "request_id", "raw", "_raw", "state", "progress", "new"])
def test_task_cannot_be_changed(name: str) -> None:
    status = TaskStatus((Job("a", JobStatus.DONE),), "E", "m", "id", {"jobs": []})
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(status, name, None)
    with pytest.raises((FrozenInstanceError, AttributeError)):
        delattr(status, name)
    assert (status.jobs[0].uuid, status.error, status.message, status.request_id) == ("a", "E", "m", "id")


def test_jobs_are_a_tuple_whatever_they_came_in() -> None:
    given_jobs = [Job("a", JobStatus.DONE)]
    status = TaskStatus(given_jobs)  # pyright: ignore[reportArgumentType]
    given_jobs.clear()
    assert status.jobs == (Job("a", JobStatus.DONE),)


@given(tasks)
def test_task_can_be_pickled_copied_and_hashed(status: TaskStatus) -> None:
    for twin in (pickle.loads(pickle.dumps(status)), copy.copy(status), copy.deepcopy(status)):
        assert twin == status
        assert hash(twin) == hash(status)
        assert (twin.request_id, twin.raw, repr(twin)) == (status.request_id, status.raw, repr(status))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_of_pickle_keeps_a_task(protocol: int) -> None:
    status = TaskStatus((Job("a", JobStatus.WAITING, "waiting", 2),), "E", "m", "id", {"jobs": [{"a": "waiting"}]})
    twin = pickle.loads(pickle.dumps(status, protocol))
    assert (twin, twin.raw, twin.request_id) == (status, status.raw, "id")


# --- TaskStatus: as text


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (TaskStatus(), "Waiting: no jobs yet"),
        (task(JobStatus.DONE), "Done: 1 of 1 job done"),
        (task(JobStatus.DONE, JobStatus.WAITING), "Generating: 1 of 2 jobs done"),
        (TaskStatus((), None, "Busy."), "Waiting: no jobs yet (Busy.)"),
        (TaskStatus((Job("a", JobStatus.DONE),), "E", "m"), "Done: 1 of 1 job done (E: m)"),
        (TaskStatus((Job("a", JobStatus.DONE),), "E"), "Done: 1 of 1 job done (E)"),
    ],
    ids=["none", "one", "two", "message", "both", "error"],
)
def test_task_as_text(status: TaskStatus, text: str) -> None:
    assert str(status) == text


def test_repr_is_cut_where_the_server_wrote_too_much() -> None:
    status = TaskStatus([Job("u" * 10**6, JobStatus.UNKNOWN, "s" * 10**6)])
    assert len(repr(status)) < 1200
    assert repr(status.jobs[0]).startswith("Job(uuid='uuu")


def test_repr_names_what_there_is() -> None:
    shown = repr(TaskStatus((Job("a", JobStatus.DONE),), "E", "m", "id-1", {"jobs": [], "more": 1}))
    assert shown == (
        "<TaskStatus Done jobs=(Job(uuid='a', status=<JobStatus.DONE: 'Done'>, raw_status='Done', queue_length=None),"
        "), error='E', message='m', request_id='id-1'>"
    )
    assert repr(TaskStatus()) == "<TaskStatus Waiting jobs=()>"


@given(tasks)
def test_texts_are_one_printable_line(status: TaskStatus) -> None:
    assert repr(status).isprintable()
    assert all(str(job).isprintable() for job in status.jobs)


# --- CompletedTask


@given(tasks)
def test_a_completed_task_equals_the_look_that_it_was_made_of(status: TaskStatus) -> None:
    completed = CompletedTask.of(status)
    assert completed == status
    assert status == completed
    assert hash(completed) == hash(status)
    assert completed != CompletedTask([*status.jobs, Job("another", JobStatus.DONE)], status.error, status.message)
    assert completed != status.jobs
