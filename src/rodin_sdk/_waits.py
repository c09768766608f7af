"""What a wait for one task does, decided without input or output, and the rules that all waits share."""

import math
from typing import TYPE_CHECKING, Final

from attrs import frozen

from rodin_sdk._budget import LONGEST_HOLD
from rodin_sdk._config import Options
from rodin_sdk._errors import RequestTimeoutError, TaskCanceledError, TaskError, TaskFailedError, WaitTimeoutError
from rodin_sdk._flows import Flow, Session, attempt, held_back, is_outage
from rodin_sdk._messages import Emit, Pause
from rodin_sdk._models import CompletedTask, JobStatus, TaskStatus
from rodin_sdk._observe import Seen, look_ended
from rodin_sdk._outcome import OutcomeError
from rodin_sdk._packed import Packed, pack
from rodin_sdk._poll import Pacer
from rodin_sdk._retry import Again, Refusal
from rodin_sdk._secrets import Secret

if TYPE_CHECKING:
    from rodin_sdk._budget import Ticket

_ROUNDING: Final = 1e-6


@frozen
class WaitOptions:
    """How long to wait, and for what.

    Attributes:
        call: The options of each look.
        timeout: Seconds for the whole wait; None for ever.
        allow_partial: Whether a task some of whose jobs failed or were canceled is waited for to its end, and is
            completed when at least one is done.
        every_poll: Whether every look is reported, not only changes.
    """

    call: Options
    timeout: float | None
    allow_partial: bool = False
    every_poll: bool = False

    def deadline(self, started: float) -> float:
        """Returns the moment at which a wait that began then is over."""
        return math.inf if self.timeout is None else started + self.timeout

    @property
    def is_single(self) -> bool:
        """Whether one look at each task is all that was asked for."""
        return self.timeout == 0

    @property
    def time_of_last_look(self) -> float:
        """Seconds for a look that is taken after the deadline, the wait for its turn included."""
        return math.inf if self.call.request_timeout is None else self.call.request_timeout

    def limit(self, left: float) -> float | None:
        """Returns the time for one look: its own limit, or what is left of the wait; None where neither ends."""
        shortest = left if self.call.request_timeout is None else min(self.call.request_timeout, left)
        return None if shortest == math.inf else shortest

    def pacer(self, session: Session) -> Pacer:
        """Returns what chooses the pauses."""
        return Pacer(self.call.poll, session.lifetimes)


class Watched:
    """One task that is waited for: what was seen of it, and when to look again."""

    __slots__ = (
        "_last",
        "_seen",
        "answers",
        "due",
        "key",
        "looked_at",
        "looks",
        "number",
        "refusal",
        "running_at",
        "started",
        "was_cut",
    )

    def __init__(self, key: Secret, started: float) -> None:
        self.key = key
        self.started = started
        self.due = started
        self.looked_at = started
        self.number = 0
        self.looks = 0
        self.running_at = math.nan
        self.refusal: Refusal | None = None
        self.answers = 0
        self.was_cut = False
        self._last: TaskStatus | Packed | None = None
        self._seen: Seen = None

    @property
    def last(self) -> TaskStatus | None:
        """The last look that brought a status."""
        return self._last.unpack() if isinstance(self._last, Packed) else self._last

    def take(self, outcome: TaskStatus | Refusal, now: float, options: WaitOptions, pacer: Pacer) -> bool:
        """Takes in a look; returns whether it is the last one."""
        previous, self.refusal = self.refusal, None
        self.looks += 1
        self._seen = look_ended(self.key, outcome, self._seen)
        if isinstance(outcome, Refusal):
            # What the deadline cut short does not hide what went wrong before.
            self.refusal = previous if self.was_cut and previous is not None else outcome
            return not _is_outlived(outcome, previous)
        self._last = pack(outcome)
        is_over = outcome.is_final or (not options.allow_partial and _has_ended_badly(outcome))
        age = now - self.started
        if not math.isnan(self.running_at):
            pacer.saw(self.running_at, age, ended=is_over)
        self.running_at = age
        return is_over

    @property
    def is_sound(self) -> bool:
        """Whether the last look, if there was one, brought no error."""
        return self.refusal is None

    @property
    def wants_fresh_connection(self) -> bool:
        """Whether the next look should not go over a connection that was used before."""
        return self.refusal is not None and self.refusal.wants_fresh_connection

    def plan(self, session: Session, now: float, pacer: Pacer) -> None:
        """Decides when to look again. What the service asked for is a floor under the pause."""
        pause = pacer.pause(now - self.started, self.looks, session.dice)
        floor = (self.refusal.retry_after or 0.0) if self.refusal is not None else 0.0
        self.due = now + max(pause, min(floor, LONGEST_HOLD))

    def result(self, status: TaskStatus, now: float, *, allow_partial: bool) -> CompletedTask | TaskError:
        """Returns what the last look means."""
        if status.is_done or (allow_partial and _has_some_done(status)):
            return CompletedTask.of(status)
        total = len(status.jobs)
        advice = "" if allow_partial else ", or pass allow_partial=True to take what is done in the end"
        if status.is_failed:
            failed = len(status.failed_jobs)
            text = f"failed: {failed} of {total} jobs; see status.failed_jobs{advice}"
            return TaskFailedError(text, self.key.reveal(), status=status, elapsed=now - self.started, polls=self.looks)
        text = f"was canceled; see status.jobs{advice}"
        return TaskCanceledError(text, self.key.reveal(), status=status, elapsed=now - self.started, polls=self.looks)

    def refused(self) -> OutcomeError | None:
        """Returns the error of the last look; None where it brought a status."""
        return None if self.refusal is None else self.refusal.error

    def timeout(self, session: Session, now: float) -> WaitTimeoutError:
        """Returns what to raise at the deadline.

        Its cause is the error of the last look where that brought one, else what holds all looks of the client back.
        """
        last = self.last
        seen = "was not seen" if last is None else f"is {last}"
        text = f"did not end in time, and {seen}. It goes on: wait again with the same subscription key"
        error = WaitTimeoutError(text, self.key.reveal(), status=last, elapsed=now - self.started, polls=self.looks)
        held = session.budget.held_for(now)
        error.__cause__ = self.refused() or (held_back(held, self.looks) if held else session.outage.error)
        return error


