"""Both clients for every test, on the emulator, and no hook left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from rodin_sdk import _observe
from tests.faults.clients import KINDS
from tests.unit.conftest import no_pauses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rodin_sdk.instrumentation import Attempt
    from tests.faults.clients import Kind

__all__ = ["no_pauses"]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> Iterator[None]:
    """Forgets which unknown statuses were told, and asserts that every hook was removed."""
    _observe._told.clear()  # pyright: ignore[reportPrivateUsage]
    yield
    assert _observe.registered_hooks == []


@pytest.fixture
def attempts() -> Iterator[list[Attempt]]:
    """All attempts of the test."""
    found: list[Attempt] = []
    remove = _observe.add_hook(found.append)
    yield found
    remove()
