"""What all tests share: an environment without settings of the machine's own, and the SDK's pytest plugin."""

from __future__ import annotations

import logging
import os
import re
import signal
from collections import deque
from functools import wraps
from typing import TYPE_CHECKING, Any, cast

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import settings

from rodin_sdk import RodinError, TaskError, _wire
from rodin_sdk.testing.pytest_plugin import rodin_emulator
from tests.deadlines import STALL, STALLS, TRIES, TooLateError
from tests.secrets_check import assert_no_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from rodin_sdk._secrets import Secret

__all__ = ["rodin_emulator"]

_FOREIGN = re.compile(r"(RODIN|HYPER3D)_|.*_proxy\Z", re.IGNORECASE)

# How long an example takes says nothing about the SDK.
settings.register_profile("rodin", deadline=None)
settings.load_profile("rodin")

# A shell lets the jobs in its background ignore Ctrl-C, which some tests press.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


TRY_AGAIN = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Notes of a test that failed whether the machine may have been too busy for it."""
    report = yield
    if report.failed and call.excinfo is not None:
        item.stash[TRY_AGAIN] = call.excinfo.errisinstance(TooLateError) or STALLS.longest >= STALL
    return report


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Runs a test, and runs it again, fixtures and all, where the machine may have been too busy for it."""
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = run_once(item, nextitem)
    for _ in range(TRIES - 1):
        if item.stash[TRY_AGAIN]:
            reports = run_once(item, nextitem)
    for report in reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def run_once(item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
    item.stash[TRY_AGAIN], STALLS.longest = False, 0.0
    # What the fixtures of an earlier run gave is not to be used again.
    cast("Any", item)._initrequest()
    return runtestprotocol(item, log=False, nextitem=nextitem)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes away the keys, addresses and proxies of whoever runs the tests."""
    for name in filter(_FOREIGN.match, list(os.environ)):
        monkeypatch.delenv(name)


class Noted(logging.Handler):
    """The keys that were sent in a test, the errors that were made, and what was logged; the latest of each."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.keys: deque[str] = deque(maxlen=4)
        self.errors: deque[RodinError] = deque(maxlen=1)
        self.records: deque[logging.LogRecord] = deque(maxlen=20)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def note_keys(self, *keys: Secret) -> None:
        # Only what is as long as a real key counts: "key" stands everywhere. Of keys that fill buffers, the ends do.
        self.keys.extend(key.reveal()[part] for key in keys if len(key.reveal()) >= LENGTH for part in ENDS)

    def check(self) -> None:
        """Looks for the keys wherever they could show, and forgets everything."""
        keys, errors, records = set(self.keys), list(self.errors), list(self.records)
        for noted in (self.keys, self.errors, self.records):
            noted.clear()
        assert_no_secrets(keys, *records)
        for error in errors:
            # A TaskError's pickle holds the key, so that the wait can be taken up elsewhere.
            assert_no_secrets(keys, error, pickled=not isinstance(error, TaskError))


LENGTH = 16
ENDS = (slice(1000), slice(-1000, None))
NOTED = Noted()


def noting(function: Callable[..., Any], note: Callable[..., object]) -> Callable[..., Any]:
    @wraps(function)
    def noted(*args: Any, **options: Any) -> Any:
        note(*args)
        return function(*args, **options)

    return noted


_wire.build_status_request = noting(_wire.build_status_request, NOTED.note_keys)
RodinError.__init__ = noting(RodinError.__init__, lambda error, *_: NOTED.errors.append(error))  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def no_secret_shows_anywhere() -> Iterator[None]:
    """Fails a test after which a key stands in a record of the log, or in an error or what hangs on one."""
    NOTED.check()
    logging.getLogger().addHandler(NOTED)
    yield
    logging.getLogger().removeHandler(NOTED)
    NOTED.check()
