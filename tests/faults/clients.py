"""`Rodin` and `AsyncRodin` behind one face, so that each row is written once and runs for both."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import attrs

from rodin_sdk import AsyncRodin, Rodin
from tests.faults.answers import API_KEY, PRESIGNED, PROXY_PASSWORD, PROXY_USER, SUBSCRIPTION_KEY
from tests.secrets_check import assert_no_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rodin_sdk import TaskStatus

Kind = Literal["sync", "async"]
KINDS: Final[tuple[Kind, ...]] = ("sync", "async")

SECRETS: Final = (
    API_KEY,
    SUBSCRIPTION_KEY,
    PRESIGNED,
    PROXY_PASSWORD,
    base64.b64encode(f"{PROXY_USER}:{PROXY_PASSWORD}".encode()).decode(),
)


@attrs.frozen
class Look:
    """How one call ended."""

    status: TaskStatus | None
    error: BaseException | None
    seconds: float

    @property
    def jobs(self) -> dict[str, str]:
        """What the jobs are said to do; fails where the call failed."""
        assert self.status is not None, repr(self.error)
        return {job.uuid: job.raw_status for job in self.status.jobs}


class Opened(Protocol):
    """A client that is open until the end of the test.

    Attributes:
        pauses: The pauses before retries, which are noted and not waited for.
    """

    pauses: list[float]

    def status(self, key: str = SUBSCRIPTION_KEY, **options: Any) -> TaskStatus: ...
    def close(self) -> None: ...
    def end(self) -> None:
        """Closes the client and what it runs in."""


class OpenSync:
    def __init__(self, base_url: str | Sequence[str], **options: Any) -> None:
        self.pauses: list[float] = []
        self.client = Rodin(API_KEY, base_url=base_url, **options)
        _skip_pauses(self.client, self.pauses, self.pauses.append)

    def status(self, key: str = SUBSCRIPTION_KEY, **options: Any) -> TaskStatus:
        return self.client.status(key, **options)

    def close(self) -> None:
        self.client.close()

    end = close


class OpenAsync:
    def __init__(self, base_url: str | Sequence[str], **options: Any) -> None:
        self.pauses: list[float] = []
        self.client = AsyncRodin(API_KEY, base_url=base_url, **options)
        _skip_pauses(self.client, self.pauses, self._pause)
        self.runner = asyncio.Runner()

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def status(self, key: str = SUBSCRIPTION_KEY, **options: Any) -> TaskStatus:
        return self.runner.run(self.client.status(key, **options))

    def close(self) -> None:
        self.runner.run(self.client.aclose())

    def end(self) -> None:
        self.close()
        self.runner.close()


def _skip_pauses(client: Rodin | AsyncRodin, pauses: list[float], pause: object) -> None:
    """Makes a client's clock jump where it would pause, and takes chance from its back-off."""
    session = client._session  # pyright: ignore[reportPrivateUsage]
    client._session = attrs.evolve(  # pyright: ignore[reportPrivateUsage]
        session, dice=lambda: 0.0, clock=lambda: time.monotonic() + sum(pauses)
    )
    vars(client._transport)["pause"] = pause  # pyright: ignore[reportPrivateUsage]


def open_client(kind: Kind, base_url: str | Sequence[str], **options: Any) -> Opened:
    """Opens a client with ten seconds for a request, one retry, and no rate limit."""
    settings = {"request_timeout": 10.0, "max_retries": 1, "requests_per_minute": None, **options}
    return OpenSync(base_url, **settings) if kind == "sync" else OpenAsync(base_url, **settings)


def look(opened: Opened, key: str = SUBSCRIPTION_KEY, **options: Any) -> Look:
    """Makes one call, and looks for secrets in how it failed."""
    started = time.monotonic()
    status, error = None, None
    try:
        status = opened.status(key, **options)
    except Exception as caught:  # noqa: BLE001 - which one it is, is for the row to say
        error = caught
    seconds = time.monotonic() - started
    if error is not None:
        assert_no_secrets(SECRETS, error)
        error.__traceback__ = None
    return Look(status, error, seconds)


def look_with_patience(base_url: str, kind: Kind, **options: Any) -> Look:
    """Makes one call, with 30 seconds for it and no retry, over a client of its own."""
    opened = open_client(kind, base_url, request_timeout=30, max_retries=0, **options)
    try:
        return look(opened)
    finally:
        opened.end()
