"""Random tasks against an oracle that knows the contract, and nothing of the code. In virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from rodin_sdk import CompletedTask, Poll, TaskError, WaitTimeoutError
from tests.waits.simulation import Run, Simulation, every, gaps
from tests.waits.world import Down, Reply, World, answer, in_turn, jobs, over_time, refused, reset, throttled

if TYPE_CHECKING:
    from collections.abc import Sequence

FINAL = {"Done", "Failed", "Canceled"}
KNOWN = [*sorted(FINAL), "Waiting", "Generating", "Baking"]


@frozen
class Look:
    """What one look brings: the statuses of the jobs, or a bad poll; and what the oracle has to know of it."""

    statuses: tuple[str, ...] | None = None
    bad: str = ""
    retry_after: int | None = None

    @property
    def reply(self) -> Reply:
        if self.statuses is not None:
            return jobs(*self.statuses)
        if self.bad == "throttled":
            return throttled(None if self.retry_after is None else str(self.retry_after))
        headers = {} if self.retry_after is None else {"retry_after": str(self.retry_after)}
        replies: dict[str, Reply] = {
            "reset": reset(),
            "refused": refused(),
            "garbled": answer(b"<html>", 201, **headers),
            "down": answer(b"", 503, **headers),
            "unknown": answer({"error": "SOMETHING_NEW"}),
            "gone": answer({"error": "NO_SUCH_TASK"}),
            "forbidden": answer(b"", 403),
        }
        return replies[self.bad]


@frozen
class Fate:
    """How a wait has to end.

    Attributes:
        kind: "done", "failed", "canceled", "timeout", or what a bad poll was.
        at: When, in seconds since the wait began.
        looks: When it was looked at.
        seen: The jobs' statuses in the last snapshot.
        cause: Whether the last look before the deadline was a bad one.
    """

    kind: str
    at: float
    looks: tuple[float, ...]
    seen: tuple[str, ...] | None
    cause: bool = False


def fate_of(script: Sequence[Look], pause: float, timeout: float, *, allow_partial: bool) -> Fate:
    """Says how a wait ends, from the contract's words, for looks that take no time."""
    now, seen, unknown_before = 0.0, None, False
    looks: list[float] = []
    while True:
        look = script[min(len(looks), len(script) - 1)]
        looks.append(now)
        floor = 0.0
        if look.statuses is None:
            is_unknown = look.bad == "unknown"
            if look.bad in {"gone", "forbidden"} or (is_unknown and unknown_before):
                return Fate(look.bad, now, tuple(looks), seen)
            unknown_before, floor = is_unknown, float(look.retry_after or 0)
        else:
            unknown_before, seen = False, look.statuses
            kind = _kind(seen, allow_partial=allow_partial)
            if kind is not None:
                return Fate(kind, now, tuple(looks), seen)
        now += max(pause, floor)
        if timeout == 0 or now >= timeout:
            return Fate("timeout", looks[-1] if timeout == 0 else timeout, tuple(looks), seen, look.statuses is None)


def _kind(statuses: tuple[str, ...], *, allow_partial: bool) -> str | None:
    is_final = bool(statuses) and set(statuses) <= FINAL
    if is_final and (set(statuses) == {"Done"} or (allow_partial and "Done" in statuses)):
        return "done"
    if is_final or not allow_partial:
        return "failed" if "Failed" in statuses else "canceled" if "Canceled" in statuses else None
    return None


good_looks = st.builds(Look, st.lists(st.sampled_from(KNOWN), max_size=3).map(tuple))
bad_looks = st.builds(Look, bad=st.sampled_from(["reset", "refused", "unknown"])) | st.builds(
    Look,
    bad=st.sampled_from(["throttled", "garbled", "down"]),
    retry_after=st.none() | st.sampled_from([0, 1, 7, 20, 90, 10_000]),
)
ends = st.builds(Look, bad=st.sampled_from(["gone", "forbidden"])) | st.just(Look(("Done", "Done")))
scripts = st.tuples(st.lists(good_looks | good_looks | bad_looks, max_size=12), good_looks | bad_looks | ends).map(
    lambda parts: [*parts[0], parts[1]]
)
timeouts = st.sampled_from([0.0, 0.5, 9.5, 30.5, 100.25, 333.5])
KINDS = {"TaskFailedError": "failed", "TaskCanceledError": "canceled", "WaitTimeoutError": "timeout"}
BAD = {"NotFoundError": "gone", "PermissionDeniedError": "forbidden", "APIError": "unknown"}


def found(result: CompletedTask | BaseException | None, at: float, looks: list[float]) -> Fate:
    """Returns how a wait did end."""
    name = type(result).__name__
    kind = "done" if isinstance(result, CompletedTask) else KINDS.get(name) or BAD[name]
    status = result if isinstance(result, CompletedTask) else getattr(result, "status", None)
    seen = None if status is None else tuple(job.raw_status for job in status.jobs)
    cause = isinstance(result, WaitTimeoutError) and result.__cause__ is not None
    if isinstance(result, TaskError):
        assert result.polls == len(looks)
    return Fate(kind, at, tuple(looks), seen, cause)


def expected(fate: Fate) -> Fate:
    """Returns what of a fate an error of the service shows: it has no snapshot."""
    return Fate(fate.kind, fate.at, fate.looks, None) if fate.kind in BAD.values() else fate


