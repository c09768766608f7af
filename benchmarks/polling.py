"""How soon a finished task is noticed, and for how many requests: the default of the SDK against other schedules.

    python benchmarks/polling.py [--quick] [--json]

Three tables: one task without a budget, for several distributions of durations; a thousand tasks under the budget; a
thousand tasks through an outage. Every schedule takes its first look at once, and that look is counted. All is
seeded: the same command prints the same numbers.
"""

import argparse
import json
import math
import random
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Final

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks._polling_bound import Bound
from benchmarks._polling_durations import Durations, distributions
from benchmarks._polling_simulation import REQUESTS_PER_MINUTE, FirstComeFirstServed, Schedule, Task, simulate
from rodin_sdk._poll import Pacer, Poll


@dataclass(frozen=True)
class Size:
    """How much is simulated."""

    tasks: int
    clients: int
    batch_runs: int


QUICK: Final = Size(tasks=400, clients=6, batch_runs=1)
FULL: Final = Size(tasks=1000, clients=40, batch_runs=5)


def peers(chance: random.Random) -> dict[str, Poll | Callable[[float], float]]:
    """The schedules of others, as their code and texts have them."""
    return {
        "every 0.1 s (fal-client)": Poll(0.1, jitter=0),
        "every 0.5 s (replicate)": Poll(0.5, jitter=0),
        "every 1 s (openai)": Poll(1, jitter=0),
        "every 3 s (assemblyai)": Poll(3, jitter=0),
        "every 5 s (vendor's sample)": Poll(5, jitter=0),
        "every 6 ± 1.5 s (runwayml)": lambda _age: chance.uniform(4.5, 7.5),
        "every 10 s (vendor's skill)": Poll(10, jitter=0),
        "doubling to 30 s (tripo3d)": Poll(1, 2, 30, jitter=0),
    }


# One task ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What one schedule comes to, for a task that is alone.

    Attributes:
        schedule: Its name.
        lag: Seconds from the end of a task to the look that finds it, on average.
        lag_95: What 19 of 20 lags stay below.
        requests: Looks at a task, on average.
        over_bound: The mean lag over the least that is possible for as many requests; None where looks within two
            seconds of each other make it less than that.
    """

    schedule: str
    lag: float
    lag_95: float
    requests: float
    over_bound: float | None


@dataclass(frozen=True)
class Comparison:
    """All schedules on one distribution."""

    durations: str
    about: str
    ours: list[Row]
    peers: list[Row]
    beaten_by: dict[str, list[str]]
    """For each row of ours that peers beat on both axes: those peers."""


IMPOLITE: Final = 0.9
"""Less than this part of the bound's lag is more than an error of interpolation."""
LEARNT_FROM: Final = (0, 5, 20, 50, 200)
"""How many tasks a client has seen when its schedule is measured."""


def compare(durations: Durations, size: Size) -> Comparison:
    """Measures all schedules on one distribution."""
    chance = random.Random(20)
    bound = Bound(durations)
    lasts = durations.even(size.tasks)
    learnt: dict[int, list[list[float]]] = {count: [] for count in LEARNT_FROM}
    for _ in range(size.clients):
        pacer = Pacer(Poll())
        seen = 0
        for count in LEARNT_FROM:
            for last in durations.draw(count - seen, chance):
                simulate([Task(0.0, last)], pacer, chance, requests_per_minute=None)
            seen = count
            learnt[count].append(list(look_ages(pacer, lasts[-1], chance)))
    ours = [
        measure(f"Poll() after {count} tasks" if count else "Poll(), first task", ages, lasts, bound)
        for count, ages in learnt.items()
    ]
    others = [
        measure(name, [list(look_ages(Pacer(poll), lasts[-1], chance)) for _ in range(size.clients)], lasts, bound)
        for name, poll in peers(chance).items()
    ]
    beaten = {row.schedule: [other.schedule for other in others if beats(other, row)] for row in ours}
    return Comparison(durations.name, durations.about, ours, others, {ours: by for ours, by in beaten.items() if by})


def look_ages(pacer: Pacer, horizon: float, chance: random.Random) -> Iterator[float]:
    """Yields the ages at which a task is looked at that runs beyond the horizon: for others it is a part of these."""
    age = 0.0
    looks = 0
    while True:
        yield age
        if age >= horizon:
            return
        looks += 1
        age += pacer.pause(age, looks, chance.random)


