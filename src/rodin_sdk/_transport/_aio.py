"""The transport of `AsyncRodin`: lanes of its own for every event loop, or the user's httpx transport."""

import asyncio
import math
import ssl
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final, cast

import httpx

from rodin_sdk._errors import ClientClosedError, ConfigurationError
from rodin_sdk._fork import forget_in_child
from rodin_sdk._messages import Answer, Fault, Send
from rodin_sdk._transport._achannel import AsyncChannel
from rodin_sdk._transport._faults import FOREIGN, fault_of
from rodin_sdk._transport._http11 import Dialogue, Tunnel
from rodin_sdk._transport._intake import Intake
from rodin_sdk._transport._routes import (
    FEW_IDLE,
    IDLE_LIMIT,
    Route,
    Routes,
    check_ssl_context,
    connect_timeout_of,
    httpx_request,
    is_out_of_files,
    lookup_timeout_of,
)

_Loop = asyncio.AbstractEventLoop

_LATE: Final = 0.05
"""Seconds beyond a time limit for reading what came before it."""


class AsyncTransport(ABC):
    """Sends requests and waits, until it is closed."""

    def __init__(self) -> None:
        self._is_closed = False
        self._scopes: set[tuple[_Loop, asyncio.Timeout]] = set()

    def check_open(self) -> None:
        """Raises ClientClosedError where the transport is closed."""
        if self._is_closed:
            raise ClientClosedError

    async def send(self, send: Send) -> Answer | Fault:
        """Performs one exchange.

        Raises:
            ClientClosedError: The transport is closed, or was while the exchange was under way.
        """
        self.check_open()
        result = await self._exchange(send)
        if isinstance(result, Fault) and self._is_closed:
            raise ClientClosedError
        return result

    async def pause(self, seconds: float) -> None:
        """Waits.

        Raises:
            ClientClosedError: The transport was closed meanwhile.
        """
        self.check_open()
        with suppress(TimeoutError):
            async with self._limit(None):
                await asyncio.sleep(seconds)
        self.check_open()

    async def aclose(self) -> None:
        """Closes all connections and ends what is under way; a second time does what an interrupted first one left."""
        self._is_closed = True
        for loop, scope in list(self._scopes):
            _call_in(loop, _expire, scope)
        await self._disconnect()

    @asynccontextmanager
    async def _limit(self, seconds: float | None) -> AsyncGenerator[None, None]:
        """Ends its block with a TimeoutError after so many seconds, or when the transport is closed."""
        async with asyncio.timeout(seconds) as scope:
            entry = asyncio.get_running_loop(), scope
            self._scopes.add(entry)
            try:
                yield
            finally:
                self._scopes.discard(entry)

    @abstractmethod
    async def _exchange(self, send: Send) -> Answer | Fault: ...

    @abstractmethod
    async def _disconnect(self) -> None: ...


def open_async_transport(
    http_transport: httpx.AsyncBaseTransport | None, ssl_context: ssl.SSLContext | None
) -> AsyncTransport:
    """Returns the transport that the arguments of a client ask for.

    Raises:
        ConfigurationError: The arguments are of the wrong type, or exclude each other.
    """
    check_ssl_context(ssl_context, http_transport)
    if http_transport is None:
        return AsyncLaneTransport(ssl_context)
    given = cast("object", http_transport)
    if not isinstance(given, httpx.AsyncBaseTransport):
        kind = type(given).__name__
        raise ConfigurationError(f"http_transport must be an httpx.AsyncBaseTransport, not {kind}.")
    return AsyncForeignTransport(given)


class AsyncForeignTransport(AsyncTransport):
    """Sends through the user's own httpx transport."""

    def __init__(self, http_transport: httpx.AsyncBaseTransport) -> None:
        super().__init__()
        self._http_transport = http_transport
        self._is_disconnected = False

    async def _exchange(self, send: Send) -> Answer | Fault:
        handled = sys.exception()
        try:
            async with self._limit(send.timeout):
                return await self._read(send)
        except FOREIGN as error:
            return fault_of(error, send, sent=True, handled=handled)

    async def _read(self, send: Send) -> Answer:
        response = await self._http_transport.handle_async_request(httpx_request(send))
        try:
            intake = Intake(response.status_code, response.headers.raw)
            if intake.is_wanted:
                # The stream itself: aiter_raw() refuses a response that was made with its content, as mocks are.
                async for chunk in cast("httpx.AsyncByteStream", response.stream):
                    if not intake.feed(chunk):
                        break
        finally:
            await response.aclose()
        return intake.answer()

    async def _disconnect(self) -> None:
        if not self._is_disconnected:
            await self._http_transport.aclose()
            self._is_disconnected = True


