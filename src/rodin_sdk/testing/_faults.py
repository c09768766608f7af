"""What can go wrong with an answer, on demand."""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias, cast

import h11
from attrs import field, frozen

from rodin_sdk.testing._answers import (
    LEAST_STATUS_CODE,
    MOST_STATUS_CODE,
    ErrorAnswer,
    RetryAfterForm,
    error_answer,
    reason_of,
    to_retry_after_form,
)
from rodin_sdk.testing._checks import check_number, check_whole, to_choice, to_items
from rodin_sdk.testing._requests import RecordedRequest

_LONGEST_RETRY_AFTER: Final = 1e9
"""Seconds, thirty years: a date far beyond cannot be written."""

_FRAMING_HEADERS = frozenset({"content-length", "transfer-encoding"})


class Point(StrEnum):
    """A point in an answer at which something happens."""

    START = "start"
    """Before the first byte."""
    BODY = "body"
    """Between the head and the body."""
    MIDDLE = "middle"
    """In the middle of the body."""
    END = "end"
    """After the last byte."""


class End(StrEnum):
    """What becomes of the connection."""

    KEEP = "keep"
    """It is kept, as HTTP has it: the answer is sent to its end."""
    CLOSE = "close"
    """It is closed in an orderly way (FIN)."""
    RESET = "reset"
    """It is reset (RST)."""
    STALL = "stall"
    """It stays open, and nothing more is sent until the client or the emulator gives up."""


class Framing(StrEnum):
    """How the client learns where the body ends."""

    LENGTH = "length"
    """By `Content-Length`."""
    CHUNKED = "chunked"
    """By chunks; to a client of HTTP/1.0, by closing."""
    CLOSE = "close"
    """By closing alone, so that a body cut short looks complete."""


