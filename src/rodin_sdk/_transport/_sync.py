"""The transport of `Rodin`: lanes of its own, or the user's httpx transport."""

import math
import ssl
import sys
import time
import warnings
import weakref
from abc import ABC, abstractmethod
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import ClassVar, cast

import httpx

from rodin_sdk._alarm import Alarm, next_of
from rodin_sdk._errors import ClientClosedError, ConfigurationError
from rodin_sdk._fork import forget_in_child
from rodin_sdk._messages import Answer, Fault, Send
from rodin_sdk._transport._channel import Channel
from rodin_sdk._transport._deadline import Deadline
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


class SyncTransport(ABC):
    """Sends requests and waits, until it is closed.

    Attributes:
        can_cut: Whether exchanges that are under way can be ended.
    """

    can_cut: ClassVar[bool]

    def __init__(self) -> None:
        self._is_closed = False
        self.alarms: set[Alarm] = set()

    def check_open(self) -> None:
        """Raises ClientClosedError where the transport is closed."""
        if self._is_closed:
            raise ClientClosedError

    def send(self, send: Send, scope: "Scope | None" = None) -> Answer | Fault:
        """Performs one exchange, for a scope or for none.

        Raises:
            ClientClosedError: The transport, or the scope, is closed, or was while the exchange was under way.
        """
        if self._is_over(scope):
            raise ClientClosedError
        result = self._exchange(send, scope)
        if isinstance(result, Fault) and self._is_over(scope):
            raise ClientClosedError
        return result

    def pause(self, seconds: float) -> None:
        """Waits.

        Raises:
            ClientClosedError: The transport was closed meanwhile.
        """
        alarm: SimpleQueue[None] = SimpleQueue()
        self.alarms.add(alarm)
        try:
            self.check_open()
            next_of(alarm, seconds)
        finally:
            self.alarms.discard(alarm)
        self.check_open()

    def close(self) -> None:
        """Closes all connections and ends what is under way; a second time does what an interrupted first one left."""
        self._is_closed = True
        for alarm in list(self.alarms):
            alarm.put(None)
        self._disconnect()

    def _is_over(self, scope: "Scope | None") -> bool:
        return self._is_closed or (scope is not None and scope.is_closed)

    @abstractmethod
    def _exchange(self, send: Send, scope: "Scope | None") -> Answer | Fault: ...

    @abstractmethod
    def _disconnect(self) -> None: ...

    @abstractmethod
    def cut(self, scope: "Scope") -> None:
        """Makes the exchanges of a scope fail at once, where the transport can."""


class Scope:
    """A part of a transport whose exchanges can be ended on their own.

    Args:
        transport: The whole.
        alarm: Gets a None when the transport is closed.
    """

    def __init__(self, transport: SyncTransport, alarm: Alarm) -> None:
        self._transport = transport
        self._alarm = alarm
        self.is_closed = False
        transport.alarms.add(alarm)

    def close(self) -> None:
        """Ends all exchanges of this part, where the transport can."""
        self.is_closed = True
        self._transport.alarms.discard(self._alarm)
        self._transport.cut(self)

    def send(self, send: Send) -> Answer | Fault:
        """Performs one exchange."""
        return self._transport.send(send, self)

    def pause(self, seconds: float) -> None:
        """Waits."""
        self._transport.pause(seconds)


def open_transport(http_transport: httpx.BaseTransport | None, ssl_context: ssl.SSLContext | None) -> SyncTransport:
    """Returns the transport that the arguments of a client ask for.

    Raises:
        ConfigurationError: The arguments are of the wrong type, or exclude each other.
    """
    check_ssl_context(ssl_context, http_transport)
    if http_transport is None:
        return LaneTransport(ssl_context)
    given = cast("object", http_transport)
    if not isinstance(given, httpx.BaseTransport):
        raise ConfigurationError(f"http_transport must be an httpx.BaseTransport, not {type(given).__name__}.")
    return ForeignTransport(given)


class ForeignTransport(SyncTransport):
    """Sends through the user's own httpx transport. Its time limit is checked between the chunks of an answer."""

    can_cut = False

    def __init__(self, http_transport: httpx.BaseTransport) -> None:
        super().__init__()
        self._http_transport = http_transport
        self._is_disconnected = False

    def _exchange(self, send: Send, scope: Scope | None) -> Answer | Fault:  # noqa: ARG002 - it cannot be cut
        handled = sys.exception()
        try:
            return self._read(send)
        except FOREIGN as error:
            return fault_of(error, send, sent=True, handled=handled)

    def _read(self, send: Send) -> Answer:
        deadline = Deadline(send.timeout)
        response = self._http_transport.handle_request(httpx_request(send))
        try:
            intake = Intake(response.status_code, response.headers.raw)
            # The stream itself: iter_raw() refuses a response that was made with its content, as mocks are.
            chunks = cast("httpx.SyncByteStream", response.stream)
            for chunk in chunks if intake.is_wanted else ():
                deadline.left()
                if not intake.feed(chunk):
                    break
        finally:
            response.close()
        return intake.answer()

    def _disconnect(self) -> None:
        if not self._is_disconnected:
            self._http_transport.close()
            self._is_disconnected = True

    def cut(self, scope: Scope) -> None:
        """Leaves them: a transport of the user's own knows no interruption, and its time limits end them."""


