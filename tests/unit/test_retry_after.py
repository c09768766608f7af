"""`Retry-After`: seconds, or one of HTTP's three dates, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rodin_sdk._retry_after import parse_retry_after
from tests.unit.support import each_of, refusal

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def parse(value: str, date: str | None = DATE) -> float | None:
    return parse_retry_after({"retry-after": value} if date is None else {"retry-after": value, "date": date})


def imf(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def rfc850(moment: datetime) -> str:
    _, day, month, year, clock, zone = imf(moment).split()
    return f"{DAYS[moment.weekday()]}, {day}-{month}-{year[-2:]} {clock} {zone}"


def asctime(moment: datetime) -> str:
    weekday, day, month, year, clock, _ = imf(moment).split()
    return f"{weekday[:3]} {month} {int(day):2} {clock} {year}"


# --- seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("0", 0), ("1", 1), ("120", 120), ("007", 7), ("999999999", 999_999_999), (" 5 ", 5), ("\t5", 5)],
)
def test_seconds(value: str, seconds: float) -> None:
    for date in (DATE, None, "nonsense"):
        assert parse(value, date) == seconds
        assert type(parse(value, date)) is float


def test_none_at_all() -> None:
    assert parse_retry_after({}) is None
    assert parse_retry_after({"date": DATE}) is None


MALFORMED = [
    "",
    " ",
    "-5",
    "+5",
    "-0",
    "1.5",
    "1,5",
    ".5",
    "5.",
    "nan",
    "inf",
    "Infinity",
    "1e3",
    "0x10",
    "1_000",
    "1 000",
    "5 s",
    "5s",
    "5;",
    "5, 5",
    "1000000000",
    "9" * 5_000,
    "0" * 5_000,
    "٥",  # noqa: RUF001 - an Arabic digit
    "５",  # noqa: RUF001 - a full-width digit
    "²",
    "\u00a05",
    "5\u2028",
    "5\x85",
    "\x1f5",
    "soon",
    "tomorrow",
    "never",
    "null",
    "1994-11-06T08:50:37Z",
    "1994-11-06 08:50:37",
    "19941106T085037",
    "06 Nov 1994 08:50:37 GMT",
    "Sun, 06 Nov 1994",
    "Sun, 06 Nov 1994 08:50:37",
    "Sun, 06 Nov 1994 08:50:37 UTC",
    "Sun, 06 Nov 1994 08:50:37 +0000",
    "Sun, 06 Nov 1994 08:50:37 EST",
    "Sun, 06 Nov 1994 08:50 GMT",
    "Sun, 06 Nov 1994 08:50:37 gmt",
    "sun, 06 nov 1994 08:50:37 GMT",
    "Sun,06 Nov 1994 08:50:37 GMT",
    "Sun, 6 Nov 1994 08:50:37 GMT",
    "Sun, 06  Nov 1994 08:50:37 GMT",
    "Sun, 06 Nov 94 08:50:37 GMT",
    "Sunday, 06 Nov 1994 08:50:37 GMT",
    "Sun, 06-Nov-94 08:50:37 GMT",
    "Sunday, 06-Nov-1994 08:50:37 GMT",
    "Sun Nov 06 08:50:37 GMT 1994",
    "Sun Nov 6 08:50:37 1994",
    "Xyz, 06 Nov 1994 08:50:37 GMT",
    "Sun, 06 Xyz 1994 08:50:37 GMT",
    "Sun, 00 Nov 1994 08:50:37 GMT",
    "Sun, 31 Nov 1994 08:50:37 GMT",
    "Sun, 32 Nov 1994 08:50:37 GMT",
    "Sun, 06 Nov 0000 08:50:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT",
    "Sun, 06 Nov 1994 08:50:61 GMT",
    "Sun, 29 Feb 1995 08:50:37 GMT",
    "Sunday, 45-Nov-05 08:50:37 GMT",
    "Sunday, 31-Nov-05 08:50:37 GMT",
    "Sun Nov 31 08:50:37 1994",
    "Sun Nov  0 08:50:37 1994",
    "Sun Nov 45 08:50:37 1994",
    # Words that a lenient parser skips, or takes for something else than a month.
    "Sun, 06 Tue 1994 08:50:37 GMT",
    "Sun, 06 And 1994 08:50:37 GMT",
    "Sun, 06 Utc 1994 08:50:37 GMT",
    "Sunday, 06-Mon-94 08:50:37 GMT",
    "Sun Mon  6 08:50:37 1994",
    "Sun And  6 08:50:37 1994",
    "Sun, 06 Nov ١٩٩٤ 08:50:37 GMT",
    "Sun, 06 Nov 1994 08:50:37 GMT" * 2,
]


@pytest.mark.parametrize("value", MALFORMED, ids=each_of(MALFORMED))
def test_everything_else_is_malformed(value: str) -> None:
    assert parse(value) is None


# --- dates

moments = st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)
delays = st.integers(-100_000, 10_000_000)


@pytest.mark.parametrize("write", [imf, rfc850, asctime])
@pytest.mark.parametrize("delay", [0, 1, 60, 86_400, 400 * 86_400, -1, -86_400])
def test_date_counts_from_the_answers_own(write: Any, delay: int) -> None:
    now = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
    assert parse(write(now + timedelta(seconds=delay))) == max(0, delay)


def test_three_formats_of_the_standard() -> None:
    for value in ("Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"):
        assert parse(value, "Sun, 06 Nov 1994 08:49:07 GMT") == 30


@given(moments, delays, st.sampled_from([imf, rfc850, asctime]), st.sampled_from([imf, asctime]))
@example(datetime(2026, 1, 1, tzinfo=UTC), 60, rfc850, imf)
@example(datetime(1994, 11, 6, tzinfo=UTC), 60, rfc850, imf)
@example(datetime(2090, 1, 1, tzinfo=UTC), 60, rfc850, imf)
@example(datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC), 60, rfc850, imf)
def test_every_date_in_every_format(now: datetime, delay: int, write: Any, write_now: Any) -> None:
    """The two digits of a year that RFC 850 leaves are completed by the answer's `Date`, like all the rest."""
    until = now + timedelta(seconds=delay)
    assert parse(write(until), write_now(now)) == max(0, delay)


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 1000 00:00:00 GMT"])
@pytest.mark.parametrize("year", ["00", "48", "49", "50", "51", "99"])
def test_years_at_the_edge_of_the_calendar(date: str, year: str) -> None:
    assert (parse(f"Sunday, 06-Nov-{year} 08:49:37 GMT", date) or 0.0) >= 0.0


