"""Both clients behind one face, over real sockets, and what shows whether they left something behind."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from rodin_sdk import AsyncRodin, Poll, Rodin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable

    from rodin_sdk import CompletedTask, Outcome, TaskStatus
    from rodin_sdk.testing import Emulator, RecordedRequest

T = TypeVar("T")

QUICK = Poll(0.02, 1, 0.02, 0)


class Face(ABC):
    """A client whose calls return when they are done, whether it is one for asyncio or not."""

    @abstractmethod
    def status(self, key: str, **options: Any) -> TaskStatus: ...

    @abstractmethod
    def watch(self, key: str, **options: Any) -> Generator[TaskStatus, None, None]: ...

    @abstractmethod
    def wait(self, key: str, **options: Any) -> CompletedTask: ...

    @abstractmethod
    def as_completed(self, keys: Iterable[str], **options: Any) -> Generator[Outcome, None, None]: ...

    @abstractmethod
    def wait_all(self, keys: Iterable[str], **options: Any) -> list[Outcome]: ...

    @abstractmethod
    def close(self) -> None: ...


class SyncFace(Face):
    """`Rodin`."""

    def __init__(self, emulator: Emulator, **options: Any) -> None:
        self.rodin = Rodin(emulator.api_key, **quick(emulator, options))

    def status(self, key: str, **options: Any) -> TaskStatus:
        return self.rodin.status(key, **options)

    def watch(self, key: str, **options: Any) -> Generator[TaskStatus, None, None]:
        return self.rodin.watch(key, **options)

    def wait(self, key: str, **options: Any) -> CompletedTask:
        return self.rodin.wait(key, **options)

    def as_completed(self, keys: Iterable[str], **options: Any) -> Generator[Outcome, None, None]:
        return self.rodin.as_completed(keys, **options)

    def wait_all(self, keys: Iterable[str], **options: Any) -> list[Outcome]:
        return self.rodin.wait_all(keys, **options)

    def close(self) -> None:
        self.rodin.close()


class AsyncFace(Face):
    """`AsyncRodin`, in an event loop that runs as long as a call does."""

    def __init__(self, emulator: Emulator, **options: Any) -> None:
        self.runner = asyncio.Runner()
        self.rodin = AsyncRodin(emulator.api_key, **quick(emulator, options))

    def status(self, key: str, **options: Any) -> TaskStatus:
        return self.runner.run(self.rodin.status(key, **options))

    def watch(self, key: str, **options: Any) -> Generator[TaskStatus, None, None]:
        return self._each(self.rodin.watch(key, **options))

    def wait(self, key: str, **options: Any) -> CompletedTask:
        return self.runner.run(self.rodin.wait(key, **options))

    def as_completed(self, keys: Iterable[str], **options: Any) -> Generator[Outcome, None, None]:
        return self._each(self.rodin.as_completed(keys, **options))

    def wait_all(self, keys: Iterable[str], **options: Any) -> list[Outcome]:
        return self.runner.run(self.rodin.wait_all(keys, **options))

    def _each(self, items: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        async def following() -> T:
            return await anext(items)

        try:
            while True:
                try:
                    item = self.runner.run(following())
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.runner.run(items.aclose())
            assert self.other_tasks() == set()

    def other_tasks(self) -> set[asyncio.Task[Any]]:
        """Returns the tasks that go on in the event loop."""

        async def tasks() -> set[asyncio.Task[Any]]:
            return {task for task in asyncio.all_tasks() if task is not asyncio.current_task()}

        return self.runner.run(tasks())

    def close(self) -> None:
        self.runner.run(self.rodin.aclose())
        assert self.other_tasks() == set()
        self.runner.close()


def quick(emulator: Emulator, options: dict[str, Any]) -> dict[str, Any]:
    """Returns options with which waits are a matter of milliseconds."""
    return {"base_url": emulator.base_url, "poll": QUICK, "requests_per_minute": None, **options}


def drain(emulator: Emulator, play: Callable[[AsyncRodin], Coroutine[Any, Any, T]], **options: Any) -> T:
    """Runs a coroutine with a client, and sees to it that no task is left."""

    async def main() -> T:
        async with AsyncRodin(emulator.api_key, **quick(emulator, options)) as rodin:
            result = await play(rodin)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return asyncio.run(main())


def arrivals(emulator: Emulator) -> list[float]:
    """Returns where the times will stand at which requests arrive, on the real clock."""
    times: list[float] = []

    def note(_request: RecordedRequest) -> None:
        times.append(time.monotonic())

    emulator.faults = note
    return times


# --- What is left behind


def look_threads() -> list[str]:
    """Returns the threads that the SDK began and did not end."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("rodin-look")]


def connections_to(emulator: Emulator) -> int:
    """Returns how many connections to an emulator this process has open."""
    port = int(emulator.base_url.rpartition(":")[2])
    return sum(_peer_port(int(name)) == port for name in os.listdir("/dev/fd"))  # noqa: PTH208 - names are wanted


def _peer_port(descriptor: int) -> int | None:
    """Returns the port at the other end of a descriptor; None where it is no TCP connection."""
    copy = None
    try:
        copy = os.dup(descriptor)
        with socket.socket(fileno=copy) as peer:
            address = peer.getpeername()
    except OSError:
        if copy is not None:
            with suppress(OSError):
                os.close(copy)
        return None
    return int(address[1]) if len(address) > 1 and not isinstance(address, str) else None


class Background:
    """A call in another thread, and what came of it."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.result: object = None
        self.error: BaseException | None = None
        self._function = function
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._function()
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error

    def join_for(self, seconds: float) -> None:
        """Waits for the end, or for so many seconds."""
        self._thread.join(seconds)

    def join(self) -> None:
        """Waits for the end; the limit is only for what would never end."""
        self._thread.join(10)
        assert not self._thread.is_alive(), "it goes on"
