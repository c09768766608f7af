"""The `Retry-After` header, read strictly."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_A_YEAR_OF_THE_WEB: Final = 2020
_DAY: Final = "0[1-9]|[12][0-9]|3[01]"
_MONTH: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_TIME: Final = "[0-9]{2}:[0-9]{2}:[0-9]{2}"
_YEAR: Final = "[1-9][0-9]{3}"
_HTTP_DATE: Final = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?:{_DAY}) (?:{_MONTH}) {_YEAR} {_TIME} GMT"
    rf"|(?P<rfc850>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?:{_DAY})-(?:{_MONTH})-[0-9]{{2}} {_TIME} GMT)"
    rf"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:{_MONTH}) (?: [1-9]|{_DAY}) {_TIME} {_YEAR}"
)
"""The three formats of RFC 9110, section 5.6.7: the preferred one, RFC 850's and asctime's."""
_CENTURY: Final = 100


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that an answer asks to wait; None where it does not, or says so in no form of HTTP's.

    A date counts from the answer's own `Date`, since the clock of this machine may be wrong; one in the past is 0.
    """
    value = headers.get("retry-after", "").strip(" \t")
    if _SECONDS.fullmatch(value):
        return float(value)
    since = _parse_date(headers.get("date", "").strip(" \t"), near=_A_YEAR_OF_THE_WEB)
    until = None if since is None else _parse_date(value, near=since.year)
    if until is None or since is None:
        return None
    return max(0.0, (until - since).total_seconds())


def _parse_date(text: str, near: int) -> datetime | None:
    """Reads a date; one with two digits of a year is within fifty years of `near`."""
    form = _HTTP_DATE.fullmatch(text)
    if form is None:
        return None
    from dateutil import parser  # noqa: PLC0415 - takes as long to import as the rest of the client, and dates are rare

    if form["rfc850"] is not None:
        year = near + (int(text[-15:-13]) - near + _CENTURY // 2) % _CENTURY - _CENTURY // 2
        text = f"{text[:-15]}{year:04d}{text[-13:]}"
    try:
        moment: datetime = parser.parse(text, ignoretz=True)
    except (ValueError, OverflowError):
        return None
    return moment
