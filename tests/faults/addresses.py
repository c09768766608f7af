"""Addresses that are dead in every way, all on loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    import pytest

Address = tuple[Any, ...]

UNREACHABLE: Address = ("255.255.255.255", 9)
"""An address to which not even a connect can be begun."""


@contextmanager
def refusing() -> Generator[Address, None, None]:
    """Gives an address where nobody listens, and nobody else can."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()


@contextmanager
def silent(host: str = "127.0.0.1") -> Generator[Address, None, None]:
    """Gives an address that never answers a connect, since its backlog is full."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, backlog=0) as listener, socket.socket(family) as filler:
        filler.connect(listener.getsockname())
        yield listener.getsockname()


class Resolver:
    """Stands in for the operating system's: every name has the addresses that the test says.

    Attributes:
        failures: How often it fails before it answers.
        gate: Where it is not set, resolving a name waits for it.
        is_asked: Is set with the first name.
        has_answered: Is set with the first answer.
    """

    def __init__(self, *addresses: Address) -> None:
        self.addresses: Sequence[Address] = addresses
        self.failures = 0
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()
        self.is_asked = threading.Event()
        self.has_answered = threading.Event()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Resolver:
        resolve: Callable[..., Any] = self._resolve
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return self

    @contextmanager
    def stalled(self) -> Generator[Resolver, None, None]:
        """Lets names wait within a block, and until the gate is opened in it."""
        self.gate.clear()
        try:
            yield self
        finally:
            self.gate.set()

    def _resolve(self, host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        if host == "127.0.0.1":
            return _infos([(host, port)])
        self.calls += 1
        self.is_asked.set()
        self.gate.wait(10)
        self.has_answered.set()
        if self.calls <= self.failures:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return _infos(self.addresses)


def _infos(addresses: Sequence[Address]) -> list[Any]:
    return [(_family(address), socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in addresses]


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET
