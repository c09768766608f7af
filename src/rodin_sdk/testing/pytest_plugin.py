"""The pytest plugin: the fixture `rodin_emulator`, registered by the package's entry point.

It is imported in every run of pytest, so that it imports nothing but pytest; the emulator comes with its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rodin_sdk.testing._emulator import Emulator


@pytest.fixture
def rodin_emulator() -> Iterator[Emulator]:
    """An emulator of the service on a free loopback port, one for each test; for sync and async tests alike.

    ```python
    def test_pipeline(rodin_emulator):
        subscription_key = rodin_emulator.add_task("fails", speed=20)
        ...
    ```
    """
    from rodin_sdk.testing._emulator import Emulator  # noqa: PLC0415 - only runs that use it pay for it

    with Emulator() as emulator:
        yield emulator
