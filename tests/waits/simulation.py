"""A driver in virtual time: any number of flows and schedules in one session, hours in milliseconds.

```python
world = World({"key": over_time((0, RUNNING), (70, DONE))})
simulation = Simulation(world)
run = simulation.wait("key", timeout=900)
simulation.run()
assert isinstance(run.value, CompletedTask)
```
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from attrs import evolve

from rodin_sdk import Poll
from rodin_sdk._config import Options, resolve
from rodin_sdk._flows import Flow, Session, open_session, status
from rodin_sdk._messages import Emit, Pause
from rodin_sdk._schedule import Ended, Look, Schedule
from rodin_sdk._secrets import Secret
from rodin_sdk._waits import WaitOptions, Watched, wait, watch
from tests.waits.world import START, World

if TYPE_CHECKING:
    from rodin_sdk import CompletedTask, Outcome, TaskStatus
    from rodin_sdk._config import PollArgument
    from rodin_sdk._retry import Refusal

API_KEY = "Ak7-ujOeHwdFcAefAZhnM6Jy8c1rihtYlKNxHddmQAtKCsXRpJG2Tr8hzUjEcPVJ2t"

T = TypeVar("T")
Away = Callable[[Any], float]
"""How many seconds the caller is away after an item."""


def every(seconds: float) -> Poll:
    """Returns equal pauses without jitter."""
    return Poll(seconds, 1, seconds, 0)


def gaps(times: Iterable[float]) -> list[float]:
    """Returns the seconds from each moment to the next."""
    return [later - earlier for earlier, later in pairwise(times)]


class Run(Generic[T]):
    """A flow under way.

    Attributes:
        value: What it returned.
        error: What it raised.
        ended: When it ended, in seconds since the world began; nan as long as it goes on.
        emitted: What it reported, and when.
    """

    def __init__(self, simulation: Simulation, flow: Flow[T], away: Away | None) -> None:
        self.value: T | None = None
        self.error: BaseException | None = None
        self.ended = math.nan
        self.emitted: list[tuple[float, TaskStatus]] = []
        self.when_ended: Callable[[], None] | None = None
        self._simulation = simulation
        self._flow = flow
        self._away = away
        self._is_cancelled = False

    @property
    def states(self) -> list[str]:
        """The states that were reported."""
        return [status.state.value for _, status in self.emitted]

    def cancel(self) -> None:
        """Ends the flow as a cancellation does: nothing more comes of it."""
        self._is_cancelled = True
        self._flow.close()

    def resume(self, sent: object = None) -> None:
        """Goes on until the flow has to wait."""
        if self._is_cancelled:
            return
        try:
            while True:
                effect = self._flow.send(sent)
                sent = None
                if isinstance(effect, Emit):
                    self.emitted.append((self._simulation.world.age, effect.status))
                    seconds = self._away(effect.status) if self._away is not None else 0.0
                    if not seconds:
                        continue
                elif isinstance(effect, Pause):
                    assert effect.seconds >= 0, "a pause that goes backwards"
                    seconds = effect.seconds
                else:
                    sent, seconds = self._simulation.world.exchange(effect)
                self._simulation.after(seconds, partial(self.resume, sent))
                return
        except StopIteration as stop:
            self.value = stop.value
        except Exception as error:  # noqa: BLE001 - what a flow raises is what a test looks at
            self.error = error
        self.ended = self._simulation.world.age
        if self.when_ended is not None:
            self.when_ended()


class Many:
    """A schedule under way, driven as the clients do.

    Attributes:
        outcomes: What came, and when, in seconds since the world began.
        error: What the schedule, or a look of it, raised.
        ended: When all had ended; nan as long as it goes on.
        most_in_flight: How many looks were under way at once, at the most.
    """

    def __init__(self, simulation: Simulation, make: Callable[[], Schedule], away: Away | None) -> None:
        self.outcomes: list[tuple[float, Outcome]] = []
        self.error: BaseException | None = None
        self.ended = math.nan
        self.most_in_flight = 0
        self._in_flight = 0
        self._simulation = simulation
        self._make = make
        self._away = away
        self._results: deque[tuple[Watched, Run[TaskStatus | Refusal]]] = deque()
        self._idle_since: int | None = None
        self._turns = count()

    @property
    def by_key(self) -> dict[str, Outcome]:
        """The outcomes by their keys."""
        return {outcome.subscription_key: outcome for _, outcome in self.outcomes}

    def start(self) -> None:
        """Begins."""
        self.schedule = self._make()
        self._go()

    def _go(self) -> None:
        """Goes on until there is nothing to do for now."""
        self._idle_since = None
        try:
            if self._steps():
                self.ended = self._simulation.world.age
        except Exception as error:  # noqa: BLE001 - as above
            self.error = error
            self.ended = self._simulation.world.age

    def _steps(self) -> bool:
        while (step := self.schedule.step()) is not None:
            if isinstance(step, Ended):
                self.outcomes.append((self._simulation.world.age, step.outcome))
                seconds = self._away(step.outcome) if self._away is not None else 0.0
                if seconds:
                    self._simulation.after(seconds, self._come_back)
                    return False
                self.schedule.resumed()
            elif isinstance(step, Look):
                self._look(step)
            elif self._results:
                self._take_in()
            else:
                self._idle_since = turn = next(self._turns)
                if step.seconds is not None:
                    assert step.seconds >= 0, "an idle time that goes backwards"
                    self._simulation.after(step.seconds, partial(self._wake, turn))
                return False
        return True

    def _come_back(self) -> None:
        self.schedule.resumed()
        self._go()

    def _wake(self, turn: int | None) -> None:
        if turn is not None and turn == self._idle_since:
            self._go()

    def _look(self, look: Look) -> None:
        run = Run(self._simulation, look.flow, None)
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)

        def came_back() -> None:
            self._in_flight -= 1
            self._results.append((look.watched, run))
            turn = self._idle_since
            self._simulation.after(0.0, lambda: self._wake(turn))

        run.when_ended = came_back
        run.resume()

    def _take_in(self) -> None:
        watched, run = self._results.popleft()
        if run.error is not None:
            raise run.error
        assert run.value is not None
        self.schedule.took(watched, run.value)


class Simulation:
    """One session, and all that goes on in it."""

    def __init__(
        self,
        world: World,
        *,
        requests_per_minute: float | None = None,
        dice: Callable[[], float] | None = None,
        seed: int = 0,
    ) -> None:
        self.world = world
        self.poll: PollArgument = every(10.0)
        self.request_timeout: float | None = 30.0
        session = open_session(resolve(Secret(API_KEY), None, requests_per_minute))
        rolled = random.Random(seed).random if dice is None else dice
        self.session: Session = evolve(session, clock=lambda: self.world.now, dice=rolled)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Lets something happen."""
        if seconds < math.inf:
            heapq.heappush(self._events, (self.world.now + seconds, next(self._numbers), event))

    def at(self, age: float, event: Callable[[], None]) -> None:
        """Lets something happen so many seconds after the world began."""
        self.after(START + age - self.world.now, event)

    def run(self, until: float = math.inf) -> None:
        """Lets time pass until nothing is left to happen, or so many seconds after the world began."""
        while self._events and self._events[0][0] <= START + until:
            moment, _, event = heapq.heappop(self._events)
            self.world.now = max(self.world.now, moment)
            event()
        if until < math.inf:
            self.world.now = max(self.world.now, START + until)

    def options(self, **options: Any) -> WaitOptions:
        """Returns options of a wait, those of the call among them."""
        call = Options(
            request_timeout=options.pop("request_timeout", self.request_timeout), poll=options.pop("poll", self.poll)
        )
        return WaitOptions(call, options.pop("timeout", 1200.0), **options)

    def begin(self, flow: Flow[T], at: float = 0.0, away: Away | None = None) -> Run[T]:
        """Begins a flow, so many seconds after the world."""
        run = Run(self, flow, away)
        self.at(at, run.resume)
        return run

    def watch(
        self, key: str, at: float = 0.0, away: Away | None = None, **options: Any
    ) -> Run[tuple[Watched, TaskStatus]]:
        """Begins to watch a task."""
        return self.begin(watch(self.session, Secret(key), self.options(**options)), at, away)

    def wait(self, key: str, at: float = 0.0, away: Away | None = None, **options: Any) -> Run[CompletedTask]:
        """Begins to wait for a task."""
        return self.begin(wait(self.session, Secret(key), self.options(**options)), at, away)

    def status(self, key: str, at: float = 0.0, max_retries: int = 0) -> Run[TaskStatus]:
        """Begins a direct call."""
        return self.begin(status(self.session, Secret(key), Options(self.request_timeout, max_retries)), at)

    def as_completed(self, keys: Iterable[str], at: float = 0.0, away: Away | None = None, **options: Any) -> Many:
        """Begins to wait for many tasks. Without a timeout, as the clients have it."""
        chosen = self.options(**{"timeout": None, **options})
        secrets = dict.fromkeys(Secret(key) for key in keys)
        many = Many(self, lambda: Schedule(self.session, secrets, chosen), away)
        self.at(at, many.start)
        return many
