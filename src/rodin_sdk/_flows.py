"""What a call does, decided without input or output.

A flow is a generator: it yields `Send` and `Pause`, is sent back what became of them, and returns a value or raises.
The clients perform the effects; tests perform them with a virtual clock.
"""

import random
import time
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from attrs import field, frozen

from rodin_sdk import _wire
from rodin_sdk._base_url import BaseURL
from rodin_sdk._config import Config, Options
from rodin_sdk._errors import TransportError
from rodin_sdk._messages import Answer, Fault, Pause, Send
from rodin_sdk._models import TaskStatus
from rodin_sdk._retry import Again, Dice, Refusal, RetryQuota, pause_before_retry
from rodin_sdk._secrets import Secret

T = TypeVar("T")


Flow = Generator[Send | Pause, Any, T]
"""Is sent an `Answer` or a `Fault` for a `Send`, and nothing for a `Pause`."""


class HostOrder:
    """The hosts, the one that answered last first."""

    def __init__(self, base_urls: tuple[BaseURL, ...]) -> None:
        self._base_urls = base_urls
        self._first = 0

    @property
    def preferred(self) -> BaseURL:
        """The host that is asked first."""
        return self._base_urls[self._first]

    def prefer(self, base_url: BaseURL) -> None:
        """Asks this host first from now on."""
        self._first = self._base_urls.index(base_url)

    def round(self) -> tuple[BaseURL, ...]:
        """Returns every host once, in the order in which to ask."""
        first = self._first
        return self._base_urls[first:] + self._base_urls[:first]


@frozen
class Session:
    """What the calls of a client, and of the clients made of it, share.

    Attributes:
        config: Keys and addresses.
        hosts: The order of failover.
        quota: The retries that are left.
        clock: Seconds that only ever grow.
        dice: The source of chance.
    """

    config: Config
    hosts: HostOrder = field()
    quota: RetryQuota = field(factory=RetryQuota)
    clock: Callable[[], float] = time.monotonic
    dice: Dice = random.random

    @hosts.default
    def _(self) -> HostOrder:
        return HostOrder(self.config.base_urls)


def status(session: Session, subscription_key: Secret, options: Options) -> Flow[TaskStatus]:
    """One look at a task, tried again as often as `options` and the quota allow."""
    previous: Refusal | None = None
    retries = 0
    while True:
        fresh = previous is not None and previous.wants_fresh_connection
        outcome = yield from attempt(session, subscription_key, options.request_timeout, retries + 1, fresh=fresh)
        if isinstance(outcome, TaskStatus):
            session.quota.refill()
            return outcome
        pause = pause_before_retry(outcome, previous, retries, options.max_retries, session.dice)
        if pause is None or not session.quota.spend():
            raise outcome.error
        yield Pause(pause)
        previous = outcome
        retries += 1


def attempt(
    session: Session, subscription_key: Secret, timeout: float | None, number: int, *, fresh: bool = False
) -> Flow[TaskStatus | Refusal]:
    """One look without a retry: once round the hosts, within one time limit, until one answers for itself."""
    request = _wire.build_status_request(session.config.api_key(), subscription_key)
    started = session.clock()
    refusals: list[Refusal] = []
    hosts = session.hosts.round()
    for others, base_url in zip(reversed(range(len(hosts))), hosts, strict=True):
        left = None if timeout is None else timeout - (session.clock() - started)
        if refusals and left is not None and left <= 0:
            break
        connect_timeout = left / (others + 1) if others and left is not None else None
        result: Answer | Fault = yield Send(request, base_url, left, connect_timeout, fresh)
        outcome = _wire.read(request, result, number)
        if isinstance(outcome, TaskStatus) or not outcome.next_host:
            if isinstance(result, Answer):
                session.hosts.prefer(base_url)
            return outcome
        refusals.append(outcome)
    return max(reversed(refusals), key=_telling)


def _telling(refusal: Refusal) -> tuple[bool, bool]:
    """Ranks what the hosts of one round brought: an answer says more than none, a passing fault leaves more hope."""
    return not isinstance(refusal.error, TransportError), refusal.again is not Again.NEVER
