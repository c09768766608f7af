"""What the service does with a request: no sockets here, and no clock but the one handed in."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import cycle

from rodin_sdk.testing._answers import Answer, Assumptions, ErrorAnswer, error_answer, write_retry_after
from rodin_sdk.testing._faults import Fault
from rodin_sdk.testing._keys import KeyMaker
from rodin_sdk.testing._requests import RecordedRequest
from rodin_sdk.testing._shapes import Shape, render
from rodin_sdk.testing._tasks import TaskScript, jobs_at
from rodin_sdk.testing._throttle import Throttle

STATUS_PATH = "/api/v2/status"
_METHOD = "POST"
_JSON_TYPE = "application/json"


def is_status_call(request: RecordedRequest) -> bool:
    """Returns whether a request asks about a task, whatever else may be wrong with it."""
    return request.method == _METHOD and request.path.endswith(STATUS_PATH)


class _Task:
    """A task that runs: a script, when it began, and what is still to come of what takes turns."""

    def __init__(self, script: TaskScript, uuids: Sequence[str], began: float, shapes: Sequence[Shape]) -> None:
        self.script = script
        self.uuids = uuids
        self.began = began
        self.shapes = cycle(shapes)
        self.faults = deque(script.faults)


class Service:
    """Knows the tasks, and answers about them. Not safe for threads: its caller holds a lock.

    Args:
        api_key: The key that is accepted; None makes one.
        seed: Where made-up keys start; None makes new ones every time.
        shapes: The forms that take turns in the answers about a task that has none of its own.
        requests_per_minute: The rate limit; None is none.
        assumptions: What is taken for granted about the service.
        calendar: Gives the time of day for a clock's reading, in seconds since the epoch.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        seed: int | None,
        shapes: Sequence[Shape],
        requests_per_minute: float | None,
        assumptions: Assumptions,
        calendar: Callable[[float], float],
    ) -> None:
        self._keys = KeyMaker(seed)
        self.api_key = self._keys.api_key() if api_key is None else api_key
        self._shapes = shapes
        self._throttle = Throttle(requests_per_minute, assumptions)
        self._assumptions = assumptions
        self._calendar = calendar
        self._tasks: dict[str, _Task] = {}

    @property
    def subscription_keys(self) -> tuple[str, ...]:
        """The keys of all tasks, in the order in which they were added."""
        return tuple(self._tasks)

    def add_task(self, script: TaskScript, now: float) -> str:
        """Begins a task, and returns its key."""
        uuids = [self._keys.uuid() if job.uuid is None else job.uuid for job in script.jobs]
        key = script.subscription_key or self._keys.subscription_key(uuids)
        if key in self._tasks:
            raise ValueError("subscription_key must be new: there is a task with this one.")
        self._tasks[key] = _Task(script, uuids, now, script.shape or self._shapes)
        return key

    def faults_of(self, subscription_key: str) -> deque[Fault]:
        """Returns the faults that are to come for a task, to take from and to add to.

        Raises:
            ValueError: There is no such task.
        """
        if subscription_key not in self._tasks:
            raise ValueError("subscription_key must be a task's: add the task first.")
        return self._tasks[subscription_key].faults

    def next_fault(self, subscription_key: str | None) -> Fault | None:
        """Takes the next fault that is scripted for a task."""
        task = self._tasks.get(subscription_key or "")
        return task.faults.popleft() if task and task.faults else None

    def answer(self, request: RecordedRequest) -> Answer:
        """Returns the answer to a request, and counts the request against the rate limit."""
        refusal = self._refuse(request)
        if refusal is not None:
            return refusal
        task = self._tasks.get(request.subscription_key or "")
        if task is None or self._is_gone(task, request.received_at):
            return error_answer(self._assumptions.no_such_task)
        jobs = jobs_at(task.script, task.uuids, request.received_at - task.began)
        return Answer(self._assumptions.success_status, render(next(task.shapes), jobs, task.script.extra))

    def _is_gone(self, task: _Task, now: float) -> bool:
        kept_for = self._assumptions.kept_for
        return kept_for is not None and now - task.began >= kept_for

    def _refuse(self, request: RecordedRequest) -> Answer | None:
        """Returns the answer to a request with a wrong path, method, key, pace or body, in this order."""
        if not request.path.endswith(STATUS_PATH):
            return error_answer(self._assumptions.not_found)
        if request.method != _METHOD:
            return error_answer(self._assumptions.method_not_allowed, ("Allow", _METHOD))
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key.strip() != self.api_key:
            return error_answer(self._assumptions.unauthorized)
        wait = self._throttle.wait(request.received_at)
        if wait:
            timestamp = self._calendar(request.received_at)
            header = write_retry_after(wait, self._assumptions.retry_after_form, timestamp)
            return error_answer(self._assumptions.throttled, *header)
        problem = self._problem_of(request)
        return None if problem is None else self._invalid(problem)

    def _problem_of(self, request: RecordedRequest) -> str | None:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if self._assumptions.json_content_type_required and media_type != _JSON_TYPE:
            return f"Content-Type must be {_JSON_TYPE}."
        return request.problem

    def _invalid(self, problem: str) -> Answer:
        rule = self._assumptions.invalid_request
        return error_answer(ErrorAnswer(rule.status_code, rule.code, rule.message or problem))
