"""Secrets that cannot show themselves, and the removal of secrets from other texts."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NoReturn, final

from rodin_sdk._text import EXCERPT_LIMIT, printable

REDACTED: Final = "[redacted]"
_SHORTEST_REDACTED: Final = 4
"""Shorter secrets are left in foreign texts: removing every "k" would hide nothing and garble everything."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~+=-]*")
_ESCAPED_BY_GO: Final = str.maketrans({"&": "\\u0026", "<": "\\u003c", ">": "\\u003e"})


@final
class Secret:
    """A string whose repr, str, format and pickle do not show it; only `reveal` does.

    It also takes what a user passed by mistake in a string's place, which may hold the secret all the same.
    """

    __slots__ = ("_spellings", "_value")

    def __init__(self, value: object) -> None:
        self._value = value
        self._spellings: tuple[str, ...] | None = None

    @property
    def is_text(self) -> bool:
        """Whether it is a string, as it should be."""
        return isinstance(self._value, str)

    @property
    def kind(self) -> str:
        """The name of the value's type."""
        return type(self._value).__name__

    def reveal(self) -> str:
        """Returns the secret itself."""
        if not isinstance(self._value, str):
            raise TypeError(f"a secret must be a str, not {self.kind}")
        return self._value

    def without_line_end(self) -> "Secret":
        """Returns the secret without the line ends at its end, which `.env` files and secret stores like to add."""
        return Secret(self.reveal().rstrip("\r\n"))

    def spellings(self) -> tuple[str, ...]:
        """Returns how texts may have it: as it is, and as JSON or Python may spell it; nothing if it is too short."""
        if self._spellings is None:
            self._spellings = tuple(dict.fromkeys(_spell(self.reveal())))
        return self._spellings

    def fingerprint(self) -> str:
        """Returns eight hexadecimal digits that tell secrets apart and cannot be turned back into one."""
        return hashlib.sha256(self.reveal().encode("utf-8", "surrogatepass")).hexdigest()[:8]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return f"Secret({REDACTED!r})"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, format_spec: str) -> str:
        return format(REDACTED, format_spec)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be pickled or copied")


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Returns `text` with every occurrence of a secret replaced, as it is and as JSON or Python may spell it."""
    for spelling in _spellings(secrets):
        text = text.replace(spelling, REDACTED)
    return text


def quote(text: str, secrets: Sequence[Secret], limit: int = EXCERPT_LIMIT) -> str:
    """Returns a text from outside without secrets, and safe to print; see `redact` and `printable`."""
    redacted = redact(text, secrets)
    shown = printable(redacted, limit)
    # An escape can spell a key anew: a carriage return and "odin" become "\\rodin".
    return shown if shown == redacted else redact(shown, secrets)


def redact_bytes(data: bytes, secrets: Iterable[Secret]) -> bytes:
    """Returns `data` with every occurrence of a secret, in UTF-8, replaced; see `redact`."""
    for spelling in _spellings(secrets):
        data = data.replace(spelling.encode("utf-8", "surrogatepass"), REDACTED.encode())
    return data


def _spellings(secrets: Iterable[Secret]) -> Iterator[str]:
    """Yields what to remove, the longest secret first, since one may be a part of another."""
    for secret in sorted(secrets, key=lambda secret: len(secret.reveal()), reverse=True):
        yield from secret.spellings()


def _spell(value: str) -> Iterator[str]:
    if len(value) < _SHORTEST_REDACTED:
        return
    yield value
    if not _PLAIN.fullmatch(value):
        for quoted in (json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value)):
            escaped = quoted[1:-1]
            # Some libraries escape slashes, Go's what HTML would take for its own.
            yield from (escaped, escaped.replace("/", "\\/"), escaped.translate(_ESCAPED_BY_GO))
