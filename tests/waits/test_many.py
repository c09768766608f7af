"""Many tasks in one call: order, duplicates, deadlines, and what one task's end means for others. In virtual time."""

from __future__ import annotations

import gc
import math

import pytest

from rodin_sdk import (
    AuthenticationError,
    CompletedTask,
    ConfigurationError,
    InvalidResponseError,
    NotFoundError,
    Outcome,
    Poll,
    TaskCanceledError,
    TaskFailedError,
    TransportError,
    WaitTimeoutError,
)
from tests.waits.simulation import Many, Simulation, every, gaps
from tests.waits.world import (
    CANCELED,
    DONE,
    FAILED,
    HALF,
    RUNNING,
    Script,
    World,
    answer,
    in_turn,
    jobs,
    over_time,
    reset,
    status_of,
)

UNAUTHORIZED = answer({"error": "UNAUTHORIZED"}, 401)


def begin(scripts: dict[str, Script], latency: float = 0.0) -> Simulation:
    return Simulation(World(scripts, latency=latency))


def keys_of(many: Many) -> list[str]:
    return [outcome.subscription_key for _, outcome in many.outcomes]


def done_at(seconds: float) -> Script:
    return over_time((0, RUNNING), (seconds, DONE))


def test_outcomes_come_in_the_order_in_which_tasks_end() -> None:
    ends = {"c": 15.0, "a": 95.0, "d": 1.0, "b": 35.0, "e": 0.0}
    simulation = begin({key: done_at(seconds) for key, seconds in ends.items()})
    many = simulation.as_completed(ends)
    simulation.run()
    assert [(at, outcome.subscription_key) for at, outcome in many.outcomes] == [
        (0, "e"),
        (10, "d"),
        (20, "c"),
        (40, "b"),
        (100, "a"),
    ]


def test_a_quick_answer_overtakes_a_slow_one() -> None:
    world = World({"slow": in_turn(DONE), "quick": in_turn(DONE)}, latency=lambda key, _: 9.0 if key == "slow" else 1.0)
    simulation = Simulation(world)
    many = simulation.as_completed(["slow", "quick"])
    simulation.run()
    assert [(at, outcome.subscription_key) for at, outcome in many.outcomes] == [(1, "quick"), (9, "slow")]


def test_a_key_given_twice_is_looked_at_once() -> None:
    simulation = begin({"a": in_turn(RUNNING, DONE), "b": in_turn(DONE)})
    many = simulation.as_completed(["a", "b", "a", "a", "b"])
    simulation.run()
    assert sorted(keys_of(many)) == ["a", "b"]
    assert simulation.world.looks_at("a") == [0, 10]


def test_an_empty_list_is_an_empty_result() -> None:
    simulation = begin({})
    many = simulation.as_completed([])
    simulation.run()
    assert (many.outcomes, many.ended, many.error) == ([], 0, None)


def test_every_fate_is_an_outcome_of_its_own() -> None:
    fates: dict[str, tuple[Script, type | None]] = {
        "done": (done_at(50), None),
        "failed": (over_time((0, RUNNING), (20, FAILED)), TaskFailedError),
        "canceled": (over_time((0, RUNNING), (20, CANCELED)), TaskCanceledError),
        "gone": (in_turn(RUNNING, answer({"error": "NO_SUCH_TASK"})), NotFoundError),
        "lost": (in_turn(RUNNING, reset()), WaitTimeoutError),
        "garbled": (in_turn(answer(b"<html>")), WaitTimeoutError),
        "endless": (in_turn(RUNNING), WaitTimeoutError),
        "flaky": (in_turn(reset(), RUNNING, answer(b"", 500), RUNNING, answer(b""), DONE), None),
    }
    simulation = begin({key: script for key, (script, _) in fates.items()})
    many = simulation.as_completed(fates, timeout=300)
    simulation.run()
    assert many.ended == 300
    for key, (_, kind) in fates.items():
        outcome = many.by_key[key]
        if kind is None:
            assert isinstance(outcome.task, CompletedTask)
            assert outcome.error is None
        else:
            assert type(outcome.error) is kind
            assert outcome.task is None
    causes = {
        key: type(error.__cause__) for key in fates if isinstance(error := many.by_key[key].error, WaitTimeoutError)
    }
    assert causes == {"lost": TransportError, "garbled": InvalidResponseError, "endless": type(None)}


