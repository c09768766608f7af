"""What arrived at the emulator."""

import json
import re
from collections.abc import Mapping
from typing import cast

from attrs import field, frozen

_REDACTED = "[redacted]"
_SHOWN_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "expect", "host", "user-agent"}
)
_LONG_SEGMENT = re.compile(r"[^/]{41,}")  # the service's paths have short segments; keys are long


def redact_path(path: str) -> str:
    """Returns a path in which segments that are as long as a key are not shown."""
    return _LONG_SEGMENT.sub(_REDACTED, path)


def _redact_headers(headers: Mapping[str, str]) -> str:
    return repr({name: value if name in _SHOWN_HEADERS else _REDACTED for name, value in headers.items()})


@frozen(kw_only=True, eq=False)
class RecordedRequest:
    """A request that arrived, and the status it was answered with. Its repr shows no key and no body.

    Attributes:
        method: The HTTP method, in upper case.
        path: The path, without the query.
        query: What follows the first `?`, or an empty string.
        headers: The headers, their names in lower case; the values of a repeated one are joined by `", "`.
        body: The body, as it came.
        received_at: When the request had arrived in full, in seconds by the emulator's clock.
        subscription_key: The key that was asked for, or None where the body has none.
        problem: What is wrong with the body, or None where it is as documented.
        status_code: The HTTP status of the answer, or None where no status was sent or none is chosen yet (while a
            `FaultSource` is asked).
    """

    method: str
    path: str = field(repr=lambda path: repr(redact_path(path)))
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=_redact_headers)
    body: bytes = field(repr=False)
    received_at: float
    subscription_key: str | None = field(repr=False)
    problem: str | None
    status_code: int | None = None

    def json(self) -> object:
        """Returns the body, decoded.

        Raises:
            ValueError: The body is not JSON.
        """
        return decode_json(self.body)


def decode_json(body: bytes) -> object:
    """Returns decoded JSON, or raises ValueError."""
    try:
        value: object = json.loads(body)
    except RecursionError:
        raise ValueError("The body is nested too deep.") from None
    return value


def read_key(body: bytes) -> tuple[str | None, str | None]:
    """Returns the subscription key that a body holds, or None; and what is wrong with the body, or None."""
    try:
        value = decode_json(body)
    except ValueError:
        return None, "The body must be JSON."
    if not isinstance(value, dict):
        return None, "The body must be a JSON object."
    key = cast("dict[str, object]", value).get("subscription_key")
    if not isinstance(key, str):
        return None, "subscription_key is required, and must be a string."
    return key, None
