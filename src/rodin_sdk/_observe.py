"""What the SDK tells about its work: the log, and the hooks that are called after each request.

Without a hook, and with the log switched off, none of this costs more than a look at a few attributes.
"""

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from attrs import define, field, frozen

from rodin_sdk._errors import RodinError
from rodin_sdk._messages import Answer, Fault, Send
from rodin_sdk._models import JobStatus, TaskStatus
from rodin_sdk._retry import Refusal
from rodin_sdk._secrets import Secret, quote

logger: Final = logging.getLogger("rodin_sdk")
# Else Python itself prints the warnings of a program that set up no log, in the midst of what that prints.
logger.addHandler(logging.NullHandler())

_REMEMBERED_STATUSES: Final = 64
"""Unknown statuses that are told once, and no more: a server may make up a new one each time."""


@frozen
class Attempt:
    """One HTTP request, and what became of it. It holds no secret.

    Attributes:
        method: The HTTP method.
        url: Where it was sent to: scheme, host and path, and nothing else.
        host: The host's name or address.
        port: Its port.
        path: The path, with the prefix of a gateway where there is one.
        task: The fingerprint of the task's key: the first eight hexadecimal digits of its SHA-256.
        number: Which attempt of the call it was, from 1, as in an error's `attempts`; in a wait, which look at the
            task.
        resend_count: How often the call had sent the same request before, to whichever host. A look of a wait is a
            request of its own.
        duration: Seconds from the request to the end of the answer, connecting included.
        status_code: The HTTP status code; None where no answer came.
        error: The name of the exception's class; None where the answer was a status. It can be an error with a
            status code of success.
        headers: Those headers of the answer that are of use and hold no secret, names in lower case.
    """

    method: str
    url: str
    host: str
    port: int
    path: str
    task: str
    number: int
    resend_count: int
    duration: float
    status_code: int | None = None
    error: str | None = None
    headers: Mapping[str, str] = field(factory=dict[str, str], hash=False)


Seen = JobStatus | type[RodinError] | None
"""What a look at a task brought, as far as the log is concerned."""

Hook = Callable[[Attempt], None]
"""Is called after each request."""


@define(eq=False)
class _Registered:
    hook: Hook
    has_failed: bool = False


registered_hooks: Final[list[_Registered]] = []


def add_hook(hook: Hook) -> Callable[[], None]:
    """Has a function called after each request of all clients of this process.

    Hooks are called in the order in which they were added, in the thread or the event loop that sent the request, and
    at the same time from several threads: the request's call goes on when they return. What a hook raises harms no
    call: the first exception of each hook is logged as a warning, with its traceback, and the others are dropped.

    A request that was cut off, by a cancelled task or by the client's end, brought nothing, and no hook hears of it.

    Args:
        hook: What to call. It must be no coroutine function, since nothing would await it.

    Returns:
        What removes the hook again. Calling it twice does nothing more.
    """
    registered = _Registered(hook)
    registered_hooks.append(registered)

    def remove() -> None:
        with suppress(ValueError):
            registered_hooks.remove(registered)

    return remove


def attempt_ended(
    send: Send,
    result: Answer | Fault,
    outcome: TaskStatus | Refusal,
    *,
    task: Secret,
    number: int,
    resend_count: int,
    duration: float,
) -> None:
    """Tells of a request: what was sent, what came back, and what that means; see `Attempt` for the rest."""
    secrets = send.request.secrets
    if isinstance(outcome, TaskStatus):
        for job in outcome.jobs:
            if job.status is JobStatus.UNKNOWN:
                warn_of_unknown_status(quote(job.raw_status, secrets))
    if not registered_hooks and not logger.isEnabledFor(logging.DEBUG):
        return
    url, path = send.base_url, send.request.path
    answer = result if isinstance(result, Answer) else None
    attempt = Attempt(
        method=send.request.method,
        url=f"{url}{path}",
        host=url.host,
        port=url.port,
        path=url.prefix + path,
        task=task.fingerprint(),
        number=number,
        resend_count=resend_count,
        duration=duration,
        status_code=None if answer is None else answer.status_code,
        error=type(outcome.error).__name__ if isinstance(outcome, Refusal) else None,
        headers={} if answer is None else {n: quote(v, secrets) for n, v in answer.headers.items()},
    )
    _log(attempt)
    for registered in tuple(registered_hooks):
        _call(registered, attempt)


def look_ended(task: Secret, outcome: TaskStatus | Refusal, before: Seen) -> Seen:
    """Tells of a look at a task that is waited for, if it brought another state or error than the one before.

    Returns:
        What the next look is compared with; None while nobody reads the log.
    """
    if not logger.isEnabledFor(logging.INFO):
        return None
    seen = outcome.state if isinstance(outcome, TaskStatus) else type(outcome.error)
    if seen != before:
        if isinstance(outcome, TaskStatus):
            logger.info("Task %s is %s", task.fingerprint(), str(outcome))
        else:
            logger.info("A look at task %s failed: %s", task.fingerprint(), str(outcome.error))
    return seen


def _log(attempt: Attempt) -> None:
    outcome = " ".join(str(part) for part in (attempt.status_code, attempt.error) if part is not None)
    logger.debug(
        "%s %s: %s in %.3f s, attempt %d, task %s, headers %s",
        attempt.method,
        attempt.url,
        outcome,
        attempt.duration,
        attempt.number,
        attempt.task,
        attempt.headers,
    )


def _call(registered: _Registered, attempt: Attempt) -> None:
    try:
        registered.hook(attempt)
    except Exception:
        if not registered.has_failed:
            registered.has_failed = True
            logger.warning("A hook failed; its further failures are not logged: correct it", exc_info=True)


_told: Final[set[str]] = set()


def warn_of_unknown_status(raw_status: str) -> None:
    """Warns once of each such status: were it a final one, a wait for the task would only end at its deadline."""
    if raw_status in _told or len(_told) >= _REMEMBERED_STATUSES:
        return
    _told.add(raw_status)
    logger.warning(
        "This version of rodin-sdk does not know the job status %s and takes it for running: look for a newer version",
        raw_status,
    )
