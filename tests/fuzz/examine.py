"""What holds for every answer, however broken: it becomes a status or one of our errors, and shows no key."""

from __future__ import annotations

import json
import math
import pickle
import time
from typing import TYPE_CHECKING, Final

import httpx

from rodin_sdk import APIError, InvalidResponseError, Rodin, RodinError, TaskStatus
from rodin_sdk._retry import LONGEST_RETRY_AFTER, Refusal, pause_before_retry
from rodin_sdk._transport._intake import KEPT_HEADERS, Intake
from rodin_sdk._wire import read
from tests.fuzz.answers import ALL_KEYS, REQUESTS

if TYPE_CHECKING:
    from rodin_sdk._messages import Answer
    from tests.fuzz.answers import Received

SLOW: Final = 0.5
"""Seconds of processor time: a thousand times what the answers here take, which have a few thousand bytes."""
EXCERPT: Final = 512
SUCCESS: Final = range(200, 300)

Found = TaskStatus | RodinError


class Violation(AssertionError):  # noqa: N818 - it is no error of the program's
    """Something that must hold does not."""


def require(holds: object, what: str) -> None:
    """Raises `Violation` unless something holds."""
    if not holds:
        raise Violation(what)


def examine(received: Received) -> str:
    """Checks all that holds for one answer; returns what became of it.

    Raises:
        Violation: Something does not hold.
    """
    answer = take_in(received)
    result = _read(answer, received.keys)
    found: Found
    if isinstance(result, Refusal):
        found = result.error
        _examine_refusal(result, answer)
    else:
        found = result
        _examine_status(result, answer)
    _examine_texts(found, received.keys)
    return outcome(found)


def outcome(found: Found) -> str:
    """Returns the kind of a result, for counting."""
    if isinstance(found, TaskStatus):
        return f"TaskStatus {found.state.value}" if found.jobs else "TaskStatus without jobs"
    return type(found).__name__


def take_in(received: Received) -> Answer:
    """Returns an answer as the transport hands it over."""
    intake = Intake(received.status_code, received.headers)
    if intake.is_wanted:
        intake.feed(received.content)
    return intake.answer()


def _read(answer: Answer, keys: int) -> TaskStatus | Refusal:
    result, seconds = _timed(answer, keys)
    for _ in range(2):  # once or twice may be the machine
        seconds = seconds if seconds < SLOW else _timed(answer, keys)[1]
    require(seconds < SLOW, f"it takes more than {SLOW} s")
    if isinstance(result, TaskStatus | Refusal):
        return result
    raise Violation(f"it becomes a {type(result).__name__}")


def _timed(answer: Answer, keys: int) -> tuple[object, float]:
    began = time.thread_time()
    try:
        result: object = read(REQUESTS[keys], answer, 1)
    except Exception as error:
        raise Violation(f"it raises {type(error).__name__}: {error}") from error
    return result, time.thread_time() - began


def _examine_status(status: TaskStatus, answer: Answer) -> None:
    require(answer.status_code in SUCCESS, "a code of failure becomes a status")
    require(answer.unread is None, "an answer that was not read becomes a status")
    require(len({job.uuid for job in status.jobs}) == len(status.jobs), "a uuid stands twice")
    if status.is_done:
        spelled_done = all(job.raw_status.strip().lower() == "done" for job in status.jobs)
        require(status.jobs and spelled_done, "it is done, though not every job says so")
    if not status.jobs:
        over = status.is_done or status.is_final or status.is_failed or status.progress
        require(not over, "an empty list is the end of a task")
    require(status.error is None or status.is_final, "an error goes by unseen")
    require(0 <= status.progress <= 1, "the progress is out of range")
    require(str(status).isprintable() and repr(status).isprintable(), "a text is not printable")
    require(all(str(job).isprintable() for job in status.jobs), "a job's text is not printable")
    try:
        json.dumps(status.raw, allow_nan=False, ensure_ascii=False).encode()
    except ValueError as error:
        raise Violation(f"raw cannot be written: {error}") from error


