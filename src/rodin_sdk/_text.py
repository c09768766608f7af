"""Text from outside, made safe to print: escaped and cut."""

from typing import Final

EXCERPT_LIMIT: Final = 512
"""Characters of a server's text that are quoted at most: enough for a message, too few to flood a log."""


def printable(text: str, limit: int = EXCERPT_LIMIT) -> str:
    """Returns `text` on one line, without control, bidirectional or unprintable characters, cut at `limit`."""
    # Unprintable is what str.isprintable() says: ANSI escapes, line ends, bidi controls and lone surrogates alike.
    head = text[: limit + 1]
    if not head.isprintable():
        head = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in head)
    if len(head) > limit or len(text) > limit:
        return head[: limit - 1] + "…"
    return head


def printable_bytes(data: bytes) -> str:
    """Returns the beginning of `data` as text that is safe to print."""
    # Four bytes are the longest UTF-8 character: no more of a large body is looked at than can be shown.
    return printable(data[: 4 * EXCERPT_LIMIT].decode("utf-8", "replace").strip())
