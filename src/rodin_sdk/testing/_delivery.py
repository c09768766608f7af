"""From an answer and a fault to bytes: what is sent before the fault's point, and what after it."""

from collections.abc import Iterable, Iterator
from itertools import chain

import h11
from attrs import frozen

from rodin_sdk.testing._answers import Answer, reason_of, write_retry_after
from rodin_sdk.testing._faults import End, Fault, Framing, Point, encode_headers

_PIECE = 65_536
_BODILESS = frozenset({204, 304})
_NO_LENGTH = 204  # RFC 9110, 8.6: a 204 has no Content-Length
_STAGES_BEFORE = {Point.START: 0, Point.BODY: 1, Point.MIDDLE: 2, Point.END: 4}

NO_FAULT = Fault()


def apply_fault(fault: Fault, answer: Answer, timestamp: float) -> Answer:
    """Returns the answer with a fault's status, headers and body.

    Args:
        fault: The fault.
        answer: What the emulator would answer.
        timestamp: The answer's own `Date`, in seconds since the epoch.
    """
    more = fault.headers
    if fault.retry_after is not None:
        more = (*more, *write_retry_after(fault.retry_after, fault.retry_after_form, timestamp))
    replaced = {name.lower() for name, _ in more}
    kept = (pair for pair in answer.headers if pair[0].lower() not in replaced)
    return Answer(
        status_code=answer.status_code if fault.status_code is None else fault.status_code,
        body=answer.body if fault.body is None else fault.body,
        headers=(*kept, *more),
    )


def sends_status(fault: Fault) -> bool:
    """Returns whether the client gets to see an HTTP status."""
    return fault.raw is None and (fault.end is End.KEEP or fault.at is not Point.START)


@frozen
class Delivery:
    """An answer as bytes. Both halves are made while they are sent."""

    prompt: Iterator[bytes]
    """What is sent at once."""
    late: Iterator[bytes]
    """What comes after the fault's point."""


def encode(connection: h11.Connection, method: str, answer: Answer, fault: Fault) -> Delivery:
    """Returns an answer as bytes.

    Args:
        connection: Where the answer is to be sent. It follows what is taken from the delivery, and is done when all of
            it is taken, except where the fault has the bytes bypass it: then it never is, and has to be closed.
        method: The request's method: an answer to HEAD has no body.
        answer: The answer, with the fault's status, headers and body.
        fault: The fault; of it, framing, padding, raw bytes and the point.
    """
    stages = _stages(connection, method, answer, fault)
    cut = _STAGES_BEFORE[fault.at]
    return Delivery(chain.from_iterable(stages[:cut]), chain.from_iterable(stages[cut:]))


def _stages(connection: h11.Connection, method: str, answer: Answer, fault: Fault) -> tuple[Iterable[bytes], ...]:
    """Returns an answer's head, the two halves of its body, and what ends it."""
    if fault.raw is not None:
        return ((), *_halves(fault.raw, len(fault.raw)), ())
    size = max(len(answer.body), fault.pad_to)
    bodiless = method == "HEAD" or answer.status_code in _BODILESS
    first, second = _halves(answer.body, 0 if bodiless else size)
    if fault.framing is Framing.CLOSE:
        return ([_bare_head(answer)], first, second, ())
    headers = encode_headers(answer.headers)
    if fault.framing is Framing.LENGTH and answer.status_code != _NO_LENGTH:
        headers.append((b"Content-Length", b"%d" % size))
    head = h11.Response(status_code=answer.status_code, headers=headers, reason=reason_of(answer.status_code))
    return (
        _send(connection, [head]),
        _send(connection, (h11.Data(data=piece) for piece in first)),
        _send(connection, (h11.Data(data=piece) for piece in second)),
        _send(connection, [h11.EndOfMessage()]),
    )


def _send(connection: h11.Connection, events: Iterable[h11.Event]) -> Iterator[bytes]:
    for event in events:
        yield connection.send(event) or b""


def _halves(body: bytes, size: int) -> tuple[Iterator[bytes], Iterator[bytes]]:
    return _pieces(body, 0, size // 2), _pieces(body, size // 2, size)


def _pieces(body: bytes, start: int, stop: int) -> Iterator[bytes]:
    """Yields a part of a body that is padded with spaces where it is too short."""
    for begin in range(start, stop, _PIECE):
        end = min(begin + _PIECE, stop)
        yield body[begin:end].ljust(end - begin)


def _bare_head(answer: Answer) -> bytes:
    """Returns a head that leaves the end of the body open, which h11 would not write."""
    lines = [b"HTTP/1.1 %d %s" % (answer.status_code, reason_of(answer.status_code).encode())]
    lines += [b"%s: %s" % pair for pair in encode_headers([*answer.headers, ("Connection", "close")])]
    return b"\r\n".join([*lines, b"", b""])
