"""What the tests of the decisions share: keys, answers, clients that speak to a script, and a world for flows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from attrs import Factory, define, evolve, frozen

from rodin_sdk import AsyncRodin, Rodin, RodinError, TransportError
from rodin_sdk._config import Options, resolve
from rodin_sdk._flows import Session, open_session, status
from rodin_sdk._messages import Answer, Fault, Pause, Phase, Send
from rodin_sdk._secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping

    from rodin_sdk import TaskStatus
    from rodin_sdk._base_url import BaseURLArgument

API_KEY = "Ak7-ujOeHwdFcAefAZhnM6Jy8c1rihtYlKNxHddmQAtKCsXRpJG2Tr8hzUjEcPVJ2t"
SUBSCRIPTION_KEY = "eyJhbGciOiJIUzI1NiJ9." + "".join(f"job{number:03}x" for number in range(60)) + ".sIgNaTuRe-0_9"
"""As long as the service's own: longer than most that quotes an answer cuts at."""
SECRETS = (API_KEY, SUBSCRIPTION_KEY)

UUID = "123e4567-e89b-12d3-a456-426614174000"
OTHER_UUID = "9f8b2c1a-0000-4000-8000-0123456789ab"
DONE: Mapping[str, object] = {"jobs": [{"uuid": UUID, "status": "Done"}]}
RUNNING: Mapping[str, object] = {"jobs": [{"uuid": UUID, "status": "Generating"}]}

T = TypeVar("T")


def encode(body: object) -> bytes:
    """Returns bytes as they are, and anything else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def response(body: object = DONE, status_code: int = 201, **headers: str) -> httpx.Response:
    """Returns an answer as a network transport gives it: unread."""
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return httpx.Response(status_code, headers=raw, stream=httpx.ByteStream(encode(body)))


def transport(body: object = DONE, status_code: int = 201, **headers: str) -> httpx.MockTransport:
    """Returns a transport that always gives the same answer."""
    return httpx.MockTransport(lambda _: response(body, status_code, **headers))


def look(body: object = DONE, status_code: int = 201, **headers: str) -> TaskStatus:
    """Takes one look through the public client."""
    with Rodin(API_KEY, http_transport=transport(body, status_code, **headers), max_retries=0) as rodin:
        return rodin.status(SUBSCRIPTION_KEY)


async def look_async(body: object = DONE, status_code: int = 201, **headers: str) -> TaskStatus:
    """Takes one look through the public client for asyncio."""
    async with AsyncRodin(API_KEY, http_transport=transport(body, status_code, **headers), max_retries=0) as rodin:
        return await rodin.status(SUBSCRIPTION_KEY)


def refusal(body: object = b"", status_code: int = 201, **headers: str) -> RodinError:
    """Takes one look that must fail, and returns its error."""
    try:
        found = look(body, status_code, **headers)
    except RodinError as error:
        return error
    raise AssertionError(f"not refused: {found}")


# --- A world for flows: a virtual clock, loaded dice, and a script of what attempts bring


def answer(body: object = DONE, status_code: int = 201, **headers: str) -> Answer:
    """Returns an answer as the transport hands it to the flows."""
    return Answer(status_code, {name.replace("_", "-"): value for name, value in headers.items()}, encode(body))


def fault(phase: Phase = Phase.SENT, text: str = "the line is dead") -> Fault:
    """Returns an attempt that brought no answer."""
    return Fault(TransportError(text), phase)


@frozen
class Slow:
    """What an attempt brings, after so many seconds."""

    result: Answer | Fault
    seconds: float


Step = Answer | Fault | Slow


@frozen
class Sent:
    """An attempt, as the world saw it."""

    at: float
    host: str
    timeout: float | None
    connect_timeout: float | None
    fresh: bool


@define
class World:
    """Performs flows in no time.

    Attributes:
        script: What each attempt brings, in order; after its end the last one repeats.
        dice: What every throw gives.
        now: The virtual clock.
        sent: The attempts.
    """

    script: list[Step]
    dice: float = 0.5
    now: float = 1_000.0
    sent: list[Sent] = Factory(list[Sent])

    def session(self, *base_urls: str, api_key: str | Callable[[], str] = API_KEY) -> Session:
        """Returns the common part of a client's calls, without a limit to their rate."""
        key = api_key if callable(api_key) else Secret(api_key)
        urls: BaseURLArgument | None = base_urls or None
        return evolve(open_session(resolve(key, urls, None)), clock=lambda: self.now, dice=lambda: self.dice)

    def run(self, flow: Generator[Any, Any, T]) -> T:
        """Performs a flow to its end."""
        result: Answer | Fault | None = None
        while True:
            try:
                effect = flow.send(result)
            except StopIteration as stop:
                value: T = stop.value
                return value
            result = self._perform(effect)

    def _perform(self, effect: object) -> Answer | Fault | None:
        if isinstance(effect, Pause):
            assert effect.seconds >= 0
            self.now += effect.seconds
            return None
        assert isinstance(effect, Send)
        url = effect.base_url
        self.sent.append(Sent(self.now, str(url), effect.timeout, effect.connect_timeout, effect.fresh))
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Slow):
            self.now += step.seconds
            return step.result
        return step

    def status(self, session: Session, **options: Any) -> TaskStatus | RodinError:
        """Performs one call; returns what it returned or raised."""
        try:
            return self.run(status(session, Secret(SUBSCRIPTION_KEY), Options(**options)))
        except RodinError as error:
            return error

    @property
    def gaps(self) -> list[float]:
        """The seconds between one attempt and the next."""
        return [later.at - earlier.at for earlier, later in zip(self.sent, self.sent[1:], strict=False)]


def world(*script: Step, dice: float = 0.5) -> World:
    """Returns a world in which attempts bring what the script says."""
    return World(list(script), dice)


def each_of(names: Iterable[str]) -> list[str]:
    """Returns texts as ids for a parametrized test: printable, and short."""
    return [ascii(name)[1:-1][:40] or "empty" for name in names]
