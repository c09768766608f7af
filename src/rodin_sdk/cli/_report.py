"""What came of one task, and what to say about an error, in the words of the command line."""

import re
from typing import Final

from attrs import frozen

from rodin_sdk import ConfigurationError, JobStatus, RodinError, TaskStatus
from rodin_sdk.cli._exit import ExitStatus
from rodin_sdk.cli._keys import Key

_FAILED: Final = frozenset({JobStatus.FAILED, JobStatus.CANCELED})

_IN_OPTIONS: Final = (
    (re.compile(r"\bpass api_key to the client\b"), "name a file with --api-key-file"),
    (re.compile(r"\bapi_key\b"), "--api-key-file"),
    (re.compile(r"\bbase_url\b"), "--host"),
    (re.compile(r"\brequest_timeout\b"), "--timeout"),
    (re.compile(r"\bNone means no limit\b"), "inf means no limit"),
)
"""What the SDK's errors say of parameters, and what the command line calls the same."""


@frozen
class Report:
    """What came of one task.

    Attributes:
        key: Whose task.
        task: Its last snapshot; None where there is none.
        error: What went wrong; None where nothing did.
    """

    key: Key
    task: TaskStatus | None = None
    error: RodinError | None = None

    @property
    def exit_status(self) -> ExitStatus:
        """What the shell is told if this is the only task."""
        if self.error is not None:
            return status_of(self.error)
        if self.task is not None and self.task.state in _FAILED:
            return ExitStatus.FAILED
        return ExitStatus.DONE


def status_of(error: RodinError) -> ExitStatus:
    """Returns the exit status that an error of the SDK leads to."""
    return ExitStatus.USAGE if isinstance(error, ConfigurationError) else ExitStatus.ERROR


def explain(error: RodinError) -> str:
    """Returns an error's text with options in the place of parameters. What the server said is left as it is."""
    text = str(error)
    quoted: str | None = getattr(error, "message", None) or getattr(error, "body", None)
    ours, said, advice = text.partition(quoted) if quoted else (text, "", "")
    return f"{_in_options(ours)}{said}{_in_options(advice)}"


def _in_options(text: str) -> str:
    for parameter, option in _IN_OPTIONS:
        text = parameter.sub(option, text)
    return text
