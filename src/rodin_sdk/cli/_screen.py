"""The screen: colours and frames on a terminal, plain lines in a pipe or a log."""

import os
from collections.abc import Iterable
from typing import Final, Literal

import click
from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.status import Status
from rich.table import Table
from rich.text import Text

_UNFOLDED: Final = 100_000
"""Columns: in a pipe no line is folded, so that programs such as grep find whole lines."""
_NARROW: Final = 60
"""Columns: with fewer, a table has to do without what is not needed."""


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

        It is drawn in a thread of its own, so that Ctrl-C does not end a drawing halfway.
        """
        return Live(console=self._console, transient=True, redirect_stdout=False, redirect_stderr=False)

    def print(self, *renderables: RenderableType) -> None:
        """Shows tables and texts, one below the other."""
        if self._on_terminal:
            self._console.print(*renderables, sep="\n")
            return
        with self._console.capture() as captured:
            self._console.print(*renderables, sep="\n")
        click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))

    def busy(self, text: str) -> Status | None:
        """Returns a line that shows that something is going on, on standard error; None where nobody would see it."""
        console = _console(stderr=True)
        return Status(text, console=console, spinner="line") if console.is_terminal else None

    def table(self, *columns: str) -> Table:
        """Returns an empty table; on a terminal with a line below its heads."""
        style = box.SIMPLE_HEAD if self._on_terminal else None
        table = Table(box=style, show_edge=False, pad_edge=False, collapse_padding=self._on_terminal)
        for column in columns:
            table.add_column(column, overflow="fold")
        return table


def _console(*, stderr: bool) -> Console:
    # Without a color system rich leaves all styles away. Its own reading of NO_COLOR keeps bold text.
    colors: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(stderr=stderr, color_system=colors, no_color=False, markup=False, emoji=False, highlight=False)


def joined(parts: Iterable[Text], separator: str) -> Text:
    """Returns texts as one, each in its own style."""
    return Text(separator).join(parts)
