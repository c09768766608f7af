"""What a call does, decided without input or output.

A flow is a generator: it yields `Send` and `Pause`, is sent back what became of them, and returns a value or raises.
The clients perform the effects; tests perform them with a virtual clock.
"""

import random
import time
from collections.abc import Callable, Generator, Iterator
from itertools import count
from typing import Any, TypeVar

from attrs import field, frozen

from rodin_sdk import _observe, _wire
from rodin_sdk._base_url import BaseURL
from rodin_sdk._budget import Budget, Ticket
from rodin_sdk._config import Config, Options
from rodin_sdk._errors import InvalidResponseError, RateLimitError, ServerError, TransportError
from rodin_sdk._messages import Answer, Emit, Fault, Pause, Send
from rodin_sdk._models import TaskStatus
from rodin_sdk._outage import Outage
from rodin_sdk._poll import Dice, Lifetimes
from rodin_sdk._retry import LONGEST_RETRY_AFTER, Again, Refusal, RetryQuota, pause_before_retry
from rodin_sdk._secrets import Secret

T = TypeVar("T")

Flow = Generator[Send | Pause | Emit, Any, T]
"""Is sent an `Answer` or a `Fault` for a `Send`, and nothing for the rest."""


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
        first = self._base_urls.index(base_url)
        if first != self._first:
            self._first = first
            _observe.logger.info("%s is asked first from now on", base_url)

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
        budget: The rate of all requests.
        quota: The retries that are left.
        outage: What the waits know together about whether the service answers.
        lifetimes: How long tasks have taken so far.
        clock: Seconds that only ever grow.
        dice: The source of chance.
    """

    config: Config
    hosts: HostOrder
    budget: Budget
    quota: RetryQuota = field(factory=RetryQuota)
    outage: Outage = field(factory=Outage)
    lifetimes: Lifetimes = field(factory=Lifetimes)
    clock: Callable[[], float] = time.monotonic
    dice: Dice = random.random


def open_session(config: Config) -> Session:
    """Returns what the calls of a new client share."""
    return Session(config, HostOrder(config.base_urls), Budget(config.requests_per_minute))


def status(session: Session, subscription_key: Secret, options: Options) -> Flow[TaskStatus]:
    """One look at a task, tried again as often as `options` and the quota allow."""
    previous: Refusal | None = None
    retries, resends = 0, count()
    while True:
        fresh = previous is not None and previous.wants_fresh_connection
        yield from _turn(session, retries)
        outcome = yield from attempt(
            session, subscription_key, options.request_timeout, retries + 1, fresh=fresh, resends=resends
        )
        if isinstance(outcome, TaskStatus):
            session.quota.refill()
            return outcome
        pause = pause_before_retry(outcome, previous, retries, options.max_retries, session.dice)
        if pause is None or not session.quota.spend():
            raise outcome.error
        yield Pause(pause)
        previous = outcome
        retries += 1


def _turn(session: Session, attempts: int) -> Flow[None]:
    """Waits for the call's turn in the budget.

    Raises:
        RateLimitError: The service asked to send nothing for longer than a call waits on its own account.
    """
    budget = session.budget
    ticket: Ticket | None = None
    try:
        while True:
            now = session.clock()
            held = budget.held_for(now)
            if held > LONGEST_RETRY_AFTER:
                raise held_back(held, attempts)
            ticket = budget.reserve(now) if ticket is None else budget.move_up(ticket, now)
            delay = budget.delay(ticket, now)
            if not delay:
                ticket = None
                return
            yield Pause(delay)
    finally:
        if ticket is not None:
            budget.give_back(ticket)


def held_back(seconds: float, attempts: int) -> RateLimitError:
    """Returns the error that says for how long the service asked this client to send nothing."""
    message = "Nothing was sent: the service asked this client to wait"
    return RateLimitError(status_code=429, message=message, retry_after=seconds, attempts=attempts)


def attempt(
    session: Session,
    subscription_key: Secret,
    timeout: float | None,
    number: int,
    *,
    fresh: bool,
    resends: Iterator[int] | None = None,
) -> Flow[TaskStatus | Refusal]:
    """One look without a retry, which every other look of the client learns from.

    Args:
        session: What the calls of a client share.
        subscription_key: The task to look at.
        timeout: Seconds for the look; None for no limit.
        number: How many looks the call has made with this one.
        fresh: Whether a connection that was used before will not do.
        resends: Counts how often the request was sent before; None where this is the first time.
    """
    started = session.clock()
    resends = count() if resends is None else resends
    outcome = yield from _ask_hosts(session, subscription_key, timeout, number, fresh=fresh, resends=resends)
    now = session.clock()
    if isinstance(outcome, Refusal) and isinstance(outcome.error, RateLimitError):
        session.budget.slow_down(started, now, outcome.retry_after or 0.0)
    if not is_outage(outcome):
        session.outage.answered(now)
    return outcome


def is_outage(outcome: TaskStatus | Refusal | None) -> bool:
    """Whether the service did not answer for itself."""
    return (
        isinstance(outcome, Refusal)
        and isinstance(outcome.error, TransportError | ServerError | InvalidResponseError)
        and not outcome.is_answer
    )


def _ask_hosts(
    session: Session,
    subscription_key: Secret,
    timeout: float | None,
    number: int,
    *,
    fresh: bool,
    resends: Iterator[int],
) -> Flow[TaskStatus | Refusal]:
    """Goes once round the hosts, within one time limit, until one answers for itself."""
    request = _wire.build_status_request(session.config.api_key(), subscription_key)
    started = session.clock()
    refusals: list[Refusal] = []
    hosts = session.hosts.round()
    for others, base_url in zip(reversed(range(len(hosts))), hosts, strict=True):
        sent = session.clock()
        left = None if timeout is None else timeout - (sent - started)
        if refusals and left is not None and left <= 0:
            break
        connect_timeout = left / (others + 1) if others and left is not None else None
        send = Send(request, base_url, left, connect_timeout, fresh)
        result: Answer | Fault = yield send
        duration = session.clock() - sent
        outcome = _wire.read(request, result, number)
        _observe.attempt_ended(
            send,
            result,
            outcome,
            task=subscription_key,
            number=number,
            resend_count=next(resends),
            duration=duration,
        )
        if isinstance(outcome, TaskStatus) or not outcome.next_host:
            if isinstance(result, Answer):
                session.hosts.prefer(base_url)
            return outcome
        refusals.append(outcome)
    return max(reversed(refusals), key=_telling)


def _telling(refusal: Refusal) -> tuple[bool, bool]:
    """Ranks what the hosts of one round brought: an answer says more than none, a passing fault leaves more hope."""
    return not isinstance(refusal.error, TransportError), refusal.again is not Again.NEVER
