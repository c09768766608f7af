"""User code over the whole public interface, never executed: the type checkers read it, and `assert_type` holds them.

What is not typed as a user would expect it fails `make check-mypy` or `make check-pyright`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, assert_type

import httpx

import rodin_sdk
from rodin_sdk import (
    APIError,
    AsyncRodin,
    AsyncTask,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    CompletedTask,
    ConfigurationError,
    Host,
    InsufficientFundsError,
    InvalidResponseError,
    Job,
    JobStatus,
    NotFoundError,
    Outcome,
    PermissionDeniedError,
    Poll,
    RateLimitError,
    RequestTimeoutError,
    Rodin,
    RodinError,
    Seconds,
    ServerError,
    Task,
    TaskCanceledError,
    TaskError,
    TaskFailedError,
    TaskStatus,
    TransportError,
    WaitTimeoutError,
)
from rodin_sdk.testing import Emulator, Fault, RecordedRequest, TaskScript, VirtualClock

if TYPE_CHECKING:
    import ssl

KEY = "a subscription key"
KEYS = [KEY, "another one"]


def fresh_key() -> str:
    return "rotated"


# --- Making clients


def making_clients(transport: httpx.BaseTransport, certificates: ssl.SSLContext, seconds: Seconds) -> None:
    assert_type(Rodin(), Rodin)
    Rodin("key")
    Rodin(None)
    Rodin(fresh_key)
    Rodin(lambda: "key")
    Rodin(api_key="key", base_url="hyper3d")
    Rodin(base_url=Host.HYPER3D)
    Rodin(base_url=[Host.HYPER3D, "https://gateway.example/rodin", Host.HYPERHUMAN])
    Rodin(base_url=("hyper3d", "hyperhuman"))
    Rodin(base_url=None, request_timeout=None, max_retries=0, requests_per_minute=None)
    Rodin(request_timeout=timedelta(seconds=10), requests_per_minute=59.5)
    Rodin(request_timeout=seconds, poll=Poll())
    Rodin(poll=lambda age: 2.0 + age / 10)
    Rodin(http_transport=transport)
    Rodin(http_transport=httpx.MockTransport(lambda _: httpx.Response(201, json={"jobs": []})))
    Rodin(ssl_context=certificates)
    address: str = Host.HYPER3D
    del address


def making_asynchronous_clients(transport: httpx.AsyncBaseTransport, certificates: ssl.SSLContext) -> None:
    assert_type(AsyncRodin(), AsyncRodin)
    AsyncRodin(fresh_key, base_url=[Host.HYPERHUMAN], request_timeout=5, max_retries=1)
    AsyncRodin("key", requests_per_minute=240, poll=Poll(5, 1.5, 60, 0.2), http_transport=transport)
    AsyncRodin(poll=lambda _age: 3, ssl_context=certificates)


def polls() -> None:
    Poll()
    Poll(5)
    Poll(initial=timedelta(seconds=5), factor=1.5, maximum=timedelta(minutes=1), jitter=0.1)
    poll = Poll(2.5, maximum=30, jitter=0)
    assert_type(poll.initial, float | None)
    assert_type(poll.factor, float)
    assert_type(poll.maximum, float | None)
    assert_type(poll.jitter, float)


# --- Rodin


def calls() -> None:
    with Rodin() as rodin:
        assert_type(rodin, Rodin)
        assert_type(rodin.base_url, str)
        assert_type(rodin.status(KEY), TaskStatus)
        assert_type(rodin.status(KEY, request_timeout=None, max_retries=0), TaskStatus)
        assert_type(rodin.status(subscription_key=KEY, request_timeout=timedelta(seconds=1)), TaskStatus)
        assert_type(rodin.wait(KEY), CompletedTask)
        assert_type(rodin.with_options(), Rodin)
        assert_type(rodin.with_options(request_timeout=None, max_retries=9, poll=Poll(3)), Rodin)
        assert_type(rodin.with_options(poll=lambda age: age), Rodin)
    rodin.close()


def watching(rodin: Rodin) -> None:
    updates = rodin.watch(KEY)
    assert_type(updates, Generator[TaskStatus, None, None])
    for status in updates:
        assert_type(status, TaskStatus)
    updates.close()
    rodin.watch(KEY, timeout=None, every_poll=True, allow_partial=True, request_timeout=5, max_retries=0)
    rodin.watch(subscription_key=KEY, timeout=timedelta(hours=1), request_timeout=None)
    as_iterator: Iterator[TaskStatus] = rodin.watch(KEY)
    assert_type(next(as_iterator), TaskStatus)


def waiting(rodin: Rodin) -> None:
    def note(status: TaskStatus) -> None:
        assert_type(status.progress, float)

    task = rodin.wait(KEY, timeout=900, allow_partial=True, on_update=note, request_timeout=10, max_retries=0)
    assert_type(task, CompletedTask)
    rodin.wait(KEY, timeout=None, on_update=None, request_timeout=timedelta(seconds=3))
    rodin.wait(KEY, on_update=print)
    rodin.wait(KEY, on_update=lambda status: status.jobs)
    seen: list[TaskStatus] = []
    rodin.wait(KEY, on_update=seen.append)


def waiting_for_many(rodin: Rodin) -> None:
    outcomes = rodin.as_completed(KEYS)
    assert_type(outcomes, Generator[Outcome, None, None])
    for outcome in outcomes:
        assert_type(outcome, Outcome)
    outcomes.close()
    rodin.as_completed((KEY,), timeout=60, allow_partial=True, request_timeout=None, max_retries=0)
    rodin.as_completed((key for key in KEYS), timeout=timedelta(minutes=5))
    rodin.as_completed({KEY: 1})
    assert_type(rodin.wait_all(KEYS), list[Outcome])
    rodin.wait_all(set(KEYS), timeout=None, allow_partial=False, request_timeout=timedelta(seconds=1), max_retries=1)
    assert_type([outcome.unwrap() for outcome in rodin.wait_all(iter(KEYS))], list[CompletedTask])


def handles(rodin: Rodin) -> None:
    task = rodin.task(KEY)
    assert_type(task, Task)
    assert_type(task.subscription_key, str)
    assert_type(task.status(), TaskStatus)
    assert_type(task.status(request_timeout=None, max_retries=2), TaskStatus)
    assert_type(task.watch(), Generator[TaskStatus, None, None])
    task.watch(timeout=None, every_poll=True, allow_partial=True, request_timeout=5.0, max_retries=0)
    assert_type(task.wait(), CompletedTask)
    task.wait(timeout=60, allow_partial=True, on_update=print, request_timeout=timedelta(1), max_retries=0)


# --- AsyncRodin


async def asynchronous_calls() -> None:
    async with AsyncRodin() as rodin:
        assert_type(rodin, AsyncRodin)
        assert_type(rodin.base_url, str)
        assert_type(await rodin.status(KEY), TaskStatus)
        assert_type(await rodin.status(KEY, request_timeout=None, max_retries=0), TaskStatus)
        assert_type(await rodin.wait(KEY), CompletedTask)
        assert_type(rodin.with_options(request_timeout=5, max_retries=1, poll=Poll()), AsyncRodin)
        first, second = await asyncio.gather(rodin.status(KEY), rodin.wait(KEY))
        assert_type(first, TaskStatus)
        assert_type(second, CompletedTask)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(rodin.wait(KEY))
        assert_type(waiting.result(), CompletedTask)
    await rodin.aclose()


async def asynchronous_watching(rodin: AsyncRodin) -> None:
    updates = rodin.watch(KEY)
    assert_type(updates, AsyncGenerator[TaskStatus, None])
    async for status in updates:
        assert_type(status, TaskStatus)
    await updates.aclose()
    rodin.watch(KEY, timeout=None, every_poll=True, allow_partial=True, request_timeout=5, max_retries=0)
    assert_type(await anext(rodin.watch(KEY, timeout=timedelta(hours=1), request_timeout=None)), TaskStatus)


async def asynchronous_waiting(rodin: AsyncRodin) -> None:
    async def note(status: TaskStatus) -> None:
        assert_type(status, TaskStatus)
        await asyncio.sleep(0)

    task = await rodin.wait(KEY, timeout=900, allow_partial=True, on_update=note, request_timeout=10, max_retries=0)
    assert_type(task, CompletedTask)
    await rodin.wait(KEY, timeout=None, on_update=print)
    await rodin.wait(KEY, on_update=None, request_timeout=timedelta(seconds=3))
    await rodin.wait(KEY, on_update=lambda status: note(status))  # noqa: PLW0108 - a lambda, too, is typed


async def asynchronous_waiting_for_many(rodin: AsyncRodin) -> None:
    outcomes = rodin.as_completed(KEYS)
    assert_type(outcomes, AsyncGenerator[Outcome, None])
    async for outcome in outcomes:
        assert_type(outcome, Outcome)
    await outcomes.aclose()
    rodin.as_completed((KEY,), timeout=60, allow_partial=True, request_timeout=None, max_retries=0)
    assert_type(await rodin.wait_all(KEYS), list[Outcome])
    await rodin.wait_all(set(KEYS), timeout=None, allow_partial=False, request_timeout=1, max_retries=1)


async def asynchronous_handles(rodin: AsyncRodin) -> None:
    task = rodin.task(KEY)
    assert_type(task, AsyncTask)
    assert_type(task.subscription_key, str)
    assert_type(await task.status(request_timeout=None, max_retries=2), TaskStatus)
    assert_type(task.watch(), AsyncGenerator[TaskStatus, None])
    task.watch(timeout=None, every_poll=True, allow_partial=True, request_timeout=5.0, max_retries=0)
    assert_type(await task.wait(), CompletedTask)
    await task.wait(timeout=60, allow_partial=True, on_update=print, request_timeout=timedelta(1), max_retries=0)


# --- Results


def results(status: TaskStatus, task: CompletedTask) -> None:
    assert_type(status.jobs, tuple[Job, ...])
    assert_type(status.state, JobStatus)
    assert_type(status.progress, float)
    assert_type(status.is_done, bool)
    assert_type(status.is_failed, bool)
    assert_type(status.is_final, bool)
    assert_type(status.failed_jobs, tuple[Job, ...])
    assert_type(status.error, str | None)
    assert_type(status.message, str | None)
    assert_type(status.request_id, str | None)
    assert_type(status.raw, Mapping[str, Any])
    assert_type({status: 1}, dict[TaskStatus, int])
    as_status: TaskStatus = task
    assert_type(as_status.jobs, tuple[Job, ...])
    assert_type(task.progress, float)
    for job in status.jobs:
        assert_type(job.uuid, str)
        assert_type(job.status, JobStatus)
        assert_type(job.raw_status, str)
        assert_type(job.queue_length, int | None)
        assert_type(job.status.is_final, bool)
        as_text: str = job.status
        del as_text


def states(state: JobStatus) -> str:
    match state:
        case JobStatus.WAITING | JobStatus.GENERATING | JobStatus.UNKNOWN:
            return "running"
        case JobStatus.DONE:
            return "done"
        case JobStatus.FAILED | JobStatus.CANCELED:
            return "over"


def outcomes(outcome: Outcome) -> None:
    assert_type(outcome.subscription_key, str)
    assert_type(outcome.task, CompletedTask | None)
    assert_type(outcome.error, TaskError | APIError | TransportError | InvalidResponseError | None)
    assert_type(outcome.unwrap(), CompletedTask)
    if outcome.error is not None:
        raise outcome.error


# --- Errors


def errors(rodin: Rodin) -> None:  # noqa: C901 - one branch for each class
    try:
        rodin.wait(KEY)
    except TaskFailedError as error:
        assert_type(error.status, TaskStatus)
        assert_type(error.subscription_key, str)
    except TaskCanceledError as error:
        assert_type(error.status, TaskStatus)
        assert_type(error.elapsed, float)
    except WaitTimeoutError as error:
        assert_type(error.status, TaskStatus | None)
        assert_type(error.polls, int)
        as_timeout: TimeoutError = error
        del as_timeout
    except RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except (
        BadRequestError,
        AuthenticationError,
        InsufficientFundsError,
        PermissionDeniedError,
        NotFoundError,
        ServerError,
    ) as error:
        as_api_error: APIError = error
        del as_api_error
    except APIError as error:
        assert_type(error.status_code, int)
        assert_type(error.code, str | None)
        assert_type(error.message, str | None)
        assert_type(error.body, str)
        assert_type(error.headers, Mapping[str, str])
        assert_type(error.request_id, str | None)
        assert_type(error.attempts, int)
    except InvalidResponseError as error:
        assert_type(error.reason, str)
        assert_type(error.content, bytes)
        assert_type(error.status_code, int)
    except RequestTimeoutError as error:
        as_transport_error: TransportError = error
        del as_transport_error
    except TransportError as error:
        assert_type(error.attempts, int)
    except ConfigurationError as error:
        as_value_error: ValueError = error
        del as_value_error
    except ClientClosedError as error:
        as_rodin_error: RodinError = error
        del as_rodin_error


# --- The test kit


def testing() -> None:
    clock = VirtualClock()
    with Emulator(clock=clock, seed=1, requests_per_minute=120) as emulator:
        assert_type(emulator, Emulator)
        assert_type(emulator.api_key, str)
        assert_type(emulator.base_url, str)
        assert_type(emulator.add_task(), str)
        assert_type(emulator.add_task("fails", speed=20), str)
        assert_type(emulator.add_task([[(0, "Waiting"), (2, "Generating"), (20.5, "Done")]]), str)
        assert_type(emulator.add_task(TaskScript([[(0, "Done")]])), str)
        assert_type(emulator.requests, tuple[RecordedRequest, ...])
        emulator.inject(Fault.error(429, retry_after=5), Fault.reset(), None, times=2)
        emulator.faults = lambda request: Fault.stalled() if request.subscription_key else None
        assert_type(clock.advance(70), float)
        assert_type(clock(), float)
        with Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:
            assert_type(rodin.wait(emulator.add_task("sketch")), CompletedTask)


async def asynchronous_testing() -> None:
    async with Emulator() as emulator, AsyncRodin(emulator.api_key, base_url=emulator.base_url) as rodin:
        assert_type(await rodin.wait(emulator.add_task("sketch")), CompletedTask)


assert_type(rodin_sdk.__version__, str)