def measure(name: str, schedules: Sequence[Sequence[float]], lasts: Sequence[float], bound: Bound) -> Row:
    """Returns what schedules, given as the ages at looks, come to for these durations."""
    lags: list[float] = []
    requests = 0
    for ages in schedules:
        for last in lasts:
            look = bisect_left(ages, last)
            lags.append(ages[look] - last)
            requests += look + 1
    mean, mean_requests = fmean(lags), requests / len(lags)
    over_bound = mean / bound.lag(mean_requests)
    return Row(name, mean, percentile(lags, 0.95), mean_requests, over_bound if over_bound > IMPOLITE else None)


def percentile(values: Sequence[float], share: float) -> float:
    """Returns the value that this share stays below or at."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


# Many tasks ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """What one schedule comes to for many tasks.

    Attributes:
        schedule: Its name.
        lag: As for one task.
        lag_95: As for one task.
        requests: As for one task.
        first_look_95: What 19 of 20 first looks stay below, in seconds from the beginning of the wait.
        longest_gap: The longest time between two looks at a task.
    """

    schedule: str
    lag: float
    lag_95: float
    requests: float
    first_look_95: float
    longest_gap: float


@dataclass(frozen=True)
class BatchComparison:
    """All schedules on many tasks."""

    about: str
    rows: list[Batch]
    beaten_by: list[str]
    """The peers that beat ours on both axes."""


TASKS: Final = 1000
BATCHES: Final = (
    ("documented", "all at once", 0.0),
    ("documented", "over 10 minutes", 600.0),
    ("documented", "over 20 minutes", 1200.0),
    ("documented", "over 40 minutes", 2400.0),
    ("documented", "over an hour", 3600.0),
    ("documented", "over two hours", 7200.0),
    ("documented", "over four hours", 14400.0),
    ("gen2", "over 20 minutes", 1200.0),
    ("gen2", "over an hour", 3600.0),
    ("bimodal", "over 20 minutes", 1200.0),
    ("bimodal", "over an hour", 3600.0),
    ("joined late", "over 20 minutes", 1200.0),
    ("joined late", "over an hour", 3600.0),
)
"""Distribution of the durations, and the time within which the tasks come."""


def compare_batch(durations: Durations, about: str, within: float, size: Size) -> BatchComparison:
    """Measures all schedules on tasks that come within a time, under one budget; each run begins with a new client."""
    runs: list[list[Task]] = []
    for run in range(size.batch_runs):
        chance = random.Random(100 + run)
        lasts = durations.even(TASKS)
        chance.shuffle(lasts)
        runs.append([Task(within * chance.random(), last) for last in lasts])
    ours = measure_batch("Poll()", runs, lambda: Pacer(Poll()))
    others = [
        measure_batch(name, runs, partial(FirstComeFirstServed, poll)) for name, poll in peers(random.Random(7)).items()
    ]
    beaten_by = [other.schedule for other in others if beats(other, ours)]
    return BatchComparison(f"{durations.name}, {about}", [ours, *others], beaten_by)


def measure_batch(name: str, runs: Sequence[Sequence[Task]], make: Callable[[], Schedule]) -> Batch:
    """Returns what a schedule comes to for these tasks."""
    chance = random.Random(3)
    lags: list[float] = []
    first_looks: list[float] = []
    requests = 0
    longest_gap = 0.0
    for tasks in runs:
        last_look: dict[int, float] = {}
        for look in simulate(tasks, make(), chance):
            task = tasks[look.task]
            requests += 1
            if look.task in last_look:
                longest_gap = max(longest_gap, look.at - last_look[look.task])
            else:
                first_looks.append(look.at - task.starts)
            last_look[look.task] = look.at
            if look.ended:
                lags.append(look.at - task.starts - task.lasts)
    first_look_95 = percentile(first_looks, 0.95)
    return Batch(name, fmean(lags), percentile(lags, 0.95), requests / len(lags), first_look_95, longest_gap)


def beats(one: Row | Batch, other: Row | Batch) -> bool:
    """Whether one is no worse than the other on both axes."""
    return one.lag <= other.lag and one.requests <= other.requests


@dataclass(frozen=True)
class Outage:
    """What became of tasks through an outage.

    Attributes:
        requests_during: Requests that were sent, and lost.
        busiest_minute_after: The most requests within any minute after it.
        ended: How many tasks were seen to have ended.
        lag_after: Their mean lag, from the end of the outage for those that ended before or during it.
    """

    requests_during: int
    busiest_minute_after: int
    ended: int
    lag_after: float


def through_outage(durations: Durations) -> Outage:
    """Waits for tasks, all from the beginning, while the service is away from the second minute to the twelfth."""
    begins, ends = 120.0, 720.0
    chance = random.Random(11)
    lasts = durations.even(TASKS)
    chance.shuffle(lasts)
    taken = simulate([Task(0.0, last) for last in lasts], Pacer(Poll()), chance, outage=(begins, ends))
    after = [look.at for look in taken if look.at >= ends]
    return Outage(
        requests_during=sum(look.failed for look in taken),
        busiest_minute_after=max(bisect_left(after, at + 60) - i for i, at in enumerate(after)),
        ended=sum(look.ended for look in taken),
        lag_after=fmean(look.at - max(lasts[look.task], ends) for look in taken if look.ended and look.at >= ends),
    )


# Output --------------------------------------------------------------------------------------------------------------


def print_comparison(comparison: Comparison) -> None:
    """Prints one distribution."""
    print(f"\n{comparison.durations}: {comparison.about}")
    print(f"  {'schedule':30}{'mean lag':>10}{'95 %':>8}{'requests':>10}{'over bound':>12}")
    for row in (*comparison.ours, *comparison.peers):
        print(f"  {row.schedule:30}{row.lag:10.2f}{row.lag_95:8.2f}{row.requests:10.1f}{ratio(row):>12}")
    for schedule, others in comparison.beaten_by.items():
        print(f"  {schedule} is beaten on both axes by: {', '.join(others)}")


def ratio(row: Row) -> str:
    """Returns the last column."""
    return "-" if row.over_bound is None else f"{row.over_bound:.2f}"


def print_summary(comparisons: Sequence[Comparison]) -> None:
    """Prints how far the default is from the bound, for all distributions at a glance."""
    print("\nLag of Poll() over the bound's at equal requests, after so many tasks were seen; last, every 5 s")
    print(f"  {'':14}" + "".join(f"{count:>7}" for count in LEARNT_FROM) + f"{'5 s':>8}")
    for comparison in comparisons:
        ours = "".join(f"{ratio(row):>7}" for row in comparison.ours)
        constant = next(row for row in comparison.peers if row.schedule.startswith("every 5 s"))
        print(f"  {comparison.durations:14}{ours}{ratio(constant):>8}")


def print_batch(comparison: BatchComparison) -> None:
    """Prints one batch of many tasks."""
    print(f"\n{comparison.about}")
    print(f"  {'schedule':30}{'mean lag':>10}{'95 %':>8}{'requests':>10}{'first look 95 %':>17}{'longest gap':>13}")
    for row in comparison.rows:
        print(
            f"  {row.schedule:30}{row.lag:10.2f}{row.lag_95:8.1f}{row.requests:10.2f}"
            f"{row.first_look_95:17.1f}{row.longest_gap:13.1f}"
        )
    if comparison.beaten_by:
        print(f"  Poll() is beaten on both axes by: {', '.join(comparison.beaten_by)}")


def print_all(singles: Sequence[Comparison], batches: Sequence[BatchComparison], outage: Outage) -> None:
    """Prints all tables."""
    print("ONE TASK, no budget: seconds of lag, requests a task, and lag over the bound's at equal requests.")
    for comparison in singles:
        print_comparison(comparison)
    print_summary(singles)
    print(
        f"\n\n{TASKS} TASKS under {REQUESTS_PER_MINUTE:g} requests a minute. The peers get the same budget, first come"
        " first served:\nwithout one, every 5 s for a thousand tasks is 12,000 a minute. Each run begins with a new"
        " client."
    )
    for batch in batches:
        print_batch(batch)
    print(
        f"\n\n{TASKS} TASKS THROUGH AN OUTAGE of ten minutes"
        f"\n  requests during it            {outage.requests_during:8}"
        f"\n  in the busiest minute after it{outage.busiest_minute_after:8}"
        f"\n  tasks seen to have ended      {outage.ended:8}"
        f"\n  mean lag after it, in seconds {outage.lag_after:8.1f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description="How soon a finished task is noticed, and for how many requests.")
    parser.add_argument(
        "--quick", action="store_true", help="fewer tasks and clients: some 15 seconds, not two minutes"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args(arguments)
    size = QUICK if options.quick else FULL
    all_durations = {durations.name: durations for durations in distributions()}
    singles = [compare(durations, size) for durations in all_durations.values()]
    batches = [compare_batch(all_durations[name], about, within, size) for name, about, within in BATCHES]
    outage = through_outage(all_durations["documented"])
    if options.json:
        result = {"one_task": singles, "thousand_tasks": batches, "outage": outage}
        json.dump(result, sys.stdout, indent=2, default=asdict)
        print()
    else:
        print_all(singles, batches, outage)
    return 0


if __name__ == "__main__":
    sys.exit(main())
