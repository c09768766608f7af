"""Tasks that are waited for: on a terminal how they stand now, in a pipe or a log a line for each change."""

import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from attrs import frozen
from rich.console import Group, RenderableType
from rich.text import Text

from rodin_sdk import TaskStatus
from rodin_sdk.cli._exit import ExitStatus
from rodin_sdk.cli._keys import Key
from rodin_sdk.cli._output import ErrorsOnly, LiveOutput, write
from rodin_sdk.cli._report import Report
from rodin_sdk.cli._screen import Screen
from rodin_sdk.cli._tables import cells, show, tasks_table

_OTHER_LINES: Final = 5
"""Lines of a screen that the tasks' rows leave free: for two of text above, the table's head, and the cursor."""
FATES: Final = ("done", "done in part", "failed", "canceled", "timed out", "not known")
"""How tasks end."""


def open_live_output(*, with_errors: bool = True) -> LiveOutput:
    """Returns where people see how tasks stand that are waited for.

    Args:
        with_errors: Whether what went wrong with a task is said on standard error.
    """
    screen = Screen()
    return LiveTable(screen, with_errors=with_errors) if screen.can_change else Lines(with_errors=with_errors)


def fate_of(report: Report) -> str:
    """Returns which of `FATES` a task's is."""
    match report.exit_status, report.task:
        case ExitStatus.DONE, TaskStatus(is_done=False):
            return "done in part"
        case ExitStatus.DONE, _:
            return "done"
        case ExitStatus.FAILED, TaskStatus(state=state):
            return state.value.lower()
        case ExitStatus.TIMED_OUT, _:
            return "timed out"
        case _:
            return "not known"


class Lines:
    """Writes a line for each change, as soon as it is known, below one another and without any style."""

    def __init__(self, *, with_errors: bool) -> None:
        self._with_errors = with_errors

    def begin(self, keys: Sequence[Key]) -> None:
        """Writes what the columns mean."""
        self._line = f"{{:>7}}  {{:>{len(str(len(keys)))}}}  {{:<8}}  {{:<10}}  {{:>4}}  {{}}"
        self._write("Seconds", "#", "Key", "State", "Done", "Jobs")

    def update(self, report: Report, *, is_news: bool) -> None:
        """Writes a line if something has changed."""
        if is_news:
            self._write_report(report)

    def add(self, report: Report) -> None:
        """Writes a line, and what went wrong."""
        self._write_report(report)
        if self._with_errors:
            ErrorsOnly().add(report)

    def end(self) -> None:
        """Has kept nothing back."""

    def _write_report(self, report: Report) -> None:
        state, done, jobs = (cell.plain for cell in cells(report, narrow=False))
        self._write(f"{report.elapsed:.1f}", str(report.key.position), report.key.fingerprint, state, done, jobs)

    def _write(self, *columns: str) -> None:
        write(self._line.format(*columns).rstrip())


class LiveTable:
    """Shows a table of all tasks and keeps it up to date; in the end it stands there as `rodin status` shows it.

    If the screen is not high enough for all tasks, the ones that have ended, or were not looked at yet, are counted.
    """

    def __init__(self, screen: Screen, *, with_errors: bool) -> None:
        self._screen = screen
        self._with_errors = with_errors
        self._live = screen.live()
        self._started = time.monotonic()
        self._looked_at: float | None = None
        self._reports: dict[int, Report] = {}
        self._going: dict[int, Report] = {}
        self._fates = Counter[str](dict.fromkeys(FATES, 0))

    def begin(self, keys: Sequence[Key]) -> None:
        """Shows the tasks, of which nothing is known yet."""
        self._started = time.monotonic()
        self._reports = {key.position: Report(key, ended=False) for key in keys}
        self._draw()
        self._live.start(refresh=True)

    def update(self, report: Report, *, is_news: bool) -> None:  # noqa: ARG002 - when it was seen is new, too
        """Shows how a task stands now."""
        self._going[report.key.position] = report
        self._take(report)

    def add(self, report: Report) -> None:
        """Shows how a task has ended."""
        self._going.pop(report.key.position, None)
        self._fates[fate_of(report)] += 1
        self._take(report)

    def end(self) -> None:
        """Leaves a table of what is known on the screen."""
        self._live.update(Text())  # the last drawing would not heed the screen's height
        self._live.stop()
        reports = [report for report in self._reports.values() if report.ended or report.task is not None]
        show(self._screen, reports)
        waited = f"Waited {time.monotonic() - self._started:.1f} s: {self._counts()}."
        self._screen.print("", waited)
        if self._with_errors:
            errors = ErrorsOnly()
            for report in reports:
                errors.add(report)

    def _take(self, report: Report) -> None:
        self._reports[report.key.position] = report
        self._looked_at = time.monotonic()
        self._draw()

    def _draw(self) -> None:
        """Has the present state drawn soon, by another thread: what it is given does not change any more."""
        fits = len(self._reports) <= self._screen.height - _OTHER_LINES
        shown = self._reports if fits else dict(sorted(self._going.items()))
        table = tasks_table(self._screen, list(shown.values())) if shown else None
        self._live.update(_Frame(self._counts(), self._started, self._looked_at, table))

    def _counts(self) -> str:
        """Returns how many tasks have ended how, and how many have not."""
        counts = {**self._fates, "going on": len(self._reports) - self._fates.total()}
        return ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)


@frozen
class _Frame:
    """What stands on the screen until something changes; the times in it go on."""

    counts: str
    started: float
    looked_at: float | None
    table: RenderableType | None

    def __rich__(self) -> Group:
        minutes, seconds = divmod(int(time.monotonic() - self.started), 60)
        looked = "No look yet" if self.looked_at is None else f"Last look {time.monotonic() - self.looked_at:.0f} s ago"
        return Group(
            Text(f"Waiting {minutes}:{seconds:02}: {self.counts}. {looked}."),
            Text("Ctrl-C ends the wait, and not the tasks.", "dim"),
            *([] if self.table is None else [self.table]),
        )
