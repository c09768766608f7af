"""A server that misbehaves as it is told to, over real sockets on loopback.

A script is what one connection gets: steps, one after the other, and then a close. The first connection gets the first
script, the second the second, and the last script serves all that follow:

    with FaultServer([read, send(OK), read, reset], [read, send(OK)]) as server:
        Rodin("key", base_url=server.url).status("subscription key")
        assert len(server.requests) == 1
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ssl

Step = Callable[["Peer"], None]
Script = Sequence[Step]

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 10.0
"""Seconds after which a server that does not end is taken to hang."""


class Peer:
    """One connection, as the steps see it."""

    def __init__(self, server: FaultServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.request = b""
        self._unread = b""

    def read(self) -> None:
        """Reads one request to its last byte; only such a request counts as seen."""
        while b"\r\n\r\n" not in self._unread:
            self._unread += self.receive()
        head = self._unread.partition(b"\r\n\r\n")[0]
        length = _LENGTH.search(head)
        size = len(head) + 4 + (int(length[1]) if length else 0)
        while len(self._unread) < size:
            self._unread += self.receive()
        self.request, self._unread = self._unread[:size], self._unread[size:]
        self.server.requests.append(self.request)

    def receive(self) -> bytes:
        """Takes what comes, and ends the script where nothing more does."""
        data = self.sock.recv(65536)
        self.server.received += len(data)
        if not data:
            raise ConnectionAbortedError
        return data

    def wait(self, seconds: float | None) -> None:
        """Does nothing for so long; ends the script early when the server stops."""
        if self.server.stopping.wait(seconds):
            raise ConnectionAbortedError


def read(peer: Peer) -> None:
    """Reads one request."""
    peer.read()


def receive(peer: Peer) -> None:
    """Takes whatever comes, which need not be a request."""
    peer.receive()


def send(data: bytes) -> Step:
    return lambda peer: peer.sock.sendall(data)


def reply(answer: Callable[[bytes], bytes]) -> Step:
    """Sends what a function makes of the request that was read last."""
    return lambda peer: peer.sock.sendall(answer(peer.request))


def drip(data: bytes, interval: float) -> Step:
    """Sends byte by byte."""

    def step(peer: Peer) -> None:
        for i in range(len(data)):
            peer.sock.sendall(data[i : i + 1])
            peer.wait(interval)

    return step


def pause(seconds: float) -> Step:
    return lambda peer: peer.wait(seconds)


def stall(peer: Peer) -> None:
    """Does nothing until the server stops."""
    peer.wait(None)


def until(event: threading.Event) -> Step:
    """Goes on when the test says so, which it has to."""
    return lambda peer: peer.wait(0 if event.wait(_PATIENCE) else None)


def forever(*steps: Step) -> Step:
    """Repeats the steps until the client hangs up."""

    def step(peer: Peer) -> None:
        while True:
            for each in steps:
                each(peer)

    return step


def secure(context: ssl.SSLContext) -> Step:
    """Speaks TLS from here on."""

    def step(peer: Peer) -> None:
        # Raises where the peer is gone already: wrap_socket() would leave a socket behind.
        peer.sock.getpeername()
        wrapped = context.wrap_socket(peer.sock, server_side=True, do_handshake_on_connect=False)
        peer.sock = wrapped
        wrapped.do_handshake()

    return step


def reset(peer: Peer) -> None:
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.sock.close()


class FaultServer:
    """Listens on a port of its own from the start to the end of its `with` block.

    Attributes:
        requests: Every request that was read to its last byte, in the order of arrival.
        received: How many bytes came, whatever they were.
        connections: How many connections were accepted.
        stopping: Set when the block ends: every step ends with it.
    """

    def __init__(self, *scripts: Script, scheme: str = "http", host: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), backlog=1024, family=family)
        self._scripts = scripts
        self._served: list[tuple[threading.Thread, Peer]] = []
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.requests: list[bytes] = []
        self.received = 0
        self.connections = 0
        self.stopping = threading.Event()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits for what a script is about to do."""
        limit = time.monotonic() + _PATIENCE
        while not condition():
            assert time.monotonic() < limit, "it never happened"
            time.sleep(0.002)

    def wait_until_served(self, connections: int) -> None:
        """Waits until so many connections have got their whole script, and are closed."""
        self.wait_until(lambda: len(self._served) - self.open_connections >= connections)

    @property
    def open_connections(self) -> int:
        return sum(thread.is_alive() for thread, _ in list(self._served))

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(_PATIENCE)
        self._listener.close()
        for thread, peer in self._served:
            _hang_up(peer)
            thread.join(_PATIENCE)
            assert not thread.is_alive(), "a script did not end with its server"

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                peer = Peer(self, self._listener.accept()[0])
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                thread = threading.Thread(target=_serve, args=(peer, script), daemon=True)
                self._served.append((thread, peer))
                thread.start()


def _serve(peer: Peer, script: Script) -> None:
    with suppress(OSError):  # the client hung up, or the server stops
        for step in script:
            step(peer)
    _hang_up(peer)
    peer.sock.close()


def _hang_up(peer: Peer) -> None:
    with suppress(OSError):
        socket.socket.shutdown(peer.sock, socket.SHUT_RDWR)  # the socket below TLS: without a farewell
