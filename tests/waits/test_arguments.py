"""Arguments that cannot be: refused at the call, by name, before any request."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from rodin_sdk import AsyncRodin, ClientClosedError, ConfigurationError, Poll, Rodin
from tests.secrets_check import assert_no_secrets
from tests.waits.clients import Background, Face, SyncFace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from rodin_sdk.testing import Emulator

KEY = "eyJhbGciOiJIUzI1NiJ9.a-key-that-shows-nowhere.sIgNaTuRe"

BAD_KEYS: list[object] = ["", " ", "\n", "\t\r\n", None, 5, b"key", ["key"], True, object()]
BAD_LISTS: list[object] = [
    KEY,
    "",
    b"keys",
    bytearray(b"keys"),
    None,
    5,
    1.5,
    object(),
    [""],
    ["ok", None],
    [KEY, b"k"],
]
BAD_TIMES: list[object] = [-1, -0.001, math.nan, -math.inf, timedelta(seconds=-1), "5", b"5", [5], True, object(), 1j]
BAD_LIMITS: list[object] = [*BAD_TIMES, 0, 0.0, timedelta(0)]
BAD_COUNTS: list[object] = [-1, 1.0, "3", None, True, math.nan]


def _name(value: object) -> str:
    return type(value).__name__ if type(value) is object else repr(value)[:20]


ONE = ["status", "watch", "wait", "task"]
MANY = ["as_completed", "wait_all"]


class Clients:
    """Both clients; a call with one is a call with the other."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator

    def refuse(self, method: str, argument: object, name: str, **options: Any) -> list[Exception]:
        """Asserts that both refuse a call before anything else happens; returns their errors."""
        errors: list[Exception] = []
        with Rodin(self.emulator.api_key, base_url=self.emulator.base_url) as rodin:
            errors.append(_error_of(lambda: getattr(rodin, method)(argument, **options)))

        async def play() -> None:
            async with AsyncRodin(self.emulator.api_key, base_url=self.emulator.base_url) as rodin:
                errors.append(await _error_of_async(lambda: getattr(rodin, method)(argument, **options)))

        asyncio.run(play())
        for error in errors:
            assert isinstance(error, ConfigurationError | TypeError), repr(error)
            assert name in str(error), str(error)
        assert str(errors[0]) == str(errors[1])
        assert self.emulator.requests == ()
        return errors


def _error_of(call: Callable[[], object]) -> Exception:
    try:
        result = call()
    except Exception as error:  # noqa: BLE001 - which one is looked at by the caller
        return error
    raise AssertionError(f"not refused: {result!r}")


async def _error_of_async(call: Callable[[], Coroutine[Any, Any, object] | object]) -> Exception:
    try:
        result = call()
        if asyncio.iscoroutine(result):
            await result
    except Exception as error:  # noqa: BLE001 - as above
        return error
    raise AssertionError(f"not refused: {result!r}")


@pytest.fixture
def clients(emulator: Emulator) -> Clients:
    return Clients(emulator)


@pytest.mark.parametrize("method", ONE)
@pytest.mark.parametrize("key", BAD_KEYS, ids=_name)
def test_a_key_that_cannot_be(clients: Clients, method: str, key: object) -> None:
    clients.refuse(method, key, "subscription_key")


@pytest.mark.parametrize("method", MANY)
@pytest.mark.parametrize("keys", BAD_LISTS, ids=_name)
def test_a_list_that_cannot_be(clients: Clients, method: str, keys: object) -> None:
    for error in clients.refuse(method, keys, "subscription_keys"):
        assert_no_secrets([KEY], error)


def test_the_place_of_a_bad_key_is_told(clients: Clients) -> None:
    for method in MANY:
        clients.refuse(method, [KEY, KEY, ""], "subscription_keys[2]")
        clients.refuse(method, (KEY, 7), "subscription_keys[1]")


@pytest.mark.parametrize("method", ["watch", "wait", *MANY])
@pytest.mark.parametrize("timeout", BAD_TIMES, ids=_name)
def test_a_timeout_that_cannot_be(clients: Clients, method: str, timeout: object) -> None:
    argument = [KEY] if method in MANY else KEY
    for error in clients.refuse(method, argument, "timeout", timeout=timeout):
        assert_no_secrets([KEY], error)


@pytest.mark.parametrize("method", ["status", "watch", "wait", *MANY])
@pytest.mark.parametrize("limit", BAD_LIMITS, ids=_name)
def test_a_request_timeout_that_cannot_be(clients: Clients, method: str, limit: object) -> None:
    argument = [KEY] if method in MANY else KEY
    clients.refuse(method, argument, "request_timeout", request_timeout=limit)


