"""`request_timeout` and `max_retries`: what is taken, what is refused, and which one counts."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from numbers import Real
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import AsyncRodin, ClientClosedError, ConfigurationError, Rodin, ServerError
from rodin_sdk._config import NOT_GIVEN, Options
from tests.unit.support import API_KEY, SUBSCRIPTION_KEY, response, transport

if TYPE_CHECKING:
    from collections.abc import Callable

# Every place at which an option can be given.
PLACES: dict[str, Callable[[dict[str, Any]], object]] = {
    "Rodin": lambda option: Rodin(API_KEY, http_transport=transport(), **option),
    "AsyncRodin": lambda option: AsyncRodin(API_KEY, http_transport=transport(), **option),
    "with_options": lambda option: Rodin(API_KEY, http_transport=transport()).with_options(**option),
    "with_options, async": lambda option: AsyncRodin(API_KEY, http_transport=transport()).with_options(**option),
    "status": lambda option: Rodin(API_KEY, http_transport=transport()).status(SUBSCRIPTION_KEY, **option),
}


async def ask_async(option: dict[str, Any]) -> None:
    async with AsyncRodin(API_KEY, http_transport=transport()) as rodin:
        await rodin.status(SUBSCRIPTION_KEY, **option)


class Number:
    """A number of somebody else's, as numpy has them: registered as a Real, and no float."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value


Real.register(Number)


class Count(IntEnum):
    TWO = 2