def _examine_refusal(refusal: Refusal, answer: Answer) -> None:
    error: object = refusal.error
    if not isinstance(error, APIError | InvalidResponseError):
        raise Violation(f"an answer becomes a {type(error).__name__}")
    require(error.status_code == answer.status_code and error.attempts == 1, "the error is of another answer")
    require(isinstance(error, APIError) or error.status_code in SUCCESS, "a failure counts as not understood")
    require(len(error.body) <= EXCERPT and error.body.isprintable(), "the excerpt is too long, or not printable")
    require(str(error).isprintable() and repr(error).isprintable(), "a text is not printable")
    require(set(error.headers) <= KEPT_HEADERS, "a header is kept that may be secret")
    require(all(value.isprintable() for value in error.headers.values()), "a header is not printable")
    wait = error.retry_after
    require(wait is None or (math.isfinite(wait) and wait >= 0), f"it waits for {wait} s")
    pause = pause_before_retry(refusal, None, 0, 2, lambda: 0.5)
    require(pause is None or 0 <= pause <= LONGEST_RETRY_AFTER + 1, f"it pauses for {pause} s")
    if isinstance(error, APIError):
        for text in (error.code, error.message, error.request_id):
            require(text is None or (len(text) <= EXCERPT and text.isprintable()), "a quotation is not fit to print")
    else:
        require(error.reason.isprintable(), "a reason is not printable")


def _pickled(found: Found) -> bytes:
    try:
        pickled = pickle.dumps(found)
        copy: object = pickle.loads(pickled)
    except Exception as error:
        raise Violation(f"its pickle raises {type(error).__name__}: {error}") from error
    if isinstance(found, TaskStatus):
        same = isinstance(copy, TaskStatus) and copy == found and hash(copy) == hash(found) and copy.raw == found.raw
    else:
        same = isinstance(copy, RodinError) and vars(copy) == vars(found) and copy.args == found.args
    require(same and type(copy) is type(found), "a pickle is not the same")
    return pickled


def _examine_texts(found: Found, keys: int) -> None:
    """Nothing that is printed, logged, stored or passed on has a key, and all of it can be written.

    What the service says of jobs is left as it is: a uuid may well be made of a key.
    """
    texts = [str(found)]
    if isinstance(found, TaskStatus):
        texts += [found.error or "", found.message or "", found.request_id or ""]
        _pickled(found)
        str([repr(found), *map(str, found.jobs)]).encode()
    else:
        texts += [repr(found), _pickled(found).decode("latin-1")]
        texts += [repr(found.args), repr(vars(found))]
        if isinstance(found, InvalidResponseError):
            texts.append(found.content.decode("latin-1"))
    text = "\n".join(texts)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Violation(f"a text cannot be written: {error}") from error
    for form in _FORMS[keys]:
        require(form not in text, "a key shows itself")


_FORMS: Final = tuple(
    tuple({form for key in keys.both for form in (key, json.dumps(key)[1:-1], repr(key)[1:-1])}) for keys in ALL_KEYS
)
"""What must stand nowhere: the keys, and the keys as they are when escaped."""


def examine_client(received: Received) -> str:
    """Checks that the public client makes the same of an answer as the decisions alone; returns what became of it."""
    keys = ALL_KEYS[received.keys]

    def answer(_request: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(received.content)
        return httpx.Response(received.status_code, headers=list(received.headers), stream=stream)

    transport = httpx.MockTransport(answer)
    # A client of its own for each, since a 429 may keep one from asking again for a while.
    with Rodin(keys.api_key, http_transport=transport, requests_per_minute=None, max_retries=0) as rodin:
        try:
            found: Found = rodin.status(keys.subscription_key)
        except RodinError as error:
            found = error
        except Exception as error:
            raise Violation(f"the client raises {type(error).__name__}: {error}") from error
    _examine_texts(found, received.keys)
    result = _read(take_in(received), received.keys)
    expected: Found = result.error if isinstance(result, Refusal) else result
    require(type(found) is type(expected) and repr(found) == repr(expected), "the client makes something else of it")
    if isinstance(found, RodinError):
        require(vars(found) == vars(expected), "the client makes another error of it")
    else:
        require(isinstance(expected, TaskStatus) and found.raw == expected.raw, "the client keeps another body")
    return f"client: {outcome(found)}"
