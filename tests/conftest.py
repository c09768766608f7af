"""What all tests share: an environment without settings of the machine's own, and the SDK's pytest plugin."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import settings

from rodin_sdk.testing.pytest_plugin import rodin_emulator

__all__ = ["rodin_emulator"]

_FOREIGN = re.compile(r"(RODIN|HYPER3D)_|.*_proxy\Z", re.IGNORECASE)

# How long an example takes says nothing about the SDK.
settings.register_profile("rodin", deadline=None)
settings.load_profile("rodin")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away the keys, addresses and proxies of whoever runs the tests."""
    for name in filter(_FOREIGN.match, list(os.environ)):
        monkeypatch.delenv(name)
