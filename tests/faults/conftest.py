"""Both clients for every test, and a look for secrets at its end."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tests.faults.clients import KINDS, SECRETS, Kind, Opened, open_client
from tests.secrets_check import assert_no_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class OpensClients(Protocol):
    def __call__(self, base_url: str | Sequence[str], **options: Any) -> Opened: ...


@pytest.fixture(autouse=True)
def no_secret_shows(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    with caplog.at_level(logging.DEBUG):
        yield
    records = [*caplog.get_records("setup"), *caplog.get_records("call"), *caplog.records]
    assert_no_secrets(SECRETS, *records, capfd.readouterr())


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def both_at_once() -> Iterator[ThreadPoolExecutor]:
    """Runs a test's two halves beside each other, where one alone takes long."""
    with ThreadPoolExecutor(len(KINDS)) as pool:
        yield pool


@pytest.fixture
def opens(kind: Kind) -> Iterator[OpensClients]:
    """Opens clients of the kind that the test runs for, and closes them at its end."""
    opened: list[Opened] = []

    def open_one(base_url: str | Sequence[str], **options: Any) -> Opened:
        opened.append(open_client(kind, base_url, **options))
        return opened[-1]

    yield open_one
    for each in opened:
        each.end()