def test_it_ends_as_wait_does_with_and_without_allow_partial() -> None:
    for allow_partial in (False, True):
        for last in (DONE, FAILED, CANCELED, jobs("Failed", "Failed"), jobs("Failed", "Generating")):
            one, other = begin({"key": in_turn(RUNNING, last, DONE)}), begin({"key": in_turn(RUNNING, last, DONE)})
            run = one.wait("key", allow_partial=allow_partial)
            many = other.as_completed(["key"], allow_partial=allow_partial)
            one.run()
            other.run()
            outcome = many.by_key["key"]
            assert outcome.task == run.value
            assert type(outcome.error) is type(run.error)
            assert str(outcome.error) == str(run.error)
            assert many.ended == run.ended


def test_task_errors_have_the_last_snapshot_and_the_counts() -> None:
    simulation = begin({"key": in_turn(RUNNING, reset(), HALF, FAILED), "other": in_turn(RUNNING)}, latency=1.0)
    many = simulation.as_completed(["key", "other"], timeout=100, at=7)
    simulation.run()
    failed, late = many.by_key["key"].error, many.by_key["other"].error
    assert isinstance(failed, TaskFailedError)
    assert (failed.status, failed.polls, failed.elapsed) == (status_of(FAILED), 4, 34)
    assert failed.subscription_key == "key"
    assert isinstance(late, WaitTimeoutError)
    assert (late.status, late.elapsed) == (status_of(RUNNING), 100)
    assert late.polls == len(simulation.world.looks_at("other")) == 10


# --- A key that is wrong ends all


def test_an_authentication_error_ends_all_unfinished_tasks_at_once() -> None:
    scripts = {f"t{number}": in_turn(RUNNING) for number in range(40)}
    scripts |= {"done": in_turn(DONE), "bad": in_turn(RUNNING, UNAUTHORIZED)}
    world = World(scripts, latency=lambda key, _: 0.5 if key in {"bad", "done"} else 2.0)
    simulation = Simulation(world, requests_per_minute=60)
    many = simulation.as_completed(["done", "bad", *scripts], poll=every(3))
    simulation.run()
    assert len(many.outcomes) == 42
    assert many.by_key["done"].task is not None
    errors = [outcome.error for _, outcome in many.outcomes if outcome.task is None]
    assert len(errors) == 41
    assert all(isinstance(error, AuthenticationError) for error in errors)
    ended = {at for at, outcome in many.outcomes if outcome.error is not None}
    assert len(ended) == 1
    assert max(sent.at for sent in world.sent) <= ended.pop()


def test_what_had_ended_before_keeps_its_outcome() -> None:
    simulation = begin({"a": done_at(0), "b": done_at(5), "bad": over_time((0, RUNNING), (30, UNAUTHORIZED))})
    many = simulation.as_completed(["a", "b", "bad"], away=lambda _: 100.0)
    simulation.run()
    assert [type(outcome.error) for _, outcome in many.outcomes] == [type(None), type(None), AuthenticationError]


# --- Deadlines


def test_the_timeout_counts_for_the_whole_call() -> None:
    keys = [f"t{number}" for number in range(50)]
    simulation = Simulation(World({key: in_turn(RUNNING) for key in keys}), requests_per_minute=60)
    many = simulation.as_completed(keys, timeout=30)
    simulation.run()
    assert {at for at, _ in many.outcomes} == {30}
    assert sorted(keys_of(many)) == sorted(keys)
    errors = [outcome.error for _, outcome in many.outcomes]
    assert all(isinstance(error, WaitTimeoutError) and error.elapsed == 30 for error in errors)
    assert sum(error.polls for error in errors if isinstance(error, WaitTimeoutError)) == len(simulation.world.sent)
    assert {error.status for error in errors if isinstance(error, WaitTimeoutError)} == {None, status_of(RUNNING)}


