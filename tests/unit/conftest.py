"""What the tests of the decisions share beside their support module."""

from __future__ import annotations

import pytest

from rodin_sdk import _retry


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes retries follow at once, where the service asks for no pause: no test sleeps."""
    monkeypatch.setattr(_retry, "BACKOFF_BASE", 0.0)
