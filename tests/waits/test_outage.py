"""A service that is down: one probe at a time, instead of a stampede of everybody who waits. In virtual time."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen

from rodin_sdk import CompletedTask, Poll, TaskStatus, TransportError, WaitTimeoutError
from rodin_sdk._outage import LOOKS_INTO_SILENCE, Outage
from tests.waits.simulation import Many, Run, Simulation, every, gaps
from tests.waits.world import (
    DONE,
    RUNNING,
    Down,
    Reply,
    World,
    answer,
    in_turn,
    over_time,
    refused,
    reset,
    throttled,
)

if TYPE_CHECKING:
    from rodin_sdk._messages import Answer, Fault

KEYS = [f"task-{number:04}" for number in range(1000)]
FEW = KEYS[:50]


@frozen
class Kind:
    """A way to be down."""

    name: str
    reply: Reply | None
    latency: float = 0.1


KINDS = [
    Kind("refused at once", refused(), 0.0),
    Kind("refused", refused()),
    Kind("connecting for 5 s", refused(), 5.0),
    Kind("reset", reset()),
    Kind("stalled", None),
    Kind("503", answer(b"", 503)),
    Kind("502 of HTML", answer(b"<html>", 502)),
    Kind("522", answer(b"", 522), 15.0),
    Kind("503 with Retry-After", answer(b"", 503, retry_after="5")),
    Kind("200 of HTML", answer(b"<html>", 200)),
]


def waiters(simulation: Simulation, keys: list[str], *, many: bool, **options: Any) -> Many | list[Run[CompletedTask]]:
    """Begins to wait, in one call or in one each."""
    if many:
        return simulation.as_completed(keys, **options)
    return [simulation.wait(key, **options) for key in keys]


def results(waiting: Many | list[Run[CompletedTask]]) -> list[CompletedTask | BaseException | None]:
    if isinstance(waiting, Many):
        return [outcome.task or outcome.error for _, outcome in waiting.outcomes]
    return [run.value or run.error for run in waiting]


# --- 1,000 waiters through 10 minutes


@pytest.mark.parametrize(
    ("kind", "rate", "start"),
    [
        *((kind, 100.0, 300.0 * (number % 2)) for number, kind in enumerate(KINDS)),
        *((kind, 240.0, 200.0) for kind in KINDS if kind.name in {"stalled", "refused"}),
    ],
    ids=[*(kind.name for kind in KINDS), "refused at 240", "stalled at 240"],
)
@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_1000_waiters_through_an_outage_of_10_minutes(kind: Kind, rate: float, start: float, *, many: bool) -> None:
    chance = random.Random(7)
    world = World(
        {key: over_time((0, RUNNING), (start + 500 + 300 * chance.random(), DONE)) for key in KEYS},
        latency=kind.latency,
        down=[Down(start, start + 600, kind.reply)],
    )
    simulation = Simulation(world, requests_per_minute=rate)
    simulation.poll = Poll()
    waiting = waiters(simulation, KEYS, many=many, timeout=None)
    simulation.run()
    during = world.between(start, start + 600)
    minutes = [world.between(start + 600 + 60 * number, start + 660 + 60 * number) for number in range(12)]
    assert len(results(waiting)) == 1000
    assert all(isinstance(result, CompletedTask) for result in results(waiting))
    assert max(minutes) <= 2 * rate
    assert during <= 60


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_without_a_rate_limit(*, many: bool) -> None:
    """What is under way when it begins fails, too; then it is one probe at a time here as well."""
    world = World({key: over_time((0, RUNNING), (750, DONE)) for key in FEW}, latency=0.1, down=[Down(120, 720)])
    simulation = Simulation(world, requests_per_minute=None)
    simulation.poll = Poll()
    waiting = waiters(simulation, FEW, many=many, timeout=None)
    simulation.run()
    assert all(isinstance(result, CompletedTask) for result in results(waiting))
    during = world.between(120, 720)
    assert during <= 60


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_the_deadline_is_exact_in_an_outage(*, many: bool) -> None:
    world = World({key: in_turn(RUNNING) for key in FEW}, down=[Down(30, 10_000, None)])
    simulation = Simulation(world, requests_per_minute=100)
    waiting = waiters(simulation, FEW, many=many, timeout=313.0)
    simulation.run()
    assert all(isinstance(result, WaitTimeoutError) for result in results(waiting))
    ends = [at for at, _ in waiting.outcomes] if isinstance(waiting, Many) else [run.ended for run in waiting]
    assert ends == [313.0] * 50


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_a_task_that_ended_in_the_outage_is_soon_known_to_have(*, many: bool) -> None:
    world = World({key: over_time((0, RUNNING), (300, DONE)) for key in FEW}, latency=0.1, down=[Down(60, 660)])
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = Poll()
    waiting = waiters(simulation, FEW, many=many)
    simulation.run()
    ended = waiting.ended if isinstance(waiting, Many) else max(run.ended for run in waiting)
    assert all(isinstance(result, CompletedTask) for result in results(waiting))
    assert ended <= 660 + 20 + 30 + 5, "to notice, 50 looks at 100 a minute, and a nap"


# --- What is not held back


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
@pytest.mark.parametrize("reply", [refused(), None], ids=["refused", "stalled"])
def test_a_direct_call_is_never_held_back(reply: Fault | None, *, many: bool) -> None:
    world = World({key: in_turn(RUNNING) for key in KEYS}, latency=0.1, down=[Down(100, 700, reply)])
    simulation = Simulation(world, requests_per_minute=100)
    waiters(simulation, FEW, many=many, timeout=None, poll=every(60))
    moments = [200.0 + 37 * number for number in range(13)]
    for number, moment in enumerate(moments):
        simulation.status(KEYS[500 + number], at=moment)
    simulation.run(until=1000)
    assert [sent.at for sent in world.sent if sent.key >= KEYS[500]] == pytest.approx(moments)


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_a_direct_call_does_not_stand_in_line_with_those_who_are_held_back(*, many: bool) -> None:
    """In an outage hardly anything is sent: the budget is free."""
    world = World({key: in_turn(RUNNING) for key in KEYS}, latency=0.1, down=[Down(1000, 1600)])
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = Poll()
    waiters(simulation, KEYS[:200], many=many, timeout=None)
    simulation.status(KEYS[500], at=1300)
    simulation.run(until=1600)
    assert world.looks_at(KEYS[500])
    assert world.looks_at(KEYS[500])[0] <= 1305


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_a_direct_call_that_is_answered_ends_the_outage(*, many: bool) -> None:
    world = World({key: over_time((0, RUNNING), (700, DONE)) for key in KEYS}, latency=0.1, down=[Down(100, 702)])
    simulation = Simulation(world, requests_per_minute=None)
    waiting = waiters(simulation, FEW, many=many, timeout=None)
    direct = simulation.status(KEYS[500], at=702.5)
    simulation.run()
    assert isinstance(direct.value, TaskStatus)
    ended = waiting.ended if isinstance(waiting, Many) else max(run.ended for run in waiting)
    assert ended <= 702.5 + 20


def test_a_timeout_of_0_is_over_within_the_request_timeout_in_an_outage() -> None:
    """One look, bounded by request_timeout (ruling 1), whatever the other waits know."""
    world = World({key: in_turn(RUNNING) for key in KEYS}, latency=0.1, down=[Down(100, 700)])
    simulation = Simulation(world, requests_per_minute=100)
    for key in FEW:
        simulation.wait(key, timeout=None)
    runs = [simulation.wait(key, at=200, timeout=0, request_timeout=30) for key in KEYS[100:103]]
    simulation.run(until=2000)
    assert max(run.ended for run in runs) <= 230


def test_the_last_look_of_a_busy_caller_is_over_within_the_request_timeout_in_an_outage() -> None:
    world = World({key: in_turn(RUNNING) for key in KEYS}, latency=0.1, down=[Down(100, 700)])
    simulation = Simulation(world, requests_per_minute=100)
    for key in FEW:
        simulation.wait(key, timeout=None)
    run = simulation.wait(KEYS[100], timeout=90, away=lambda _: 200.0, request_timeout=30)
    simulation.run(until=2000)
    assert run.ended <= world.looks_at(KEYS[100])[0] + 200 + 30


# --- Who probes, and what becomes of a probe


def test_a_probe_that_was_cancelled_is_replaced() -> None:
    world = World({key: over_time((0, RUNNING), (300, DONE)) for key in FEW}, latency=20.0, down=[Down(50, 250)])
    simulation = Simulation(world, requests_per_minute=100)
    runs = {key: simulation.wait(key, timeout=None) for key in FEW}
    simulation.run(until=150)
    while world.sent[-1].at < 150 or world.age > world.sent[-1].at + 19:
        simulation.run(until=world.age + 1)
    runs.pop(world.sent[-1].key).cancel()
    cancelled = world.age
    simulation.run(until=cancelled + 90)
    assert world.sent[-1].at > cancelled
    simulation.run()
    assert all(isinstance(run.value, CompletedTask) for run in runs.values())


def test_a_probe_that_was_cancelled_leaves_its_place_at_once() -> None:
    world = World(
        {key: over_time((0, RUNNING), (130, DONE)) for key in FEW[:10]}, latency=0.1, down=[Down(60, 140, None)]
    )
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = every(2)
    runs = {key: simulation.wait(key, timeout=None) for key in FEW[:10]}
    simulation.run(until=132)
    while world.age > world.sent[-1].at + 20:
        simulation.run(until=world.age + 1)
    runs.pop(world.sent[-1].key).cancel()
    cancelled = world.age
    simulation.run()
    # As soon as if it had failed at once, and not only when no answer can come any more.
    assert min(sent.at for sent in world.sent if sent.at > cancelled) <= cancelled + 16


def test_callers_that_give_up_early_do_not_make_a_probe_follow_the_other() -> None:
    world = World({key: in_turn(RUNNING) for key in KEYS}, latency=0.1, down=[Down(60, 660, None)])
    simulation = Simulation(world, requests_per_minute=100)
    for key in KEYS[:40]:
        simulation.wait(key, timeout=None)
    for number, key in enumerate(KEYS[40:60]):
        for begin in range(60, 660, 8):
            run = simulation.wait(key, at=begin + number / 3)
            simulation.at(begin + number / 3 + 7.9, run.cancel)
    simulation.run(until=700)
    assert world.between(60, 660) <= 60


@pytest.mark.parametrize("many_bad", [True, False], ids=["as_completed fails", "single waits fail"])
@pytest.mark.parametrize("many_good", [True, False], ids=["as_completed comes", "a wait comes"])
def test_a_task_that_comes_late_is_the_next_probe(*, many_bad: bool, many_good: bool) -> None:
    """Its first look may end what is no outage at all, but tasks that always fail; theirs would never."""
    for seed in range(10):
        bad = KEYS[:8]
        world = World(dict.fromkeys(bad, in_turn(answer(b"", 500))) | {"good": in_turn(DONE)}, latency=0.1)
        simulation = Simulation(world, seed=seed, requests_per_minute=100)
        waiters(simulation, bad, many=many_bad, timeout=None)
        late = 300 + seed * 3.1
        if many_good:
            simulation.as_completed(["good"], at=late)
        else:
            simulation.wait("good", at=late)
        simulation.run(until=500)
        first = world.looks_at("good")[0]
        assert first - late <= 20
        # Only what is decided already when it comes goes before it.
        assert world.between(late + 5, first) == 0


def test_two_calls_go_on_together_after_an_outage() -> None:
    """One of them takes the probe that is answered. The other must not sleep on for as long as a probe may take."""
    world = World({key: in_turn(RUNNING) for key in FEW}, latency=0.2, down=[Down(100, 655)])
    simulation = Simulation(world, requests_per_minute=None)
    simulation.poll = every(5)
    simulation.as_completed(FEW[:25])
    simulation.as_completed(FEW[25:])
    simulation.run(until=900)
    known = min(sent.at for sent in world.sent if sent.at >= 655)
    waited = {key: min(at for at in world.looks_at(key) if at >= known) - known for key in FEW}
    assert max(waited.values()) <= 20


def test_a_task_alone_is_no_outage() -> None:
    """What fails for one task may be about the task."""
    world = World({"bad": in_turn(reset()), "good": in_turn(RUNNING)})
    simulation = Simulation(world)
    simulation.wait("bad", timeout=3000)
    simulation.run()
    assert len(world.sent) >= 300


def test_one_broken_task_does_not_slow_others_down() -> None:
    world = World({"bad": in_turn(reset()), **{key: in_turn(RUNNING) for key in KEYS[:9]}})
    simulation = Simulation(world)
    simulation.wait("bad", timeout=None, poll=every(2))
    for key in KEYS[:9]:
        simulation.wait(key, timeout=None)
    simulation.run(until=995)
    assert [len(world.looks_at(key)) for key in KEYS[:9]] == [100] * 9


@pytest.mark.parametrize(
    "reply",
    [
        answer(b"", 404),
        answer({"error": "NO_SUCH_TASK"}),
        throttled(),
        answer({"error": "X"}),
        answer(b"", 408),
        answer({"jobs": "none"}),
    ],
)
def test_an_answer_is_no_outage_whatever_it_says(reply: Answer) -> None:
    bad, good = KEYS[:100], KEYS[100:110]
    world = World(dict.fromkeys(bad, in_turn(reply)) | dict.fromkeys(good, in_turn(RUNNING)))
    simulation = Simulation(world)
    for number, key in enumerate(bad):
        simulation.wait(key, at=number, timeout=60)
    for key in good:
        simulation.wait(key, timeout=None, poll=every(10))
    simulation.run(until=995)
    assert [len(world.looks_at(key)) for key in good] == [100] * 10


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_tasks_that_always_fail_do_not_slow_others_down(*, many: bool) -> None:
    """Where others are answered in between, the next failure of a task says something about that task alone."""
    bad, good = KEYS[:16], KEYS[16:18]
    world = World(dict.fromkeys(bad, in_turn(answer(b"", 500))) | dict.fromkeys(good, in_turn(RUNNING)))
    simulation = Simulation(world, requests_per_minute=None)
    simulation.poll = every(5)
    waiters(simulation, [*bad, *good], many=many, timeout=None)
    simulation.run(until=999)
    for key in good:
        looks = world.looks_at(key)
        assert looks[0] <= 60
        assert max(gaps(looks)) <= 20
        assert gaps(looks)[9:] == [5.0] * (len(looks) - 10)
    # The broken ones are looked at as well, and not forgotten.
    assert all(len(world.looks_at(key)) >= 180 for key in bad)


def test_in_an_outage_a_task_that_did_not_fail_is_the_probe() -> None:
    """It is the one that can end the outage, where the others fail for reasons of their own."""
    bad = KEYS[:40]
    world = World(dict.fromkeys(bad, in_turn(reset())) | {"good": in_turn(RUNNING), "new": in_turn(RUNNING)})
    simulation = Simulation(world, requests_per_minute=None)
    simulation.poll = every(2)
    simulation.as_completed(["good", *bad, "new"], timeout=None)
    simulation.run(until=60)
    assert max(gaps(world.looks_at("good"))) <= 5
    assert world.looks_at("new")[0] <= 10


@pytest.mark.parametrize("many", [True, False], ids=["as_completed", "single waits"])
def test_a_timeout_of_0_is_one_look_in_an_outage_as_well(*, many: bool) -> None:
    world = World({key: in_turn(refused()) for key in FEW}, latency=0.1)
    simulation = Simulation(world, requests_per_minute=None)
    waiting = waiters(simulation, FEW, many=many, timeout=0)
    simulation.run()
    errors = results(waiting)
    assert [type(error) for error in errors] == [WaitTimeoutError] * len(FEW)
    assert all(isinstance(error, WaitTimeoutError) and error.polls == 1 for error in errors)
    assert world.age < 1


def test_a_deadline_in_an_outage_says_what_was_wrong() -> None:
    """With the error of another task's look, where the task itself was not looked at."""
    world = World({key: in_turn(RUNNING) for key in KEYS}, latency=0.1, down=[Down(100, 700)])
    simulation = Simulation(world, requests_per_minute=100)
    waiters(simulation, FEW, many=False, timeout=None)
    late = simulation.wait(KEYS[100], at=200, timeout=1)
    later = simulation.wait(KEYS[101], at=1000, timeout=1)
    simulation.run(until=2000)
    assert isinstance(late.error, WaitTimeoutError)
    assert (late.error.polls, type(late.error.__cause__)) == (0, TransportError)
    assert isinstance(later.error, WaitTimeoutError)
    assert later.error.__cause__ is None