def _has_some_done(status: TaskStatus) -> bool:
    return any(job.status is JobStatus.DONE for job in status.jobs)


def _has_ended_badly(status: TaskStatus) -> bool:
    return status.state in {JobStatus.FAILED, JobStatus.CANCELED}


def _is_outlived(refusal: Refusal, previous: Refusal | None) -> bool:
    """Whether a wait goes on after a bad look: what a single call would try again only moves the next look."""
    if refusal.again is Again.ONCE_IN_A_ROW:
        return previous is None or previous.again is not Again.ONCE_IN_A_ROW
    return refusal.again is not Again.NEVER


def watch(session: Session, key: Secret, options: WaitOptions) -> Flow[tuple[Watched, TaskStatus]]:
    """Looks at a task until its end, and emits the first look and every change.

    Returns:
        The task, and the last look at it.

    Raises:
        WaitTimeoutError: The deadline came first.
        RodinError: A look brought an error that does not pass.
    """
    pacer = options.pacer(session)
    watched = Watched(key, session.clock())
    deadline = options.deadline(watched.started)
    # One look is always taken: with a timeout of 0, and when the caller was away for what was left of the time.
    is_last = options.is_single
    before: TaskStatus | None = None
    while True:
        if is_last:
            deadline = session.clock() + options.time_of_last_look
        if not (yield from _turn(session, watched, deadline, is_last=is_last, is_single=options.is_single)):
            raise watched.timeout(session, session.clock())
        outcome = yield from look(session, watched, options, deadline - session.clock())
        now = session.clock()
        is_over = watched.take(outcome, now, options, pacer)
        if isinstance(outcome, TaskStatus):
            if is_over or outcome != before or options.every_poll:
                yield Emit(outcome)
            before = outcome
            if is_over:
                return watched, outcome
        elif is_over:
            raise outcome.error
        watched.plan(session, now, pacer)
        if is_last or now >= deadline:
            raise watched.timeout(session, session.clock())
        is_last = watched.due <= deadline < session.clock()


def look(session: Session, watched: Watched, options: WaitOptions, left: float) -> Flow[TaskStatus | Refusal]:
    """Looks once at a task that is waited for, within the time that is left."""
    limit = options.limit(left)
    outage = session.outage
    started = session.clock()
    this = outage.began(started)
    try:
        outcome = yield from attempt(
            session, watched.key, limit, watched.looks + 1, fresh=watched.wants_fresh_connection
        )
        watched.was_cut = (
            limit != options.call.request_timeout
            and isinstance(outcome, Refusal)
            and isinstance(outcome.error, RequestTimeoutError)
            and session.clock() - started >= left - _ROUNDING
        )
        # A look that the deadline cut short says nothing about the service.
        if isinstance(outcome, Refusal) and is_outage(outcome) and not watched.was_cut:
            if not is_outage(watched.refusal):
                watched.answers = outage.answers
            is_news = watched.answers == outage.answers
            outage.failed(this, session.clock(), id(watched), session.dice(), outcome.error, is_news=is_news)
    finally:
        outage.ended(this, session.clock())
    watched.looked_at = session.clock()
    return outcome


def wait(session: Session, key: Secret, options: WaitOptions) -> Flow[CompletedTask]:
    """`watch` folded to its end.

    Raises:
        TaskError: The task failed, was canceled, or did not end in time.
        RodinError: A look brought an error that does not pass.
    """
    watched, status = yield from watch(session, key, options)
    result = watched.result(status, session.clock(), allow_partial=options.allow_partial)
    if isinstance(result, TaskError):
        raise result
    return result


def _turn(session: Session, watched: Watched, deadline: float, *, is_last: bool, is_single: bool) -> Flow[bool]:
    """Waits until a task may be looked at; returns whether that is before the deadline.

    Args:
        session: What the calls of a client share.
        watched: The task.
        deadline: When it is too late.
        is_last: Whether there is nothing to wait for once it is clear that it will be too late.
        is_single: Whether it is the only look that was asked for, which an outage does not hold back.
    """
    budget = session.budget
    ticket: Ticket | None = None
    try:
        while True:
            now = session.clock()
            earliest = now if is_single else session.outage.earliest_look(now, is_sound=watched.is_sound)
            ready = max(watched.due, earliest)
            if ticket is not None and (ready > now or budget.is_lost(ticket, now)):
                # Given back, so that nobody waits behind those whom an outage holds back.
                budget.give_back(ticket)
                ticket = None
            if ticket is None and (ready > now or now + budget.shortest_delay(now) >= deadline):
                ready = max(ready, now + budget.shortest_delay(now))
            else:
                ticket = budget.reserve(now) if ticket is None else budget.move_up(ticket, now)
                ready = max(ready, now + budget.delay(ticket, now))
            if ready >= deadline:
                if not is_last:
                    yield Pause(max(0.0, deadline - now))
                return False
            if ready <= now:
                ticket = None
                return True
            yield Pause(ready - now)
    finally:
        if ticket is not None:
            budget.give_back(ticket)
