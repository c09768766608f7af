"""How a command ends: its exit status, and the error that ends it."""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final


class ExitStatus(IntEnum):
    """What a command tells the shell."""

    DONE = 0
    """All went well, and no task has failed."""
    FAILED = 1
    """A task failed or was canceled."""
    USAGE = 2
    """Wrong usage or configuration: nothing was sent."""
    ERROR = 3
    """An API or transport error: how a task stands is not known."""
    TIMED_OUT = 4
    """The time for waiting was over before the task was."""
    INTERRUPTED = 130
    """Ctrl-C."""


_WORST_FIRST: Final = (
    ExitStatus.INTERRUPTED,
    ExitStatus.USAGE,
    ExitStatus.ERROR,
    ExitStatus.FAILED,
    ExitStatus.TIMED_OUT,
    ExitStatus.DONE,
)

READER_WENT_AWAY: Final = 141
"""The exit status when whoever read the output does not any more, as in `rodin … | head -1`: what a shell reports of a
program that SIGPIPE ended."""


def worst(statuses: Iterable[ExitStatus]) -> ExitStatus:
    """Returns the exit status of several tasks; without any, `DONE`."""
    return min(statuses, key=_WORST_FIRST.index, default=ExitStatus.DONE)


class CommandError(Exception):
    """Ends a command with one line that says what is wrong and what to do.

    Attributes:
        status: The exit status.
    """

    def __init__(self, message: str, status: ExitStatus = ExitStatus.USAGE) -> None:
        super().__init__(message)
        self.status = status
