"""A network back end for one connection, whose every operation is clamped to the time that is left."""

import errno
import os
import selectors
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any, Final

import httpcore

from rodin_sdk._transport._deadline import CONNECT_TIMEOUT, Deadline
from rodin_sdk._transport._readable import is_readable

_STAGGER: Final = 0.25
"""Seconds before the next address is tried beside the last one (source: RFC 8305, section 5)."""

_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0)})
"""What a connect that does not block returns, on Windows, too."""

Address = tuple[int, int, int, tuple[Any, ...]]
"""Family, type and protocol of a socket, and the address to connect it to."""


class SocketBackend(httpcore.NetworkBackend):
    """Makes one connection and keeps hold of it, so that it can be cut off from outside.

    Attributes:
        deadline: When the exchange under way must be over.
        connect_timeout: Seconds for making the connection, at most.
        sent: Whether some of the request may have been sent.
        is_open: Whether the connection was made and not closed since.
    """

    def __init__(self, *, secure: bool) -> None:
        self.deadline = Deadline(None)
        self.connect_timeout = CONNECT_TIMEOUT
        self.sent = False
        self.is_open = False
        self._secure = secure
        self._socket: socket.socket | None = None
        self._is_cut = False

    def begin(self, timeout: float | None, connect_timeout: float | None) -> None:
        """Starts an exchange with the time that it has."""
        self.deadline = Deadline(timeout)
        self.connect_timeout = CONNECT_TIMEOUT if connect_timeout is None else min(CONNECT_TIMEOUT, connect_timeout)
        self.sent = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline says more
        local_address: str | None = None,  # noqa: ARG002 - part of the interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - part of the interface
    ) -> httpcore.NetworkStream:
        """Connects to whichever address of the host answers first."""
        addresses = [(*info[:3], info[4]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        sock = _connect(_interleave(addresses), self.deadline.within(self.connect_timeout), self._check)
        self.hold(sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return SocketStream(self)

    def hold(self, sock: socket.socket) -> None:
        """Makes a socket the connection's own."""
        self._socket = sock
        self.is_open = True
        self._check()

    def use(self) -> socket.socket:
        """Returns the connection's socket, set to the time that is left."""
        if self._socket is None:
            raise ConnectionAbortedError
        self._socket.settimeout(self.deadline.left())
        return self._socket

    def start_tls(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        """Lays TLS over the connection."""
        handshake = self.deadline.within(self.connect_timeout)
        secure = context.wrap_socket(self.use(), server_hostname=server_hostname, do_handshake_on_connect=False)
        self.hold(secure)
        secure.settimeout(handshake.left())
        secure.do_handshake()

    def note_write(self, sock: socket.socket) -> None:
        """Notes that bytes are about to leave; those of a proxy's handshake are not the request's."""
        self.sent = self.sent or isinstance(sock, ssl.SSLSocket) == self._secure

    @property
    def is_stale(self) -> bool:
        """Whether an idle connection has something to read, which can only be its end."""
        return self._socket is None or is_readable(self._socket.fileno())

    def cut(self) -> None:
        """Makes whoever uses the connection in another thread fail at once."""
        self._is_cut = True
        if self._socket is not None:
            with suppress(OSError):
                # The socket below TLS: SSLSocket.shutdown() would drop the TLS object that the other thread uses.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection without a word to the other side."""
        self.is_open = False
        if self._socket is not None:
            self._socket.close()

    def _check(self) -> None:
        if self._is_cut:
            raise ConnectionAbortedError


class SocketStream(httpcore.NetworkStream):
    """The connection as httpcore sees it. Time-outs that are handed in are ignored: the deadline says more."""

    def __init__(self, backend: SocketBackend) -> None:
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - see above
        """Returns what comes, at most so many bytes."""
        return self._backend.use().recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - see above
        """Sends all of the buffer."""
        sock = self._backend.use()
        self._backend.note_write(sock)
        try:
            sock.sendall(buffer)
        except TimeoutError:
            raise
        except OSError as error:
            # httpcore then still looks for an answer: a server may refuse a request before it has read all of it.
            raise httpcore.WriteError from error

    def close(self) -> None:
        """Closes the connection."""
        self._backend.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - see above
    ) -> httpcore.NetworkStream:
        """Lays TLS over the connection."""
        self._backend.start_tls(ssl_context, server_hostname)
        return self


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
                for key, _ in selector.select(min(_STAGGER, deadline.left() or _STAGGER)):
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
    code = sock.connect_ex(address[3])
    if code in _UNDER_WAY:
        selector.register(sock, selectors.EVENT_WRITE, data=sock)
        return None
    sock.close()
    return OSError(code, os.strerror(code))


def _interleave(addresses: list[Address]) -> Iterator[Address]:
    """Orders addresses so that the families take turns, the resolver's first choice first."""
    first = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return (address for address in chain(*zip_longest(first, others)) if address is not None)
