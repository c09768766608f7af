"""What the tests themselves say of deadlines."""

from __future__ import annotations

from itertools import count

import pytest

from tests.deadlines import OVERRUN, STALL, STALLS, TRIES, TooLateError, in_time, within

tries = count(1)
stalled_tries = count(1)


def test_a_test_that_was_too_late_is_run_again() -> None:
    number = next(tries)
    in_time(2 if number % TRIES else 1, 1)
    assert number % TRIES == 0


@pytest.fixture
def fresh() -> list[int]:
    return []


def test_a_test_that_fails_amid_a_stall_is_run_again_with_new_fixtures(fresh: list[int]) -> None:
    assert fresh == []
    fresh.append(next(stalled_tries))
    if fresh[0] % TRIES:
        STALLS.longest = STALL
        raise ValueError("an answer came too late for the other side")


def test_too_late_is_later_than_the_contract_allows() -> None:
    in_time(1 + OVERRUN, 1)
    with pytest.raises(TooLateError, match=r"it took 1\.300 s and had 1"):
        in_time(1.3, 1)


def test_too_early_is_not_tried_again() -> None:
    with pytest.raises(AssertionError) as caught, within(60):
        pass
    assert type(caught.value) is AssertionError
