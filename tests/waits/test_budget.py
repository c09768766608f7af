"""The rate that all calls of a client share. In virtual time."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import CompletedTask, Poll, RateLimitError, TaskStatus, WaitTimeoutError
from rodin_sdk._budget import Budget, Ticket
from tests.waits.simulation import Simulation, every, gaps
from tests.waits.world import DONE, RUNNING, START, World, answer, in_turn, over_time, throttled

if TYPE_CHECKING:
    from random import Random

KEYS = [f"task-{number:03}" for number in range(400)]


def done_after(seconds: float, count: int = len(KEYS)) -> World:
    """Returns a world whose tasks are all done so many seconds after it began."""
    return World({key: over_time((0, RUNNING), (seconds, DONE)) for key in KEYS[:count]})


def conforms(times: list[float], per_minute: float) -> bool:
    """Whether every stretch of time has no more requests than the rate and the burst of 5 allow."""
    spacing = 60 / per_minute
    return all(
        later - earlier >= (number - 5) * spacing - 1e-6
        for first, earlier in enumerate(times)
        for number, later in enumerate(times[first + 1 :], start=1)
        if number >= 5
    )


def test_a_burst_of_5_then_evenly_spaced() -> None:
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=100)
    for key in KEYS[:20]:
        simulation.wait(key)
    simulation.run()
    times = [sent.at for sent in world.sent]
    assert times[:5] == pytest.approx([0] * 5, abs=1e-6)
    assert gaps(times)[4:] == pytest.approx([0.6] * 15)


def test_as_completed_sends_a_burst_of_5_then_evenly_spaced() -> None:
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=100)
    simulation.as_completed(KEYS[:20])
    simulation.run()
    times = [sent.at for sent in world.sent]
    assert times[:5] == pytest.approx([0] * 5, abs=1e-6)
    assert gaps(times)[4:] == pytest.approx([0.6] * 15)


def test_a_time_of_quiet_gives_the_burst_back_and_no_more() -> None:
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=60)
    for number, key in enumerate(KEYS[:40]):
        simulation.status(key, at=0.0 if number < 10 else 1000.0)
    simulation.run()
    assert world.between(999, 1001 - 1e-6) == 5
    assert world.between(1001 - 1e-6, 1011 - 1e-6) == 10


@pytest.mark.parametrize("rate", [6, 100, 240])
def test_all_calls_share_the_rate(rate: float) -> None:
    """Direct calls, single waits and as_completed, with and without options of their own."""
    world = done_after(300)
    simulation = Simulation(world, requests_per_minute=rate)
    simulation.as_completed(KEYS[:30], poll=every(2))
    simulation.as_completed(KEYS[30:60], at=20, poll=Poll())
    for number, key in enumerate(KEYS[60:90]):
        simulation.wait(key, at=float(number), poll=every(3), timeout=None)
        simulation.status(key, at=number * 5.0)
    simulation.run()
    assert conforms([sent.at for sent in world.sent], rate)
    assert {sent.key for sent in world.sent} == set(KEYS[:90])


@pytest.mark.parametrize("rate", [None, math.inf])
def test_no_limit_sends_at_once(rate: float | None) -> None:
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=rate)
    simulation.as_completed(KEYS)
    for key in KEYS:
        simulation.wait(key)
    simulation.run()
    assert {sent.at for sent in world.sent} == {0}


def test_first_come_first_served() -> None:
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=60)
    for number, key in enumerate(KEYS[:50]):
        simulation.status(key, at=number * 0.1) if number % 2 else simulation.wait(key, at=number * 0.1)
    simulation.run()
    assert [sent.key for sent in world.sent] == KEYS[:50]


def test_first_come_first_served_after_a_429() -> None:
    """Those who have waited in line when the rate was halved stay before those who come later."""
    world = World({key: in_turn(throttled()) if key == KEYS[0] else in_turn(DONE) for key in KEYS}, latency=0.5)
    simulation = Simulation(world, requests_per_minute=60)
    for key in KEYS[:40]:
        simulation.wait(key, timeout=0)
    for number, key in enumerate(KEYS[40:60]):
        simulation.wait(key, at=1.0 + number / 2, timeout=0)
    simulation.run()
    early = [sent.at for sent in world.sent if sent.key in KEYS[:40]]
    late = [sent.at for sent in world.sent if sent.key in KEYS[40:60]]
    overtaking = sum(at < max(early) for at in late)
    assert overtaking == 0, f"{overtaking} of {len(late)} that came later went first"


# --- 429


def test_a_429_halves_the_rate() -> None:
    world = World({key: in_turn(DONE) for key in KEYS} | {"full": in_turn(throttled())})
    simulation = Simulation(world, requests_per_minute=60)
    simulation.status("full")
    for key in KEYS[:30]:
        simulation.status(key, at=0.1)
    simulation.run()
    spaces = gaps([sent.at for sent in world.sent])
    assert max(spaces[:2]) > 0, "the burst is gone as well"
    assert spaces[2] == pytest.approx(2, rel=0.1)
    assert all(1 <= space <= 2 for space in spaces[2:]), "it recovers"


def test_two_429_of_requests_that_were_under_way_together_halve_it_once() -> None:
    world = World(dict.fromkeys(KEYS[:5], in_turn(throttled())) | {key: in_turn(DONE) for key in KEYS[5:]}, latency=1)
    simulation = Simulation(world, requests_per_minute=60)
    for key in KEYS[:5]:
        simulation.status(key)
    for key in KEYS[5:15]:
        simulation.status(key, at=1.0)
    simulation.run()
    assert gaps([sent.at for sent in world.sent])[-1] == pytest.approx(2, rel=0.1)


def test_the_rate_recovers_slowly_and_in_the_end_wholly() -> None:
    world = World({"full": in_turn(throttled(), RUNNING), "task": in_turn(RUNNING)})
    simulation = Simulation(world, requests_per_minute=60)
    simulation.status("full")
    for number in range(10):
        simulation.wait("task", poll=every(0.5), timeout=None, at=number / 10)
    simulation.run(until=2000)
    rates = [world.between(start, start + 30) for start in range(0, 600, 30)]
    assert rates[0] <= 20
    assert all(later >= earlier - 1 for earlier, later in pairwise(rates))
    assert rates[2] < 25, "within a minute and a half"
    assert rates[-1] in {29, 30, 31}


def test_a_series_of_429_slows_down_and_never_to_a_standstill() -> None:
    world = World({key: in_turn(throttled()) for key in KEYS[:20]}, latency=0.2)
    simulation = Simulation(world, requests_per_minute=60)
    runs = [simulation.wait(key, poll=every(0.5), timeout=3600) for key in KEYS[:20]]
    simulation.run()
    assert {run.ended for run in runs} == {3600}
    requests = len(world.sent)
    assert 3600 / 60 <= requests <= 3600 / 5


@pytest.mark.parametrize("latency", [0.0, 0.05, 1.0])
@pytest.mark.parametrize("many", [False, True])
def test_429_after_429_never_makes_the_client_faster(latency: float, *, many: bool) -> None:
    world = World({key: in_turn(throttled()) for key in KEYS}, latency=latency)
    simulation = Simulation(world, requests_per_minute=100)
    if many:
        simulation.as_completed(KEYS, poll=every(5))
    else:
        for key in KEYS:
            simulation.wait(key, poll=every(5))
    simulation.run(until=300)
    minutes = [world.between(start, start + 60) for start in range(0, 300, 60)]
    assert max(minutes) <= 105, minutes
    assert max(minutes[1:]) <= 55, minutes


@pytest.mark.parametrize("rate", [None, 60.0, 6000.0])
def test_a_retry_after_holds_all_calls(rate: float | None) -> None:
    world = World({key: over_time((0, RUNNING), (20, DONE)) for key in KEYS} | {"full": in_turn(throttled("45"), DONE)})
    simulation = Simulation(world, requests_per_minute=rate)
    waits = [simulation.wait(key, poll=every(2)) for key in KEYS[:3]]
    many = simulation.as_completed(KEYS[3:6], poll=every(2))
    simulation.status("full", at=5, max_retries=3)
    direct = simulation.status(KEYS[6], at=6)
    late = simulation.as_completed(KEYS[7:9], at=7)
    simulation.run()
    full = world.looks_at("full")[0]
    assert world.between(full + 1e-6, full + 45 - 1e-6) == 0
    assert all(isinstance(run.value, CompletedTask) for run in waits)
    assert all(outcome.task is not None for _, outcome in many.outcomes + late.outcomes)
    assert isinstance(direct.value, TaskStatus)
    assert len(world.sent) > 5


def test_a_call_that_another_ones_429_ends_says_how_often_it_was_sent() -> None:
    world = World({"key": in_turn(answer(b"", 500)), "full": in_turn(throttled("90"))})
    simulation = Simulation(world, dice=lambda: 0.5)
    run = simulation.status("key", max_retries=3)
    simulation.status("full", at=0.1)
    simulation.run()
    assert isinstance(run.error, RateLimitError)
    assert (run.error.attempts, len(world.looks_at("key"))) == (1, 1)


def test_a_hold_does_not_make_a_wait_overshoot() -> None:
    world = World({KEYS[0]: in_turn(RUNNING), "full": in_turn(throttled("600"))})
    simulation = Simulation(world)
    run = simulation.wait(KEYS[0], timeout=100)
    many = simulation.as_completed([KEYS[0]], timeout=100)
    simulation.status("full", at=5)
    simulation.run()
    assert (run.ended, many.ended) == (100, 100)
    assert isinstance(run.error, WaitTimeoutError)
    assert run.error.polls == 1


@pytest.mark.parametrize("rate", [None, 60.0])
def test_a_timeout_of_0_is_over_within_the_request_timeout_while_the_client_is_held(rate: float | None) -> None:
    """One look, bounded by request_timeout (ruling 1): it cannot wait for an hour for its turn."""
    world = World({KEYS[0]: in_turn(RUNNING), "full": in_turn(throttled("3600"))})
    simulation = Simulation(world, requests_per_minute=rate)
    simulation.status("full")
    run = simulation.wait(KEYS[0], at=1, timeout=0, request_timeout=30)
    simulation.run()
    assert run.ended <= 31, f"it took {run.ended - 1} s"


def test_the_last_look_of_a_busy_caller_is_over_within_the_request_timeout_while_the_client_is_held() -> None:
    world = World({KEYS[0]: in_turn(RUNNING), "full": in_turn(throttled("3600"))})
    simulation = Simulation(world)
    run = simulation.wait(KEYS[0], timeout=60, away=lambda _: 90.0, request_timeout=30)
    simulation.status("full", at=50)
    simulation.run()
    assert run.ended <= 90 + 30, f"it ended {run.ended - 60} s after its deadline"


def test_a_first_look_that_the_budget_cannot_give_in_time() -> None:
    world = World({key: in_turn(RUNNING) for key in KEYS})
    simulation = Simulation(world, requests_per_minute=6)
    runs = [simulation.wait(key, timeout=15) for key in KEYS[:20]]
    simulation.run()
    assert {run.ended for run in runs} == {15}
    polls = [run.error.polls for run in runs if isinstance(run.error, WaitTimeoutError)]
    assert polls == [1] * 6 + [0] * 14
    assert len(world.sent) == 6


@pytest.mark.parametrize(("timeout", "turns"), [(20, [10]), (25, [10, 20]), (30, [10, 20])])
def test_many_take_their_turns_before_the_deadline_and_none_behind_it(timeout: float, turns: list[float]) -> None:
    world = World({key: in_turn(RUNNING) for key in KEYS})
    simulation = Simulation(world, requests_per_minute=6)
    simulation.as_completed(KEYS[:40], timeout=timeout)
    simulation.status(KEYS[-1], at=1)
    simulation.run()
    assert [sent.at for sent in world.sent] == [0, 0, 0, 0, 0, *turns, turns[-1] + 10]
    assert world.sent[-1].key == KEYS[-1]


def test_many_stand_in_line_with_no_more_places_than_they_need() -> None:
    world = World({key: in_turn(DONE) for key in KEYS}, latency=1.0)
    simulation = Simulation(world, requests_per_minute=6)
    simulation.as_completed(KEYS[:5])
    simulation.status(KEYS[-1], at=0.5)
    simulation.run()
    assert world.looks_at(KEYS[-1]) == [10]


def test_a_wait_that_gives_up_takes_no_slot_from_others() -> None:
    world = World({key: in_turn(RUNNING) for key in KEYS})
    simulation = Simulation(world, requests_per_minute=60)
    for key in KEYS[:300]:
        simulation.wait(key, timeout=2)
    direct = simulation.status(KEYS[-1], at=3)
    simulation.run()
    assert direct.ended <= 4


def test_no_request_without_time_when_a_turn_came_late() -> None:
    """A real pause is never exact. Whose turn comes after the deadline has no look, or one with time for it."""
    world = World({key: in_turn(RUNNING) for key in KEYS})
    simulation = Simulation(world, requests_per_minute=6)
    runs = [simulation.wait(key, timeout=10.5) for key in KEYS[:6]]
    simulation.run(until=5)
    world.now = START + 11.0
    simulation.run()
    assert all(isinstance(run.error, WaitTimeoutError) for run in runs)
    timeouts = [sent.timeout for sent in world.sent]
    assert all(timeout is not None and timeout > 0 for timeout in timeouts)


# --- Places that come free


@pytest.mark.parametrize("call", ["wait", "status"])
def test_who_is_cancelled_in_the_line_leaves_no_gap(call: str) -> None:
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=60)
    runs = [getattr(simulation, call)(key) for key in KEYS[:300]]
    simulation.run(until=0.5)
    for run in runs:
        run.cancel()
    late = [simulation.status(key, at=1.0) for key in KEYS[300:310]]
    simulation.run()
    assert [run.ended for run in late] == pytest.approx([1.0, *range(2, 11)])


def test_those_behind_move_up_where_others_are_cancelled() -> None:
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=60)
    runs = [simulation.status(key) for key in KEYS[:200]]
    simulation.run(until=0.5)
    for run in runs[5:105]:
        run.cancel()
    simulation.run()
    ended = [run.ended for run in runs[105:]]
    assert sorted(ended) == pytest.approx(ended)
    # Without a free place theirs would be 101 to 195. They learn of it when half of their time is over.
    assert max(ended) <= 151
    assert conforms([sent.at for sent in world.sent], 60)


def test_places_that_come_free_are_not_taken_after_a_429() -> None:
    """Nothing is left of a burst then, nor of what others would have sent by now."""
    world = World({key: in_turn(DONE) for key in KEYS} | {"full": in_turn(throttled("30"))}, latency=0.5)
    simulation = Simulation(world, requests_per_minute=60)
    simulation.status("full")
    runs = [simulation.status(key, at=0.1) for key in KEYS[:40]]
    simulation.run(until=1.0)
    for run in runs[5:]:
        run.cancel()
    for key in KEYS[50:60]:
        simulation.wait(key, at=2.0)
    simulation.run()
    after = [sent.at for sent in world.sent if sent.at > 1]
    assert min(after) >= 30.5
    assert min(gaps(after)) >= 0.5


def test_nobody_stands_behind_a_call_whose_caller_is_away() -> None:
    """What the caller does with an outcome is often another call."""
    world = done_after(0)
    simulation = Simulation(world, requests_per_minute=60)
    simulation.as_completed(KEYS[:100], away=lambda _: 3.0)
    direct = [simulation.status(key, at=number * 10 + 7.5) for number, key in enumerate(KEYS[100:110])]
    simulation.run()
    assert [run.ended - number * 10 - 7.5 for number, run in enumerate(direct)] == pytest.approx([0.0] * 10, abs=2.0)


@given(st.lists(st.sampled_from(["reserve", "give back", "move up", "429", "later"]), max_size=60), st.randoms())
def test_no_two_have_one_place(steps: list[str], random: Random) -> None:
    budget, now, tickets = Budget(60), 0.0, list[Ticket]()
    for step in steps:
        if step == "reserve":
            tickets.append(budget.reserve(now))
        elif step == "later":
            now += random.random() * 10
        elif step == "429":
            budget.slow_down(now, now, random.random() * 5)
        elif tickets:
            ticket = tickets.pop(random.randrange(len(tickets)))
            if step == "give back":
                budget.give_back(ticket)
            else:
                moved = budget.move_up(ticket, now)
                assert moved.place <= ticket.place
                tickets.append(moved)
    places = sorted(ticket.place for ticket in tickets)
    assert all(gap >= 1 - 1e-6 for gap in gaps(places))


def test_many_tasks_use_the_whole_rate_beside_calls_that_are_cancelled() -> None:
    """A place that comes free ahead of those that the call has is used first, and not left to rot."""
    world = World({key: in_turn(RUNNING) for key in KEYS})
    simulation = Simulation(world, requests_per_minute=60)
    simulation.poll = every(2)
    simulation.as_completed(KEYS[:100])
    for second in range(60, 600):
        run = simulation.status(KEYS[-1], at=second)
        simulation.at(second + 4.5, run.cancel)
    simulation.run(until=600)
    assert world.between(120, 600) >= 0.97 * 480


def test_many_tasks_move_up_like_one() -> None:
    world = World({key: in_turn(RUNNING) for key in KEYS})
    simulation = Simulation(world, requests_per_minute=60)
    runs = [simulation.status(key) for key in KEYS[:100]]
    simulation.wait(KEYS[200])
    simulation.as_completed(KEYS[201:202])
    simulation.run(until=0.5)
    for run in runs:
        run.cancel()
    simulation.run(until=100)
    assert max(world.looks_at(KEYS[200])[0], world.looks_at(KEYS[201])[0]) <= 51
