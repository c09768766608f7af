"""Secrets that cannot show themselves, and the removal of secrets from other texts."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final, NoReturn, final

REDACTED: Final = "[redacted]"
SHORTEST_REDACTED: Final = 4
"""Shorter secrets are left in foreign texts: removing every "k" would hide nothing and garble everything."""


@final
class Secret:
    """A string whose repr, str, format and pickle do not show it; only `reveal` does.

    It also takes what a user passed by mistake in a string's place, which may hold the secret all the same.
    """

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

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


def redact(text: str, secrets: Iterable[Secret], shortest: int = SHORTEST_REDACTED) -> str:
    """Returns `text` with every occurrence of a secret replaced; see `redact_bytes`."""
    return redact_bytes(text.encode("utf-8", "surrogatepass"), secrets, shortest).decode("utf-8", "surrogatepass")


def redact_bytes(data: bytes, secrets: Iterable[Secret], shortest: int = SHORTEST_REDACTED) -> bytes:
    """Returns `data` with every occurrence of a secret replaced, as UTF-8 and as a JSON string may spell it.

    Args:
        data: What may quote a secret.
        secrets: What to remove, the longest first, since one may be a part of another.
        shortest: Secrets with fewer characters are left.
    """
    for secret in sorted(secrets, key=lambda secret: len(secret.reveal()), reverse=True):
        if len(secret.reveal()) >= shortest:
            if secret.reveal().encode("utf-8", "surrogatepass") in data:
                data = data.replace(secret.reveal().encode("utf-8", "surrogatepass"), REDACTED.encode())
            if b"\\" in data:
                data = re.sub(_spelled_in_json(secret.reveal()), REDACTED.encode(), data)
    return data


def _spelled_in_json(value: str) -> bytes:
    """Returns a pattern for all the ways in which a JSON string can spell a value."""
    return b"".join(map(_character_in_json, value))


def _character_in_json(character: str) -> bytes:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    escapes = "".join(rf"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
    plain = re.escape(character.encode("utf-8", "surrogatepass"))
    short = rb"|\\" + plain if character in '"\\/' else b""
    return b"(?:" + plain + rb"|(?i:" + escapes.encode() + b")" + short + b")"
