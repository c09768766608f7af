"""The decision about one more attempt: whether, and after which pause."""

from __future__ import annotations

import math
import random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import APIError, InvalidResponseError, TransportError
from rodin_sdk._retry import QUOTA, Again, Refusal, RetryQuota, pause_before_retry

EVERY = list(Again)
REPEATED = [Again.ONCE_IN_A_ROW, Again.ONCE_ON_FRESH_CONNECTION, Again.ALWAYS]


def refusal(again: Again = Again.ALWAYS, retry_after: float | None = None) -> Refusal:
    return Refusal(APIError(status_code=500, retry_after=retry_after), again)


def pause(
    again: Again = Again.ALWAYS,
    *,
    previous: Again | None = None,
    retries: int = 0,
    max_retries: int = 3,
    dice: float = 0.5,
    retry_after: float | None = None,
) -> float | None:
    before = None if previous is None else refusal(previous)
    return pause_before_retry(refusal(again, retry_after), before, retries, max_retries, lambda: dice)


# --- whether


@pytest.mark.parametrize("again", REPEATED)
def test_first_failure_is_retried(again: Again) -> None:
    assert pause(again) is not None


def test_what_stays_is_not_retried() -> None:
    assert pause(Again.NEVER, max_retries=100) is None


@pytest.mark.parametrize("again", EVERY)
@pytest.mark.parametrize("max_retries", [0, 1, 3])
def test_retries_are_counted(again: Again, max_retries: int) -> None:
    assert pause(again, retries=max_retries, max_retries=max_retries) is None
    assert pause(again, retries=max_retries + 1, max_retries=max_retries) is None


@pytest.mark.parametrize("again", [Again.ONCE_IN_A_ROW, Again.ONCE_ON_FRESH_CONNECTION])
def test_once_is_once(again: Again) -> None:
    assert pause(again, previous=again, retries=1) is None


@pytest.mark.parametrize("previous", [Again.ALWAYS, Again.ONCE_ON_FRESH_CONNECTION])
def test_once_in_a_row_counts_anew_after_something_else(previous: Again) -> None:
    assert pause(Again.ONCE_IN_A_ROW, previous=previous, retries=1) is not None


@pytest.mark.parametrize("previous", REPEATED)
def test_passing_failures_are_retried_whatever_came_before(previous: Again) -> None:
    assert pause(Again.ALWAYS, previous=previous, retries=1) is not None


# --- after which pause


@pytest.mark.parametrize(
    ("retries", "longest"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (100, 8.0), (1_000, 8.0)]
)
def test_longest_pause_doubles_up_to_eight_seconds(retries: int, longest: float) -> None:
    almost = math.nextafter(1.0, 0.0)
    assert pause(retries=retries, max_retries=2_000, dice=0.0) == 0.0
    assert pause(retries=retries, max_retries=2_000, dice=0.25) == longest / 4
    assert pause(retries=retries, max_retries=2_000, dice=almost) == pytest.approx(longest)


@pytest.mark.parametrize("retries", [1_023, 1_024, 1_100, 10**6])
def test_very_many_retries_are_only_many(retries: int) -> None:
    assert pause(retries=retries, max_retries=10**9, dice=0.5) == 4.0


@pytest.mark.parametrize("retries", [0, 1, 2, 3, 4])
def test_jitter_is_full_and_even(retries: int) -> None:
    """Pauses fill the whole range evenly: clients that failed together do not come back together."""
    chance = random.Random(retries)
    longest = min(8.0, 0.5 * 2**retries)
    drawn = [pause_before_retry(refusal(), None, retries, 9, chance.random) or 0.0 for _ in range(4_000)]
    assert min(drawn) < 0.01 * longest
    assert 0.99 * longest < max(drawn) < longest
    assert fmean(drawn) == pytest.approx(longest / 2, rel=0.05)
    for part in range(10):
        inside = sum(part <= 10 * seconds / longest < part + 1 for seconds in drawn)
        assert inside == pytest.approx(400, rel=0.25)


@pytest.mark.parametrize("retry_after", [0.0, 0.1, 5.0, 59.0, 60.0])
def test_retry_after_is_a_floor(retry_after: float) -> None:
    assert pause(dice=0.0, retry_after=retry_after) == retry_after
    assert pause(dice=0.5, retry_after=retry_after) == retry_after + 0.25


@pytest.mark.parametrize("retry_after", [60.000001, 61.0, 3_600.0, 1e9])
def test_what_the_caller_has_to_decide_is_not_waited_for(retry_after: float) -> None:
    assert pause(retry_after=retry_after) is None


@given(
    again=st.sampled_from(EVERY),
    previous=st.none() | st.sampled_from(EVERY),
    retries=st.integers(0, 50),
    max_retries=st.integers(0, 50),
    dice=st.floats(0, 1, exclude_max=True),
    retry_after=st.none() | st.floats(0, 1e6),
)
def test_any_decision(
    *, again: Again, previous: Again | None, retries: int, max_retries: int, dice: float, retry_after: float | None
) -> None:
    seconds = pause(
        again, previous=previous, retries=retries, max_retries=max_retries, dice=dice, retry_after=retry_after
    )
    repeated = again in {Again.ONCE_IN_A_ROW, Again.ONCE_ON_FRESH_CONNECTION} and previous is again
    if again is Again.NEVER or retries >= max_retries or repeated or (retry_after or 0) > 60:
        assert seconds is None
    else:
        assert seconds is not None
        assert (retry_after or 0) <= seconds <= (retry_after or 0) + min(8, 0.5 * 2**retries)


# --- what a refusal tells


@pytest.mark.parametrize("again", EVERY)
def test_fresh_connection_is_wanted_after_a_lost_one_and_where_the_service_says_so(again: Again) -> None:
    assert Refusal(TransportError("x"), again).wants_fresh_connection
    answered = Refusal(APIError(status_code=421), again)
    assert answered.wants_fresh_connection == (again is Again.ONCE_ON_FRESH_CONNECTION)


def test_retry_after_of_a_refusal() -> None:
    assert Refusal(TransportError("x"), Again.ALWAYS).retry_after is None
    assert refusal(retry_after=7.0).retry_after == 7.0
    invalid = InvalidResponseError("x", status_code=200, retry_after=8.0)
    assert Refusal(invalid, Again.ALWAYS).retry_after == 8.0


# --- the quota


def test_quota_is_spent_and_given_back() -> None:
    quota = RetryQuota()
    assert sum(quota.spend() for _ in range(1_000)) == QUOTA
    assert not quota.spend()
    quota.refill()
    assert quota.spend()
    assert not quota.spend()


def test_quota_is_never_more_than_full() -> None:
    quota = RetryQuota()
    for _ in range(1_000):
        quota.refill()
    assert sum(quota.spend() for _ in range(1_000)) == QUOTA


@given(st.lists(st.booleans(), max_size=600))
def test_quota_bounds_retries_by_successes(events: list[bool]) -> None:
    quota = RetryQuota()
    successes = spent = 0
    for is_success in events:
        if is_success:
            quota.refill()
            successes += 1
        else:
            spent += quota.spend()
    assert spent <= QUOTA + successes
