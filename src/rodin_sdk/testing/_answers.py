"""What the emulator answers beside the tasks, and what it has to assume about the service."""

import json
import math
import time
from email.utils import formatdate
from enum import StrEnum
from http import HTTPStatus

from attrs import field, frozen

from rodin_sdk.testing._checks import check_flag, check_positive, check_text, check_whole, to_choice

LEAST_STATUS_CODE = 200
MOST_STATUS_CODE = 999
JSON_TYPE = ("Content-Type", "application/json")

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = 86_400.0
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class RetryAfterForm(StrEnum):
    """How a `Retry-After` is written."""

    SECONDS = "seconds"
    """A whole number of seconds, rounded up (doc)."""
    IMF = "imf"
    """A date as in `Sun, 06 Nov 1994 08:49:37 GMT`, reckoned from the answer's own `Date`."""
    RFC850 = "rfc850"
    """A date as in `Sunday, 06-Nov-94 08:49:37 GMT`."""
    ASCTIME = "asctime"
    """A date as in `Sun Nov  6 08:49:37 1994`."""
    NONE = "none"
    """No `Retry-After` at all."""


def to_retry_after_form(value: "RetryAfterForm | str") -> RetryAfterForm:
    """Returns the form that `value` names."""
    return to_choice("retry_after_form", RetryAfterForm, value)


def http_date(timestamp: float, form: RetryAfterForm = RetryAfterForm.IMF) -> str:
    """Returns a time as HTTP writes it, in one of its three formats.

    Args:
        timestamp: Seconds since the epoch.
        form: One of the three forms that are dates.
    """
    moment = time.gmtime(timestamp)
    if form is RetryAfterForm.ASCTIME:
        return time.asctime(moment)
    imf = formatdate(timestamp, usegmt=True)
    if form is RetryAfterForm.RFC850:
        _, day, month, year, clock, zone = imf.split()
        return f"{_WEEKDAYS[moment.tm_wday]}, {day}-{month}-{year[-2:]} {clock} {zone}"
    return imf


def write_retry_after(value: float | str, form: RetryAfterForm, timestamp: float) -> tuple[tuple[str, str], ...]:
    """Returns the header `Retry-After`, or nothing where the form is to have none.

    Args:
        value: Seconds, or a text that is taken as it is.
        form: How seconds are written.
        timestamp: The answer's own `Date`, in seconds since the epoch.
    """
    if form is RetryAfterForm.NONE:
        return ()
    if isinstance(value, str):
        return (("Retry-After", value),)
    seconds = math.ceil(value)
    return (("Retry-After", str(seconds) if form is RetryAfterForm.SECONDS else http_date(timestamp + seconds, form)),)


def reason_of(status_code: int) -> str:
    """Returns the name of an HTTP status, or an empty string where it has none."""
    return _REASONS.get(status_code, "")


@frozen
class Answer:
    """An HTTP answer, before it is sent."""

    status_code: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = (JSON_TYPE,)


@frozen
class ErrorAnswer:
    """An answer that reports an error in the way of the service: `{"error": code, "message": message}`.

    Args:
        status_code: The HTTP status, from 200 to 999. The service reports errors with 201, too (seen).
        code: What stands in `error`, such as `NO_SUCH_TASK`.
        message: What stands in `message`, for people.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `status_code` is out of range.
    """

    status_code: int
    code: str
    message: str

    def __attrs_post_init__(self) -> None:
        check_whole("status_code", self.status_code, least=LEAST_STATUS_CODE, most=MOST_STATUS_CODE)
        check_text("code", self.code)
        check_text("message", self.message)


def error_answer(error: ErrorAnswer, *headers: tuple[str, str]) -> Answer:
    """Returns an error as an HTTP answer, with further headers."""
    body = {"error": error.code, "message": error.message}
    return Answer(error.status_code, json.dumps(body).encode(), (JSON_TYPE, *headers))


@frozen(kw_only=True)
class Assumptions:
    """What the emulator takes for granted where nobody has written down what the service does.

    Code that is tested against the emulator should not depend on any of these: change them, and see that it does not.

    Args:
        success_status: The HTTP status of a good answer, from 200 to 999. 201 is documented; what is really sent is
            unconfirmed, and clients have to accept 200 as well.
        unauthorized: The answer to a missing or wrong key. Seen for a missing one; assumed for a wrong one.
        invalid_request: The answer to a body that is not an object with a string `subscription_key`. That such an
            answer comes with HTTP 201 was seen for submissions; the text is made up, and says what is wrong unless one
            is given here.
        no_such_task: The answer to a key that is no task's. The code was seen; status and text are assumed.
        throttled: The answer to a request too many. 429 with `Retry-After` is documented; the body is not.
        not_found: The answer on any other path: unknown.
        method_not_allowed: The answer to any other method, with `Allow`: unknown.
        json_content_type_required: Whether a body that is not declared as JSON is an invalid request: unknown; all
            samples declare it.
        kept_for: After how many seconds a task is gone. 7 days are documented; None keeps tasks for ever.
        throttle_window: Over how many seconds requests are counted against `requests_per_minute`. Unknown: here no
            window of that length has more than its share.
        refused_requests_count: Whether requests that were throttled count as well: unknown.
        retry_after_form: How `Retry-After` is written when requests are throttled. Seconds are documented.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.
    """

    success_status: int = 201
    unauthorized: ErrorAnswer = ErrorAnswer(401, "UNAUTHORIZED", "Active API key is required.")
    invalid_request: ErrorAnswer = ErrorAnswer(201, "INVALID_REQUEST", "")
    no_such_task: ErrorAnswer = ErrorAnswer(201, "NO_SUCH_TASK", "There is no task with this subscription_key.")
    throttled: ErrorAnswer = ErrorAnswer(429, "TOO_MANY_REQUESTS", "Too many requests: send them less often.")
    not_found: ErrorAnswer = ErrorAnswer(404, "NOT_FOUND", "There is nothing at this path.")
    method_not_allowed: ErrorAnswer = ErrorAnswer(405, "METHOD_NOT_ALLOWED", "Send a POST request to this path.")
    json_content_type_required: bool = True
    kept_for: float | None = 7 * _DAY
    throttle_window: float = 60.0
    refused_requests_count: bool = False
    retry_after_form: RetryAfterForm = field(default=RetryAfterForm.SECONDS, converter=to_retry_after_form)

    def __attrs_post_init__(self) -> None:
        check_whole("success_status", self.success_status, least=LEAST_STATUS_CODE, most=MOST_STATUS_CODE)
        for name in ERROR_ANSWERS:
            if not isinstance(getattr(self, name), ErrorAnswer):
                raise TypeError(f"{name} must be an ErrorAnswer, not {type(getattr(self, name)).__name__}.")
        check_flag("json_content_type_required", self.json_content_type_required)
        if self.kept_for is not None:
            check_positive("kept_for", self.kept_for)
        check_positive("throttle_window", self.throttle_window)
        check_flag("refused_requests_count", self.refused_requests_count)


ERROR_ANSWERS = ("unauthorized", "invalid_request", "no_such_task", "throttled", "not_found", "method_not_allowed")
"""The fields of `Assumptions` that are an `ErrorAnswer`."""
