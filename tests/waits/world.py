"""The service in virtual time: what it answers when, after how long, and what it saw."""

from __future__ import annotations

import bisect
import json
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import Factory, define, field, frozen

from rodin_sdk import RequestTimeoutError, TaskStatus, TransportError
from rodin_sdk._messages import Answer, Fault, Phase, Request, Send
from rodin_sdk._wire import read

START = 4096.0
"""The first reading of the clock: not 0, and a sum of few powers of two, so that most differences are exact."""

Reply = Answer | Fault
Script = Callable[[float, int], Reply]
"""What a task's look brings: asked with the seconds since the world began, and the number of the look, from 1."""


def answer(body: object, status_code: int = 201, **headers: str) -> Answer:
    """Returns an answer as the transport hands it to the flows."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status_code, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def jobs(*statuses: str, **extra: object) -> Answer:
    """Returns an answer with a job for each status, such as `jobs("Done", "Failed")`."""
    listed = [{"uuid": f"job-{number}", "status": status} for number, status in enumerate(statuses)]
    return answer({"jobs": listed, **extra})


WAITING = jobs("Waiting", "Waiting")
RUNNING = jobs("Generating", "Waiting")
HALF = jobs("Done", "Generating")
DONE = jobs("Done", "Done")
FAILED = jobs("Done", "Failed")
CANCELED = jobs("Canceled", "Done")
EMPTY = jobs()


def throttled(retry_after: str | None = None) -> Answer:
    """Returns a 429."""
    headers = {} if retry_after is None else {"retry_after": retry_after}
    return answer({"error": "TOO_MANY_REQUESTS"}, 429, **headers)


def reset() -> Fault:
    """Returns a connection that was lost."""
    return Fault(TransportError("the connection was lost"), Phase.SENT)


def refused() -> Fault:
    """Returns a connection that could not be made."""
    return Fault(TransportError("the connection was refused"), Phase.CONNECTING)


def status_of(reply: Answer) -> TaskStatus:
    """Returns what a good answer means."""
    status = read(Request("POST", "/", {}, b""), reply, 1)
    assert isinstance(status, TaskStatus)
    return status


def over_time(*steps: tuple[float, Reply]) -> Script:
    """Returns a script that changes with time, such as `over_time((0, RUNNING), (70, DONE))`."""
    times = [time for time, _ in steps]

    def script(age: float, _look: int) -> Reply:
        return steps[max(0, bisect.bisect_right(times, age) - 1)][1]

    return script


def in_turn(*replies: Reply) -> Script:
    """Returns a script of what each look brings; the last reply repeats."""
    return lambda _age, look: replies[min(look, len(replies)) - 1]


@frozen
class Down:
    """An interval in which the service does not answer.

    Attributes:
        start: When it begins, in seconds since the world did.
        end: When it is over.
        reply: What every look brings meanwhile; None: nothing, until the time limit.
    """

    start: float
    end: float
    reply: Reply | None = field(factory=refused)


@frozen
class Sent:
    """A request, as the service saw it."""

    at: float
    key: str
    timeout: float | None
    fresh: bool
    reply: Reply


@define
class World:
    """A service in virtual time.

    Attributes:
        scripts: What each key's looks bring.
        latency: The seconds that an answer takes; a number, or a function of the key and the time.
        down: When nothing is answered.
        per_minute: The service's own rate limit, in any window of 60 s.
        retry_after: Whether its 429 say when to come again.
        now: The clock.
        sent: All requests.
    """

    scripts: Mapping[str, Script]
    latency: float | Callable[[str, float], float] = 0.0
    down: Sequence[Down] = ()
    per_minute: int | None = None
    retry_after: bool = True
    now: float = START
    sent: list[Sent] = Factory(list[Sent])
    _looks: dict[str, int] = Factory(dict[str, int])
    _window: deque[float] = Factory(deque[float])

    @property
    def age(self) -> float:
        """The seconds since the world began."""
        return self.now - START

    def exchange(self, send: Send) -> tuple[Reply, float]:
        """Takes a request that is sent now; returns what comes of it, and after how many seconds."""
        key: str = json.loads(send.request.content)["subscription_key"]
        age = self.age
        taken = self.latency(key, age) if callable(self.latency) else self.latency
        reply = self._reply(key, age)
        if reply is None or (send.timeout is not None and taken > send.timeout):
            taken = math.inf if send.timeout is None else send.timeout
            reply = Fault(RequestTimeoutError("no answer in time"), Phase.SENT)
        self.sent.append(Sent(age, key, send.timeout, send.fresh, reply))
        return reply, taken

    def _reply(self, key: str, age: float) -> Reply | None:
        for down in self.down:
            if down.start <= age < down.end:
                return down.reply
        if self.per_minute is not None:
            while self._window and self._window[0] + 60 <= age:
                self._window.popleft()
            if len(self._window) >= self.per_minute:
                seconds = math.ceil(self._window[-self.per_minute] + 60 - age)
                return throttled(str(seconds) if self.retry_after else None)
            self._window.append(age)
        self._looks[key] = self._looks.get(key, 0) + 1
        return self.scripts[key](age, self._looks[key])

    def looks_at(self, key: str) -> list[float]:
        """Returns when a task was looked at, in seconds since the world began."""
        return [sent.at for sent in self.sent if sent.key == key]

    def between(self, start: float, end: float) -> int:
        """Returns how many requests were sent from `start` on and before `end`."""
        return sum(start <= sent.at < end for sent in self.sent)


def codes(sent: Sequence[Sent]) -> list[Any]:
    """Returns the HTTP status of each reply; None where there was none."""
    return [each.reply.status_code if isinstance(each.reply, Answer) else None for each in sent]