class AsyncLaneTransport(AsyncTransport):
    """Sends over lanes: for each event loop a stack of idle connections, of which a call takes one for itself."""

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._routes = Routes(ssl_context)
        self._lanes: dict[_Loop, _AsyncLanes] = {}
        forget_in_child(self)

    async def _exchange(self, send: Send) -> Answer | Fault:
        try:
            route = self._routes.to(send.base_url)
        except OSError as error:
            return fault_of(error, send, sent=False)
        handled = sys.exception()
        lanes = await self._lanes_of_this_loop()
        lane = lanes.take(route, fresh=send.fresh)
        try:
            try:
                async with self._limit(send.timeout):
                    return await lane.exchange(send)
            except TimeoutError:
                if self._is_closed or (answer := await lane.late_answer()) is None:
                    raise
                return answer
        except FOREIGN as error:
            if is_out_of_files(error):
                lanes.be_frugal()
            return fault_of(error, send, sent=lane.sent, proxy=route.proxy, handled=handled)
        finally:
            lanes.put_back(lane, keep=not self._is_closed)

    def forget(self) -> None:
        """Starts anew in a forked child, which must not speak over its parent's connections."""
        # Kept open and untouched to the end: to close them would reach into the parent's event loop, and free
        # descriptors that its selector still has on its list.
        _inherited.append(self._lanes)
        self._lanes = {}

    async def _lanes_of_this_loop(self) -> "_AsyncLanes":
        loop = asyncio.get_running_loop()
        lanes = self._lanes.get(loop)
        if lanes is None:
            self._forget_closed_loops()
            lanes = self._lanes[loop] = _AsyncLanes()
            await lanes.end_with_loop()
        return lanes

    def _forget_closed_loops(self) -> None:
        for loop in list(self._lanes):
            if loop.is_closed():
                self._lanes.pop(loop, None)

    async def _disconnect(self) -> None:
        for loop, lanes in list(self._lanes.items()):
            _call_in(loop, lanes.close)
        self._lanes.clear()


class _AsyncLane:
    """One connection, for one call at a time."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.channel = AsyncChannel()
        self.idle_since = 0.0
        self.is_clean = False
        self.sent = False
        self._dialogue: Dialogue | None = None

    async def exchange(self, send: Send) -> Answer:
        self.is_clean = self.sent = False
        dialogue = self._dialogue or await self._open(lookup_timeout_of(send), connect_timeout_of(send))
        dialogue.ask(send.base_url, send.request)
        self.sent = True
        is_whole = await self.channel.write(dialogue)
        while (answer := dialogue.feed(await self.channel.read())) is None:
            pass
        self.is_clean = is_whole and dialogue.is_reusable
        return answer

    async def _open(self, lookup_timeout: float, connect_timeout: float) -> Dialogue:
        route = self.route
        await self.channel.connect(*route.first_hop, lookup_timeout, connect_timeout)
        if route.proxy is not None:
            await self._open_tunnel(Tunnel(route.base_url, route.proxy.authorization), connect_timeout)
        if route.ssl_context is not None:
            await self.channel.start_tls(route.ssl_context, route.base_url.host, connect_timeout)
        self._dialogue = Dialogue()
        return self._dialogue

    async def _open_tunnel(self, tunnel: Tunnel, connect_timeout: float) -> None:
        async with asyncio.timeout(connect_timeout):
            await self.channel.write(tunnel)
            while not tunnel.feed(await self.channel.read()):
                pass

    async def late_answer(self) -> Answer | None:
        """Returns the answer that came in time where the event loop was too busy to see it before the time limit."""
        if not self.sent or self._dialogue is None:
            return None
        end = time.monotonic() + _LATE
        # What is no answer came too late to be told of.
        with suppress(*FOREIGN):
            # The loop takes one turn to read what came, and one to see that it was all.
            for _ in range(2):
                while time.monotonic() < end and (data := self.channel.take()):
                    if (answer := self._dialogue.feed(data)) is not None:
                        return answer
                if self.channel.is_at_end:
                    return self._dialogue.feed(b"")
                await asyncio.sleep(0)
        return None

    @property
    def is_usable(self) -> bool:
        return time.monotonic() - self.idle_since < IDLE_LIMIT and self.channel.is_quiet


class _AsyncLanes:
    """The idle lanes of one transport in one event loop."""

    def __init__(self) -> None:
        self._idle: deque[_AsyncLane] = deque()
        self._most_idle = math.inf
        self._guard: AsyncGenerator[None, None] | None = None

    async def end_with_loop(self) -> None:
        """Makes the event loop close the lanes when it ends: asyncio.run() closes asynchronous generators last."""
        self._guard = self._close_at_end()
        await anext(self._guard)

    async def _close_at_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self.close()

    def take(self, route: Route, *, fresh: bool) -> _AsyncLane:
        return (None if fresh else self._take_idle(route)) or _AsyncLane(route)

    def _take_idle(self, route: Route) -> _AsyncLane | None:
        while self._idle:
            lane = self._idle.pop()
            # A lane to another host goes as well: after a failover the old host is not asked again soon.
            if lane.route is route and lane.is_usable:
                return lane
            lane.channel.close()
        return None

    def put_back(self, lane: _AsyncLane, *, keep: bool) -> None:
        if not (keep and lane.is_clean):
            lane.channel.close()
            return
        lane.idle_since = time.monotonic()
        self._idle.append(lane)
        self._drop_oldest()

    def be_frugal(self) -> None:
        """Keeps hardly an idle connection from now on: the process has too few file descriptors for more."""
        self._most_idle = FEW_IDLE
        self._drop_oldest()

    def _drop_oldest(self) -> None:
        now = time.monotonic()
        while self._idle and (len(self._idle) > self._most_idle or now - self._idle[0].idle_since >= IDLE_LIMIT):
            self._idle.popleft().channel.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().channel.close()


_inherited: Final[list[dict[_Loop, _AsyncLanes]]] = []


def _expire(scope: asyncio.Timeout) -> None:
    # A scope that has just ended, or is ending for another reason, refuses.
    with suppress(RuntimeError):
        scope.reschedule(0)


def _call_in(loop: _Loop, function: Callable[..., None], *args: object) -> None:
    """Calls a function in the thread of an event loop, unless that loop is closed."""
    if loop is asyncio.get_running_loop():
        function(*args)
    elif not loop.is_closed():
        loop.call_soon_threadsafe(function, *args)
