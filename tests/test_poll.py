"""When to look at a task again: what a user can ask for, and what the default does."""

import math
import pickle
import random
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._polling_bound import Bound
from benchmarks._polling_durations import DOCUMENTED, Durations, Survival, log_normal
from benchmarks._polling_simulation import FirstComeFirstServed, Task, simulate
from benchmarks.polling import Row, look_ages, measure
from rodin_sdk import _poll
from rodin_sdk._errors import ConfigurationError
from rodin_sdk._poll import (
    JITTER,
    LONGEST_PAUSE,
    PRICE,
    SHORTEST_PAUSE,
    Lifetimes,
    Pacer,
    Poll,
    _prior_survival,  # pyright: ignore[reportPrivateUsage]
)

nan, inf = math.nan, math.inf
times = st.floats(0, 1e6)
dice_values = st.floats(0, 1, exclude_max=True)


def low() -> float:
    return 0.0


def steady_pauses(poll: Poll, count: int) -> list[float]:
    pacer = Pacer(poll)
    return [pacer.pause(0.0, looks, low) for looks in range(1, count + 1)]


def teach(pacer: Pacer, lasts: float, chance: random.Random) -> None:
    """Wait for a task alone."""
    simulate([Task(0.0, lasts)], pacer, chance, requests_per_minute=None)


def ages_of_looks(pacer: Pacer, until: float) -> list[float]:
    ages = [0.0]
    while ages[-1] < until:
        ages.append(ages[-1] + pacer.pause(ages[-1], len(ages), low))
    return ages


class TestPoll:
    def test_the_default_leaves_the_choice_to_the_client(self) -> None:
        poll = Poll()
        assert (poll.initial, poll.factor, poll.maximum, poll.jitter) == (None, 1.0, None, JITTER)

    @pytest.mark.parametrize(
        ("poll", "pauses"),
        [
            (Poll(5), [5, 5, 5, 5]),
            (Poll(1, 2, 30), [1, 2, 4, 8, 16, 30, 30]),
            (Poll(20, 1.5), [20, 30, 30]),
            (Poll(45, 2), [45, 45]),
            (Poll(3, 10, 3), [3, 3]),
            (Poll(timedelta(milliseconds=500), 2, timedelta(seconds=3)), [0.5, 1, 2, 3, 3]),
        ],
    )
    def test_the_pause_grows_by_the_factor_up_to_the_maximum(self, poll: Poll, pauses: list[float]) -> None:
        assert steady_pauses(poll, len(pauses)) == pauses

    def test_the_age_is_no_matter_once_a_pause_was_given(self) -> None:
        pacer = Pacer(Poll(1, 2, 30))
        assert pacer.pause(1e5, 3, low) == pacer.pause(0.0, 3, low) == 4

    def test_a_wait_without_end_meets_no_number_that_is_too_large(self) -> None:
        assert Pacer(Poll(1, 2, 30)).pause(0.0, 10**7, low) == 30

    @pytest.mark.parametrize(
        ("name", "make"),
        [
            ("initial", lambda: Poll(0)),
            ("initial", lambda: Poll(-1)),
            ("initial", lambda: Poll(nan)),
            ("initial", lambda: Poll(inf)),
            ("initial", lambda: Poll(timedelta(0))),
            ("initial", lambda: Poll(10**400)),
            ("initial", lambda: Poll("5")),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
            ("initial", lambda: Poll(True)),
            ("factor", lambda: Poll(1, 0.9)),
            ("factor", lambda: Poll(1, nan)),
            ("factor", lambda: Poll(1, inf)),
            ("factor", lambda: Poll(1, 10**400)),
            ("factor", lambda: Poll(1, None)),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
            ("factor", lambda: Poll(factor=2)),
            ("maximum", lambda: Poll(10, 2, 9.9)),
            ("maximum", lambda: Poll(10, 2, nan)),
            ("maximum", lambda: Poll(10, 2, inf)),
            ("maximum", lambda: Poll(10, 2, 10**400)),
            ("maximum", lambda: Poll(maximum=1.9)),
            ("maximum", lambda: Poll(maximum=timedelta(seconds=-1))),
            ("jitter", lambda: Poll(jitter=-0.01)),
            ("jitter", lambda: Poll(jitter=1.01)),
            ("jitter", lambda: Poll(jitter=nan)),
            ("jitter", lambda: Poll(jitter="none")),  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        ],
    )
    def test_what_cannot_be_is_refused_by_name(self, name: str, make: Callable[[], Poll]) -> None:
        with pytest.raises(ConfigurationError, match=rf"\A{name}\b"):
            make()

    def test_a_refusal_says_what_would_do(self) -> None:
        with pytest.raises(ValueError, match=r"\Amaximum must be at least 10 \(initial\), not 5\.\Z"):
            Poll(10, 2, 5)
        with pytest.raises(ValueError, match=r"\Afactor multiplies the first pause: give initial as well\.\Z"):
            Poll(factor=2)

    def test_limits_themselves_are_allowed(self) -> None:
        assert Poll(10, 1, 10, 0).maximum == Poll(10, 1, 10, 1).maximum == 10
        assert Poll(maximum=SHORTEST_PAUSE).maximum == SHORTEST_PAUSE

    def test_it_is_an_immutable_value(self) -> None:
        poll = Poll(1, 2, 30)
        assert poll == Poll(1.0, 2.0, timedelta(seconds=30))
        assert poll != Poll(1, 2, 31)
        assert hash(poll) == hash(Poll(1, 2, 30))
        assert pickle.loads(pickle.dumps(poll)) == poll
        assert repr(poll) == "Poll(initial=1, factor=2, maximum=30, jitter=0.1)"
        with pytest.raises(FrozenInstanceError):
            poll.initial = 2  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