def _to_bytes(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    try:
        return json.dumps(value).encode()
    except (TypeError, ValueError):
        raise TypeError("body and raw must be bytes, a str, or what JSON can hold.") from None


def _to_headers(value: Mapping[str, str] | Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    items = cast("Mapping[str, str]", value).items() if isinstance(value, Mapping) else to_items("headers", value)
    pairs = tuple(_to_pair(item) for item in items)
    for name, _ in pairs:
        if name.lower() in _FRAMING_HEADERS:
            raise ValueError(f"headers must not have {name}: use framing, pad_to or raw.")
    try:
        h11.Response(status_code=LEAST_STATUS_CODE, headers=encode_headers(pairs))
    except h11.LocalProtocolError as error:
        raise ValueError(f"headers must be what HTTP allows: {error}. Use raw for anything else.") from None
    return pairs


def _to_pair(item: object) -> tuple[str, str]:
    match item:
        case (str(name), str(text)):
            return name, text
        case _:
            raise TypeError("headers must be names and values, all of them str.")


def _to_point(value: Point | str) -> Point:
    return to_choice("at", Point, value)


def _to_end(value: End | str) -> End:
    return to_choice("end", End, value)


def _to_framing(value: Framing | str) -> Framing:
    return to_choice("framing", Framing, value)


def encode_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Returns headers as h11 takes them. Values may hold more than ASCII, as in the wild."""
    return [(name.encode(), value.encode()) for name, value in headers]


@frozen(kw_only=True)
class Fault:
    """One thing, or several, that go wrong with an answer. What is not given stays as the emulator would answer.

    An answer has a head and a body. Up to the point `at` it is sent at once; then comes `delay`; then the rest, drop by
    drop if there is a `drip`, or the `end`. `attrs.evolve` combines: `evolve(Fault.error(503), delay=2.0)`.

    Args:
        status_code: The HTTP status, from 200 to 999; others by `raw`.
        headers: Headers to add, or to put in place of those of the same name.
        body: The body: bytes, a string, or what JSON can hold.
        retry_after: A `Retry-After`: seconds, written as `retry_after_form` says, or a string that is sent as it is.
        retry_after_form: How seconds are written. Seconds are documented.
        pad_to: Pads the body with spaces to that many bytes. It is made while it is sent: a gigabyte costs no memory.
        framing: How the client learns where the body ends.
        raw: Bytes that are sent in place of the whole HTTP answer, after which the connection ends.
        at: The point from which `delay`, `drip` and `end` count.
        delay: How long to wait there, in real seconds, whatever the emulator's clock.
        drip: Sends the rest in pieces with that many real seconds after each; None sends it at once.
        drip_size: The size of these pieces, in bytes.
        end: What becomes of the connection there.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range, or two do not go together.
    """

    status_code: int | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), converter=_to_headers)
    body: bytes | None = field(default=None, converter=_to_bytes)
    retry_after: float | str | None = None
    retry_after_form: RetryAfterForm = field(default=RetryAfterForm.SECONDS, converter=to_retry_after_form)
    pad_to: int = 0
    framing: Framing = field(default=Framing.LENGTH, converter=_to_framing)
    raw: bytes | None = field(default=None, converter=_to_bytes)
    at: Point = field(default=Point.START, converter=_to_point)
    delay: float = 0.0
    drip: float | None = None
    drip_size: int = 1
    end: End = field(default=End.KEEP, converter=_to_end)

    def __attrs_post_init__(self) -> None:
        if self.status_code is not None:
            check_whole("status_code", self.status_code, least=LEAST_STATUS_CODE, most=MOST_STATUS_CODE)
        if self.retry_after is not None and not isinstance(self.retry_after, str):
            check_number("retry_after", self.retry_after)
            if self.retry_after > _LONGEST_RETRY_AFTER:
                raise ValueError(f"retry_after must be at most {_LONGEST_RETRY_AFTER:g}, not {self.retry_after!r}.")
        if isinstance(self.retry_after, str):
            _to_headers({"Retry-After": self.retry_after})
        check_whole("pad_to", self.pad_to, least=0)
        check_number("delay", self.delay)
        if self.drip is not None:
            check_number("drip", self.drip)
        check_whole("drip_size", self.drip_size, least=1)
        if self.drip is not None and self.end is not End.KEEP:
            raise ValueError("drip must not stand beside an end: after the end nothing more is sent.")
        replaced = (self.status_code, self.body, self.retry_after, self.headers or None, self.pad_to or None)
        if self.raw is not None and any(value is not None for value in replaced):
            raise ValueError("raw must stand alone: it is status_code, headers, body, retry_after and pad_to in one.")

    @classmethod
    def error(
        cls,
        status_code: int,
        code: str = "UNKNOWN",
        message: str | None = None,
        *,
        retry_after: float | str | None = None,
        retry_after_form: RetryAfterForm | str = RetryAfterForm.SECONDS,
    ) -> "Fault":
        """An error in the way of the service: `{"error": code, "message": message}`.

        Args:
            status_code: The HTTP status, from 200 to 999. The service reports errors with 201, too (seen).
            code: What stands in `error`. `UNKNOWN` is documented as "see message".
            message: What stands in `message`; by default, the status' name.
            retry_after: As in `Fault`.
            retry_after_form: As in `Fault`.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument is out of range.
        """
        text = reason_of(status_code) if message is None else message
        answer = error_answer(ErrorAnswer(status_code, code, text))
        return cls(
            status_code=status_code,
            headers=answer.headers,
            body=answer.body,
            retry_after=retry_after,
            retry_after_form=to_retry_after_form(retry_after_form),
        )

    @classmethod
    def html(cls, status_code: int = 502) -> "Fault":
        """A page of HTML, as gateways send it. `status_code` is the HTTP status, from 200 to 999."""
        title = f"{status_code} {reason_of(status_code)}"
        page = f"<html>\n<head><title>{title}</title></head>\n<body><h1>{title}</h1></body>\n</html>\n"
        return cls(status_code=status_code, headers={"Content-Type": "text/html; charset=utf-8"}, body=page)

    @classmethod
    def content_type(cls, value: str) -> "Fault":
        """The right answer under a wrong `Content-Type`."""
        return cls(headers={"Content-Type": value})

    @classmethod
    def delayed(cls, delay: float, *, at: Point | str = Point.START) -> "Fault":
        """The right answer, with a pause of `delay` real seconds at the point `at`."""
        return cls(delay=delay, at=_to_point(at))

    @classmethod
    def dripping(cls, drip: float, *, drip_size: int = 1, at: Point | str = Point.START) -> "Fault":
        """The right answer, from the point `at` on in pieces of `drip_size` bytes, `drip` real seconds apart."""
        return cls(drip=drip, drip_size=drip_size, at=_to_point(at))

    @classmethod
    def reset(cls, *, at: Point | str = Point.START) -> "Fault":
        """The connection is reset (RST) at the point `at`."""
        return cls(end=End.RESET, at=_to_point(at))

    @classmethod
    def closed(cls, *, at: Point | str = Point.START) -> "Fault":
        """The connection is closed (FIN) at the point `at`; at the start: without an answer."""
        return cls(end=End.CLOSE, at=_to_point(at))

    @classmethod
    def stalled(cls, *, at: Point | str = Point.START) -> "Fault":
        """Nothing is sent from the point `at` on, while the connection stays open."""
        return cls(end=End.STALL, at=_to_point(at))

    @classmethod
    def truncated(cls, *, framing: Framing | str = Framing.LENGTH) -> "Fault":
        """Half a body, then the end of the connection. With `Framing.CLOSE` it looks complete."""
        return cls(end=End.CLOSE, at=Point.MIDDLE, framing=_to_framing(framing))

    @classmethod
    def oversized(cls, pad_to: int) -> "Fault":
        """The right answer, padded with spaces to `pad_to` bytes."""
        return cls(pad_to=pad_to)

    @classmethod
    def garbage(cls, raw: bytes | str) -> "Fault":
        """These bytes in place of an HTTP answer, and then the end of the connection."""
        return cls(raw=raw)


FaultSource: TypeAlias = Callable[[RecordedRequest], Fault | None]
"""Asked for every request that no scripted fault is for: a fault, or None for the right answer. Called in the
emulator's thread, one request after the other: it must not block."""


class RandomFaults:
    """A `FaultSource` that lets requests fail at random: in the same order for the same seed.

    Args:
        faults: What can go wrong, each as likely as the others; one given twice is twice as likely; None is the right
            answer.
        rate: Which share of the requests fails, from 0 to 1.
        seed: Where the dice start.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `faults` is empty, or `rate` is out of range.
    """

    def __init__(self, faults: Iterable[Fault | None], *, rate: float, seed: int) -> None:
        self._faults = to_faults(faults)
        if not self._faults:
            raise ValueError("faults must not be empty.")
        check_number("rate", rate)
        if rate > 1:
            raise ValueError(f"rate must be at most 1, not {rate!r}.")
        check_whole("seed", seed, least=0)
        self._rate = rate
        self._random = random.Random(seed)  # noqa: S311 - dice, not secrets

    def __call__(self, _request: RecordedRequest, /) -> Fault | None:
        """Throws the dice for one request."""
        return self._random.choice(self._faults) if self._random.random() < self._rate else None


def to_faults(value: Iterable[Fault | None]) -> tuple[Fault, ...]:
    """Returns faults, with one that changes nothing for every None."""
    faults = tuple(Fault() if item is None else item for item in to_items("faults", value))
    for fault in faults:
        if not isinstance(fault, Fault):
            raise TypeError(f"faults must be Fault or None, not {type(fault).__name__}.")
    return cast("tuple[Fault, ...]", faults)
