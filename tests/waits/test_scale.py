"""10,000 tasks in one call: they all end, and what a waiting one costs. In virtual time."""

from __future__ import annotations

import gc
import random
import tracemalloc

import pytest

from rodin_sdk import CompletedTask, Poll
from rodin_sdk._messages import Answer
from rodin_sdk._schedule import Idle, Look, Schedule
from rodin_sdk._secrets import Secret
from tests.waits.simulation import Simulation
from tests.waits.world import RUNNING, World, answer, in_turn, over_time

COUNT = 10_000
MEASURED = 2_000
ALLOWED = 512
ALLOWED_WITH_A_SNAPSHOT = 1024  # the last look is kept, for the error at the deadline
"""Bytes per waiting task, besides its key."""


def keys(count: int = COUNT) -> list[str]:
    return [f"a-key-of-some-length-{number:06}" for number in range(count)]


def test_10000_tasks_end_each_rightly() -> None:
    chance = random.Random(5)
    ends = {key: chance.lognormvariate(4.2, 0.5) for key in keys()}
    done = answer({"jobs": {"job": "Done"}})
    running = answer({"jobs": {"job": "Generating"}})
    world = World({key: over_time((0, running), (end, done)) for key, end in ends.items()}, latency=0.05)
    simulation = Simulation(world, requests_per_minute=6000)
    simulation.poll = Poll(20, 1.5)
    many = simulation.as_completed(ends)
    simulation.run()
    assert len(many.outcomes) == COUNT
    assert all(isinstance(outcome.task, CompletedTask) for _, outcome in many.outcomes)
    assert all(at >= ends[outcome.subscription_key] for at, outcome in many.outcomes)
    assert len(world.sent) < 8 * COUNT


def memory_per_task(reply: Answer | None) -> float:
    """Returns the bytes that each waiting task holds besides its key: after a first look, or before any."""
    world = World(dict.fromkeys(keys(MEASURED), in_turn(RUNNING)))
    simulation = Simulation(world)
    secrets = [Secret(key) for key in world.scripts]
    options = simulation.options(poll=Poll(1e6), timeout=None)
    gc.collect()
    tracemalloc.start()
    try:
        schedule = Schedule(simulation.session, secrets, options)
        while reply is not None and isinstance(step := schedule.step(), Look):
            next(step.flow)
            try:
                step.flow.send(Answer(reply.status_code, reply.headers, bytes(bytearray(reply.content))))
            except StopIteration as stop:
                schedule.took(step.watched, stop.value)
            del step
        assert isinstance(schedule.step(), Look if reply is None else Idle)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / MEASURED
    finally:
        tracemalloc.stop()


FIVE_JOBS = answer(
    {"jobs": [{"uuid": f"123e4567-e89b-12d3-a456-42661417400{n}", "status": "Generating"} for n in range(5)]}
)


@pytest.mark.parametrize(
    "reply", [None, answer({"jobs": []}), FIVE_JOBS], ids=["before its first look", "no jobs yet", "five jobs"]
)
def test_a_waiting_task_costs_little(reply: Answer | None) -> None:
    assert memory_per_task(reply) <= (ALLOWED if reply is None else ALLOWED_WITH_A_SNAPSHOT)