class TestCallable:
    def test_it_is_asked_with_the_age_and_obeyed(self) -> None:
        ages: list[float] = []

        def poll(age: float) -> float:
            ages.append(age)
            return 0.25

        assert Pacer(poll).pause(12.5, 3, lambda: 0.9) == 0.25
        assert ages == [12.5]

    def test_no_pause_at_all_is_the_users_decision(self) -> None:
        assert Pacer(lambda _age: 0).pause(0.0, 1, low) == 0.0

    @pytest.mark.parametrize("bad", [-0.1, nan, inf, 10**400, -(10**400), None, "1", True])
    def test_what_is_no_pause_is_refused(self, bad: Any) -> None:
        with pytest.raises(ConfigurationError, match=r"\Athe result of the poll callable must be "):
            Pacer(lambda _age: bad).pause(0.0, 1, low)


class TestJitter:
    @given(dice=dice_values, jitter=st.floats(0, 1), looks=st.integers(1, 1000), age=times)
    def test_it_is_added_and_stays_in_its_bounds(self, dice: float, jitter: float, looks: int, age: float) -> None:
        for initial, factor in ((2.0, 1.5), (None, 1.0)):
            base = Pacer(Poll(initial, factor, jitter=0)).pause(age, looks, low)
            pause = Pacer(Poll(initial, factor, jitter=jitter)).pause(age, looks, lambda: dice)
            assert base <= pause <= base * (1 + jitter)
            assert math.isclose(pause, base * (1 + jitter * dice))

    def test_it_comes_from_the_dice_alone(self) -> None:
        def pauses(seed: int) -> list[float]:
            pacer, chance = Pacer(Poll()), random.Random(seed)
            return [pacer.pause(3.0 * looks, looks, chance.random) for looks in range(1, 50)]

        assert pauses(1) == pauses(1) != pauses(2)


