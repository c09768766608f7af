"""A small HTTP/1.1 server in a thread of its own. Unlike the usual ones it can reset, drip and truncate."""

import asyncio
import os
import socket
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import Protocol, cast

import h11

from rodin_sdk.testing._answers import Answer, ErrorAnswer, error_answer
from rodin_sdk.testing._delivery import NO_FAULT, Delivery, encode
from rodin_sdk.testing._faults import End, Fault

_BACKLOG = 4096  # thousands may connect at once; the system cuts it to its own limit
_MOST_HEAD_BYTES = 65_536
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # SO_LINGER on, with no time to linger


class Responder(Protocol):
    """Decides on the answer to a request that has arrived in full. Called in the server's thread; must not raise."""

    def __call__(
        self, method: str, target: str, headers: dict[str, str], body: bytes, /
    ) -> tuple[Answer, Fault | None]:
        """Returns the answer, and what goes wrong with it, if anything does."""
        ...


class Server:
    """Serves in one background thread until it is closed.

    Args:
        responder: Decides on the answers.
        host: The address to listen on.
        port: The port to listen on; 0 takes a free one.

    Raises:
        OSError: The address cannot be listened on.
    """

    def __init__(self, responder: Responder, host: str, port: int) -> None:
        self._responder = responder
        self._connections: set[_Connection] = set()
        self._arriving: set[asyncio.Task[tuple[asyncio.Transport, _Connection]]] = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with ExitStack() as stack:
            self._socket = stack.enter_context(socket.create_server((host, port), family=family, backlog=_BACKLOG))
            self._socket.setblocking(False)
            # For the connections, which inherit it: else an answer's pieces wait for each other. asyncio sets it only
            # where it has made the socket itself.
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.port: int = self._socket.getsockname()[1]
            # The one kind of loop that tells when to accept; on Windows it is good for some 500 connections at once.
            self._loop = asyncio.SelectorEventLoop()
            stack.callback(self._loop.close)
            self._stopping = asyncio.Event()
            # A daemon: an emulator that is never closed must not keep the program from ending.
            self._thread = threading.Thread(target=self._run, name=f"rodin-emulator-{self.port}", daemon=True)
            self._thread.start()
            stack.pop_all()

    def close(self) -> None:
        """Stops listening, drops all connections and ends the thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._loop.add_reader(self._socket, self._accept)
        await self._stopping.wait()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        while self._arriving or self._connections:
            for connection in tuple(self._connections):
                connection.drop()
            await asyncio.sleep(0)

    def _accept(self) -> None:
        """Takes in one connection. asyncio's own servers lose those that arrive while they close."""
        try:
            accepted, _ = self._socket.accept()
        except OSError:
            return  # it is gone again, or there is no descriptor left: then it waits until there is one
        arrival = self._loop.create_task(self._loop.connect_accepted_socket(self._connection, accepted))
        self._arriving.add(arrival)
        arrival.add_done_callback(self._arriving.discard)

    def _connection(self) -> "_Connection":
        return _Connection(self._responder, self._connections)


class _Connection(asyncio.Protocol):
    """One client's connection: reads requests with h11, and sends one answer after the other."""

    def __init__(self, responder: Responder, connections: "set[_Connection]") -> None:
        self._responder = responder
        self._connections = connections
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST_HEAD_BYTES)
        self._request: h11.Request | None = None
        self._body = bytearray()
        self._writable = asyncio.Event()
        self._writable.set()
        self._sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._connections.discard(self)
        if self._sending is not None:
            self._sending.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read()

    def drop(self) -> None:
        """Closes the connection at once."""
        self._transport.abort()

    def _read(self) -> None:
        """Takes in what has arrived, up to the request whose answer is still being sent."""
        try:
            while self._sending is None and not self._transport.is_closing() and self._take_event():
                pass
        except h11.RemoteProtocolError as error:
            refusal = ErrorAnswer(error.error_status_hint, "INVALID_REQUEST", "This is not HTTP/1.1.")
            self._transport.writelines(encode(self._http, "", error_answer(refusal), NO_FAULT).late)
            self._transport.close()

    def _take_event(self) -> bool:
        """Takes in one event, and returns whether there may be another."""
        event = self._http.next_event()
        if isinstance(event, h11.Request):
            self._request = event
            self._body.clear()
            if self._http.they_are_waiting_for_100_continue:
                self._transport.write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
        elif isinstance(event, h11.Data):
            self._body += event.data
        elif isinstance(event, h11.EndOfMessage):
            self._answer(cast("h11.Request", self._request))
        else:
            return False
        return True

    def _answer(self, request: h11.Request) -> None:
        headers: dict[str, str] = {}
        for name, value in request.headers:
            known, text = name.decode("latin-1"), value.decode("latin-1")
            headers[known] = f"{headers[known]}, {text}" if known in headers else text
        method = request.method.decode()
        answer, fault = self._responder(method, request.target.decode(), headers, bytes(self._body))
        delivery = encode(self._http, method, answer, fault or NO_FAULT)
        if fault is None:
            self._transport.write(b"".join(delivery.late))
            self._finish()
        else:
            self._sending = asyncio.create_task(self._deliver(delivery, fault))

    async def _deliver(self, delivery: Delivery, fault: Fault) -> None:
        await self._send(delivery.prompt, pause=0)
        await asyncio.sleep(fault.delay)
        if fault.end is End.KEEP:
            late = delivery.late if fault.drip is None else _drops(delivery.late, fault.drip_size)
            await self._send(late, pause=fault.drip or 0)
            self._sending = None
            self._finish()
            self._read()
        elif fault.end is not End.STALL:
            self._hang_up(reset=fault.end is End.RESET)

    async def _send(self, pieces: Iterable[bytes], *, pause: float) -> None:
        for piece in pieces:
            self._transport.write(piece)
            await self._writable.wait()
            await asyncio.sleep(pause)

    def _finish(self) -> None:
        """Makes ready for the next request, or closes where HTTP/1.0, the client or a fault wants it so."""
        if self._http.our_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self._transport.close()

    def _hang_up(self, *, reset: bool) -> None:
        if reset:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()
        else:
            self._transport.close()


def _drops(pieces: Iterable[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), size):
            yield piece[start : start + size]
