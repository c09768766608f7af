"""The network back end of one connection in asyncio: a plain protocol, which can be cut off at any moment."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Final, cast

import httpcore

from rodin_sdk._transport._deadline import CONNECT_TIMEOUT
from rodin_sdk._transport._readable import is_readable

_STAGGER: Final = 0.25
"""Seconds before the next address is tried beside the last one (source: RFC 8305, section 5)."""
_HIGH_WATER: Final = 64 * 1024
"""Bytes that are held unread, at most about twice over, before the other side has to wait."""


class AsyncSocketBackend(httpcore.AsyncNetworkBackend):
    """Makes one connection and keeps hold of it. Time limits are the caller's, who cancels what takes too long.

    Attributes:
        connect_timeout: Seconds for making the connection, and again for its TLS handshake, at most.
        sent: Whether some of the request may have been sent.
        stream: The connection; None before it is made.
    """

    def __init__(self, *, secure: bool) -> None:
        self.connect_timeout = CONNECT_TIMEOUT
        self.sent = False
        self.secure = secure
        self.stream: AsyncSocketStream | None = None

    def begin(self, connect_timeout: float | None) -> None:
        """Starts an exchange with the time that it has."""
        self.connect_timeout = CONNECT_TIMEOUT if connect_timeout is None else min(CONNECT_TIMEOUT, connect_timeout)
        self.sent = False

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - part of the interface
        local_address: str | None = None,  # noqa: ARG002 - part of the interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - part of the interface
    ) -> httpcore.AsyncNetworkStream:
        """Connects to whichever address of the host answers first."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self.connect_timeout):
            _, stream = await loop.create_connection(
                lambda: AsyncSocketStream(self), host, port, happy_eyeballs_delay=_STAGGER, interleave=1
            )
        return stream

    @property
    def is_usable(self) -> bool:
        """Whether the connection is there, with nothing to read, which between two calls can only be its end."""
        return self.stream is not None and self.stream.is_quiet

    def close(self) -> None:
        """Closes the connection at once, without a word to the other side."""
        if self.stream is not None:
            self.stream.abort()


class AsyncSocketStream(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """The connection as asyncio and as httpcore see it."""

    _transport: asyncio.Transport

    def __init__(self, backend: AsyncSocketBackend) -> None:
        self._backend = backend
        self._is_secure = False
        self._buffer = bytearray()
        self._has_ended = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    @property
    def is_quiet(self) -> bool:
        """Whether the connection stands, and nothing has come that nobody has read."""
        if self._has_ended or self._buffer or self._transport.is_closing():
            return False
        # The event loop may not have seen yet what the operating system knows.
        return not is_readable(self._transport.get_extra_info("socket").fileno())

    def abort(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Takes the connection, once it is made."""
        self._transport = cast("asyncio.Transport", transport)
        self._backend.stream = self

    def data_received(self, data: bytes) -> None:
        """Takes what came."""
        self._buffer += data
        if len(self._buffer) > _HIGH_WATER:
            self._transport.pause_reading()
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

    # --- httpcore's side

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - see backend
        """Returns what comes, at most so many bytes; none at the end."""
        if not self._buffer and not self._has_ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if not self._buffer and self._error is not None:
            raise ConnectionResetError from self._error
        data = bytes(self._buffer[:max_bytes])
        del self._buffer[:max_bytes]
        if not self._has_ended:
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - see backend
        """Sends all of the buffer."""
        self._backend.sent = self._backend.sent or self._is_secure == self._backend.secure
        self._transport.write(buffer)
        await self._may_write.wait()

    async def aclose(self) -> None:
        """Closes the connection."""
        self.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - see backend
    ) -> httpcore.AsyncNetworkStream:
        """Lays TLS over the connection."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._backend.connect_timeout):
            secure = await loop.start_tls(self._transport, self, ssl_context, server_hostname=server_hostname)
        if secure is None:
            raise ConnectionResetError
        self._transport = secure
        self._is_secure = True
        return self