def test_requests_are_clipped_to_the_time_that_is_left() -> None:
    simulation = begin({"a": in_turn(RUNNING), "b": in_turn(RUNNING)}, latency=math.inf)
    many = simulation.as_completed(["a", "b"], timeout=75)
    simulation.run()
    assert [sent.timeout for sent in simulation.world.sent] == [30, 30, 30, 30]
    assert {at for at, _ in many.outcomes} == {75}
    long = begin({"a": in_turn(RUNNING), "b": in_turn(RUNNING)}, latency=math.inf)
    many = long.as_completed(["a", "b"], timeout=55)
    long.run()
    assert [sent.timeout for sent in long.world.sent] == [30, 30, 15, 15]
    assert {at for at, _ in many.outcomes} == {55}


def test_without_a_timeout_it_waits_for_ever() -> None:
    simulation = begin({"a": done_at(20 * 86_400.0)})
    many = simulation.as_completed(["a"], poll=every(3600))
    simulation.run()
    assert many.by_key["a"].task is not None


@pytest.mark.parametrize("rate", [None, 60.0])
def test_a_timeout_of_0_is_one_look_at_each(rate: float | None) -> None:
    scripts = {f"t{number}": in_turn(RUNNING if number % 2 else DONE) for number in range(30)}
    simulation = Simulation(World(scripts, latency=1.0), requests_per_minute=rate)
    many = simulation.as_completed(scripts, timeout=0)
    simulation.run()
    assert len(simulation.world.sent) == len(many.outcomes) == 30
    assert {sent.timeout for sent in simulation.world.sent} == {30}
    for number in range(30):
        outcome = many.by_key[f"t{number}"]
        assert (outcome.task is None) == bool(number % 2)


def test_an_answer_that_comes_at_the_deadline_wins() -> None:
    simulation = begin({"a": in_turn(RUNNING, DONE), "b": in_turn(RUNNING, RUNNING)}, latency=5.0)
    many = simulation.as_completed(["a", "b"], timeout=20)
    simulation.run()
    assert many.by_key["a"].task is not None
    assert isinstance(many.by_key["b"].error, WaitTimeoutError)


# --- A caller who is busy between two items


def test_what_became_overdue_while_the_caller_was_busy_gets_one_last_look() -> None:
    scripts = {f"t{number}": done_at(60) for number in range(8)} | {"first": in_turn(DONE)}
    simulation = begin(scripts)
    many = simulation.as_completed(scripts, timeout=30, away=lambda _: 500.0)
    simulation.run(until=499)
    assert keys_of(many) == ["first"]
    simulation.run(until=501)
    assert all(simulation.world.looks_at(key) == [0, 500] for key in scripts if key != "first")
    simulation.run()
    assert all(outcome.task is not None for _, outcome in many.outcomes)
    assert len(simulation.world.sent) == 17


def test_what_was_not_due_before_the_deadline_gets_no_last_look() -> None:
    world = World(
        {"first": done_at(20), "late": in_turn(RUNNING)}, latency=lambda key, _: 1.0 if key == "first" else 0.0
    )
    simulation = Simulation(world)
    many = simulation.as_completed(["first", "late"], timeout=25, away=lambda _: 500.0)
    simulation.run()
    error = many.by_key["late"].error
    assert isinstance(error, WaitTimeoutError)
    assert (error.polls, simulation.world.looks_at("late")) == (3, [0, 10, 20])


@pytest.mark.parametrize("latency", [0.0, 1.0])
def test_what_is_due_at_the_deadline_itself_is_overdue(latency: float) -> None:
    world = World(
        {"first": in_turn(DONE), "late": done_at(5)}, latency=lambda key, _: latency if key == "first" else 0.0
    )
    simulation = Simulation(world)
    many = simulation.as_completed(["first", "late"], timeout=10, away=lambda _: 500.0)
    simulation.run()
    assert keys_of(many) == ["first", "late"]
    assert many.by_key["late"].task is not None
    assert world.looks_at("late") == [0, 500 + latency]


def test_a_caller_who_comes_back_at_the_deadline_itself_is_late() -> None:
    simulation = begin({"first": in_turn(DONE), "late": done_at(20)})
    many = simulation.as_completed(["first", "late"], timeout=30, away=lambda _: 30.0)
    simulation.run()
    assert many.by_key["late"].task is not None
    assert simulation.world.looks_at("late") == [0, 30]


