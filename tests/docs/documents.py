"""Reads the documents: their code blocks, tables and links, and the code blocks' meaning without their comments."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
README = "README.md"
CHINESE = "README.zh-CN.md"
TESTING = "docs/testing.md"
OBSERVABILITY = "docs/observability.md"
MUTANTS = "docs/mutants.md"
THREATS = "docs/threat-model.md"
TESTED = (README, CHINESE, TESTING, OBSERVABILITY)
"""The documents whose code is executed."""
DOCUMENTS = (*TESTED, MUTANTS, THREATS, "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
"""All documents that these tests answer for."""

_FENCE = re.compile(r"^( *)```([a-z]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s+)#.*$", re.MULTILINE)


@frozen
class Block:
    """A fenced block.

    Attributes:
        document: The name of the document.
        line: The line of its first line, counted from 1.
        language: What stands behind the fence.
        text: What stands within.
        output: The text block right below it, which says what it prints; None where there is none.
    """

    document: str
    line: int
    language: str
    text: str
    output: str | None = None

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"

    @property
    def is_test(self) -> bool:
        """Whether it holds tests for pytest."""
        return re.search(r"^(async )?def test_", self.text, re.MULTILINE) is not None

    @property
    def meaning(self) -> str:
        """What it says to a machine: comments may be translated."""
        if self.language == "python":
            return ast.dump(ast.parse(self.text), indent=1)
        return _COMMENT.sub("", self.text)

    @property
    def commands(self) -> list[str]:
        """The commands of a shell block."""
        return [line for line in self.text.replace("\\\n", "").splitlines() if line and not line.startswith("#")]


def read(document: str) -> str:
    """Returns a document's text."""
    return (ROOT / document).read_text("utf-8")


def blocks(document: str, *languages: str) -> list[Block]:
    """Returns a document's blocks, in order; of these languages, or all."""
    text = read(document)
    found = [_block(document, text, match) for match in _FENCE.finditer(text)]
    assert 2 * len(found) == len(re.findall(r"^ *```", text, re.MULTILINE)), f"{document} has a fence without its other"
    return [block for block in found if not languages or block.language in languages]


def _block(document: str, text: str, match: re.Match[str]) -> Block:
    below = _FENCE.match(text, match.end() + 2)
    output = below[3] if below is not None and below[2] == "text" else None
    line = text.count("\n", 0, match.start(3)) + 1
    return Block(document, line, match[2], textwrap.dedent(match[3]), output)


def prose(document: str) -> str:
    """Returns a document's text without its blocks."""
    return _FENCE.sub("", read(document))


def tables(document: str) -> list[list[list[str]]]:
    """Returns a document's tables: the rows of each, without the head, and the cells of each row."""
    found: list[list[list[str]]] = []
    for group in re.findall(r"(?:^\|.*\|\n)+", prose(document), re.MULTILINE):
        rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in group.splitlines()]
        found.append(rows[2:])
    return found


def column(document: str, has: str, cell: int = 0) -> list[str]:
    """Returns a column of the one table that has `has` in its first column, without back quotes."""
    (table,) = [rows for rows in tables(document) if has in {row[0].strip("`") for row in rows}]
    return [row[cell].strip("`") for row in table]


def heading_anchors(document: str) -> set[str]:
    """Returns what links can point to, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(document: str) -> list[str]:
    """Returns where a document's links lead."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(document))
