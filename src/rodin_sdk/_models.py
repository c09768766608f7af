"""What an answer of Check Status means: immutable, hashable, picklable values."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, field, frozen

from rodin_sdk._json import ReadOnlyDict, Undecoded, read_only
from rodin_sdk._text import EXCERPT_LIMIT, printable

if TYPE_CHECKING:
    from rich.text import Text

SHOWN_JOBS: Final = 20
"""Jobs that notebooks and consoles show at most; a documented task has a few."""


class JobStatus(StrEnum):
    """The state of a job or of a task.

    Making one from a string never fails: case, surrounding white space and a second l in "Cancelled" are forgiven,
    and what is not known, or longer than 512 characters, becomes `UNKNOWN`.
    """

    WAITING = "Waiting"
    """In the queue (source: the vendor's Check Status page)."""
    GENERATING = "Generating"
    """A worker is on it (source: the vendor's Check Status page)."""
    DONE = "Done"
    """Finished; results can be downloaded (source: the vendor's Check Status page)."""
    FAILED = "Failed"
    """Failed while it was executed (source: the vendor's Check Status page)."""
    CANCELED = "Canceled"
    """Canceled (source: code that the vendor publishes; the documentation does not mention it)."""
    UNKNOWN = "Unknown"
    """A status that this SDK does not know: it is taken to be still running."""

    @classmethod
    def _missing_(cls, value: object) -> "JobStatus":
        if not isinstance(value, str) or len(value) > _LONGEST_STATUS:
            return cls.UNKNOWN
        return _BY_NAME.get(value.strip().lower(), cls.UNKNOWN)

    @property
    def is_final(self) -> bool:
        """Whether a job with this status will not change any more: done, failed or canceled."""
        return self in _FINAL


_LONGEST_STATUS: Final = EXCERPT_LIMIT
"""Characters, white space included. To fold the case of a text takes up to twenty times its memory."""
_BY_NAME: Final[Mapping[str, JobStatus]] = {
    **{status.value.lower(): status for status in JobStatus},
    "cancelled": JobStatus.CANCELED,
}
_FINAL: Final = frozenset({JobStatus.DONE, JobStatus.FAILED, JobStatus.CANCELED})


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= EXCERPT_LIMIT else f"{text[: EXCERPT_LIMIT - 1]}…")


@frozen
class Job:
    """One of the jobs that a task consists of. Their order and meaning are undocumented.

    Attributes:
        uuid: The job's identifier: a string whose form is not checked.
        status: Its state.
        raw_status: What the server wrote; the JSON text of a status that was not a string.
        queue_length: The length of the queue before a waiting job, where the server told it; else None.
    """

    uuid: str = field(repr=_excerpt)
    status: JobStatus
    raw_status: str = field(default=Factory(lambda job: job.status.value, takes_self=True), repr=_excerpt)
    queue_length: int | None = None

    def __str__(self) -> str:
        status = printable(self.raw_status) if self.status is JobStatus.UNKNOWN else self.status.value
        queue = "" if self.queue_length is None else f" ({self.queue_length} in the queue)"
        return f"{printable(self.uuid)}: {status}{queue}"


def _as_tuple(jobs: Iterable[Job]) -> tuple[Job, ...]:
    return tuple(jobs)


def _as_own(raw: Mapping[str, Any] | Undecoded) -> ReadOnlyDict | Undecoded:
    return raw if isinstance(raw, Undecoded | ReadOnlyDict) else read_only(dict(raw))


