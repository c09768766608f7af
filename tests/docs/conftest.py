"""What the tests of the documents share: a service to speak to, as a reader's environment has one."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from attrs import frozen

from rodin_sdk.testing import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator


@frozen
class Reader:
    """A reader's keys, and the service that they open.

    Attributes:
        emulator: The service.
        subscription_keys: Keys of tasks that are done.
    """

    emulator: Emulator
    subscription_keys: list[str]

    @property
    def names(self) -> dict[str, object]:
        """The names that a block may use."""
        key, *_ = self.subscription_keys
        return {"__name__": "__main__", "subscription_key": key, "subscription_keys": self.subscription_keys}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """A reader whose environment has the key and the address of an emulator."""
    logger = logging.getLogger("rodin_sdk")
    level = logger.level
    with Emulator() as emulator:
        monkeypatch.setenv("RODIN_API_KEY", emulator.api_key)
        monkeypatch.setenv("RODIN_BASE_URL", emulator.base_url)
        yield Reader(emulator, [emulator.add_task([[(0, "Done")], [(0, "Done")]]) for _ in range(2)])
    logger.setLevel(level)