@pytest.mark.parametrize("method", ["status", "watch", "wait", *MANY])
@pytest.mark.parametrize("retries", BAD_COUNTS, ids=repr)
def test_a_number_of_retries_that_cannot_be(clients: Clients, method: str, retries: object) -> None:
    argument = [KEY] if method in MANY else KEY
    clients.refuse(method, argument, "max_retries", max_retries=retries)


@pytest.mark.parametrize("on_update", [5, "print", [], object()], ids=_name)
def test_an_on_update_that_cannot_be_called(clients: Clients, on_update: object) -> None:
    """Bad arguments are refused at the call (ruling 11), and not after the first answer."""
    clients.refuse("wait", clients.emulator.add_task(), "on_update", on_update=on_update)


@pytest.mark.parametrize(
    "timeout", [0, 0.0, 0.5, timedelta(seconds=0.5), Fraction(1, 2), 1e300, math.inf, None, 10**400]
)
def test_times_that_can_be(client: Face, emulator: Emulator, timeout: object) -> None:
    key = emulator.add_task([[(0, "Done")]])
    assert client.wait(key, timeout=timeout).is_done
    assert client.wait_all([key], timeout=timeout)[0].unwrap().is_done
    assert [status.is_done for status in client.watch(key, timeout=timeout)] == [True]


def test_a_handles_arguments_are_checked_as_well(emulator: Emulator) -> None:
    with Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:
        task = rodin.task(KEY)
        calls: list[Callable[[], object]] = [
            lambda: task.wait(timeout=-1),
            lambda: task.watch(timeout=math.nan),
            lambda: task.status(max_retries=-1),
        ]
        for call in calls:
            with pytest.raises(ConfigurationError):
                call()
    assert emulator.requests == ()


# --- Poll


BAD_POLLS: list[tuple[dict[str, Any], str]] = [
    ({"initial": 0}, "initial"),
    ({"initial": -1}, "initial"),
    ({"initial": math.nan}, "initial"),
    ({"initial": math.inf}, "initial"),
    ({"initial": "5"}, "initial"),
    ({"initial": True}, "initial"),
    ({"initial": 5, "factor": 0.99}, "factor"),
    ({"initial": 5, "factor": 0}, "factor"),
    ({"initial": 5, "factor": math.nan}, "factor"),
    ({"initial": 5, "factor": math.inf}, "factor"),
    ({"initial": 5, "factor": None}, "factor"),
    ({"initial": 5, "maximum": 4.99}, "maximum"),
    ({"initial": 5, "maximum": math.nan}, "maximum"),
    ({"initial": 5, "maximum": timedelta(seconds=4)}, "maximum"),
    ({"initial": 5, "maximum": "60"}, "maximum"),
    ({"jitter": -0.1}, "jitter"),
    ({"jitter": 1.1}, "jitter"),
    ({"jitter": math.nan}, "jitter"),
    ({"jitter": "0.1"}, "jitter"),
]


@pytest.mark.parametrize(("values", "name"), BAD_POLLS, ids=str)
def test_a_poll_that_cannot_be(values: dict[str, Any], name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Poll(**values)


@pytest.mark.parametrize("poll", [5, "5", None, [5], (5, 1, 5, 0), timedelta(seconds=5)], ids=repr)
def test_what_is_no_poll(poll: Any) -> None:
    with pytest.raises(ConfigurationError, match="poll"):
        Rodin("key", poll=poll)
    with pytest.raises(ConfigurationError, match="poll"):
        AsyncRodin("key", poll=poll)
    with Rodin("key") as rodin, pytest.raises(ConfigurationError, match="poll"):
        rodin.with_options(poll=poll)


def test_a_function_of_the_age_is_a_poll() -> None:
    with Rodin("key", poll=lambda age: 1.0 + age) as rodin:
        rodin.with_options(poll=lambda _: 5.0)


def test_polls_that_can_be() -> None:
    Poll(timedelta(seconds=5), 1.5, timedelta(minutes=1), 1)
    Poll(5, 1, 5, 0)
    Poll(0.001)
    assert Poll() == Poll()
    assert hash(Poll(5)) == hash(Poll(5.0))


@pytest.mark.parametrize("pause", [1e10, 1e300])
@pytest.mark.parametrize("call", ["wait", "wait_all"])
def test_pauses_beyond_what_a_system_can_hold(emulator: Emulator, pause: float, call: str) -> None:
    """A wait with such a pause lasts until its deadline, or for ever; it does not fail with an OverflowError."""
    key = emulator.add_task([[(0, "Generating")]])
    rodin = SyncFace(emulator, poll=Poll(pause, 1, pause, 0)).rodin
    waiting = Background(lambda: rodin.wait(key, timeout=None) if call == "wait" else rodin.wait_all([key]))
    emulator.wait_for_requests(1)
    waiting.join_for(0.2)
    rodin.close()
    waiting.join()
    assert isinstance(waiting.error, ClientClosedError), repr(waiting.error)