@frozen(repr=False, eq=False)
class TaskStatus:
    """One look at a task: a snapshot of its jobs.

    Two snapshots are equal when jobs, error and message are: `raw` and `request_id` differ from answer to answer. A
    `CompletedTask` equals the look that showed its end.

    Attributes:
        jobs: The task's jobs. There may be none yet, which never means that the task is done.
        error: The `error` of the answer where it was a real one and every job was final all the same; else None.
        message: The `message` of the answer, escaped and cut at 512 characters; None where there was none.
        request_id: The service's identifier of the request, where it gave one.
    """

    jobs: tuple[Job, ...] = field(default=(), converter=_as_tuple)
    error: str | None = None
    message: str | None = None
    request_id: str | None = None
    _raw: ReadOnlyDict | Undecoded = field(factory=ReadOnlyDict, converter=_as_own, alias="raw")

    @property
    def raw(self) -> Mapping[str, Any]:
        """The decoded body, read-only, with every field that the server sent.

        Where the server sent a key back, `[redacted]` stands in its place. A subscription key stays in a job's uuid.
        """
        if isinstance(self._raw, ReadOnlyDict):
            return self._raw
        raw = self._raw.read()
        object.__setattr__(self, "_raw", raw)
        return raw

    @property
    def state(self) -> JobStatus:
        """The state of the task as a whole.

        `FAILED` when any job failed, else `CANCELED` when any was canceled, else `DONE` when there is a job and all
        are done, else `WAITING` when all wait or there is none, else `GENERATING`.
        """
        states = {job.status for job in self.jobs}
        if JobStatus.FAILED in states:
            return JobStatus.FAILED
        if JobStatus.CANCELED in states:
            return JobStatus.CANCELED
        if states == {JobStatus.DONE}:
            return JobStatus.DONE
        if states <= {JobStatus.WAITING}:
            return JobStatus.WAITING
        return JobStatus.GENERATING

    @property
    def progress(self) -> float:
        """The fraction, from 0.0 to 1.0, of the jobs that are done; 0.0 without jobs."""
        return self._count(JobStatus.DONE) / len(self.jobs) if self.jobs else 0.0

    @property
    def is_done(self) -> bool:
        """Whether there is a job and all are done."""
        return self.state is JobStatus.DONE

    @property
    def is_failed(self) -> bool:
        """Whether any job failed."""
        return self.state is JobStatus.FAILED

    @property
    def is_final(self) -> bool:
        """Whether there is a job and every job is final: done, failed or canceled."""
        return bool(self.jobs) and all(job.status.is_final for job in self.jobs)

    @property
    def failed_jobs(self) -> tuple[Job, ...]:
        """The jobs that failed."""
        return tuple(job for job in self.jobs if job.status is JobStatus.FAILED)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaskStatus):
            return NotImplemented
        return self._compared == other._compared

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> tuple[object, ...]:
        return self.jobs, self.error, self.message

    def _count(self, status: JobStatus) -> int:
        return sum(job.status is status for job in self.jobs)

    def __repr__(self) -> str:
        fields = [f"jobs={self.jobs!r}"]
        fields += [f"{name}={value!r}" for name in ("error", "message", "request_id") if (value := getattr(self, name))]
        return f"<{type(self).__name__} {self.state.value} {', '.join(fields)}>"

    def __str__(self) -> str:
        if not self.jobs:
            text = f"{self.state.value}: no jobs yet"
        else:
            noun = "job" if len(self.jobs) == 1 else "jobs"
            text = f"{self.state.value}: {self._count(JobStatus.DONE)} of {len(self.jobs)} {noun} done"
        notes = [note for note in (self.error, self.message) if note]
        return f"{text} ({': '.join(notes)})" if notes else text

    def _repr_html_(self) -> str:
        from html import escape  # noqa: PLC0415 - only notebooks need it

        items = "".join(f"<li>{escape(job)}</li>" for job in self._shown_jobs())
        bar = f'<progress max="1" value="{self.progress:.3f}"></progress>'
        return f"<div>{bar} <strong>{escape(printable(str(self)))}</strong><ul>{items}</ul></div>"

    def __rich__(self) -> "Text":
        from rich.text import Text  # noqa: PLC0415 - whoever calls this has it

        # A Text, since rich would read a str for its markup.
        return Text("\n  ").join([Text(printable(str(self)), "bold"), *map(Text, self._shown_jobs())])

    def _shown_jobs(self) -> list[str]:
        shown = [str(job) for job in self.jobs[:SHOWN_JOBS]]
        more = len(self.jobs) - len(shown)
        return [*shown, f"… and {more} more"] if more else shown


@frozen(repr=False, eq=False)
class CompletedTask(TaskStatus):
    """The last look at a task that ended well: every job is done.

    With `allow_partial=True` every job is final, and at least one is done.
    """

    @classmethod
    def of(cls, status: TaskStatus) -> "CompletedTask":
        """Returns the completed task that a status shows."""
        return cls(status.jobs, status.error, status.message, status.request_id, status.raw)
