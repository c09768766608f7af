"""The screen: colours and frames on a terminal, plain lines in a pipe or a log."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.segment import Segment
from rich.status import Status
from rich.table import Table
from rich.text import Text

from rodin_sdk.cli._output import write

_UNFOLDED: Final = 100_000
"""Columns: in a pipe no line is folded, so that programs such as grep find whole lines."""
_NARROW: Final = 60
"""Columns: with fewer, a table has to do without what is not needed."""
_TOO_NARROW: Final = 40
"""Columns: with fewer, a table would break words, so that each cell has a line of its own."""
_INDENT: Final = 2


class Screen:
    """Standard output, as rich sees it. With `NO_COLOR` nothing is styled, not even bold.

    Attributes:
        narrow: Whether there is little room in a line.
    """

    def __init__(self) -> None:
        self._console = _console(stderr=False)
        self._on_terminal = self._console.is_terminal
        if not self._on_terminal:
            self._console.width = _UNFOLDED
        self.narrow = self._console.width < _NARROW

    @property
    def can_change(self) -> bool:
        """Whether what stands there can be replaced: a log may have colors, and still keeps what it is given."""
        return self._console.is_interactive and self._console.file.isatty()

    @property
    def height(self) -> int:
        """How many lines there are."""
        return self._console.height

    def live(self) -> Live:
        """Returns a place whose content can be replaced, and which is empty again in the end.

        It is drawn in a thread of its own, so that Ctrl-C does not end a drawing halfway. What is written to standard
        error meanwhile stands above it, unless standard error is another place.
        """
        same_place = sys.stderr is not None and sys.stderr.isatty()
        return Live(console=self._console, transient=True, redirect_stdout=False, redirect_stderr=same_place)

    def print(self, *renderables: RenderableType) -> None:
        """Shows tables and texts, one below the other."""
        if self._on_terminal:
            self._console.print(*renderables, sep="\n")
            return
        with self._console.capture() as captured:
            self._console.print(*renderables, sep="\n")
        write("\n".join(line.rstrip() for line in captured.get().splitlines()))

    def busy(self, text: str) -> Status | None:
        """Returns a line that shows that something is going on, on standard error; None where nobody would see it."""
        console = _console(stderr=True)
        return Status(text, console=console, spinner="line") if console.is_terminal else None

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> RenderableType:
        """Returns a table; on a terminal with a line below its heads, and on a very narrow one as a list."""
        if self._console.width < _TOO_NARROW:
            return Group(*(_listed(columns, row) for row in rows))
        style = box.SIMPLE_HEAD if self._on_terminal else None
        table = Table(box=style, show_edge=False, pad_edge=False, collapse_padding=self._on_terminal)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in rows:
            table.add_row(*row)
        return table


def _listed(columns: Sequence[str], row: Sequence[str | Text]) -> RenderableType:
    """Returns a row of a table as its first cell, and the others below, each with the head of its column."""
    others = [Text.assemble(f"{column}: ", cell) for column, cell in zip(columns[1:], row[1:], strict=True) if cell]
    return Group(row[0], *(Padding(each, (0, 0, 0, _INDENT)) for each in others))


class _Unstyled(Console):
    """Leaves all styles away: rich's own reading of NO_COLOR keeps bold text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        # Without a color system, too, rich is plain, but not on an old console of Windows.
        return Segment.strip_styles(super().render(renderable, options))


def _console(*, stderr: bool) -> Console:
    kind = _Unstyled if os.environ.get("NO_COLOR") else Console
    return kind(stderr=stderr, no_color=False, markup=False, emoji=False, highlight=False)


def joined(parts: Iterable[Text], separator: str) -> Text:
    """Returns texts as one, each in its own style."""
    return Text(separator).join(parts)
