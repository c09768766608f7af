"""What came of one task, and what to say about an error, in the words of the command line."""

import re
from typing import Final

from attrs import frozen

from rodin_sdk import (
    CompletedTask,
    ConfigurationError,
    JobStatus,
    RodinError,
    TaskError,
    TaskStatus,
    WaitTimeoutError,
)
from rodin_sdk.cli._exit import ExitStatus
from rodin_sdk.cli._keys import Key

FAILED_STATES: Final = frozenset({JobStatus.FAILED, JobStatus.CANCELED})

_IN_OPTIONS: Final = (
    (re.compile(r"\bpass api_key to the client\b"), "name a file with --api-key-file"),
    (re.compile(r"\bapi_key\b"), "--api-key-file"),
    (re.compile(r"\bbase_url\b"), "--host"),
    (re.compile(r"\brequest_timeout\b"), "--timeout"),
    (re.compile(r"\bNone means no limit\b"), "none means no limit"),
    (re.compile(r"; `content` has the bytes\b"), ""),
    (re.compile(r"\bsee status\.(?:failed_)?jobs\b"), "see rodin status"),
    (re.compile(r"\bpass allow_partial=True\b"), "pass --allow-partial"),
)
"""What the SDK's errors say of parameters, and what the command line calls the same."""

_STATUS_OF: Final = (
    (ConfigurationError, ExitStatus.USAGE),
    (WaitTimeoutError, ExitStatus.TIMED_OUT),
    (TaskError, ExitStatus.FAILED),
)
"""The first line that fits counts; all other errors are errors of the API or the transport."""


@frozen
class Report:
    """What came of one task.

    Attributes:
        key: Whose task.
        task: Its last snapshot, a `CompletedTask` if it was waited for with success; None where there is none.
        error: What went wrong; None where nothing did.
        elapsed: Seconds since the command began to wait; None where it does not wait.
        ended: Whether nothing more is to come about the task.
    """

    key: Key
    task: TaskStatus | None = None
    error: RodinError | None = None
    elapsed: float | None = None
    ended: bool = True

    @property
    def exit_status(self) -> ExitStatus:
        """What the shell is told if this is the only task."""
        if self.error is not None:
            return status_of(self.error)
        if isinstance(self.task, CompletedTask):
            return ExitStatus.DONE
        if self.task is not None and self.task.state in FAILED_STATES:
            return ExitStatus.FAILED
        return ExitStatus.DONE


def status_of(error: RodinError) -> ExitStatus:
    """Returns the exit status that an error of the SDK leads to."""
    return next((status for kind, status in _STATUS_OF if isinstance(error, kind)), ExitStatus.ERROR)


def explain(error: RodinError) -> str:
    """Returns an error's text with options in the place of parameters. What the server said is left as it is."""
    text = str(error)
    quoted = _quoted(error)
    ours, said, advice = text.partition(quoted) if quoted else (text, "", "")
    explained = f"{_in_options(ours)}{said}{_in_options(advice)}"
    if isinstance(error, TaskError) and isinstance(error.__cause__, RodinError):
        cause = explain(error.__cause__).replace(" (--timeout)", "")  # which is the whole wait's here
        return f"{explained} The last look failed: {cause}"
    return explained


def _quoted(error: RodinError) -> str | None:
    """Returns the part of an error's text that holds what the server said; None where there is none."""
    if isinstance(error, TaskError):
        return None if error.status is None else str(error.status)
    quoted: str | None = getattr(error, "message", None) or getattr(error, "body", None)
    return quoted


def _in_options(text: str) -> str:
    for parameter, option in _IN_OPTIONS:
        text = parameter.sub(option, text)
    return text