@pytest.mark.parametrize("date", [None, "", "nonsense", "1994-11-06", "5", MALFORMED[-1]])
def test_date_without_a_date_to_count_from(date: str | None) -> None:
    assert parse("Sun, 06 Nov 1994 08:50:37 GMT", date) is None


@pytest.mark.parametrize("year", [1970, 2026, 2080])
def test_clock_of_this_machine_does_not_matter(year: int) -> None:
    """A small computer without a battery starts in 1970; a wrong clock must not lose what the service asked for."""
    script = f"""
import time
moment = time.struct_time(({year}, 1, 1, 0, 0, 0, 3, 1, 0))
time.localtime = lambda *_: moment
from rodin_sdk._retry_after import parse_retry_after
print([parse_retry_after({{"retry-after": value, "date": "Sun, 22 Nov 2026 08:49:37 GMT"}}) for value in (
    "Sun, 22 Nov 2026 08:50:37 GMT",
    "Sunday, 22-Nov-26 08:50:37 GMT",
    "Sun Nov 22 08:50:37 2026",
    "Sun, 06 Tue 2026 08:49:37 GMT",
)])
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[60.0, 60.0, 60.0, None]"


# --- any text

dates = st.from_regex(
    r"\A(Mon|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT\Z"
    r"|\A(Mon|Sun)day, \d\d-[A-Z][a-z][a-z]-\d\d \d\d:\d\d:\d\d GMT\Z"
    r"|\A(Mon|Sun) [A-Z][a-z][a-z] [ \d]\d \d\d:\d\d:\d\d \d{4}\Z"
)
texts = st.text() | dates | st.sampled_from(MALFORMED) | st.text("0123456789 -+.,:GMTSunNov")


@given(texts, texts)
def test_any_text_is_understood_or_ignored(value: str, date: str) -> None:
    seconds = parse(value, date)
    assert seconds is None or (type(seconds) is float and seconds >= 0)


def strictly(text: str) -> datetime | None:
    """What a strict reader makes of a date: an independent opinion."""
    for form in ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"):
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007 - all are in GMT
        except ValueError:
            continue
    return None


@given(dates)
@example("Sun, 06 Tue 1994 08:50:37 GMT")
@example("Sun, 06 Nov 0099 08:50:37 GMT")
def test_nothing_is_read_that_a_strict_reader_does_not_read(value: str) -> None:
    moment = strictly(value)
    if moment is None:
        assert parse(value) is None
    elif "-" not in value:  # where the year is whole
        delay = (moment - datetime(1994, 11, 6, 8, 49, 37)).total_seconds()  # noqa: DTZ001
        assert parse(value) in {None, max(0.0, delay)}


@pytest.mark.parametrize("status_code", [200, 201, 429, 500, 503])
def test_header_is_read_whatever_the_status(status_code: int) -> None:
    error: Any = refusal(b"", status_code, retry_after="Sun, 06 Nov 1994 08:49:49 GMT", date=DATE)
    assert error.retry_after == 12
    assert ("asks to wait 12 s" in str(error)) == (status_code not in {200, 201})
