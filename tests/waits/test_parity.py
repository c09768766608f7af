"""`Rodin` and `AsyncRodin` do the same at the same moments: their traces are compared. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from attrs import field, frozen

from rodin_sdk import AsyncRodin, CompletedTask, Outcome, Poll, Rodin, RodinError, TaskStatus
from tests.waits.simulation import every
from tests.waits.virtual import Threads, VirtualLoop, async_client, sync_client
from tests.waits.world import (
    CANCELED,
    DONE,
    FAILED,
    HALF,
    RUNNING,
    WAITING,
    Down,
    Script,
    World,
    answer,
    in_turn,
    over_time,
    reset,
    throttled,
)

KEYS = [f"task-{number:02}" for number in range(30)]


def latency(key: str, age: float) -> float:
    """Different for each, so that nothing depends on who of two comes first at the same moment."""
    return 0.05 + 0.0137 * int(key[-2:]) + 0.001 * (age % 1)


def fates() -> dict[str, Script]:
    """Returns tasks of all kinds."""
    scripts: dict[str, Script] = {
        key: over_time((0, WAITING), (3.0 * number, RUNNING), (11.0 * number, DONE)) for number, key in enumerate(KEYS)
    }
    scripts[KEYS[1]] = over_time((0, RUNNING), (40, FAILED), (60, DONE))
    scripts[KEYS[2]] = over_time((0, RUNNING), (80, CANCELED))
    scripts[KEYS[3]] = in_turn(RUNNING, reset(), HALF, answer(b"<html>"), WAITING, answer(b"", 503), DONE)
    scripts[KEYS[4]] = in_turn(RUNNING, answer({"error": "NO_SUCH_TASK"}))
    scripts[KEYS[5]] = in_turn(answer({"error": "NEW"}), RUNNING, answer({"error": "NEW"}), answer({"error": "NEW"}))
    scripts[KEYS[6]] = in_turn(RUNNING)
    scripts[KEYS[7]] = in_turn(RUNNING, throttled("25"), RUNNING, throttled(), DONE)
    scripts[KEYS[8]] = in_turn(answer(b"", 421), answer(b"", 425), DONE)
    return scripts


@frozen
class Case:
    name: str
    options: dict[str, Any] = field(factory=dict[str, Any])
    client: dict[str, Any] = field(factory=dict[str, Any])
    down: tuple[Down, ...] = ()
    away: float = 0.0
    """How long the caller is away after each item."""
    per_minute: int | None = None

    def world(self) -> World:
        return World(fates(), latency=latency, down=self.down, per_minute=self.per_minute)


CASES = [
    Case("defaults", {"timeout": 900}),
    Case("no limit", {"timeout": 500}, {"requests_per_minute": None, "poll": every(7)}),
    Case("little time", {"timeout": 33.3}, {"requests_per_minute": None}),
    Case("one look", {"timeout": 0}),
    Case("partial", {"timeout": 700, "allow_partial": True}, {"poll": Poll(2, 1.5, 20, 0.3)}),
    Case("short requests", {"timeout": 200, "request_timeout": 0.2}, {"poll": every(5)}),
    Case("a busy caller", {"timeout": 100}, {"requests_per_minute": None, "poll": every(5)}, away=70.0),
    Case("an outage", {"timeout": 900}, {"poll": Poll()}, down=(Down(20, 400),)),
    Case("a stalling outage", {"timeout": 300}, {"poll": Poll()}, down=(Down(20, 200, None),)),
    Case("throttling", {"timeout": 900}, per_minute=20),
]


def trace_of(world: World, seen: list[tuple[float, object]]) -> list[tuple[object, ...]]:
    sent = [
        (round(each.at, 5), each.key, None if each.timeout is None else round(each.timeout, 5), each.fresh)
        for each in world.sent
    ]
    return [*sent, *((round(at, 5), told) for at, told in seen)]


def told(outcome: Outcome) -> tuple[str, str]:
    """Returns what is to be compared of an outcome."""
    return outcome.subscription_key, repr(outcome)


Play = Callable[[Case, World, "pytest.MonkeyPatch", "list[tuple[float, object]]"], None]
"""Does the same with one client or the other; notes what the caller gets."""


def sync_watch(case: Case, world: World, monkeypatch: pytest.MonkeyPatch, seen: list[tuple[float, object]]) -> None:
    threads = Threads(world)
    with sync_client(threads, monkeypatch, **case.client) as rodin:
        for number in (0, 1, 3, 4, 5, 6, 7, 8):
            for every_poll in (False, True):
                try:
                    for status in rodin.watch(KEYS[number], every_poll=every_poll, **case.options):
                        seen.append((world.age, repr(status)))
                        threads.sleep(case.away / 10)
                except RodinError as error:
                    seen.append((world.age, repr(error)))


async def async_watch(case: Case, world: World, seen: list[tuple[float, object]]) -> None:
    async with async_client(world, **case.client) as rodin:
        for number in (0, 1, 3, 4, 5, 6, 7, 8):
            for every_poll in (False, True):
                try:
                    async for status in rodin.watch(KEYS[number], every_poll=every_poll, **case.options):
                        seen.append((world.age, repr(status)))
                        await asyncio.sleep(case.away / 10)
                except RodinError as error:
                    seen.append((world.age, repr(error)))


def sync_wait(case: Case, world: World, monkeypatch: pytest.MonkeyPatch, seen: list[tuple[float, object]]) -> None:
    threads = Threads(world)

    def note(status: TaskStatus) -> None:
        seen.append((world.age, repr(status)))
        threads.sleep(case.away / 10)

    with sync_client(threads, monkeypatch, **case.client) as rodin:
        for number in (0, 2, 3, 6, 7):
            try:
                seen.append((world.age, repr(rodin.wait(KEYS[number], on_update=note, **case.options))))
            except RodinError as error:
                seen.append((world.age, repr(error)))


async def async_wait(case: Case, world: World, seen: list[tuple[float, object]]) -> None:
    async def note(status: TaskStatus) -> None:
        seen.append((world.age, repr(status)))
        await asyncio.sleep(case.away / 10)

    async with async_client(world, **case.client) as rodin:
        for number in (0, 2, 3, 6, 7):
            try:
                seen.append((world.age, repr(await rodin.wait(KEYS[number], on_update=note, **case.options))))
            except RodinError as error:
                seen.append((world.age, repr(error)))


def sync_many(case: Case, world: World, monkeypatch: pytest.MonkeyPatch, seen: list[tuple[float, object]]) -> None:
    threads = Threads(world)
    with sync_client(threads, monkeypatch, **case.client) as rodin:
        for outcome in rodin.as_completed([*KEYS, *KEYS[:5]], **case.options):
            seen.append((world.age, told(outcome)))
            threads.sleep(case.away)
        seen.append((world.age, "over"))
        seen.extend((world.age, told(outcome)) for outcome in rodin.wait_all(KEYS[9:4:-1] * 2, **case.options))


async def async_many(case: Case, world: World, seen: list[tuple[float, object]]) -> None:
    async with async_client(world, **case.client) as rodin:
        async for outcome in rodin.as_completed([*KEYS, *KEYS[:5]], **case.options):
            seen.append((world.age, told(outcome)))
            await asyncio.sleep(case.away)
        seen.append((world.age, "over"))
        seen.extend((world.age, told(outcome)) for outcome in await rodin.wait_all(KEYS[9:4:-1] * 2, **case.options))


PLAYS = {"watch": (sync_watch, async_watch), "wait": (sync_wait, async_wait), "many": (sync_many, async_many)}


@pytest.mark.parametrize("play", PLAYS)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_both_clients_leave_the_same_trace(play: str, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, asynchronous = PLAYS[play]
    one, other = case.world(), case.world()
    one_saw: list[tuple[float, object]] = []
    other_saw: list[tuple[float, object]] = []
    sync(case, one, monkeypatch, one_saw)
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(other)) as runner:
        runner.run(asynchronous(case, other, other_saw))
    assert trace_of(one, one_saw) == trace_of(other, other_saw)
    assert len(one.sent) >= 5


@pytest.mark.parametrize("client", ["sync", "async"])
def test_outcomes_that_came_while_the_caller_was_away_are_in_order(
    client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"task-{number:02}" for number in range(12)]
    world = World(dict.fromkeys(keys, in_turn(DONE)), latency=lambda key, _: 20.0 - int(key[-2:]))
    ended: list[str] = []

    def sync() -> None:
        threads = Threads(world)
        with sync_client(threads, monkeypatch, requests_per_minute=None) as rodin:
            for outcome in rodin.as_completed(keys):
                ended.append(outcome.subscription_key)
                threads.sleep(60)

    async def asynchronous() -> None:
        async with async_client(world, requests_per_minute=None) as rodin:
            async for outcome in rodin.as_completed(keys):
                ended.append(outcome.subscription_key)
                await asyncio.sleep(60)

    if client == "sync":
        sync()
    else:
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(world)) as runner:
            runner.run(asynchronous())
    assert ended == keys[::-1]


def test_the_trace_is_that_of_the_flows_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drivers add nothing: neither a request nor a delay."""
    world = World({"key-00": over_time((0, WAITING), (30, RUNNING), (100, DONE))})
    threads = Threads(world)
    with sync_client(threads, monkeypatch, poll=every(8)) as rodin:
        task = rodin.wait("key-00")
    assert isinstance(task, CompletedTask)
    assert world.looks_at("key-00") == [8.0 * number for number in range(14)]


def test_both_clients_have_the_same_methods() -> None:
    renamed = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
    public = {renamed.get(name, name) for name in vars(AsyncRodin) if not name.startswith("_") or name in renamed}
    assert public == {name for name in vars(Rodin) if not name.startswith("_") or name in renamed.values()}
