"""The comment above the vendored document: where the text comes from, since when, and a digest that betrays edits."""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass
from typing import Final

_LINE: Final = "# " + "-" * 78
_HEADER: Final = re.compile(
    r"(?:#.*\n)*?# source: (?P<source>.*)\n# taken: (?P<taken>.*)\n# sha256: (?P<sha256>.*)\n" + re.escape(f"{_LINE}\n")
)


@dataclass(frozen=True)
class Vendored:
    """A document's text, and what its header says of it."""

    source: str
    taken: str
    recorded_digest: str
    body: str
    """The text as its author wrote it, with the line ends of Unix, since git may change those."""

    @classmethod
    def parse(cls, text: str) -> "Vendored":
        """Returns the text beneath our header and what the header says. Without a header, all of it is body."""
        if found := _HEADER.match(text):
            return cls(found["source"], found["taken"], found["sha256"], text[found.end() :])
        return cls("", "", "", text)

    @classmethod
    def take(cls, text: str, source: str, date: dt.date) -> "Vendored":
        """Returns a text as taken in on a date. A source that its header names already holds."""
        known = cls.parse(text)
        body = known.body if known.body.endswith("\n") else f"{known.body}\n"
        return cls(known.source or source, date.isoformat(), _digest(body), body)

    @property
    def is_untouched(self) -> bool:
        """Whether the body is the one that the header was written for."""
        return _digest(self.body) == self.recorded_digest

    @property
    def text(self) -> str:
        """The header, which is comments only, with the body beneath it."""
        return (
            "# Vendored: do not edit the text beneath the line, which stands as its author wrote it.\n"
            "# `make update-spec SPEC=file-or-url` takes in another version; README.md beside this file tells more.\n"
            f"# source: {self.source}\n# taken: {self.taken}\n# sha256: {self.recorded_digest}\n{_LINE}\n{self.body}"
        )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