def test_deadlines_that_cut_looks_short_are_no_outage() -> None:
    """Many waits have so little time left that their looks cannot be answered: not the service's fault."""
    hasty = KEYS[500:540]
    world = World({key: in_turn(RUNNING) for key in (*FEW[:5], *hasty)}, latency=1.0)
    simulation = Simulation(world)
    for key in FEW[:5]:
        simulation.wait(key, timeout=None, poll=every(20))
    for key in hasty:
        simulation.wait(key, at=30, timeout=0.5)
    simulation.run(until=120)
    assert [world.looks_at(key) for key in FEW[:5]] == [[0, 21, 42, 63, 84, 105]] * 5


def test_a_second_outage_is_one_as_well() -> None:
    world = World(
        {key: over_time((0, RUNNING), (2200, DONE)) for key in KEYS},
        latency=0.1,
        down=[Down(300, 900), Down(930, 1530), Down(1531, 2131)],
    )
    simulation = Simulation(world, requests_per_minute=100)
    many = simulation.as_completed(KEYS)
    simulation.run()
    assert [world.between(down.start, down.end) <= 60 for down in world.down] == [True] * 3
    assert len(many.outcomes) == 1000


def test_looks_that_were_under_way_at_a_fork_are_not_the_childs() -> None:
    outage = Outage()
    looks = [outage.began(0.0) for _ in range(LOOKS_INTO_SILENCE)]
    assert outage.earliest_look(100.0, is_sound=True) > 100.0
    outage.forget()
    assert outage.earliest_look(100.0, is_sound=True) == 100.0
    outage.ended(looks[0], 100.0)
    outage.began(100.0)
    assert outage.earliest_look(100.0, is_sound=True) == 100.0


def test_a_probe_that_was_under_way_at_a_fork_is_not_the_childs() -> None:
    outage = Outage()
    for number in range(5):
        look = outage.began(0.0)
        outage.failed(look, 0.0, number, 0.5, TransportError("down"), is_news=True)
        outage.ended(look, 0.0)
    outage.began(50.0)
    assert outage.earliest_look(50.0, is_sound=True) > 50.0
    outage.forget()
    assert outage.earliest_look(50.0, is_sound=True) == 50.0
