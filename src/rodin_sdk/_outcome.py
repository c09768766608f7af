"""What became of one of many tasks."""

from attrs import field, frozen

from rodin_sdk._errors import APIError, InvalidResponseError, TaskError, TransportError
from rodin_sdk._models import CompletedTask

OutcomeError = TaskError | APIError | TransportError | InvalidResponseError


@frozen
class Outcome:
    """The end of the wait for one task: `task` or `error`, and never both.

    Attributes:
        subscription_key: The key as it was given, but for a line end at its end. It is a secret and not shown in the
            repr.
        task: The completed task; None where there is an error.
        error: What came instead; None where the task was completed.
    """

    subscription_key: str = field(repr=False)
    task: CompletedTask | None = None
    error: OutcomeError | None = None

    def unwrap(self) -> CompletedTask:
        """Returns the completed task, or raises the error that came in its place."""
        if self.task is not None:
            return self.task
        if self.error is None:
            raise ValueError("this outcome has neither a task nor an error")
        # Several outcomes can have one error, which would else show where all of them were unwrapped.
        raise self.error.with_traceback(None)
