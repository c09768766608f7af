"""Where reports go: to people, to programs, or nowhere."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol

import click

from rodin_sdk.cli._report import Report, explain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rodin_sdk import Job, RodinError, TaskStatus
    from rodin_sdk.cli._keys import Key

SCHEMA: Final = 1
"""The version of the JSON lines. New fields may come with any release; what is there keeps its name and meaning, or
this number grows."""


class Output(Protocol):
    """Takes the reports of one command, one after the other."""

    def begin(self, keys: Sequence[Key]) -> None:
        """Is told which tasks there are."""

    def add(self, report: Report) -> None:
        """Takes what came of one more task."""

    def end(self) -> None:
        """Shows what was kept back. Called once after `begin`, also when the command is interrupted."""


class LiveOutput(Output, Protocol):
    """Takes, beside, how tasks stand that are waited for. Here `end` is called even if `begin` did not get far."""

    def update(self, report: Report, *, is_news: bool) -> None:
        """Takes a look at a task that goes on.

        Args:
            report: What was seen.
            is_news: Whether it is the first look, or another than at the look before.
        """


class ErrorsOnly:
    """Shows errors, on standard error, and nothing else: the exit status says the rest."""

    def begin(self, keys: Sequence[Key]) -> None:
        """Has nothing to prepare."""

    def update(self, report: Report, *, is_news: bool) -> None:
        """Has nothing to say of a task that goes on."""

    def add(self, report: Report) -> None:
        """Shows an error."""
        if report.error is not None:
            name, text = f"key {report.key.position} ({report.key.fingerprint})", explain(report.error)
            of_task = text.removeprefix(f"Task {report.key.fingerprint} ")
            show_error(f"{name}: {text}" if of_task == text else f"{name} {of_task}")

    def end(self) -> None:
        """Has kept nothing back."""


class JSONLines:
    """Writes one JSON object a line, as soon as it is known.

    Args:
        every_change: Whether there is a line for each change as well, and not only for what came of a task.
    """

    def __init__(self, *, every_change: bool = False) -> None:
        self._every_change = every_change

    def begin(self, keys: Sequence[Key]) -> None:
        """Has nothing to prepare."""

    def update(self, report: Report, *, is_news: bool) -> None:
        """Writes a line, where it is wanted."""
        if is_news and self._every_change:
            self.add(report)

    def add(self, report: Report) -> None:
        """Writes a line."""
        write(as_json_line(report))

    def end(self) -> None:
        """Has kept nothing back."""


def write(text: str = "", *, err: bool = False) -> None:
    """Writes a text and a line end to standard output or standard error, whatever these are now."""
    # Left to find the stream itself, click writes UTF-8 where only ASCII can be shown.
    click.echo(text, sys.stderr if err else sys.stdout, err=err)


def show_error(text: str) -> None:
    """Shows one line on standard error, where that can be written."""
    with suppress(OSError):
        write(f"rodin: {text}", err=True)


def as_json_line(report: Report) -> str:
    """Returns a report as a line of JSON."""
    waited = {} if report.elapsed is None else {"elapsed": round(report.elapsed, 3), "ended": report.ended}
    return to_json(
        position=report.key.position,
        fingerprint=report.key.fingerprint,
        exit_status=report.exit_status.value,
        **waited,
        task=None if report.task is None else _task(report.task),
        error=None if report.error is None else _error(report.error),
    )


def to_json(**fields: object) -> str:
    """Returns an object on one line, in ASCII, so that every console and pipe can hold it."""
    return json.dumps({"schema": SCHEMA, **fields}, allow_nan=False)


def _task(task: TaskStatus) -> dict[str, object]:
    return {
        "state": task.state.value,
        "is_final": task.is_final,
        "progress": task.progress,
        "jobs": [_job(job) for job in task.jobs],
        "error": task.error,
        "message": task.message,
        "request_id": task.request_id,
    }


def _job(job: Job) -> dict[str, object]:
    return {
        "uuid": job.uuid,
        "status": job.status.value,
        "raw_status": job.raw_status,
        "queue_length": job.queue_length,
    }


def _error(error: RodinError) -> dict[str, object]:
    details = {name: getattr(error, name, None) for name in _ERROR_DETAILS}
    return {"type": type(error).__name__, "text": explain(error), **details}


_ERROR_DETAILS: Final = ("status_code", "code", "message", "retry_after", "request_id", "attempts")
