"""How much of an answer is taken in, and which of its headers are kept."""

from collections.abc import Iterable
from typing import Final

from rodin_sdk._messages import Answer

MAX_BODY: Final = 1024 * 1024
"""Bytes. An answer of the documentation has some hundred bytes a job, and thousands of jobs need less."""
MAX_HEADERS: Final = 256
"""Header fields. Servers and proxies commonly refuse more than 100."""

KEPT_HEADERS: Final = frozenset(
    {
        "cf-ray",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "retry-after",
        "server",
        "via",
        "x-correlation-id",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-request-id",
        "x-tt-logid",
    }
)
"""The headers that are of use to a caller; all others, cookies and locations among them, may hold secrets."""


class TooManyHeadersError(Exception):
    """The answer has more header fields than any honest one."""


class Intake:
    """Takes in one answer, chunk by chunk, within bounds."""

    def __init__(self, status_code: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self._status_code = status_code
        self._headers: dict[str, str] = {}
        for count, (name, value) in enumerate(headers, start=1):
            if count > MAX_HEADERS:
                raise TooManyHeadersError
            text = name.decode("latin-1").lower()
            if text in KEPT_HEADERS:
                self._headers.setdefault(text, value.decode("latin-1"))
        self._content = bytearray()
        self._unread = self._objection()

    @property
    def is_wanted(self) -> bool:
        """Whether the body, or more of it, is to be read."""
        return self._unread is None

    def feed(self, chunk: bytes) -> bool:
        """Takes in a chunk of the body, as far as there is room for it; returns whether more is wanted."""
        room = MAX_BODY - len(self._content)
        self._content += chunk[:room]
        if len(chunk) > room:
            self._unread = f"its body is larger than {MAX_BODY} bytes"
        return self._unread is None

    def answer(self) -> Answer:
        """Returns what was taken in, and lets go of it: the connection lives on."""
        content, self._content = bytes(self._content), bytearray()
        return Answer(self._status_code, self._headers, content, self._unread)

    def _objection(self) -> str | None:
        # Refused unread: a few bytes of a compressed answer can decode to half a gigabyte.
        if self._headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            return "it is compressed, though identity was asked for"
        length = self._headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > MAX_BODY:
            return f"its body is larger than {MAX_BODY} bytes"
        return None
