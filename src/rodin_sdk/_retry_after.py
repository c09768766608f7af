"""The `Retry-After` header, read strictly."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from dateutil import parser

_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_HTTP_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT"
    r"|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT"
    r"|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}",
    re.ASCII,
)
"""The three formats of RFC 9110, section 5.6.7: the preferred one, RFC 850's and asctime's."""


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds that an answer asks to wait; None where it does not, or says so in no form of HTTP's.

    A date counts from the answer's own `Date`, since the clock of this machine may be wrong; one in the past is 0.
    """
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until, since = _parse_date(value), _parse_date(headers.get("date", "").strip())
    if until is None or since is None:
        return None
    return max(0.0, (until - since).total_seconds())


def _parse_date(text: str) -> datetime | None:
    if not _HTTP_DATE.fullmatch(text):
        return None
    try:
        moment: datetime = parser.parse(text, ignoretz=True)
    except (ValueError, OverflowError):
        return None
    return moment
