"""An emulator, either client, and a watch over what is left behind."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from rodin_sdk.testing import Emulator
from tests.waits.clients import AsyncFace, Face, SyncFace, look_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

Open = Callable[..., Face]
TICK = 0.02


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))  # noqa: PTH208 - names are wanted, as cheaply as can be


@pytest.fixture
def nothing_stays() -> Iterator[None]:
    """A test leaves as many descriptors as it found, and no thread."""
    before = descriptors()
    yield
    assert look_threads() == []
    if descriptors() > before:
        gc.collect()
    assert descriptors() <= before


@pytest.fixture
def emulator(nothing_stays: None) -> Iterator[Emulator]:  # noqa: ARG001
    """An emulator on which 20 ms pass with every request, so that a slow machine sees the same as a fast one."""
    made: list[Emulator] = []
    with Emulator(seed=7, clock=lambda: TICK * sum(len(emulator.requests) for emulator in made)) as emulator:
        made.append(emulator)
        yield emulator


@pytest.fixture(params=[SyncFace, AsyncFace], ids=["sync", "async"])
def open_client(request: pytest.FixtureRequest, emulator: Emulator) -> Iterator[Open]:
    """Opens one client or the other, which the test need not close."""
    opened: list[Face] = []

    def open_client(**options: Any) -> Face:
        opened.append(request.param(emulator, **options))
        return opened[-1]

    yield open_client
    for face in opened:
        face.close()


@pytest.fixture
def client(open_client: Open) -> Face:
    """One client or the other."""
    return open_client()
