"""Tasks that follow a script: which jobs there are at a time, and how each stands."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias, cast

from attrs import evolve, field, frozen

from rodin_sdk.testing._checks import check_number, check_positive, check_text, check_visible, check_whole, to_items
from rodin_sdk.testing._faults import Fault, to_faults
from rodin_sdk.testing._shapes import Shape, to_shapes

WAITING = "Waiting"
GENERATING = "Generating"
DONE = "Done"
FAILED = "Failed"
CANCELED = "Canceled"

Timeline: TypeAlias = Sequence[tuple[float, str | None]]
"""How a job stands: pairs of seconds since the task was added, and the status from then on; None: it is not listed."""


def _to_timeline(value: Timeline) -> tuple[tuple[float, str | None], ...]:
    steps = tuple(_to_step(item) for item in to_items("timeline", value))
    if not steps:
        raise ValueError("timeline must have a step.")
    times = [seconds for seconds, _ in steps]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise ValueError("timeline must be in order, each time later than the one before.")
    return steps


def _to_step(item: object) -> tuple[float, str | None]:
    match item:
        case (int() | float() as seconds, str() | None as status):
            check_number("timeline: seconds", seconds)
            return seconds, status
        case (int() | float() as seconds,):  # for scripts: TOML has no None
            return _to_step((seconds, None))
        case _:
            raise TypeError("timeline must hold pairs of seconds and a status, a str or None.")


def _to_extra(value: Mapping[str, object] | None) -> dict[str, object]:
    """Copies further fields, so that later changes elsewhere change no script."""
    try:
        copy: object = json.loads(json.dumps(value or {}))
    except (TypeError, ValueError):
        copy = None
    if not isinstance(copy, dict):
        raise TypeError("extra must be a mapping of what JSON can hold.")
    return cast("dict[str, object]", copy)


@frozen
class JobScript:
    """One job of a task, over time.

    Args:
        timeline: Pairs of seconds since the task was added, and the status from then on: `Waiting`, `Generating`,
            `Done`, `Failed` (all doc), `Canceled` (vendor), or any other text, since clients have to survive it. The
            job is not listed before the first pair, nor while the status is None: jobs can appear and vanish.
        uuid: The job's identifier; None makes one.
        queue_length: How many stand before it when it begins to wait, counting down until it is its turn; None leaves
            the field away (it is in later reports only).
        extra: Further fields of the job, laid over its own.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The timeline is empty or not in order, or `queue_length` is negative.
    """

    timeline: tuple[tuple[float, str | None], ...] = field(converter=_to_timeline)
    uuid: str | None = field(default=None, kw_only=True)
    queue_length: int | None = field(default=None, kw_only=True)
    extra: dict[str, object] = field(default=None, kw_only=True, converter=_to_extra, hash=False)

    def __attrs_post_init__(self) -> None:
        if self.uuid is not None:
            check_text("uuid", self.uuid)
        if self.queue_length is not None:
            check_whole("queue_length", self.queue_length, least=0)


def _to_jobs(value: Iterable[JobScript | Timeline]) -> tuple[JobScript, ...]:
    return tuple(
        item if isinstance(item, JobScript) else JobScript(cast("Timeline", item)) for item in to_items("jobs", value)
    )


def _to_shapes_or_none(value: Shape | str | Sequence[Shape | str] | None) -> tuple[Shape, ...] | None:
    return None if value is None else to_shapes(value)


@frozen
class TaskScript:
    """A task: its jobs over time, and how the service answers about it.

    Args:
        jobs: The jobs, each a `JobScript` or a timeline alone. None at all is a task whose list stays empty.
        name: What the script is called, such as the preset's name; for people only.
        shape: The answer's form; several take turns from request to request; None leaves it to the emulator.
        faults: What goes wrong with the first requests for this task, one after the other; None is the right answer.
        subscription_key: The key; None makes one. Shown in no repr.
        extra: Further fields of the answer, beside `jobs` and laid over `error`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument is out of range.
    """

    jobs: tuple[JobScript, ...] = field(converter=_to_jobs)
    name: str = field(default="", kw_only=True)
    shape: tuple[Shape, ...] | None = field(default=None, kw_only=True, converter=_to_shapes_or_none)
    faults: tuple[Fault, ...] = field(default=(), kw_only=True, converter=to_faults)
    subscription_key: str | None = field(default=None, kw_only=True, repr=False)
    extra: dict[str, object] = field(default=None, kw_only=True, converter=_to_extra, hash=False)

    def __attrs_post_init__(self) -> None:
        check_text("name", self.name)
        if self.subscription_key is not None:
            check_visible("subscription_key", self.subscription_key)

    def faster(self, speed: float) -> "TaskScript":
        """Returns the same task at another speed.

        Args:
            speed: By how much: 10 makes 70 seconds 7, and 0.5 makes them 140.

        Raises:
            TypeError: `speed` is no number.
            ValueError: `speed` is not above 0, or so great that steps fall together.
        """
        check_positive("speed", speed)
        return evolve(
            self,
            jobs=tuple(
                evolve(job, timeline=tuple((seconds / speed, status) for seconds, status in job.timeline))
                for job in self.jobs
            ),
        )


def jobs_at(script: TaskScript, uuids: Sequence[str], elapsed: float) -> list[dict[str, object]]:
    """Returns the jobs that are listed at a time, as an answer shows them.

    Args:
        script: The task.
        uuids: The jobs' identifiers, in the script's order.
        elapsed: Seconds since the task was added.
    """
    listed: list[dict[str, object]] = []
    for job, uuid in zip(script.jobs, uuids, strict=True):
        began = [step for step in job.timeline if step[0] <= elapsed]
        status = began[-1][1] if began else None
        if status is not None:
            listed.append({"uuid": uuid, "status": status, **_queue(job, len(began), elapsed), **job.extra})
    return listed


def _queue(job: JobScript, began: int, elapsed: float) -> dict[str, object]:
    """Returns the field `queue_length`, which only a waiting job has."""
    since, status = job.timeline[began - 1]
    if job.queue_length is None or status != WAITING:
        return {}
    if began == len(job.timeline):
        return {"queue_length": job.queue_length}
    until = job.timeline[began][0]
    return {"queue_length": math.ceil(job.queue_length * (until - elapsed) / (until - since))}