BAD_TIMES: dict[str, tuple[Any, str]] = {
    "zero": (0, "must be above 0"),
    "zero float": (-0.0, "must be above 0"),
    "zero timedelta": (timedelta(0), "must be above 0"),
    "negative": (-1, "must not be negative"),
    "tiny negative": (-5e-324, "must not be negative"),
    "negative timedelta": (timedelta(seconds=-1), "must not be negative"),
    "minus infinity": (-math.inf, "must not be negative"),
    "below all floats": (-(10**400), "must not be negative"),
    "below all numbers that can be written": (-(10**5_000), "must not be negative"),
    "nan": (math.nan, "nan"),
    "foreign nan": (Number(math.nan), "nan"),
    "true": (True, "must be seconds, a timedelta or None, not bool"),
    "false": (False, "not bool"),
    "text": ("30", "not str"),
    "bytes": (b"30", "not bytes"),
    "decimal": (Decimal(30), "not Decimal"),
    "complex": (30 + 0j, "not complex"),
    "list": ([30], "not list"),
    "object": (object(), "not object"),
    "httpx": (httpx.Timeout(5), "not Timeout"),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(("value", "said"), BAD_TIMES.values(), ids=BAD_TIMES)
def test_bad_request_timeout(place: Callable[[dict[str, Any]], object], value: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        place({"request_timeout": value})
    assert str(caught.value).startswith("request_timeout must ")
    assert said in str(caught.value)


BAD_COUNTS: dict[str, tuple[Any, str]] = {
    "negative": (-1, "must not be negative"),
    "below all numbers that can be written": (-(10**5_000), "must not be negative"),
    "float": (3.0, "must be an int, not float"),
    "nan": (math.nan, "not float"),
    "infinity": (math.inf, "not float"),
    "true": (True, "not bool"),
    "none": (None, "not NoneType"),
    "text": ("3", "not str"),
    "fraction": (Fraction(3), "not Fraction"),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize(("value", "said"), BAD_COUNTS.values(), ids=BAD_COUNTS)
def test_bad_max_retries(place: Callable[[dict[str, Any]], object], value: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        place({"max_retries": value})
    assert str(caught.value).startswith("max_retries must ")
    assert said in str(caught.value)


@pytest.mark.parametrize("option", [{"request_timeout": 0}, {"max_retries": -1}], ids=str)
async def test_async_call_refuses_as_well(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await ask_async(option)


TIMES: dict[str, tuple[Any, float | None]] = {
    "int": (5, 5.0),
    "float": (0.25, 0.25),
    "smallest": (5e-324, 5e-324),
    "timedelta": (timedelta(minutes=1, milliseconds=500), 60.5),
    "smallest timedelta": (timedelta.resolution, 1e-6),
    "fraction": (Fraction(1, 4), 0.25),
    "foreign number": (Number(2.5), 2.5),
    "none": (None, None),
    "infinity": (math.inf, None),
    "longest timedelta": (timedelta.max, None),
    "longer than the system can wait": (1e300, None),
    "integer beyond all floats": (10**400, None),
    "fraction beyond all floats": (Fraction(10**400), None),
    "integer of too many digits to be written": (10**5_000, None),
}


@pytest.mark.parametrize(("value", "seconds"), TIMES.values(), ids=TIMES)
def test_good_request_timeout(value: Any, seconds: float | None) -> None:
    assert Options().override(request_timeout=value).request_timeout == seconds


@given(st.floats() | st.integers() | st.timedeltas() | st.fractions() | st.booleans() | st.text() | st.none())
def test_any_request_timeout_is_taken_or_refused(value: Any) -> None:
    try:
        seconds = Options().override(request_timeout=value).request_timeout
    except ConfigurationError:
        return
    assert seconds is None or 0 < seconds < math.inf


@pytest.mark.parametrize("value", [0, 1, 3, 10**100, Count.TWO], ids=str)
def test_good_max_retries(value: int) -> None:
    assert Options().override(max_retries=value).max_retries == value


def test_defaults_are_those_of_the_contract() -> None:
    assert (Options().request_timeout, Options().max_retries) == (30, 3)


def test_sentinel_says_what_it_is() -> None:
    assert repr(NOT_GIVEN) == "NOT_GIVEN"


# --- which one counts


class Witness(httpx.MockTransport):
    """Fails every request, and keeps the time limits that requests came with."""

    def __init__(self) -> None:
        self.timeouts: list[float | None] = []
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.timeouts.append(request.extensions["timeout"]["read"])
        return response(b"", 500)


def ask(rodin: Rodin, witness: Witness, **options: Any) -> list[float | None]:
    witness.timeouts.clear()
    with pytest.raises(ServerError):
        rodin.status(SUBSCRIPTION_KEY, **options)
    # A moment has passed since the attempt began: what is left of 300 s is not 300 s.
    return [limit if limit is None else round(limit, -2) for limit in witness.timeouts]


def test_call_comes_before_client() -> None:
    witness = Witness()
    with Rodin(API_KEY, http_transport=witness, max_retries=0, request_timeout=300) as rodin:
        assert ask(rodin, witness) == [300]
        assert ask(rodin, witness, request_timeout=700) == [700]
        assert ask(rodin, witness) == [300]


def test_not_given_and_none_differ() -> None:
    witness = Witness()
    with Rodin(API_KEY, http_transport=witness, max_retries=0, request_timeout=900) as rodin:
        assert ask(rodin, witness) == [900]
        assert ask(rodin, witness, request_timeout=None) == [None]


def test_with_options_changes_what_is_given_and_nothing_else() -> None:
    witness = Witness()
    with Rodin(API_KEY, base_url="hyperhuman", http_transport=witness, max_retries=0, request_timeout=900) as rodin:
        other = rodin.with_options(request_timeout=timedelta(seconds=400))
        assert type(other) is Rodin
        assert other is not rodin
        assert other.base_url == rodin.base_url
        assert ask(other, witness) == [400]
        assert ask(rodin, witness) == [900]
        assert ask(other.with_options(), witness) == [400]


def test_closing_either_closes_both() -> None:
    for first in (0, 1):
        rodin = Rodin(API_KEY, http_transport=transport())
        both = (rodin, rodin.with_options(max_retries=0))
        both[first].close()
        for client in both:
            with pytest.raises(ClientClosedError):
                client.status(SUBSCRIPTION_KEY)


async def test_closing_either_closes_both_async_clients() -> None:
    for first in (0, 1):
        rodin = AsyncRodin(API_KEY, http_transport=transport())
        both = (rodin, rodin.with_options(max_retries=0))
        await both[first].aclose()
        for client in both:
            with pytest.raises(ClientClosedError):
                await client.status(SUBSCRIPTION_KEY)