class LaneTransport(SyncTransport):
    """Sends over lanes: a stack of idle connections, of which a call takes one for itself."""

    can_cut = True

    def __init__(self, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._routes = Routes(ssl_context)
        self._lanes = _Lanes()
        weakref.finalize(self, self._lanes.abandon)
        forget_in_child(self)

    def _exchange(self, send: Send, scope: Scope | None) -> Answer | Fault:
        try:
            route = self._routes.to(send.base_url)
        except OSError as error:
            return fault_of(error, send, sent=False)
        handled = sys.exception()
        lane = self._lanes.take(route, scope, fresh=send.fresh)
        try:
            if self._is_over(scope):
                raise ClientClosedError
            return lane.exchange(send)
        except FOREIGN as error:
            if is_out_of_files(error):
                self._lanes.be_frugal()
            return fault_of(error, send, sent=lane.sent, proxy=route.proxy, handled=handled)
        finally:
            self._lanes.put_back(lane)
            if self._is_closed:
                self._lanes.close_idle()

    def _disconnect(self) -> None:
        self._lanes.cut_all()

    def cut(self, scope: Scope) -> None:
        """Makes the exchanges of a scope fail at once."""
        self._lanes.cut(scope)

    def forget(self) -> None:
        """Starts anew in a forked child, which must not speak over its parent's connections."""
        self._lanes.forget()


class _Lane:
    """One connection, for one call at a time."""

    def __init__(self, route: Route) -> None:
        self.route = route
        self.channel = Channel()
        self.idle_since = 0.0
        self.is_clean = False
        self.sent = False
        self._dialogue: Dialogue | None = None

    def exchange(self, send: Send) -> Answer:
        self.is_clean = self.sent = False
        self.channel.deadline = Deadline(send.timeout)
        dialogue = self._dialogue or self._open(lookup_timeout_of(send), connect_timeout_of(send))
        dialogue.ask(send.base_url, send.request)
        self.sent = True
        is_whole = self.channel.write(dialogue)
        while (answer := dialogue.feed(self.channel.read())) is None:
            pass
        self.is_clean = is_whole and dialogue.is_reusable
        return answer

    def _open(self, lookup_timeout: float, connect_timeout: float) -> Dialogue:
        route = self.route
        self.channel.connect(*route.first_hop, lookup_timeout, connect_timeout)
        if route.proxy is not None:
            self._open_tunnel(Tunnel(route.base_url, route.proxy.authorization), connect_timeout)
        if route.ssl_context is not None:
            self.channel.start_tls(route.ssl_context, route.base_url.host, connect_timeout)
        self._dialogue = Dialogue()
        return self._dialogue

    def _open_tunnel(self, tunnel: Tunnel, connect_timeout: float) -> None:
        whole = self.channel.deadline
        self.channel.deadline = whole.within(connect_timeout)
        self.channel.write(tunnel)
        while not tunnel.feed(self.channel.read()):
            pass
        self.channel.deadline = whole

    @property
    def is_usable(self) -> bool:
        return time.monotonic() - self.idle_since < IDLE_LIMIT and self.channel.is_quiet


class _Lanes:
    """The lanes of one transport. Its steps are single operations on built-in containers, which need no lock."""

    def __init__(self) -> None:
        self._idle: deque[_Lane] = deque()
        self._busy: dict[_Lane, Scope | None] = {}
        self._most_idle = math.inf

    def take(self, route: Route, scope: Scope | None, *, fresh: bool) -> _Lane:
        lane = (None if fresh else self._take_idle(route)) or _Lane(route)
        self._busy[lane] = scope
        return lane

    def _take_idle(self, route: Route) -> _Lane | None:
        while True:
            try:
                lane = self._idle.pop()
            except IndexError:
                return None
            # A lane to another host goes as well: after a failover the old host is not asked again soon.
            if lane.route is route and lane.is_usable:
                return lane
            lane.channel.close()

    def put_back(self, lane: _Lane) -> None:
        self._busy.pop(lane, None)
        if not lane.is_clean:
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
        with suppress(IndexError):
            while len(self._idle) > self._most_idle or time.monotonic() - self._idle[0].idle_since >= IDLE_LIMIT:
                self._idle.popleft().channel.close()

    def cut(self, scope: Scope) -> None:
        """Makes what is busy for a scope fail at once."""
        for lane, owner in list(self._busy.items()):
            # It may have been put back meanwhile, and be another call's.
            if owner is scope and self._busy.get(lane) is scope:
                lane.channel.cut()

    def cut_all(self) -> None:
        """Closes what is idle, and makes what is busy fail at once."""
        for lane in list(self._busy):
            lane.channel.cut()
        # Ctrl-C may have struck whoever had just taken a lane: nobody else would let go of that one.
        self._busy.clear()
        self.close_idle()

    def forget(self) -> None:
        """Closes this process's copies of all connections, without a word to the other side."""
        for lane in self._busy:
            lane.channel.close()
        self._busy.clear()
        self.close_idle()

    def abandon(self) -> None:
        """Closes what the owner left open, and says so."""
        if self._idle:
            self.close_idle()
            warnings.warn("a Rodin client was not closed: use it in a with statement", ResourceWarning, stacklevel=2)

    def close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self._idle.pop().channel.close()
