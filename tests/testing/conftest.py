"""A plain HTTP client, so that the emulator is tested without the SDK; and a watch over threads and descriptors."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen

from rodin_sdk.testing import Emulator, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from email.message import Message

STATUS = "/api/v2/status"


@frozen
class Reply:
    status: int
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Speaks to one emulator over one connection that is kept alive."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.host, _, port = emulator.base_url.removeprefix("http://").rpartition(":")
        self.port = int(port)
        self.connection = HTTPConnection(self.host.strip("[]"), self.port, timeout=30)

    def close(self) -> None:
        self.connection.close()

    def headers(self, **changes: str | None) -> dict[str, str]:
        standard = {"Authorization": f"Bearer {self.emulator.api_key}", "Content-Type": "application/json"}
        merged = {**standard, **{name.replace("_", "-"): value for name, value in changes.items()}}
        return {name: value for name, value in merged.items() if value is not None}

    def send(
        self, method: str = "POST", path: str = STATUS, body: bytes = b"{}", headers: Mapping[str, str] | None = None
    ) -> Reply:
        self.connection.request(method, path, body, self.headers() if headers is None else headers)
        answer = self.connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())

    def ask(self, subscription_key: str) -> Reply:
        return self.send(body=json.dumps({"subscription_key": subscription_key}).encode())

    def jobs(self, subscription_key: str) -> list[tuple[str, int | None]]:
        """Returns the status of each job, and its queue length."""
        return [(job["status"], job.get("queue_length")) for job in self.ask(subscription_key).json()["jobs"]]

    def raw_request(self, subscription_key: str = "") -> bytes:
        body = json.dumps({"subscription_key": subscription_key}).encode()
        lines = [f"POST {STATUS} HTTP/1.1", "Host: emulator", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers().items()]
        return "\r\n".join([*lines, "", ""]).encode() + body

    def socket(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=30)

    def exchange(self, data: bytes) -> bytes:
        """Sends bytes on a connection of its own, and returns all that comes until it ends."""
        with self.socket() as raw:
            raw.sendall(data)
            return read_to_end(raw)


def read_to_end(raw: socket.socket) -> bytes:
    received = b""
    while piece := raw.recv(65_536):
        received += piece
    return received


def descriptors() -> set[str]:
    with contextlib.suppress(FileNotFoundError):  # Windows has none
        return set(os.listdir("/dev/fd"))  # noqa: PTH208 - names are wanted, as cheaply as can be
    return set()


def emulator_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("rodin-emulator")]


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Every test leaves as many threads and descriptors as it found."""
    before = len(descriptors())
    yield
    assert emulator_threads() == []
    assert len(descriptors()) <= before


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(1_000.0)


@pytest.fixture
def emulator(clock: VirtualClock) -> Iterator[Emulator]:
    with Emulator(clock=clock, seed=7) as emulator:
        yield emulator


@pytest.fixture
def connect() -> Iterator[Callable[[Emulator], Client]]:
    clients: list[Client] = []

    def connect(emulator: Emulator) -> Client:
        clients.append(Client(emulator))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(emulator: Emulator, connect: Callable[[Emulator], Client]) -> Client:
    return connect(emulator)