def test_the_last_look_is_one() -> None:
    simulation = begin({"first": in_turn(DONE), "late": in_turn(RUNNING, HALF, DONE)}, latency=1.0)
    many = simulation.as_completed(["first", "late"], timeout=30, away=lambda _: 500.0)
    simulation.run()
    error = many.by_key["late"].error
    assert isinstance(error, WaitTimeoutError)
    assert (error.polls, error.status) == (2, status_of(HALF))


@pytest.mark.parametrize("timeout", [6, 30])
def test_a_look_under_way_when_the_caller_left_is_not_the_last_one(timeout: float) -> None:
    """Its answer came in time, and the next look was overdue when the caller came back."""
    world = World(
        {"first": in_turn(DONE), "late": over_time((0, RUNNING), (10, DONE))},
        latency=lambda key, _: 0.5 if key == "first" else 1.0,
    )
    simulation = Simulation(world)
    many = simulation.as_completed(["first", "late"], timeout=timeout, poll=every(5), away=lambda _: 500.0)
    simulation.run()
    assert many.by_key["late"].task is not None, str(many.by_key["late"].error)


def test_what_was_never_looked_at_gets_its_look() -> None:
    scripts = {f"t{number}": done_at(40) for number in range(12)} | {"first": in_turn(DONE)}
    simulation = Simulation(World(scripts), requests_per_minute=60)

    def away(outcome: Outcome) -> float:
        return 50.0 if outcome.subscription_key == "first" else 0.0

    many = simulation.as_completed(["first", *scripts], timeout=20, away=away)
    simulation.run()
    assert all(outcome.task is not None for _, outcome in many.outcomes)


def test_what_was_not_due_before_the_deadline_gets_no_further_look() -> None:
    simulation = begin({"first": in_turn(DONE), "late": done_at(20)})
    many = simulation.as_completed(["first", "late"], timeout=5, away=lambda _: 500.0)
    simulation.run()
    assert isinstance(many.by_key["late"].error, WaitTimeoutError)
    assert simulation.world.looks_at("late") == [0]


def test_a_caller_who_is_busy_again_and_again() -> None:
    scripts = {f"t{number}": done_at(60) for number in range(5)}
    simulation = begin(scripts | {"first": in_turn(DONE)})
    many = simulation.as_completed(["first", *scripts], timeout=30, away=lambda _: 500.0)
    simulation.run()
    assert all(outcome.task is not None for _, outcome in many.outcomes)
    assert many.ended == 6 * 500


def test_a_busy_caller_within_the_deadline_loses_nothing() -> None:
    simulation = begin({"first": in_turn(DONE), "late": done_at(95)})
    many = simulation.as_completed(["first", "late"], timeout=120, away=lambda _: 97.0)
    simulation.run()
    assert many.by_key["late"].task is not None


# --- How much at once


def test_looks_in_flight_are_bounded() -> None:
    scripts = {f"t{number}": in_turn(DONE) for number in range(200)}
    simulation = begin(scripts, latency=3.0)
    many = simulation.as_completed(scripts)
    simulation.run()
    assert len(many.outcomes) == 200
    assert many.most_in_flight <= 16


def test_some_that_stall_do_not_stop_the_others() -> None:
    stalled = {f"s{number}": in_turn(RUNNING) for number in range(10)}
    good = {f"g{number}": done_at(60) for number in range(40)}
    world = World(stalled | good, latency=lambda key, _: math.inf if key.startswith("s") else 0.1)
    simulation = Simulation(world, requests_per_minute=100)
    many = simulation.as_completed([*stalled, *good], timeout=1200)
    simulation.run()
    assert all(many.by_key[key].task is not None for key in good)
    assert max(at for at, outcome in many.outcomes if outcome.task is not None) < 180
    assert many.ended == 1200


def test_tasks_that_are_due_together_keep_their_order() -> None:
    simulation = begin(dict.fromkeys("cab", in_turn(RUNNING, RUNNING, DONE)))
    many = simulation.as_completed("cab")
    simulation.run()
    assert [sent.key for sent in simulation.world.sent] == [*"cab"] * 3
    assert keys_of(many) == [*"cab"]


