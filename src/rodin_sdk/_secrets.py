"""Secrets that cannot show themselves, and the removal of secrets from other texts."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, NoReturn, final
from urllib.parse import quote as percent_encoded

from rodin_sdk._text import EXCERPT_LIMIT, printable

REDACTED: Final = "[redacted]"
_SHORTEST_REDACTED: Final = 4
"""Shorter secrets are left in foreign texts: removing every "k" would hide nothing and garble everything."""
_FORGETFUL: Final = frozenset({"rodin_sdk", "rodin_sdk_generated", "h11"})
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~-]*")
_ESCAPABLE: Final = frozenset(range(0x21, 0x7F)) - {ord('"'), ord("\\")}
_ESCAPED_BACKSLASH: Final = b"\0\xff"
"""Stands for an escaped backslash for a while: no text has it."""
_PIECE: Final = 64 * 1024
_DELIMITER: Final = re.compile(r"""[\s"'<>]""")
_PERCENT: Final = re.compile("%[0-9A-F]{2}")
_PUNCTUATION: Final = re.compile("[+\"'&<>=]")
_QUERY: Final = re.compile(r"""(?<![^\s"'<>])([^\s"'<>?]*+\?)([^\s"'<>]++)""")
"""What stands behind the question mark of an address can be a signature, which opens a file to whoever has it."""
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
    def given(self) -> object:
        """What was passed, string or not."""
        return self._value

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
        """Returns how texts may have it: as it is, and as JSON, Python, HTML or a URL may spell it.

        Nothing if it is too short.
        """
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


class _ForgettingLocals:
    """Empties the variables of our frames, and of h11's, that an exception came through on its way out of the block.

    Keys stand in them, Ctrl-C can strike anywhere, and some tools keep the variables of every frame. Frames that have
    not ended, as that of the block itself, are left as they are.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None:
            _forget_locals(error)


FORGETTING_LOCALS: Final = _ForgettingLocals()


def _forget_locals(error: BaseException) -> None:
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        waiting += [each.__cause__, each.__context__]
        trace = each.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if str(frame.f_globals.get("__name__")).partition(".")[0] in _FORGETFUL:
                with suppress(RuntimeError):
                    frame.clear()
            trace = trace.tb_next


def redact(text: str, secrets: Sequence[Secret]) -> str:
    """Returns `text` with every secret in it replaced, however it is spelt, and the queries of addresses as well."""
    for spelling in _spellings(secrets):
        text = text.replace(spelling, REDACTED)
    if "\\u00" in text:
        text = _without_escaped(_encode(text), secrets).decode("utf-8", "surrogatepass")
    return redact_queries(text) if "?" in text else text


def quote(text: str, secrets: Sequence[Secret], limit: int = EXCERPT_LIMIT) -> str:
    """Returns a text from outside without secrets, and safe to print; see `redact` and `printable`."""
    redacted = redact(text, secrets)
    shown = printable(redacted, limit)
    # An escape can spell a key anew: a carriage return and "odin" become "\\rodin".
    return shown if shown == redacted else redact(shown, secrets)[:limit]


def redact_bytes(data: bytes, secrets: Sequence[Secret]) -> bytes:
    """Returns `data` with every secret in it, in UTF-8, replaced, however it is spelt."""
    data = _without(data, secrets)
    if b"\\u00" in data:
        data = _without_escaped(data, secrets)
    return data


def _without(data: bytes, secrets: Iterable[Secret]) -> bytes:
    for spelling in _spellings(secrets):
        data = data.replace(_encode(spelling), REDACTED.encode())
    return data


def _without_escaped(data: bytes, secrets: Sequence[Secret]) -> bytes:
    """Returns `data` without secrets of which any character may be escaped, as JSON allows."""
    # An escaped backslash is none that escapes.
    plain = data.replace(b"\\\\", _ESCAPED_BACKSLASH)
    for code in sorted({ord(character) for secret in secrets for character in secret.reveal()} & _ESCAPABLE):
        for escape in {f"\\u{code:04x}", f"\\u{code:04X}"}:
            plain = plain.replace(escape.encode(), bytes((code,)))
    cleaned = _without(plain, secrets)
    if cleaned == plain or _ESCAPED_BACKSLASH in data:
        return data
    return cleaned.replace(_ESCAPED_BACKSLASH, b"\\\\")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def without_beginning_at_end(data: bytes, secrets: Iterable[Secret], shortest: int) -> bytes:
    """Returns what was cut off without the part of a secret, of so many bytes or more, that the cut left of it."""
    for secret in map(Secret.reveal, secrets):
        beginning = _encode(secret)
        for length in range(len(beginning) - 1, shortest - 1, -1):
            if data.endswith(beginning[:length]):
                data = data[:-length]
                break
    return data


def redact_queries(text: str) -> str:
    """Returns `text` with the queries of all addresses in it replaced; not longer than it was, where it is long."""
    if len(text) <= _PIECE:
        return _QUERY.sub(_without_query, text)
    # In pieces, since each match costs a hundred bytes while the whole is put together.
    pieces: list[str] = []
    start = length = 0
    while start < len(text) and length < len(text):
        delimiter = _DELIMITER.search(text, start + _PIECE)
        end = len(text) if delimiter is None else delimiter.start()
        pieces.append(_QUERY.sub(_without_query, text[start:end]))
        start, length = end, length + len(pieces[-1])
    return "".join(pieces)[: len(text)]


def _without_query(found: re.Match[str]) -> str:
    # JSON may escape the slashes.
    is_address = "//" in found[1].replace("\\", "")
    return f"{found[1]}{REDACTED}" if is_address else found[0]


def longest_first(secrets: Iterable[Secret]) -> list[Secret]:
    """Returns secrets in the order in which to remove them, since one may be a part of another."""
    return sorted(secrets, key=lambda secret: len(secret.reveal()), reverse=True)


def _spellings(secrets: Iterable[Secret]) -> Iterator[str]:
    for secret in longest_first(secrets):
        yield from secret.spellings()


def _spell(value: str) -> Iterator[str]:
    if len(value) < _SHORTEST_REDACTED:
        return
    yield value
    if not _PLAIN.fullmatch(value):
        from html import escape  # noqa: PLC0415 - the most keys are plain

        for encoded in (percent_encoded(value, safe="", errors="replace"), percent_encoded(value, errors="replace")):
            yield from (encoded, _PERCENT.sub(lambda found: found[0].lower(), encoded))
        yield from (escape(value), escape(value, quote=False), _PUNCTUATION.sub(lambda c: f"&#{ord(c[0])};", value))
        for quoted in (json.dumps(value), json.dumps(value, ensure_ascii=False), repr(value)):
            escaped = quoted[1:-1]
            # Some libraries escape slashes, Go's what HTML would take for its own.
            yield from (escaped, escaped.replace("/", "\\/"), escaped.translate(_ESCAPED_BY_GO))
