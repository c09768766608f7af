"""`rodin wait`: how each task ends."""

import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing

from rodin_sdk import Outcome, Rodin, TaskError, TaskStatus
from rodin_sdk._secrets import Secret
from rodin_sdk.cli._connect import ClientOptions
from rodin_sdk.cli._exit import ExitStatus
from rodin_sdk.cli._follow import Patience, distinct, follow
from rodin_sdk.cli._keys import Key, read_keys
from rodin_sdk.cli._output import LiveOutput
from rodin_sdk.cli._report import Report
from rodin_sdk.cli._watch import MOST_WATCHED, watched


def run(arguments: Iterable[str], options: ClientOptions, patience: Patience, output: LiveOutput) -> ExitStatus:
    """Waits for all tasks, and reports each as it ends.

    Args:
        arguments: The subscription keys, as `read_keys` takes them.
        options: How to reach the service.
        patience: How long to wait, and for what.
        output: Where the reports go: of a few tasks also how they stand meanwhile.

    Returns:
        The worst exit status of all.
    """
    keys = read_keys(arguments)
    look = watched if len(distinct(keys)) <= MOST_WATCHED else completed
    with options.open() as rodin:
        return follow("wait", keys, look(rodin, keys, patience), output)


def completed(rodin: Rodin, keys: Sequence[Key], patience: Patience) -> Generator[Report]:
    """Waits for any number of tasks, and yields how each ended; nothing is known of them before."""
    tasks = distinct(keys)
    started = time.monotonic()
    outcomes = rodin.as_completed(
        [secret.reveal() for secret in tasks], timeout=patience.timeout, allow_partial=patience.allow_partial
    )
    with closing(outcomes):
        for outcome in outcomes:
            elapsed = time.monotonic() - started
            for key in tasks[Secret(outcome.subscription_key)]:
                yield Report(key, _last_seen(outcome), outcome.error, elapsed)


def _last_seen(outcome: Outcome) -> TaskStatus | None:
    return outcome.error.status if isinstance(outcome.error, TaskError) else outcome.task
