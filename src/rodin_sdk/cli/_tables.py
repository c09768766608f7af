"""Reports as tables, for people."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from rodin_sdk import (
    APIError,
    CompletedTask,
    Job,
    JobStatus,
    RodinError,
    TaskCanceledError,
    TaskFailedError,
    TaskStatus,
    WaitTimeoutError,
)
from rodin_sdk._text import printable
from rodin_sdk.cli._keys import Key
from rodin_sdk.cli._output import ErrorsOnly
from rodin_sdk.cli._report import Report
from rodin_sdk.cli._screen import Screen, joined

_STYLES: Final = {
    JobStatus.WAITING: "yellow",
    JobStatus.GENERATING: "cyan",
    JobStatus.DONE: "green",
    JobStatus.FAILED: "bold red",
    JobStatus.CANCELED: "magenta",
    JobStatus.UNKNOWN: "yellow",
}
_ERROR_STYLE: Final = "bold red"
_PARTIAL_STYLE: Final = "yellow"

PARTIAL: Final = "Partial"
"""The state of a task of which something is done, where the user said that this is enough."""
_NOT_SEEN: Final = "..."


class Tables:
    """Shows all reports as one table, and the jobs of a task that is alone; errors stand below, on standard error."""

    def __init__(self) -> None:
        self._screen = Screen()
        self._reports: list[Report] = []

    def begin(self, keys: Sequence[Key]) -> None:
        """Shows, to who waits at a terminal, that something is going on."""
        self._count = len(keys)
        self._busy = self._screen.busy(self._progress())
        if self._busy:
            self._busy.start()

    def add(self, report: Report) -> None:
        """Keeps a report for the table."""
        self._reports.append(report)
        if self._busy:
            self._busy.update(self._progress())

    def end(self) -> None:
        """Shows the table."""
        if self._busy:
            self._busy.stop()
        show(self._screen, self._reports)
        errors = ErrorsOnly()
        for report in self._reports:
            errors.add(report)

    def _progress(self) -> str:
        return f"Looked at {len(self._reports)} of {self._count}"


def show(screen: Screen, reports: Sequence[Report]) -> None:
    """Shows a table of all tasks, and one of the jobs of a task that is alone."""
    match reports:
        case [] | [Report(task=None)]:
            pass
        case [Report(task=TaskStatus(jobs=(_, *_)) as task)]:
            screen.print(tasks_table(screen, reports), "", _jobs_table(screen, task.jobs))
        case _:
            screen.print(tasks_table(screen, reports))


def tasks_table(screen: Screen, reports: Sequence[Report]) -> RenderableType:
    """Returns a table with one row for each task."""
    return screen.table(
        ["#", "Key", "State", *([] if screen.narrow else ["Done"]), "Jobs"],
        [
            [str(report.key.position), report.key.fingerprint, *cells(report, narrow=screen.narrow)]
            for report in reports
        ],
    )


def _jobs_table(screen: Screen, jobs: Sequence[Job]) -> RenderableType:
    """Returns a table with one row for each job."""
    queued = any(job.queue_length is not None for job in jobs)
    queues = [[] if not queued else ["" if job.queue_length is None else str(job.queue_length)] for job in jobs]
    return screen.table(
        ["Job", "Status", *(["Queue"] if queued else [])],
        [[printable(job.uuid), _status(job), *queue] for job, queue in zip(jobs, queues, strict=True)],
    )


def cells(report: Report, *, narrow: bool) -> Iterator[Text]:
    """Yields the state, the progress unless there is no room for it, and what is to be said about the jobs."""
    task = report.task
    yield _state(report)
    if not narrow:
        yield Text("" if task is None else f"{task.progress:.0%}")
    parts = () if task is None else _task_parts(task)
    yield joined([*parts, *_error_parts(report.error)], "\n" if narrow else ", ")


def _state(report: Report) -> Text:
    task = report.task
    if task is None:
        return Text(_NOT_SEEN) if report.error is None else Text("?", _ERROR_STYLE)
    if isinstance(task, CompletedTask) and not task.is_done:
        return Text(PARTIAL, _PARTIAL_STYLE)
    return Text(task.state.value, _STYLES[task.state])


def _error_parts(error: RodinError | None) -> Iterator[Text]:
    """Yields what a report's error says beyond the task's state."""
    match error:
        case None | TaskFailedError() | TaskCanceledError():
            return
        case WaitTimeoutError():
            yield Text("timed out", _ERROR_STYLE)
        case _:
            yield Text(type(error).__name__, _ERROR_STYLE)
    if isinstance(error, APIError) and error.code is not None:
        yield Text(error.code, _ERROR_STYLE)


def _task_parts(task: TaskStatus) -> Iterator[Text]:
    """Yields how many jobs stand how, such as `2 Done` and `1 Generating`, and what the server has to say."""
    counts = Counter(job.status for job in task.jobs)
    if not counts:
        yield Text("none yet")
    for status in JobStatus:
        if counts[status]:
            yield Text(f"{counts[status]} {status}", _STYLES[status])
    for note in (task.error, task.message):
        if note:
            yield Text(note)


def _status(job: Job) -> Text:
    """Returns a job's status; one that this SDK does not know as the server wrote it."""
    shown = printable(job.raw_status) if job.status is JobStatus.UNKNOWN else job.status.value
    return Text(shown, _STYLES[job.status])
