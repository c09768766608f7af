"""Figures with their spread, and tables of them, as text and as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Final

NOTHING: Final = "-"
"""What stands where there is no figure."""


@dataclass(frozen=True)
class Spread:
    """What several rounds came to.

    Attributes:
        middle: The median.
        low: The lower quartile.
        high: The upper one.
    """

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Returns the spread of values, of which there is one at least."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)

    def __str__(self) -> str:
        if self.low == self.high:
            return short(self.middle)
        return f"{short(self.middle)} ({short(self.low)} to {short(self.high)})"


def ratios(values: Sequence[float], references: Sequence[float]) -> Spread:
    """Returns the spread of ratios, each within one round."""
    return Spread.of([value / reference for value, reference in zip(values, references, strict=True)])


def short(value: float) -> str:
    """Returns a number with as many digits as mean something."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) >= 100:
        return f"{value:.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 or not value else f"{value:.3f}"


@dataclass(frozen=True)
class Table:
    """One table, with what has to be said of it.

    Attributes:
        title: Its heading.
        about: What was measured, and how; before the table.
        columns: Their headings, that of the first column included.
        rows: What stands in them.
        notes: What is missing and why; after the table.
    """

    title: str
    about: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = field(default=())

    def text(self) -> str:
        """Returns the table for a terminal."""
        lines = [list(self.columns), *map(list, self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        body = "\n".join("  ".join(_aligned(line, widths)).rstrip() for line in lines)
        return "\n".join([f"{self.title}\n", body, *self.notes])

    def markdown(self) -> str:
        """Returns the table for the document."""
        lines = [self.columns, ["---", *["---:"] * (len(self.columns) - 1)], *self.rows]
        body = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        notes = "\n".join(f"- {note}" for note in self.notes)
        return "\n\n".join(part for part in (f"### {self.title}", self.about, body, notes) if part)


REACHED: Final = {True: "yes", False: "**no**", None: NOTHING}


@dataclass(frozen=True)
class Target:
    """What a figure should be, and what it is.

    Attributes:
        figure: What is measured.
        goal: What it should be, in words.
        measured: What it is.
        reached: Whether that will do; None where too little was measured to say.
        peers: What the best of the peers comes to, in the same run.
    """

    figure: str
    goal: str
    measured: str
    reached: bool | None
    peers: str = NOTHING

    @classmethod
    def at_most(cls, figure: str, goal: float, measured: Spread, peers: str = NOTHING) -> "Target":
        """A figure that should not be above its goal; the median decides."""
        return cls(figure, f"≤ {short(goal)}", str(measured), measured.middle <= goal, peers)

    @classmethod
    def at_least(cls, figure: str, goal: float, measured: Spread, peers: str = NOTHING) -> "Target":
        """A figure that should not be below its goal; the median decides."""
        return cls(figure, f"≥ {short(goal)}", str(measured), measured.middle >= goal, peers)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]
