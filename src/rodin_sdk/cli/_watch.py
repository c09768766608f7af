"""`rodin watch`: every change of a few tasks, each looked at in a thread of its own."""

import threading
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Final

from attrs import evolve

from rodin_sdk import (
    AuthenticationError,
    ClientClosedError,
    CompletedTask,
    Rodin,
    RodinError,
    TaskCanceledError,
    TaskError,
    TaskFailedError,
    TaskStatus,
)
from rodin_sdk._secrets import Secret
from rodin_sdk.cli._connect import ClientOptions
from rodin_sdk.cli._exit import CommandError, ExitStatus
from rodin_sdk.cli._follow import Patience, distinct, follow
from rodin_sdk.cli._keys import Key, read_keys
from rodin_sdk.cli._output import LiveOutput
from rodin_sdk.cli._report import FAILED_STATES, Report

MOST_WATCHED: Final = 50
"""Tasks. At the SDK's rate each can then be looked at every 30 seconds; more of them fit on few screens."""
_PULSE: Final = 0.5
"""Seconds after which Ctrl-C is heard at the latest: on Windows it does not wake who waits."""
_FAREWELL: Final = 1.0
"""Seconds for the threads to end. All do at once, but for one that the system holds up, as in looking up a name."""

_Seen = SimpleQueue[Report | BaseException]


def run(arguments: Iterable[str], options: ClientOptions, patience: Patience, output: LiveOutput) -> ExitStatus:
    """Watches all tasks until they have ended, and reports each change.

    Args:
        arguments: The subscription keys, as `read_keys` takes them.
        options: How to reach the service.
        patience: How long to watch, and what for.
        output: Where the reports go.

    Returns:
        The worst exit status of all.

    Raises:
        CommandError: There are too many tasks.
    """
    keys = read_keys(arguments)
    if (count := len(distinct(keys))) > MOST_WATCHED:
        raise CommandError(
            f"{count} tasks are too many to watch: give up to {MOST_WATCHED}, or use rodin wait, which takes all."
        )
    with options.open() as rodin:
        return follow("watch", keys, watched(rodin, keys, patience), output)


def watched(rodin: Rodin, keys: Sequence[Key], patience: Patience) -> Generator[Report]:
    """Looks at a few tasks until they have ended, and yields what each look shows. Closes the client in the end.

    Raises:
        ConfigurationError: A key or a time cannot be used. Nothing was sent.
    """
    tasks = distinct(keys)
    looks = {
        secret: rodin.watch(
            secret.reveal(), timeout=patience.timeout, every_poll=True, allow_partial=patience.allow_partial
        )
        for secret in tasks
    }
    return _watched(rodin, tasks, looks, patience)


def _watched(
    rodin: Rodin,
    tasks: Mapping[Secret, Sequence[Key]],
    looks: Mapping[Secret, Iterable[TaskStatus]],
    patience: Patience,
) -> Generator[Report]:
    started = time.monotonic()
    seen: _Seen = SimpleQueue()
    threads = [
        threading.Thread(
            target=_tell,
            args=(_reports(keys[0], looks[secret], patience, started), seen),
            name="rodin-watch",
            daemon=True,
        )
        for secret, keys in tasks.items()
    ]
    refused: AuthenticationError | None = None
    left = len(tasks)
    try:
        for thread in threads:
            thread.start()
        while left:
            report = _take(seen)
            left -= report.ended
            if isinstance(report.error, AuthenticationError):
                refused = report.error
                rodin.close()  # the other tasks would get the same answer
            elif isinstance(report.error, ClientClosedError):
                report = evolve(report, error=refused)
            for key in tasks[report.key.secret.without_line_end()]:
                yield evolve(report, key=key)
    finally:
        rodin.close()
        until = time.monotonic() + _FAREWELL
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))


def _take(seen: _Seen) -> Report:
    """Returns the next report, or raises what a thread did not expect."""
    while True:
        with suppress(Empty):
            report = seen.get(timeout=_PULSE)
            if isinstance(report, BaseException):
                raise report
            return report


def _tell(reports: Iterable[Report], seen: _Seen) -> None:
    """Hands over all reports; runs in a thread of its own."""
    try:
        for report in reports:
            seen.put(report)
    except BaseException as error:  # noqa: BLE001 - raised again where the reports are taken
        seen.put(error)


def _reports(key: Key, looks: Iterable[TaskStatus], patience: Patience, started: float) -> Iterator[Report]:
    """Yields what each look shows, and what the last one means."""
    last, count = TaskStatus(), 0
    try:
        for last in looks:
            count += 1
            if not _is_last(last, patience):
                yield Report(key, last, None, time.monotonic() - started, ended=False)
    except RodinError as error:
        yield Report(key, last if count else None, error, time.monotonic() - started)
    else:
        yield _end(key, last, patience, time.monotonic() - started, count)


def _is_last(task: TaskStatus, patience: Patience) -> bool:
    """Whether a watch ends with this look."""
    return task.is_final or (not patience.allow_partial and task.state in FAILED_STATES)


def _end(key: Key, task: TaskStatus, patience: Patience, elapsed: float, looks: int) -> Report:
    """Returns what `Rodin.wait` would say of a task's last look."""
    if task.is_done or (patience.allow_partial and task.progress > 0):
        return Report(key, CompletedTask.of(task), None, elapsed)
    advice = "" if patience.allow_partial else ", or pass --allow-partial to take what is done in the end"
    kind: type[TaskError]
    if task.is_failed:
        kind, text = TaskFailedError, f"failed: {len(task.failed_jobs)} of {len(task.jobs)} jobs; see rodin status"
    else:
        kind, text = TaskCanceledError, "was canceled; see rodin status"
    error = kind(f"{text}{advice}", key.secret.reveal(), status=task, elapsed=elapsed, polls=looks)
    return Report(key, task, error, elapsed)
