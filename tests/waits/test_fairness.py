"""Who gets his look when the budget cannot serve all at once. In virtual time."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from rodin_sdk import CompletedTask, Poll
from tests.waits.simulation import Simulation, every, gaps
from tests.waits.world import DONE, RUNNING, World, over_time

if TYPE_CHECKING:
    from rodin_sdk._config import PollArgument

OLD = [f"old-{number:03}" for number in range(200)]
NEW = [f"new-{number:03}" for number in range(300)]


def twice_a_second(_age: float) -> float:
    return 0.5


def endless(*keys: str) -> World:
    return World({key: over_time((0, RUNNING)) for key in keys})


def most_looks_before_a_first_one(world: World, newcomers: list[str], since: float) -> int:
    """Returns how often some task was looked at between the arrival of newcomers and the last one's first look."""
    first_looks = [world.looks_at(key)[0] for key in newcomers]
    looks = Counter(sent.key for sent in world.sent if since <= sent.at < max(first_looks))
    return max(looks.values())


@pytest.mark.parametrize("poll", [Poll(), every(2), every(10), twice_a_second])
def test_new_waits_beside_old_ones(poll: PollArgument) -> None:
    world = endless(*OLD[:60], *NEW[:200])
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = poll
    for key in OLD[:60]:
        simulation.wait(key)
    for key in NEW[:200]:
        simulation.wait(key, at=600)
    simulation.run(until=1100)
    looks = most_looks_before_a_first_one(world, NEW[:200], 600)
    assert looks < 20


@pytest.mark.parametrize("poll", [Poll(), every(2), every(10), twice_a_second])
def test_new_waits_beside_many_old_tasks(poll: PollArgument) -> None:
    world = endless(*OLD, *NEW[:100])
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = poll
    simulation.as_completed(OLD)
    for key in NEW[:100]:
        simulation.wait(key, at=600)
    simulation.run(until=1100)
    looks = most_looks_before_a_first_one(world, NEW[:100], 600)
    assert looks < 20


@pytest.mark.parametrize("poll", [Poll(), every(2), every(10), twice_a_second])
def test_many_new_tasks_beside_old_waits(poll: PollArgument) -> None:
    """A schedule stands in line with one place only, and old waits with one place each."""
    world = endless(*OLD[:20], *NEW[:60])
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = poll
    for key in OLD[:20]:
        simulation.wait(key, timeout=None)
    simulation.as_completed(NEW[:60], at=600)
    simulation.run(until=1500)
    looks = most_looks_before_a_first_one(world, NEW[:60], 600)
    assert looks < 20


@pytest.mark.parametrize("poll", [Poll(), every(2), every(10), twice_a_second])
def test_many_new_tasks_beside_one_old_task(poll: PollArgument) -> None:
    """Two schedules share the budget by halves, however many tasks each has."""
    world = endless(OLD[0], *NEW[:100])
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = poll
    simulation.as_completed(OLD[:1])
    simulation.as_completed(NEW[:100], at=600)
    simulation.run(until=1500)
    looks = most_looks_before_a_first_one(world, NEW[:100], 600)
    assert looks < 20


@pytest.mark.parametrize("poll", [Poll(), every(2), every(10), twice_a_second])
def test_within_one_call_first_looks_come_before_twentieth_ones(poll: PollArgument) -> None:
    world = endless(*NEW)
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = poll
    simulation.as_completed(NEW)
    simulation.run(until=600)
    assert len({sent.key for sent in world.sent}) == len(NEW)
    looks = most_looks_before_a_first_one(world, NEW, 0)
    assert looks < 20


@pytest.mark.parametrize("poll", [Poll(), every(2), every(10), twice_a_second])
def test_within_one_call_none_starves(poll: PollArgument) -> None:
    """200 tasks at 100 looks a minute: each has its look every two minutes, or a little later."""
    world = endless(*OLD)
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = poll
    simulation.as_completed(OLD)
    simulation.run(until=1800)
    longest = max(max(gaps([*world.looks_at(key), 1800])) for key in OLD)
    assert longest <= 300


@pytest.mark.parametrize("poll", [Poll(), every(2), twice_a_second])
def test_among_single_waits_none_starves(poll: PollArgument) -> None:
    world = endless(*OLD)
    simulation = Simulation(world, requests_per_minute=100)
    simulation.poll = poll
    for number, key in enumerate(OLD):
        simulation.wait(key, at=number * 3.0, timeout=None)
    simulation.run(until=1800)
    longest = max(max(gaps([*world.looks_at(key), 1800])) for key in OLD)
    assert longest <= 300


def test_tasks_that_poll_often_do_not_starve_those_that_poll_seldom() -> None:
    world = endless(*OLD[:40], *NEW[:10])
    simulation = Simulation(world, requests_per_minute=100)
    for key in OLD[:40]:
        simulation.wait(key, timeout=None, poll=every(0.1))
    for key in NEW[:10]:
        simulation.wait(key, timeout=None, poll=every(30))
    simulation.run(until=1200)
    longest = max(max(gaps(world.looks_at(key))) for key in NEW[:10])
    assert longest <= 30 + 40


@pytest.mark.parametrize("seed", range(2))
def test_a_throttling_service_starves_none(seed: int) -> None:
    """It lets 60 requests a minute pass, where the client believes that it may send 100."""
    world = World({key: over_time((0, RUNNING), (900, DONE)) for key in OLD[:100]}, latency=0.2, per_minute=60)
    simulation = Simulation(world, requests_per_minute=100, seed=seed)
    runs = [simulation.wait(key, timeout=7200, poll=Poll(5)) for key in OLD[:50]]
    many = simulation.as_completed(OLD[50:100], timeout=7200, poll=Poll(5))
    simulation.run()
    assert all(isinstance(run.value, CompletedTask) for run in runs)
    assert all(outcome.task is not None for _, outcome in many.outcomes)
    assert len(many.outcomes) == 50
    assert max(run.ended for run in runs) < 900 + 600
    assert many.ended < 900 + 600
