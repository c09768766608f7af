"""The shortest program of a user. It is never run: the type checkers read it against the installed wheel."""

from typing import assert_type

from rodin_sdk import AsyncRodin, Rodin, TaskStatus


def one_look(subscription_key: str) -> float:
    with Rodin() as rodin:
        status = rodin.status(subscription_key)
    assert_type(status, TaskStatus)
    return status.progress


async def one_look_async(subscription_key: str) -> float:
    async with AsyncRodin() as rodin:
        status = await rodin.status(subscription_key)
    assert_type(status, TaskStatus)
    return status.progress