def test_pauses_are_kept_per_task() -> None:
    scripts = {f"t{number}": done_at(400) for number in range(30)}
    simulation = begin(scripts, latency=0.5)
    simulation.as_completed(scripts, poll=Poll(3, 2, 40, 0))
    simulation.run()
    for key in scripts:
        looks = simulation.world.looks_at(key)
        assert all(gap >= pause + 0.5 for gap, pause in zip(gaps(looks), (3, 6, 12, 24, 40, 40), strict=False))


def test_the_default_never_looks_twice_within_two_seconds() -> None:
    scripts = {f"t{number}": done_at(number) for number in range(100)}
    simulation = Simulation(World(scripts), requests_per_minute=None)
    simulation.as_completed(scripts, poll=Poll())
    simulation.run()
    assert min(gap for key in scripts for gap in gaps(simulation.world.looks_at(key)) or [2]) >= 2


def test_a_callable_is_asked_for_pauses_only() -> None:
    """It is told a task's age after each look that was not the last, and is not asked for anything else."""
    ages: list[float] = []

    def pause(age: float) -> float:
        ages.append(age)
        return 4.0

    simulation = begin({f"t{number}": in_turn(RUNNING, RUNNING, DONE) for number in range(3)})
    simulation.as_completed(["t0", "t1", "t2"], poll=pause)
    simulation.run()
    assert ages == [0, 0, 0, 4, 4, 4]


@pytest.mark.parametrize("result", [-1.0, math.nan, math.inf, "5", None, True])
def test_a_callable_that_returns_no_pause_is_told_so(result: object) -> None:
    def pause(_age: float) -> object:
        return result

    one, other = begin({"key": in_turn(RUNNING)}), begin({"key": in_turn(RUNNING)})
    run = one.wait("key", poll=pause)
    many = other.as_completed(["key"], poll=pause)
    one.run()
    other.run()
    assert isinstance(run.error, ConfigurationError)
    assert isinstance(many.error, ConfigurationError)
    assert "poll" in str(run.error)


# --- Outcomes


def test_unwrap_gives_the_task_or_raises_the_error() -> None:
    task = CompletedTask.of(status_of(DONE))
    assert Outcome("key", task=task).unwrap() is task
    error = TransportError("lost")
    with pytest.raises(TransportError) as caught:
        Outcome("key", error=error).unwrap()
    assert caught.value is error
    with pytest.raises(ValueError, match="neither"):
        Outcome("key").unwrap()


def test_an_error_says_how_long_was_waited_and_not_how_long_the_caller_was_away() -> None:
    keys = [f"task-{number}" for number in range(5)]
    simulation = Simulation(World(dict.fromkeys(keys, in_turn(RUNNING))))
    many = simulation.as_completed(keys, timeout=60, away=lambda _: 100.0)
    simulation.run()
    assert [getattr(outcome.error, "elapsed", None) for _, outcome in many.outcomes] == [60.0] * 5


def test_the_deadline_of_thousands_is_no_long_step() -> None:
    """The error of a task is made when it is told: all at once would keep an event loop busy for seconds."""
    keys = [f"task-{number}" for number in range(2000)]
    simulation = Simulation(World(dict.fromkeys(keys, in_turn(RUNNING))), requests_per_minute=60)
    made: list[int] = []

    def count(_: Outcome) -> float:
        made.append(len(set(map(id, errors())) - before))
        return 0.0

    def errors() -> list[WaitTimeoutError]:
        return [each for each in gc.get_objects() if isinstance(each, WaitTimeoutError)]

    gc.collect()
    of_other_tests = errors()
    before = set(map(id, of_other_tests))
    many = simulation.as_completed(keys, timeout=10, away=lambda outcome: count(outcome) if len(made) < 5 else 0.0)
    simulation.run()
    assert made == [1, 2, 3, 4, 5]
    assert {type(outcome.error) for _, outcome in many.outcomes} == {WaitTimeoutError}
    assert set(many.by_key) == set(keys)