class TestDefault:
    @given(
        sights=st.lists(st.tuples(times, st.floats(0, 150), st.booleans()), max_size=40),
        age=st.floats(0, 1e9),
        dice=dice_values,
        maximum=st.none() | st.floats(SHORTEST_PAUSE, 1e4),
    )
    def test_whatever_it_saw_the_pause_stays_in_its_bounds(
        self, sights: list[tuple[float, float, bool]], age: float, dice: float, maximum: float | None
    ) -> None:
        pacer = Pacer(Poll(maximum=maximum))
        for before, seconds, ended in sights:
            pacer.saw(before, before + seconds, ended=ended)
        longest = LONGEST_PAUSE if maximum is None else maximum
        assert SHORTEST_PAUSE <= pacer.pause(age, 1, lambda: dice) <= longest * (1 + JITTER)

    @pytest.mark.parametrize("age", [0.0, 1.0, 7.3, 12.0, 20.0, 40.0, 75.0, 100.0, 160.0, 400.0, 5000.0])
    def test_the_lag_to_be_expected_of_a_pause_is_the_price(self, age: float) -> None:
        pause = Lifetimes().pause(age)
        steps = 1000
        survival = [_prior_survival(age + pause * (n + 0.5) / steps) for n in range(steps)]
        lag = sum(1 - share / _prior_survival(age) for share in survival) * pause / steps
        assert math.isclose(lag, PRICE, rel_tol=0.12)  # within a band of ages the rate is taken to be the same

    def test_beyond_all_bands_it_goes_on(self) -> None:
        assert Lifetimes().pause(1e7) == Lifetimes().pause(1e5) > LONGEST_PAUSE

    def test_it_looks_seldom_at_first_then_often_then_seldom_again(self) -> None:
        pacer = Pacer(Poll())
        first, usual, late = (pacer.pause(age, 1, low) for age in (0.0, 80.0, 900.0))
        assert first > 2 * usual
        assert late > 2 * usual
        assert 3 < usual < 5

    def test_it_learns_when_tasks_end(self) -> None:
        fresh, taught = Pacer(Poll()), Pacer(Poll())
        chance = random.Random(1)
        for _ in range(60):
            teach(taught, chance.gauss(140, 8), chance)
        before, after = (ages_of_looks(pacer, 400) for pacer in (fresh, taught))
        assert sum(125 < age < 155 for age in after) > sum(125 < age < 155 for age in before)
        assert 2 * sum(age < 110 for age in after) < sum(age < 110 for age in before)

    def test_what_runs_on_teaches_as_well(self) -> None:
        pacer = Pacer(Poll())
        fresh = ages_of_looks(pacer, 1200)
        for _ in range(30):
            for before, age in pairwise(fresh):
                pacer.saw(before, age, ended=False)
        assert len(ages_of_looks(pacer, 1200)) < len(fresh) / 2

    def test_one_age_teaches_nothing_about_another(self) -> None:
        pacer = Pacer(Poll())
        before = pacer.pause(300.0, 1, low)
        for _ in range(50):
            pacer.saw(15.0, 17.0, ended=True)
        assert pacer.pause(300.0, 1, low) == before
        assert pacer.pause(15.0, 1, low) == SHORTEST_PAUSE

    def test_an_end_between_two_looks_is_no_more_than_one_task(self) -> None:
        lifetimes = Lifetimes()
        lifetimes.saw(10.0, 110.0, ended=True)
        ended, watched = lifetimes._ended, lifetimes._watched  # pyright: ignore[reportPrivateUsage]
        assert math.isclose(sum(ended), 1)
        assert 0 < sum(watched) < 100
        watched_before = sum(watched)
        lifetimes.saw(10.0, 110.0, ended=False)
        assert math.isclose(sum(ended), 1)
        assert math.isclose(sum(watched), watched_before + 100)

    def test_it_forgets_what_is_no_longer_true(self) -> None:
        pacer = Pacer(Poll())
        fresh = pacer.pause(30.0, 1, low)
        for _ in range(100):
            pacer.saw(30.0, 33.0, ended=True)
        assert pacer.pause(30.0, 1, low) == SHORTEST_PAUSE
        for _ in range(500):
            pacer.saw(25.0, 45.0, ended=False)
        assert pacer.pause(30.0, 1, low) > fresh

    @pytest.mark.parametrize("age", [5.0, 4.0, 5.0 + 1e-9, 125.1, nan])
    def test_too_little_or_too_much_time_between_two_looks_teaches_nothing(self, age: float) -> None:
        pacer = Pacer(Poll())
        before = ages_of_looks(pacer, 1000)
        pacer.saw(5.0, age, ended=True)
        assert ages_of_looks(pacer, 1000) == before

    def test_its_memory_does_not_grow(self) -> None:
        pacer, chance = Pacer(Poll()), random.Random(1)
        size = len(pickle.dumps(pacer.lifetimes))
        for _ in range(500):
            teach(pacer, chance.expovariate(1 / 100), chance)
        assert len(pickle.dumps(pacer.lifetimes)) == size
        assert size < 4000

    def test_clients_may_learn_together(self) -> None:
        one = Pacer(Poll())
        other = Pacer(Poll(jitter=0), one.lifetimes)
        for _ in range(20):
            one.saw(15.0, 17.0, ended=True)
        assert other.pause(15.0, 1, low) == SHORTEST_PAUSE


