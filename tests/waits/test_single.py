"""One task: when it is looked at, what is reported, and how the wait ends. In virtual time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from rodin_sdk import (
    CompletedTask,
    Poll,
    RequestTimeoutError,
    TaskCanceledError,
    TaskError,
    TaskFailedError,
    WaitTimeoutError,
)
from tests.waits.simulation import Run, Simulation, every, gaps
from tests.waits.world import (
    CANCELED,
    DONE,
    EMPTY,
    FAILED,
    HALF,
    RUNNING,
    START,
    WAITING,
    Reply,
    World,
    in_turn,
    jobs,
    over_time,
    reset,
    status_of,
)

if TYPE_CHECKING:
    from rodin_sdk._messages import Answer

KEY = "a-task's-key"


def one(*replies: Reply, latency: float = 0.0) -> Simulation:
    """Returns a simulation of a task each of whose looks brings the next reply."""
    return Simulation(World({KEY: in_turn(*replies)}, latency=latency))


def timed_out(run: Run[CompletedTask]) -> WaitTimeoutError:
    assert isinstance(run.error, WaitTimeoutError), (run.error, run.value)
    return run.error


# --- When to look


def test_the_first_look_is_taken_at_once() -> None:
    simulation = one(DONE)
    run = simulation.wait(KEY, at=3.5)
    simulation.run()
    assert simulation.world.looks_at(KEY) == [3.5]
    assert isinstance(run.value, CompletedTask)
    assert run.ended == 3.5


def test_nothing_happens_before_the_first_item_is_asked_for() -> None:
    simulation = one(RUNNING, DONE)
    run = simulation.wait(KEY, at=500.0, timeout=5, poll=every(4))
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert simulation.world.looks_at(KEY) == [500.0, 504.0]


@pytest.mark.parametrize(
    ("poll", "pauses"),
    [
        (Poll(5, 1, 5, 0), [5, 5, 5, 5, 5, 5]),
        (Poll(1, 2, 10, 0), [1, 2, 4, 8, 10, 10]),
        (Poll(4, 1.5, 30, 0), [4, 6, 9, 13.5, 20.25, 30]),
        (Poll(3, jitter=0), [3, 3, 3, 3, 3, 3]),
        (Poll(0.25, 1, 0.25, 0), [0.25] * 6),
        (Poll(1, 1e300, 7, 0), [1, 7, 7, 7, 7, 7]),
    ],
)
def test_the_pauses_grow_as_poll_says(poll: Poll, pauses: list[float]) -> None:
    simulation = one(*[RUNNING] * 6, DONE)
    simulation.wait(KEY, poll=poll)
    simulation.run()
    assert gaps(simulation.world.looks_at(KEY)) == pauses


def test_the_pause_counts_from_the_answer() -> None:
    """So that a slow service is not asked again at once."""
    simulation = one(RUNNING, RUNNING, DONE, latency=3.0)
    simulation.wait(KEY, poll=every(5))
    simulation.run()
    assert simulation.world.looks_at(KEY) == [0, 8, 16]


@pytest.mark.parametrize(("dice", "factor"), [(0.0, 1.0), (0.5, 1.25), (1.0, 1.5)])
def test_jitter_is_a_fraction_of_the_pause_and_added(dice: float, factor: float) -> None:
    simulation = Simulation(World({KEY: in_turn(RUNNING, RUNNING, RUNNING, DONE)}), dice=lambda: dice)
    simulation.wait(KEY, poll=Poll(2, 2, 100, 0.5))
    simulation.run()
    assert gaps(simulation.world.looks_at(KEY)) == [2 * factor, 4 * factor, 8 * factor]


def test_a_callable_is_given_the_age_and_gives_the_pause() -> None:
    ages: list[float] = []

    def pause(age: float) -> float:
        ages.append(age)
        return 1.0 + age

    simulation = one(RUNNING, RUNNING, RUNNING, RUNNING, DONE)
    simulation.wait(KEY, poll=pause)
    simulation.run()
    assert simulation.world.looks_at(KEY) == [0, 1, 3, 7, 15]
    assert ages == [0, 1, 3, 7]


@pytest.mark.parametrize("seed", range(20))
def test_the_default_never_looks_twice_within_two_seconds(seed: int) -> None:
    """Neither at first, nor after it has learnt that all tasks end within a second, nor that some take a day."""
    script = over_time((0, WAITING), (0.5 + seed, RUNNING), (1 + seed * 50, DONE))
    world = World({f"{number}": script for number in range(40)}, latency=0.1)
    simulation = Simulation(world, seed=seed)
    simulation.poll = Poll()
    runs = [simulation.wait(str(number), at=float(number * 7), timeout=None) for number in range(40)]
    simulation.run()
    assert all(isinstance(run.value, CompletedTask) for run in runs)
    for number in range(40):
        assert all(gap >= 2.0 for gap in gaps(world.looks_at(str(number))))


def test_the_default_looks_on_for_ever() -> None:
    simulation = one(RUNNING)
    simulation.poll = Poll()
    simulation.wait(KEY, timeout=None)
    simulation.run(until=7 * 86_400.0)
    looks = simulation.world.looks_at(KEY)
    assert max(gaps(looks)) <= 60 * 1.1
    assert min(gaps(looks)) >= 2


# --- What is reported


def test_watch_reports_the_first_look_and_every_change() -> None:
    simulation = one(WAITING, WAITING, RUNNING, RUNNING, HALF, RUNNING, RUNNING, DONE)
    run = simulation.watch(KEY)
    simulation.run()
    assert [status for _, status in run.emitted] == [
        status_of(reply) for reply in (WAITING, RUNNING, HALF, RUNNING, DONE)
    ]
    assert [at for at, _ in run.emitted] == [0, 20, 40, 50, 70]
    assert run.error is None


def test_every_poll_reports_every_look_that_brought_a_status() -> None:
    simulation = one(WAITING, WAITING, reset(), RUNNING, RUNNING, DONE)
    run = simulation.watch(KEY, every_poll=True)
    simulation.run()
    assert run.states == ["Waiting", "Waiting", "Generating", "Generating", "Done"]


def test_a_bad_poll_in_between_is_no_change() -> None:
    simulation = one(RUNNING, reset(), RUNNING, reset(), HALF, DONE)
    run = simulation.watch(KEY)
    simulation.run()
    assert [status for _, status in run.emitted] == [status_of(reply) for reply in (RUNNING, HALF, DONE)]


@pytest.mark.parametrize(
    ("one_look", "next_look", "is_change"),
    [
        (jobs("Waiting", trace="1"), jobs("Waiting", trace="2"), False),
        (jobs("Waiting", message="soon"), jobs("Waiting", message="sooner"), True),
        (jobs("Waiting", error="OK"), jobs("Waiting", error=None), False),
        (jobs("Baking"), jobs("Cooling"), True),
        (jobs("Waiting"), jobs("Waiting", "Waiting"), True),
        (EMPTY, EMPTY, False),
    ],
)
def test_a_change_is_in_jobs_error_and_message(one_look: Answer, next_look: Answer, *, is_change: bool) -> None:
    simulation = one(one_look, next_look, DONE)
    run = simulation.watch(KEY)
    simulation.run()
    assert len(run.emitted) == 2 + is_change


# --- How it ends


@pytest.mark.parametrize(
    ("last", "allow_partial", "expected"),
    [
        (DONE, False, CompletedTask),
        (DONE, True, CompletedTask),
        (jobs("Failed", "Generating"), False, TaskFailedError),
        (jobs("Canceled", "Generating"), False, TaskCanceledError),
        (jobs("Canceled", "Failed"), False, TaskFailedError),
        (FAILED, False, TaskFailedError),
        (CANCELED, False, TaskCanceledError),
        (FAILED, True, CompletedTask),
        (CANCELED, True, CompletedTask),
        (jobs("Failed", "Failed"), True, TaskFailedError),
        (jobs("Failed", "Canceled"), True, TaskFailedError),
        (jobs("Canceled", "Cancelled"), True, TaskCanceledError),
        (jobs("Done", "Canceled", "Failed"), True, CompletedTask),
    ],
)
def test_the_end_is_as_the_jobs_are(last: Answer, *, allow_partial: bool, expected: type) -> None:
    simulation = one(RUNNING, last, RUNNING, DONE)
    run = simulation.wait(KEY, allow_partial=allow_partial)
    simulation.run()
    result = run.value or run.error
    assert type(result) is expected
    assert run.ended == 10
    seen = run.error.status if isinstance(run.error, TaskError) else run.value
    assert seen is not None
    assert seen.jobs == status_of(last).jobs
    assert run.emitted[-1] == (10, status_of(last))


@pytest.mark.parametrize("last", [DONE, FAILED, CANCELED])
def test_watch_ends_with_the_last_snapshot_and_no_error(last: Answer) -> None:
    simulation = one(RUNNING, last, DONE)
    run = simulation.watch(KEY)
    simulation.run()
    assert run.error is None
    assert run.emitted[-1][1] == status_of(last)
    assert len(run.emitted) == 2


def test_allow_partial_waits_until_every_job_is_final() -> None:
    simulation = one(jobs("Failed", "Waiting"), jobs("Failed", "Generating"), jobs("Failed", "Done"))
    run = simulation.wait(KEY, allow_partial=True)
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert (run.value.is_done, run.value.is_failed, run.ended) == (False, True, 20)


def test_a_failure_that_is_taken_back_has_ended_the_wait_already() -> None:
    """Unlike with allow_partial, where only the look with every job final counts."""
    replies = (jobs("Failed", "Generating"), jobs("Generating", "Generating"), jobs("Done", "Done"))
    strict, partial = one(*replies), one(*replies)
    failed, completed = strict.wait(KEY), partial.wait(KEY, allow_partial=True)
    strict.run()
    partial.run()
    assert isinstance(failed.error, TaskFailedError)
    assert isinstance(completed.value, CompletedTask)
    assert completed.value.is_done


def test_statuses_go_backwards_and_jobs_come_and_go() -> None:
    replies = (
        EMPTY,
        jobs("Waiting"),
        jobs("Done", "Generating"),
        jobs("Generating", "Waiting"),
        EMPTY,
        jobs("Done", "Done", "Generating"),
        jobs("Done", "Done"),
        RUNNING,
    )
    simulation = one(*replies)
    run = simulation.wait(KEY)
    simulation.run()
    assert run.value == CompletedTask.of(status_of(replies[-2]))
    assert run.ended == 60


@pytest.mark.parametrize("unknown", ["Baking", "", "DONE!", "Succeeded", "null"])
def test_an_unknown_status_counts_as_running(unknown: str) -> None:
    simulation = one(jobs("Done", unknown), DONE)
    run = simulation.wait(KEY)
    simulation.run()
    assert run.ended == 10
    assert run.states == ["Generating", "Done"]


def test_an_empty_list_is_never_done() -> None:
    simulation = one(EMPTY)
    run = simulation.wait(KEY, timeout=95)
    simulation.run()
    error = timed_out(run)
    assert (run.ended, error.polls, error.status) == (95, 10, status_of(EMPTY))


def test_an_error_beside_final_jobs_does_not_spoil_them() -> None:
    last = jobs("Done", "Done", error="UNKNOWN", message="a preview went missing")
    simulation = one(RUNNING, last)
    run = simulation.wait(KEY)
    simulation.run()
    assert run.value is not None
    assert (run.value.error, run.value.message) == ("UNKNOWN", "a preview went missing")


# --- The deadline


@pytest.mark.parametrize("timeout", [1.0, 9.75, 10.5, 25.0, 1205.0])
def test_the_deadline_is_exact(timeout: float) -> None:
    simulation = one(RUNNING)
    run = simulation.wait(KEY, timeout=timeout)
    simulation.run()
    error = timed_out(run)
    assert run.ended == timeout
    assert (error.elapsed, error.polls) == (timeout, math.floor(timeout / 10) + 1)
    assert error.status == status_of(RUNNING)
    assert error.__cause__ is None


def test_requests_are_clipped_to_the_time_that_is_left() -> None:
    simulation = Simulation(World({KEY: in_turn(RUNNING)}, latency=lambda _key, age: 0.0 if age < 90 else math.inf))
    run = simulation.wait(KEY, timeout=100, request_timeout=45)
    simulation.run()
    assert [sent.timeout for sent in simulation.world.sent] == [45] * 6 + [40, 30, 20, 10]
    assert run.ended == 100
    assert isinstance(timed_out(run).__cause__, RequestTimeoutError)


def test_no_request_is_sent_without_any_time_for_its_answer() -> None:
    """At the deadline itself nothing can come any more: it would only be a request too many."""
    simulation = one(RUNNING)
    run = simulation.wait(KEY, timeout=30)
    simulation.run()
    assert run.ended == 30
    assert [sent.timeout for sent in simulation.world.sent] == [30, 20, 10]


def test_no_request_is_sent_after_the_deadline_when_a_pause_was_too_long() -> None:
    """A real pause is never exact. What wakes after the deadline has either no look, or one with time for an answer."""
    simulation = one(RUNNING)
    run = simulation.wait(KEY, timeout=19.5, poll=every(9.5))
    simulation.run(until=15)
    simulation.world.now = START + 20.0
    simulation.run()
    assert isinstance(run.error, WaitTimeoutError)
    assert all(sent.timeout is not None and sent.timeout > 0 for sent in simulation.world.sent)


def test_a_final_answer_that_comes_at_the_deadline_wins() -> None:
    simulation = one(RUNNING, DONE, latency=5.0)
    run = simulation.wait(KEY, timeout=15, poll=every(5))
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert run.ended == 15


def test_a_final_answer_wins_over_a_deadline_that_passed_meanwhile() -> None:
    simulation = one(RUNNING, FAILED, latency=5.0)
    run = simulation.wait(KEY, timeout=15, poll=every(5))
    simulation.run()
    assert isinstance(run.error, TaskFailedError)


def test_none_waits_for_ever() -> None:
    simulation = Simulation(World({KEY: over_time((0, RUNNING), (30 * 86_400.0, DONE))}))
    run = simulation.wait(KEY, timeout=None, poll=every(600), request_timeout=None)
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert {sent.timeout for sent in simulation.world.sent} == {None}


@pytest.mark.parametrize("request_timeout", [30.0, 0.5, None])
def test_a_timeout_of_0_is_one_look(request_timeout: float | None) -> None:
    simulation = one(RUNNING, DONE, latency=0.25)
    run = simulation.wait(KEY, timeout=0, request_timeout=request_timeout)
    simulation.run()
    assert [sent.timeout for sent in simulation.world.sent] == [request_timeout]
    error = timed_out(run)
    assert (error.polls, error.status, run.ended) == (1, status_of(RUNNING), 0.25)


def test_a_timeout_of_0_takes_what_is_done() -> None:
    simulation = one(DONE, latency=2)
    run = simulation.wait(KEY, timeout=0)
    simulation.run()
    assert isinstance(run.value, CompletedTask)


def test_a_timeout_of_0_is_bounded_by_the_request_timeout() -> None:
    simulation = one(DONE, latency=31)
    run = simulation.wait(KEY, timeout=0)
    simulation.run()
    assert run.ended == 30
    assert isinstance(timed_out(run).__cause__, RequestTimeoutError)


# --- A caller who is busy


def test_what_became_overdue_while_the_caller_was_busy_gets_one_last_look() -> None:
    simulation = one(RUNNING, DONE)
    run = simulation.wait(KEY, timeout=30, away=lambda status: 0.0 if status.is_done else 500.0)
    simulation.run()
    assert isinstance(run.value, CompletedTask)
    assert simulation.world.looks_at(KEY) == [0, 500]
    assert simulation.world.sent[1].timeout == 30.0


def test_the_last_look_is_one() -> None:
    simulation = one(RUNNING, HALF, DONE)
    run = simulation.wait(KEY, timeout=30, away=lambda _: 500.0)
    simulation.run()
    error = timed_out(run)
    assert simulation.world.looks_at(KEY) == [0, 500]
    assert (error.polls, error.status) == (2, status_of(HALF))


def test_what_was_not_due_before_the_deadline_gets_no_further_look() -> None:
    simulation = one(RUNNING, DONE)
    run = simulation.wait(KEY, timeout=5, away=lambda _: 500.0)
    simulation.run()
    assert timed_out(run).polls == 1
    assert (run.ended, simulation.world.looks_at(KEY)) == (500, [0])


def test_a_busy_caller_within_the_deadline_changes_nothing() -> None:
    simulation = one(RUNNING, RUNNING, DONE)
    run = simulation.watch(KEY, every_poll=True, away=lambda _: 3.0)
    simulation.run()
    assert simulation.world.looks_at(KEY) == [0, 10, 20]
    assert run.error is None


def test_elapsed_and_polls_count_the_whole_wait() -> None:
    simulation = one(RUNNING, reset(), RUNNING, FAILED, latency=0.5)
    run = simulation.wait(KEY, at=100)
    simulation.run()
    assert isinstance(run.error, TaskFailedError)
    assert (run.error.polls, run.error.elapsed) == (4, 32.0)
    assert run.error.subscription_key == KEY
