"""Where `rodin demo` is shown: to people, to programs, or to nobody."""

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.text import Text

from rodin_sdk import RodinError
from rodin_sdk.cli._keys import Key
from rodin_sdk.cli._live import open_live_output
from rodin_sdk.cli._output import ErrorsOnly, JSONLines, LiveOutput, as_json_line, write
from rodin_sdk.cli._report import Report, explain
from rodin_sdk.cli._screen import Screen
from rodin_sdk.cli._tables import show


class Stage:
    """Shows the demo to people. What follows below is for others."""

    def __init__(self) -> None:
        self._screen = Screen()

    def say(self, *renderables: RenderableType) -> None:
        """Shows texts and tables that are for people only."""
        self._screen.print(*renderables)

    def say_line(self, line: str) -> None:
        """Shows a line that is for people only, and not folded."""
        write(line)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> RenderableType:
        """Returns a table."""
        return self._screen.table(columns, rows)

    def note(self, reports: Sequence[Report]) -> None:
        """Shows reports that people have seen in another form."""

    def show(self, reports: Sequence[Report]) -> None:
        """Shows how tasks stand."""
        show(self._screen, reports)

    def show_failure(self, key: Key, error: RodinError) -> None:  # noqa: ARG002 - the others' signature
        """Shows that the service could not be asked, which is not the demo's fault."""
        self.say("", Text(f"rodin: {explain(error)}"))

    def live_output(self) -> LiveOutput:
        """Returns where tasks are shown that are waited for."""
        return open_live_output(with_errors=False)


class JSONStage(Stage):
    """Shows one JSON object for each task of the demo, and none of the words."""

    def say(self, *renderables: RenderableType) -> None:
        """Says nothing."""

    def say_line(self, line: str) -> None:
        """Says nothing."""

    def note(self, reports: Sequence[Report]) -> None:
        """Writes a line for each."""
        for report in reports:
            write(as_json_line(report))

    def show(self, reports: Sequence[Report]) -> None:
        """Writes a line for each."""
        self.note(reports)

    def show_failure(self, key: Key, error: RodinError) -> None:
        """Writes a line."""
        self.note([Report(key, None, error)])

    def live_output(self) -> LiveOutput:
        """Returns what writes a line for each task that has ended."""
        return JSONLines()


class QuietStage(JSONStage):
    """Shows nothing, but for a service that could not be asked: the exit status says the rest."""

    def note(self, reports: Sequence[Report]) -> None:
        """Says nothing."""

    def show_failure(self, key: Key, error: RodinError) -> None:
        """Shows the error."""
        ErrorsOnly().add(Report(key, None, error))

    def live_output(self) -> LiveOutput:
        """Returns what shows nothing, the errors that belong to the demo included."""
        return _Nothing()


class _Nothing(ErrorsOnly):
    def add(self, report: Report) -> None:
        """Has nothing to say."""
