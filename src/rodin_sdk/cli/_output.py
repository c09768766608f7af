"""Where reports go: to people, to programs, or nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Protocol

import click

from rodin_sdk.cli._report import Report, explain

if TYPE_CHECKING:
    from rodin_sdk import Job, RodinError, TaskStatus

SCHEMA: Final = 1
"""The version of the JSON lines. New fields may come with any release; what is there keeps its name and meaning, or
this number grows."""


class Output(Protocol):
    """Takes the reports of one command, one after the other."""

    def begin(self, count: int) -> None:
        """Is told how many tasks there are."""

    def add(self, report: Report) -> None:
        """Takes what came of one more task."""

    def end(self) -> None:
        """Shows what was kept back. Called once after `begin`, also when the command is interrupted."""


class ErrorsOnly:
    """Shows errors, on standard error, and nothing else: the exit status says the rest."""

    def begin(self, count: int) -> None:
        """Has nothing to prepare."""

    def add(self, report: Report) -> None:
        """Shows an error."""
        if report.error is not None:
            show_error(f"key {report.key.position} ({report.key.fingerprint}): {explain(report.error)}")

    def end(self) -> None:
        """Has kept nothing back."""


class JSONLines:
    """Writes one JSON object a line, as soon as it is known."""

    def begin(self, count: int) -> None:
        """Has nothing to prepare."""

    def add(self, report: Report) -> None:
        """Writes a line."""
        click.echo(as_json_line(report))

    def end(self) -> None:
        """Has kept nothing back."""


def show_error(text: str) -> None:
    """Shows one line on standard error."""
    click.echo(f"rodin: {text}", err=True)


def as_json_line(report: Report) -> str:
    """Returns a report as a line of JSON."""
    return to_json(
        position=report.key.position,
        fingerprint=report.key.fingerprint,
        exit_status=report.exit_status.value,
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
