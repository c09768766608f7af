"""One TCP or TLS connection, whose every operation is clamped to the time that is left."""

import errno
import os
import selectors
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from queue import SimpleQueue
from traceback import walk_tb
from typing import Final, cast

from rodin_sdk._alarm import next_of
from rodin_sdk._transport._deadline import CHUNK, STAGGER, Deadline
from rodin_sdk._transport._http11 import Dialogue, Tunnel
from rodin_sdk._transport._lookup import Address, Found, addresses, look_up
from rodin_sdk._transport._readable import is_readable

_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)})
"""What a connect that does not block returns, on Windows, too."""


class Channel:
    """A connection that can be cut off by another thread.

    Attributes:
        deadline: When the exchange under way must be over.
    """

    def __init__(self) -> None:
        self.deadline = Deadline(None)
        self._found: SimpleQueue[Found | None] = SimpleQueue()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def connect(self, host: str, port: int, lookup_timeout: float, connect_timeout: float) -> None:
        """Connects to whichever address of the host answers first."""
        look_up(host, port, self._found.put)
        found = interleave(addresses(self._await_found(self.deadline.within(lookup_timeout))))
        self._hold(_connect(found, self.deadline.within(connect_timeout), self._check))
        self._in_use().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start_tls(self, context: ssl.SSLContext, host: str, connect_timeout: float) -> None:
        """Lays TLS over the connection."""
        handshake = self.deadline.within(connect_timeout)
        try:
            secure = context.wrap_socket(self._in_use(), server_hostname=host, do_handshake_on_connect=False)
        except OSError as error:
            _close_left_behind(error)
            raise
        self._hold(secure)
        secure.settimeout(handshake.left())
        secure.do_handshake()

    def write(self, message: Dialogue | Tunnel) -> bool:
        """Sends what is to be said; returns whether all of it could be.

        A server may refuse a request before it has read all of it: what it said is then still there to be read.
        """
        try:
            self._in_use().sendall(message.outgoing)
        except ConnectionError:
            return False
        return True

    def read(self) -> bytes:
        """Returns what comes; nothing at the end."""
        data = self._in_use().recv(CHUNK)
        self._check()
        return data

    @property
    def is_quiet(self) -> bool:
        """Whether an idle connection stands. What there is to read on one can only be its end."""
        if self._socket is None or (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
            return False
        return not is_readable(self._socket.fileno())

    def cut(self) -> None:
        """Makes whoever uses the connection in another thread fail at once."""
        self._is_cut = True
        self._found.put(None)
        if self._socket is not None:
            with suppress(OSError):
                # The socket below TLS: SSLSocket.shutdown() would drop the TLS object that the other thread uses.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection without a word to the other side."""
        if self._socket is not None:
            self._socket.close()

    def _await_found(self, deadline: Deadline) -> Found:
        found = next_of(self._found, deadline.left())
        self._check()
        if found is None:
            raise TimeoutError
        return found

    def _in_use(self) -> socket.socket:
        sock = cast("socket.socket", self._socket)  # which is there from connect() on
        sock.settimeout(self.deadline.left())
        return sock

    def _hold(self, sock: socket.socket) -> None:
        self._socket = sock
        self._check()

    def _check(self) -> None:
        if self._is_cut:
            raise ConnectionAbortedError


def _close_left_behind(error: OSError) -> None:
    """Closes the socket that `wrap_socket` leaves open where the peer was gone before it began (CPython gh-108310)."""
    for frame, _ in walk_tb(error.__traceback__):
        left = frame.f_locals.get("self")
        if isinstance(left, ssl.SSLSocket):
            left.close()


def _connect(addresses: Iterable[Address], deadline: Deadline, check: Callable[[], None]) -> socket.socket:
    """Connects to several addresses, each tried a little later than the last, and returns the first that answers.

    Args:
        addresses: Where to connect to, in this order.
        deadline: When it must be over.
        check: Called between the steps; raises where the connection is no longer wanted.
    """
    waiting = deque(addresses)
    error = OSError("the name has no address")
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or selector.get_map():
                if waiting:
                    error = _start(waiting.popleft(), selector) or error
                # Without a connect under way there is nothing to wait for, and the next address is tried at once.
                pause = min(STAGGER, deadline.left() or STAGGER) if selector.get_map() else 0
                for key, _ in selector.select(pause):
                    selector.unregister(key.fileobj)
                    code = key.data.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if not code:
                        winner: socket.socket = key.data
                        return winner
                    key.data.close()
                    error = OSError(code, os.strerror(code))
                check()
        finally:
            for key in selector.get_map().values():
                key.data.close()
    raise error


def _start(address: Address, selector: selectors.BaseSelector) -> OSError | None:
    """Begins to connect; returns what prevented even that."""
    try:
        sock = socket.socket(*address[:3])
    except OSError as error:
        return error
    sock.setblocking(False)
    code = sock.connect_ex(address[4])
    if code in _UNDER_WAY:
        selector.register(sock, selectors.EVENT_WRITE, data=sock)
        return None
    sock.close()
    return OSError(code, os.strerror(code))


def interleave(addresses: Sequence[Address]) -> Iterator[Address]:
    """Orders addresses so that the families take turns, the resolver's first choice first."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return (address for address in chain(*zip_longest(first, others)) if address is not None)
