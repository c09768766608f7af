"""`on_update`, and the handles that `task()` gives. Over real sockets."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from rodin_sdk import (
    AsyncRodin,
    AsyncTask,
    ClientClosedError,
    CompletedTask,
    NotFoundError,
    Rodin,
    Task,
    TaskFailedError,
    TaskStatus,
    WaitTimeoutError,
)
from rodin_sdk.testing import Emulator, Fault
from tests.secrets_check import assert_no_secrets
from tests.waits.clients import Face, SyncFace, drain, quick

if TYPE_CHECKING:
    from collections.abc import Awaitable

QUICKLY = [(0, "Waiting"), (0.05, "Generating"), (0.1, "Done")]


# --- on_update


def test_it_is_called_with_the_first_look_and_every_change(client: Face, emulator: Emulator) -> None:
    seen: list[TaskStatus] = []
    task = client.wait(emulator.add_task([QUICKLY], faults=[None, Fault.reset()]), on_update=seen.append)
    assert [status.state.value for status in seen] == ["Waiting", "Generating", "Done"]
    assert task.jobs == seen[-1].jobs


def test_it_is_called_before_a_failure_is_raised(client: Face, emulator: Emulator) -> None:
    seen: list[TaskStatus] = []
    with pytest.raises(TaskFailedError) as caught:
        client.wait(emulator.add_task([[(0, "Failed")]]), on_update=seen.append)
    assert [caught.value.status] == seen


def test_its_exception_ends_the_wait(client: Face, emulator: Emulator) -> None:
    error = LookupError("the caller's own")

    def fail(_status: TaskStatus) -> None:
        raise error

    with pytest.raises(LookupError) as caught:
        client.wait(emulator.add_task([QUICKLY]), on_update=fail)
    assert caught.value is error
    assert len(emulator.requests) == 1
    assert client.wait(emulator.add_task([QUICKLY])).is_done


@pytest.mark.parametrize("error", [StopIteration(), GeneratorExit(), KeyboardInterrupt()], ids=repr)
def test_even_odd_exceptions_come_through(emulator: Emulator, error: BaseException) -> None:
    def fail(_status: TaskStatus) -> None:
        raise error

    face = SyncFace(emulator)
    with pytest.raises(type(error)):
        face.wait(emulator.add_task([QUICKLY]), on_update=fail)
    face.close()


def test_it_may_ask_the_same_client(emulator: Emulator) -> None:
    key = emulator.add_task([QUICKLY])
    client = SyncFace(emulator)
    looks: list[TaskStatus] = []

    def ask(_status: TaskStatus) -> None:
        looks.append(client.status(key))

    assert client.wait(key, on_update=ask).is_done
    assert looks[-1].is_done
    client.close()


def test_it_may_be_asynchronous(emulator: Emulator) -> None:
    seen: list[str] = []

    async def note(status: TaskStatus) -> None:
        await asyncio.sleep(0)
        seen.append(status.state.value)

    def later(status: TaskStatus) -> Awaitable[None]:
        return asyncio.ensure_future(note(status))

    def at_once(status: TaskStatus) -> int:
        seen.append(status.state.value)
        return 5

    keys = [emulator.add_task([QUICKLY]) for _ in range(3)]

    async def play(rodin: AsyncRodin) -> None:
        await rodin.wait(keys[0], on_update=note)
        await rodin.wait(keys[1], on_update=later)
        await rodin.wait(keys[2], on_update=at_once)

    drain(emulator, play)
    assert seen == ["Waiting", "Generating", "Done", "Done", "Done"]


def test_its_exception_ends_an_asynchronous_wait(emulator: Emulator) -> None:
    async def fail(_status: TaskStatus) -> None:
        await asyncio.sleep(0)
        raise LookupError

    async def play(rodin: AsyncRodin) -> None:
        with pytest.raises(LookupError):
            await rodin.wait(emulator.add_task([QUICKLY]), on_update=fail)

    drain(emulator, play)


async def test_a_client_closed_in_it_ends_the_wait(emulator: Emulator) -> None:
    rodin = AsyncRodin(emulator.api_key, **quick(emulator, {}))

    async def close(_status: TaskStatus) -> None:
        await rodin.aclose()

    with pytest.raises(ClientClosedError):
        await asyncio.wait_for(rodin.wait(emulator.add_task([QUICKLY]), on_update=close), 3)


# --- Handles


def test_a_handle_does_nothing_by_itself(emulator: Emulator) -> None:
    with Rodin(emulator.api_key, **quick(emulator, {})) as rodin:
        task = rodin.task("no-such-task")
        assert isinstance(task, Task)
        assert task.subscription_key == "no-such-task"
        assert emulator.requests == ()
        with pytest.raises(NotFoundError):
            task.status()
        with pytest.raises(TypeError):
            hash(rodin.task)(0)  # type: ignore[operator] # pyright: ignore[reportCallIssue]


def test_a_handle_does_what_the_client_does(emulator: Emulator) -> None:
    keys = [emulator.add_task([QUICKLY]) for _ in range(2)]
    partial = emulator.add_task([[(0, "Done")], [(0, "Failed")]])
    seen: list[TaskStatus] = []
    with Rodin(emulator.api_key, **quick(emulator, {})) as rodin:
        handle = rodin.task(keys[0])
        assert handle.status(request_timeout=5, max_retries=0).state == "Waiting"
        assert isinstance(handle.wait(on_update=seen.append, timeout=timedelta(minutes=1)), CompletedTask)
        watched = list(rodin.task(keys[1]).watch(every_poll=True, timeout=None, request_timeout=timedelta(seconds=9)))
        assert watched[-1].is_done
        assert rodin.task(partial).wait(allow_partial=True).is_final
        assert len(list(rodin.task(partial).watch(allow_partial=True))) == 1
        with pytest.raises(WaitTimeoutError):
            rodin.task(emulator.add_task([[(0, "Waiting")]])).wait(timeout=0)
        assert_no_secrets([emulator.api_key, *keys], handle, repr(handle))
    assert [status.state.value for status in seen][-1] == "Done"


async def test_an_asynchronous_handle_does_what_the_client_does(emulator: Emulator) -> None:
    keys = [emulator.add_task([QUICKLY]) for _ in range(2)]
    partial = emulator.add_task([[(0, "Done")], [(0, "Failed")]])
    seen: list[TaskStatus] = []

    async def note(status: TaskStatus) -> None:
        seen.append(status)

    async with AsyncRodin(emulator.api_key, **quick(emulator, {})) as rodin:
        handle = rodin.task(keys[0] + "\n")
        assert isinstance(handle, AsyncTask)
        assert handle.subscription_key == keys[0]
        assert (await handle.status(request_timeout=5, max_retries=0)).state == "Waiting"
        assert isinstance(await handle.wait(on_update=note, timeout=timedelta(minutes=1)), CompletedTask)
        watch = rodin.task(keys[1]).watch(every_poll=True, timeout=None, request_timeout=timedelta(seconds=9))
        watched = [status async for status in watch]
        assert watched[-1].is_done
        assert (await rodin.task(partial).wait(allow_partial=True)).is_final
        assert len([status async for status in rodin.task(partial).watch(allow_partial=True)]) == 1
        with pytest.raises(WaitTimeoutError):
            await rodin.task(emulator.add_task([[(0, "Waiting")]])).wait(timeout=0)
        assert_no_secrets([emulator.api_key, *keys], handle, repr(handle))
    assert seen[-1].is_done


def test_a_wait_is_taken_up_again_from_the_key_alone(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([[(0, "Generating"), (0.3, "Done")]])
    with pytest.raises(WaitTimeoutError) as caught:
        client.wait(key, timeout=0.1)
    with SyncFace(emulator).rodin as other:
        assert other.wait(caught.value.subscription_key).is_done


@pytest.mark.parametrize("is_looked_at", [False, True])
def test_the_last_look_of_a_wait_is_whole_at_its_deadline(client: Face, emulator: Emulator, is_looked_at: bool) -> None:  # noqa: FBT001
    key = emulator.add_task([[(0, "Generating")]] * 3)
    emulator.faults = lambda _: Fault(headers={"x-request-id": "the last one"})
    seen: list[TaskStatus] = []

    def note(status: TaskStatus) -> None:
        seen.append(status)
        if is_looked_at:
            assert len(status.raw["jobs"]) == 3

    with pytest.raises(WaitTimeoutError) as caught:
        client.wait(key, timeout=1, on_update=note)
    last = caught.value.status
    assert last is not None
    assert (last, last.raw, last.request_id) == (seen[0], seen[0].raw, "the last one")
