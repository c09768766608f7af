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
        gate: Where it is not set, resolving waits for it.
    """

    def __init__(self, *addresses: Address) -> None:
        self.addresses: Sequence[Address] = addresses
        self.failures = 0
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> Resolver:
        resolve: Callable[..., Any] = self._resolve
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        return self

    def _resolve(self, *_: Any, **__: Any) -> list[Any]:
        self.calls += 1
        self.gate.wait(10)
        if self.calls <= self.failures:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(_family(address), socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address) for address in self.addresses]


def _family(address: Address) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET
