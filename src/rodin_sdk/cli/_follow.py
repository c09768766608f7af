"""What `rodin wait` and `rodin watch` have in common: reports are passed on as they come, until Ctrl-C or the end."""

import signal
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from math import inf
from typing import Final

from attrs import frozen

from rodin_sdk._secrets import Secret
from rodin_sdk.cli._exit import ExitStatus, worst
from rodin_sdk.cli._keys import Key
from rodin_sdk.cli._output import LiveOutput, show_error, write
from rodin_sdk.cli._report import Report

_SECOND_CTRL_C: Final = 3.0
"""Seconds after which it interrupts again. Ending takes up to one."""


@frozen
class Patience:
    """How long to wait, and for what.

    Attributes:
        timeout: Seconds for all tasks together; 0 for one look at each, infinitely many for ever.
        allow_partial: Whether a task is waited for to its end after a job failed, and counts as done if another is.
    """

    timeout: float
    allow_partial: bool


def distinct(keys: Iterable[Key]) -> dict[Secret, list[Key]]:
    """Returns each task once, with the keys that name it. The SDK, too, leaves line ends away."""
    tasks: dict[Secret, list[Key]] = {}
    for key in keys:
        tasks.setdefault(key.secret.without_line_end(), []).append(key)
    return tasks


def follow(command: str, keys: Sequence[Key], reports: Generator[Report], output: LiveOutput) -> ExitStatus:
    """Passes reports on to the output, and says how to go on if it is interrupted.

    Args:
        command: The command that can be run again.
        keys: The tasks.
        reports: What is seen of them, and what comes of each in the end.
        output: Where the reports go.

    Returns:
        The worst exit status of all.
    """
    ended: list[Report] = []
    try:
        pass_on(keys, reports, output, ended)
    except KeyboardInterrupt:
        write(err=True)  # ends the line on which the terminal shows ^C
        show_error(_how_to_go_on(command, len(keys) - len(ended), len(keys)))
        return ExitStatus.INTERRUPTED
    return worst(report.exit_status for report in ended)


def pass_on(keys: Sequence[Key], reports: Generator[Report], output: LiveOutput, ended: list[Report]) -> None:
    """Passes reports on to the output, and adds to `ended` those that are a task's last."""
    seen: dict[int, Report] = {}
    with _one_ctrl_c() as hear_no_more:
        try:
            try:
                output.begin(keys)
                with closing(reports):
                    for report in reports:
                        if report.ended:
                            ended.append(report)
                            output.add(report)
                        else:
                            before = seen.get(report.key.position)
                            seen[report.key.position] = report
                            output.update(report, is_news=before is None or before.task != report.task)
            finally:
                hear_no_more()
        finally:
            output.end()


@contextmanager
def _one_ctrl_c() -> Generator[Callable[[], None]]:
    """Lets Ctrl-C interrupt once, and not at all after a call of what it yields.

    Who presses it twice is not to be left with half a screen and no cursor. So after an exception, which ends the
    command, it stays like this.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # such as in the background, where Ctrl-C is for others
        yield lambda: None
        return
    signal.signal(signal.SIGINT, _InterruptOnce())
    yield _hear_no_more
    signal.signal(signal.SIGINT, before)


class _InterruptOnce:
    """Interrupts, and once more who is still waiting long after: Python drops an interruption in some callbacks."""

    def __init__(self) -> None:
        self._not_before = -inf

    def __call__(self, _number: int, _frame: object) -> None:
        if (now := time.monotonic()) >= self._not_before:
            self._not_before = now + _SECOND_CTRL_C
            raise KeyboardInterrupt


def _hear_no_more() -> None:
    # A handler of Python's own: Python complains of a signal that it has taken in when SIG_IGN is set.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)


def _how_to_go_on(command: str, left: int, count: int) -> str:
    if count == 1:
        return f"interrupted. The task goes on: rodin {command} with the same key takes it up again."
    return (
        f"interrupted. The tasks go on, {left} of {count} had not ended: "
        f"rodin {command} with the same keys takes it up again."
    )
