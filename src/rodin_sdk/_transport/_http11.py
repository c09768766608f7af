"""HTTP/1.1 without I/O, on h11: what to send, and when the answer to it is complete."""

from collections.abc import Iterable, Mapping
from typing import Final

import h11

from rodin_sdk._base_url import BaseURL
from rodin_sdk._messages import Answer, Request
from rodin_sdk._secrets import Secret
from rodin_sdk._transport._intake import Intake

_MAX_HEAD: Final = 16 * 1024
"""Bytes of a status line and header fields, or of the line before a chunk. h11 may need some 250 times as many to read
them."""
_PIECE: Final = 1024
"""Bytes that h11 is given at a time."""
_LONGEST_BLANK: Final = 256
"""White space at a stretch in a head that is larger than a piece. h11 looks at it again for each of its characters:
64 KB of blanks would keep it busy for 20 seconds, in which no time limit counts."""
_BLANK: Final = b" " * (_LONGEST_BLANK + 1)
_TO_BLANKS: Final = bytes.maketrans(b"\t\n\v\f\r", b"     ")
_SUCCESS: Final = range(200, 300)


class ClosedEarlyError(Exception):
    """The other side ended the connection before its answer."""


class ProxyRefusedError(Exception):
    """A proxy answered, and not with a tunnel."""

    def __init__(self, status_code: int) -> None:
        super().__init__(status_code)
        self.status_code = status_code


class Dialogue:
    """What is said on one connection, a request and its answer at a time.

    Attributes:
        outgoing: The bytes to send. They hold secrets, and so stand in no local variable.
    """

    def __init__(self) -> None:
        self.outgoing = b""
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self._intake: Intake | None = None
        self._is_last_piece = True

    def ask(self, base_url: BaseURL, request: Request) -> None:
        """Begins with a request."""
        if self._intake is not None:
            self._connection.start_next_cycle()
            self._intake = None
        headers = {"Host": base_url.netloc, **request.headers, "Content-Length": str(len(request.content))}
        self.outgoing = _encode(
            self._connection, request.method, base_url.prefix + request.path, headers, request.content
        )

    def feed(self, data: bytes) -> Answer | None:
        """Takes in bytes, of which none mean the end; returns the answer once it is complete, or enough of it."""
        if not data and self._intake is None:
            raise ClosedEarlyError
        for piece, self._is_last_piece in _pieces(data):
            _receive(self._connection, piece)
            while (event := self._connection.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    self._intake = Intake(event.status_code, event.headers)
                if self._intake is None:
                    continue
                if isinstance(event, h11.Data):
                    self._intake.feed(bytes(event.data))
                if isinstance(event, h11.EndOfMessage) or not self._intake.is_wanted:
                    return self._intake.answer()
        return None

    @property
    def is_reusable(self) -> bool:
        """Whether the connection can take another request: all was said, and nothing more than that."""
        states = self._connection.our_state, self._connection.their_state
        is_all = self._is_last_piece and self._connection.trailing_data == (b"", False)
        return is_all and states == (h11.DONE, h11.DONE)


class Tunnel:
    """The question to a proxy for a way through.

    Attributes:
        outgoing: The bytes to send. They hold secrets, and so stand in no local variable.
    """

    def __init__(self, base_url: BaseURL, authorization: Secret | None) -> None:
        target = base_url.host_and_port
        headers = {"Host": target}
        if authorization is not None:
            headers["Proxy-Authorization"] = authorization.reveal()
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self.outgoing = _encode(self._connection, "CONNECT", target, headers, b"")

    def feed(self, data: bytes) -> bool:
        """Takes in bytes, of which none mean the end; returns whether the way is open."""
        if not data:
            raise ClosedEarlyError
        for piece, _ in _pieces(data):
            _receive(self._connection, piece)
            while (event := self._connection.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    if event.status_code not in _SUCCESS:
                        raise ProxyRefusedError(event.status_code)
                    return True
        return False


def _pieces(data: bytes) -> Iterable[tuple[bytes, bool]]:
    """Cuts what came into pieces, each with whether it is the last."""
    if len(data) <= _PIECE:
        return ((data, True),)
    ends = range(_PIECE, len(data) + _PIECE, _PIECE)
    return ((data[end - _PIECE : end], end >= len(data)) for end in ends)


def _receive(connection: h11.Connection, piece: bytes) -> None:
    # What h11 still holds of the bytes before is the beginning of a head, or of the line before a chunk.
    if (pending := connection.trailing_data[0]) and _has_long_blank(pending, piece):
        raise h11.RemoteProtocolError("too much white space at a stretch")
    connection.receive_data(piece)


def _has_long_blank(pending: bytes, piece: bytes) -> bool:
    line = pending + piece[: piece.find(b"\n") + 1 or None]
    return _BLANK in line.translate(_TO_BLANKS)


def _encode(connection: h11.Connection, method: str, target: str, headers: Mapping[str, str], content: bytes) -> bytes:
    head = h11.Request(method=method, target=target, headers=list(headers.items()))
    events = (head, h11.Data(data=content), h11.EndOfMessage()) if content else (head, h11.EndOfMessage())
    return b"".join(connection.send(event) or b"" for event in events)
