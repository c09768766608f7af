"""What passes between the decisions and the transport: effects, requests, and what became of them."""

from collections.abc import Mapping
from enum import Enum, auto

from attrs import field, frozen

from rodin_sdk._base_url import BaseURL
from rodin_sdk._errors import TransportError
from rodin_sdk._models import TaskStatus
from rodin_sdk._secrets import Secret


@frozen
class Request:
    """A request to whichever host is asked. Its body and headers hold secrets and are kept out of its repr."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    secrets: tuple[Secret, ...] = ()
    """What must stand in no text about this request."""


@frozen
class Answer:
    """An answer as it came.

    Attributes:
        status_code: The HTTP status code.
        headers: The headers of the allow-list, names in lower case.
        content: The body, as far as it was read.
        unread: Why the body was not read, or not to its end; None where it was.
    """

    status_code: int
    headers: Mapping[str, str] = field(factory=dict[str, str], repr=False)
    content: bytes = field(default=b"", repr=False)
    unread: str | None = None


class Phase(Enum):
    """How far an attempt without an answer came."""

    CONNECTING = auto()
    """The connection could not be made: nothing was sent, so that another host may be asked."""
    REFUSED = auto()
    """As `CONNECTING`, for a reason that stays, such as a certificate that is not trusted."""
    SENT = auto()
    """The request was sent, or may have been."""


@frozen
class Fault:
    """An attempt that brought no answer."""

    error: TransportError
    phase: Phase


@frozen
class Send:
    """The effect of sending a request; it brings an `Answer` or a `Fault`.

    Attributes:
        request: What to send.
        base_url: Where to.
        timeout: Seconds from now until the last byte of the answer; None for no limit.
        connect_timeout: Seconds of them for the connection, where other hosts wait for their turn; else None.
        fresh: Whether a connection that was used before will not do.
    """

    request: Request
    base_url: BaseURL
    timeout: float | None
    connect_timeout: float | None = None
    fresh: bool = False


@frozen
class Pause:
    """The effect of waiting so many seconds; it brings nothing."""

    seconds: float


@frozen
class Emit:
    """The effect of reporting a look to the user; it brings nothing."""

    status: TaskStatus