class TestHandicap:
    def test_a_first_look_yields_as_long_as_a_pause_but_not_for_long(self) -> None:
        assert Pacer(Poll()).handicap == _poll.LONGEST_HANDICAP
        assert Pacer(Poll(0.5)).handicap == 0.5
        assert Pacer(Poll(100)).handicap == _poll.LONGEST_HANDICAP

    def test_a_callable_is_not_asked_about_a_task_that_is_none(self) -> None:
        pacer = Pacer(lambda age: 3 / age)
        assert pacer.handicap == _poll.LONGEST_HANDICAP
        assert pacer.pause(1.0, 1, low) == 3
        assert pacer.pause(2.0, 2, low) == 1.5
        assert pacer.handicap == 3

    def test_an_old_task_gets_few_looks_before_a_new_one_gets_its_first(self) -> None:
        assert _poll.LONGEST_HANDICAP / SHORTEST_PAUSE < 19


SURVIVALS: dict[str, Survival] = {
    "documented": DOCUMENTED,
    "about 30 s": log_normal(30, 0.35),
    "about 45 s": log_normal(45, 0.35),
    "about 200 s": log_normal(200, 0.35),
    "at any age": lambda age: math.exp(-age / 60),
}


@cache
def durations(name: str) -> tuple[Durations, list[float], Bound]:
    """Return a distribution, a table of it, and its bound."""
    all_of_them = Durations(name, "", SURVIVALS[name])
    return all_of_them, all_of_them.even(500), Bound(all_of_them)


def measured(poll: Poll, name: str = "documented", learnt_from: int = 0, seed: int = 1) -> Row:
    all_of_them, lasts, bound = durations(name)
    pacer, chance = Pacer(poll), random.Random(seed)
    for last in all_of_them.draw(learnt_from, chance):
        teach(pacer, last, chance)
    return measure("", [list(look_ages(pacer, lasts[-1], chance)) for _ in range(3)], lasts, bound)


def over_bound(name: str = "documented", learnt_from: int = 0, seed: int = 1) -> float:
    return measured(Poll(), name, learnt_from, seed).over_bound or 0.0


class TestAgainstTheBound:
    """A small part of `benchmarks/polling.py`, so that no change makes the default worse unnoticed."""

    def test_the_first_task_costs_little_more_than_the_best_schedule(self) -> None:
        assert 0.99 < over_bound() < 1.04

    def test_no_other_schedule_beats_the_first_task_on_both_axes(self) -> None:
        ours = measured(Poll())
        for peer in (*(Poll(seconds, jitter=0) for seconds in (1, 2, 3, 4, 5, 6, 8, 10)), Poll(1, 2, 30, 0)):
            theirs = measured(peer)
            assert theirs.lag > ours.lag or theirs.requests > ours.requests, peer

    @pytest.mark.parametrize(
        ("name", "learnt_from", "limit"),
        [("about 30 s", 40, 1.09), ("about 45 s", 40, 1.11), ("about 200 s", 80, 1.14), ("at any age", 40, 1.09)],
    )
    def test_it_learns_durations_that_it_was_not_made_for(self, name: str, learnt_from: int, limit: float) -> None:
        learnt = fmean(over_bound(name, learnt_from, seed) for seed in range(8))
        assert 0.99 < learnt < limit < over_bound(name)

    def test_under_a_budget_it_is_sooner_than_a_constant_pause(self) -> None:
        chance = random.Random(2)
        lasts = durations("documented")[0].even(400)
        chance.shuffle(lasts)
        tasks = [Task(1400 * chance.random(), last) for last in lasts]

        def lag(schedule: Pacer | FirstComeFirstServed) -> float:
            looks = simulate(tasks, schedule, random.Random(3))
            return fmean(look.at - tasks[look.task].starts - tasks[look.task].lasts for look in looks if look.ended)

        ours = lag(Pacer(Poll()))
        for seconds in (1, 3, 5):
            assert ours < 0.95 * lag(FirstComeFirstServed(Poll(seconds, jitter=0)))
