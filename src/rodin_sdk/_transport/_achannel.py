"""One TCP or TLS connection in asyncio: a plain protocol, which can be cut off at any moment.

Time limits are the caller's, who cancels what takes too long.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, cast

from rodin_sdk._transport._channel import interleave
from rodin_sdk._transport._deadline import CHUNK, STAGGER
from rodin_sdk._transport._http11 import Dialogue, Tunnel
from rodin_sdk._transport._lookup import Address, Found, addresses, look_up
from rodin_sdk._transport._readable import is_readable

_HIGH_WATER: Final = 64 * 1024
"""Bytes that are held unread, at most about twice over, before the other side has to wait."""


class AsyncChannel(asyncio.Protocol):
    """A connection, as asyncio sees it and as a lane uses it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._has_ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    # --- The lane's side

    async def connect(self, host: str, port: int, lookup_timeout: float, connect_timeout: float) -> None:
        """Connects to whichever address of the host answers first."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(lookup_timeout):
            found = interleave(addresses(await _found(host, port)))
        async with asyncio.timeout(connect_timeout):
            sock = await _connect(found)
            await loop.create_connection(lambda: self, sock=sock)

    async def start_tls(self, context: ssl.SSLContext, host: str, connect_timeout: float) -> None:
        """Lays TLS over the connection."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(connect_timeout):
            secure = await loop.start_tls(self._in_use(), self, context, server_hostname=host)
        # None where the connection was lost at the very end of the handshake.
        if secure is None:
            raise ConnectionResetError
        self._transport = secure

    async def write(self, message: Dialogue | Tunnel) -> bool:
        """Sends what is to be said; returns whether all of it could be."""
        self._in_use().write(message.outgoing)
        await self._may_write.wait()
        return not self._has_ended

    async def read(self) -> bytes:
        """Returns what comes; nothing at the end."""
        if self._buffer:
            # Lets the time limit strike between two pieces of a flood.
            await asyncio.sleep(0)
        elif not self._has_ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if not self._buffer and self._error is not None:
            raise ConnectionResetError from self._error
        data = self.take()
        if not self._has_ended and len(self._buffer) <= _HIGH_WATER:
            self._in_use().resume_reading()
        return data

    def take(self) -> bytes:
        """Returns what is there already; nothing where that is nothing."""
        data = bytes(self._buffer[:CHUNK])
        del self._buffer[:CHUNK]
        return data

    @property
    def is_at_end(self) -> bool:
        """Whether everything was taken, and nothing more will come, as it should be."""
        return self._has_ended and self._error is None and not self._buffer

    @property
    def is_quiet(self) -> bool:
        """Whether an idle connection stands. What there is to read on one can only be its end."""
        if self._transport is None or self._has_ended or self._buffer or self._transport.is_closing():
            return False
        # The event loop may not have seen yet what the operating system knows.
        return not is_readable(self._transport.get_extra_info("socket").fileno())

    def close(self) -> None:
        """Closes the connection at once, without a word to the other side."""
        if self._transport is not None:
            self._transport.abort()

    def _in_use(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self._transport)  # which is there from connect() on

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection, once it is made."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Takes what came."""
        self._buffer += data
        if len(self._buffer) > _HIGH_WATER:
            self._in_use().pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Takes the end of what comes; asyncio then closes the connection."""
        self._has_ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Takes the end of the connection."""
        self._has_ended = True
        self._error = exc
        self._may_write.set()
        self._wake()

    def pause_writing(self) -> None:
        """Makes writers wait."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Lets writers go on."""
        self._may_write.set()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


async def _found(host: str, port: int) -> Found:
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[Found] = loop.create_future()

    def tell(found: Found) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, waiter, found)

    look_up(host, port, tell)
    return await waiter


def _settle(waiter: asyncio.Future[Found], found: Found) -> None:
    if not waiter.done():
        waiter.set_result(found)


async def _connect(addresses: Iterable[Address]) -> socket.socket:
    """Connects to several addresses, each tried a little later than the last, and returns the first that answers.

    asyncio's own race fails with eager tasks in CPython 3.12 and 3.13 (gh-124309).
    """
    waiting = deque(addresses)
    racers: set[asyncio.Task[socket.socket]] = set()
    winner: socket.socket | None = None
    error: BaseException = OSError("the name has no address")
    try:
        while waiting or racers:
            if waiting:
                racers.add(asyncio.ensure_future(_attempt(waiting.popleft())))
            pause = STAGGER if waiting else None
            for racer in (await asyncio.wait(racers, timeout=pause, return_when=asyncio.FIRST_COMPLETED))[0]:
                racers.remove(racer)
                if (failure := racer.exception()) is None:
                    winner = racer.result()
                    return winner
                error = failure
        raise error
    finally:
        for racer in racers:
            _give_up(racer)
        if racers and winner is None:
            # Only this is cut short by a second cancellation.
            await asyncio.wait(racers)


async def _attempt(address: Address) -> socket.socket:
    """Connects to one address. The socket is this coroutine's own until it returns it."""
    sock = socket.socket(*address[:3])
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address[4])
    except BaseException:
        sock.close()
        raise
    return sock


def _give_up(racer: asyncio.Task[socket.socket]) -> None:
    if not racer.cancel() and not racer.cancelled() and racer.exception() is None:
        racer.result().close()