@settings(max_examples=300)
@given(script=scripts, pause=st.sampled_from([0.25, 4.0, 10.0]), timeout=timeouts, allow_partial=st.booleans())
def test_a_wait_ends_as_the_contract_says(
    script: list[Look], pause: float, timeout: float, *, allow_partial: bool
) -> None:
    world = World({"key": in_turn(*(look.reply for look in script))})
    simulation = Simulation(world)
    run = simulation.wait("key", timeout=timeout, poll=every(pause), allow_partial=allow_partial)
    simulation.run()
    fate = fate_of(script, pause, timeout, allow_partial=allow_partial)
    assert found(run.value or run.error, run.ended, world.looks_at("key")) == expected(fate)
    _check_what_was_reported(run, script[: len(fate.looks)] + script[-1:] * (len(fate.looks) - len(script)))


def _check_what_was_reported(run: Run[CompletedTask], looks: list[Look]) -> None:
    """The first snapshot, and every change."""
    seen = [look.statuses for look in looks if look.statuses is not None]
    changes = [statuses for number, statuses in enumerate(seen) if number == 0 or statuses != seen[number - 1]]
    assert [tuple(job.raw_status for job in status.jobs) for _, status in run.emitted] == changes


@settings(max_examples=150)
@given(tasks=st.lists(scripts, max_size=6), timeout=timeouts.filter(bool), allow_partial=st.booleans())
def test_each_of_many_ends_as_it_would_alone(tasks: list[list[Look]], timeout: float, *, allow_partial: bool) -> None:
    """Without a budget and without what is about all tasks: holds (Retry-After of a 429) and outages."""
    quiet = [[look for look in task if look.statuses is not None or look.bad in {"unknown", "gone"}] for task in tasks]
    tasks = [task or [Look(("Done",))] for task in quiet]

    world = World({f"t{number}": in_turn(*(look.reply for look in task)) for number, task in enumerate(tasks)})
    simulation = Simulation(world)
    many = simulation.as_completed(world.scripts, timeout=timeout, allow_partial=allow_partial)
    simulation.run()
    fates = {f"t{n}": fate_of(task, 10.0, timeout, allow_partial=allow_partial) for n, task in enumerate(tasks)}
    results = {outcome.subscription_key: (at, outcome) for at, outcome in many.outcomes}
    assert len(many.outcomes) == len(tasks)
    for key, fate in fates.items():
        at, outcome = results[key]
        assert found(outcome.task or outcome.error, at, world.looks_at(key)) == expected(fate)
    assert [at for at, _ in many.outcomes] == sorted(fate.at for fate in fates.values())


intervals = st.lists(st.tuples(st.floats(0, 900), st.floats(1, 400)), max_size=3)


@settings(max_examples=60)
@given(
    ends=st.lists(st.floats(0, 600), min_size=1, max_size=25),
    outages=intervals,
    rate=st.sampled_from([None, 20.0, 100.0]),
    limit=st.sampled_from([None, 15, 60]),
    latency=st.sampled_from([0.0, 0.1, 2.5]),
    timeout=st.sampled_from([None, 250.0, 700.5]),
    poll=st.sampled_from([Poll(), Poll(3), Poll(1, 2, 20)]),
    many=st.booleans(),
    seed=st.integers(0, 9),
)
def test_whatever_happens_each_task_ends_rightly_and_politely(  # noqa: PLR0917
    ends: list[float],
    outages: list[tuple[float, float]],
    rate: float | None,
    limit: int | None,
    latency: float,
    timeout: float | None,
    poll: Poll,
    *,
    many: bool,
    seed: int,
) -> None:
    """Outages and throttling at random moments: none is lost, none is late, and no rule of politeness is broken."""
    running, done = jobs("Generating"), jobs("Done")
    world = World(
        {f"t{number}": over_time((0, running), (max(1e-9, end), done)) for number, end in enumerate(ends)},
        latency=latency,
        down=[Down(start, start + length) for start, length in outages],
        per_minute=limit,
    )
    simulation = Simulation(world, requests_per_minute=rate, seed=seed)
    simulation.poll = poll
    finished: list[tuple[float, str, object]]
    if many:
        call = simulation.as_completed(world.scripts, timeout=timeout)
        simulation.run()
        finished = [(at, outcome.subscription_key, outcome.task or outcome.error) for at, outcome in call.outcomes]
    else:
        runs = {key: simulation.wait(key, timeout=timeout) for key in world.scripts}
        simulation.run()
        finished = [(run.ended, key, run.value or run.error) for key, run in runs.items()]
    assert sorted(key for _, key, _ in finished) == sorted(world.scripts)
    for at, key, result in finished:
        if isinstance(result, CompletedTask):
            assert ends[int(key[1:])] <= at - latency + 1e-6
            assert timeout is None or at <= timeout + 1e-6
        else:
            assert isinstance(result, WaitTimeoutError)
            assert at == timeout
    _check_politeness(world, rate, poll)


def _check_politeness(world: World, rate: float | None, poll: Poll) -> None:
    times = [sent.at for sent in world.sent]
    shortest = 2.0 if poll.initial is None else poll.initial
    for key in world.scripts:
        assert all(gap >= shortest - 1e-6 for gap in gaps(world.looks_at(key)))
    if rate is not None:
        for number, at in enumerate(times[6:]):
            assert at - times[number] >= 60 / rate - 1e-6, "7 requests within the time of a burst and one more"
    for sent in world.sent:
        if isinstance(sent.reply, type(answer(b""))) and (held := sent.reply.headers.get("retry-after")):
            known = sent.at + (world.latency if isinstance(world.latency, float) else 0.0)
            quiet_until = known + float(held)
            assert not [at for at in times if known + 1e-6 < at < quiet_until - 1e-6], "sent while held"
