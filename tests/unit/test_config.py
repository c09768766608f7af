"""Arguments and environment: which key and which numbers count, and how a wrong one is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import AsyncRodin, ConfigurationError, Rodin
from tests.unit.support import API_KEY, SUBSCRIPTION_KEY, each_of, response, transport

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
OTHER_KEY = "another-key-0123456789"


class Listener(httpx.MockTransport):
    """Answers requests, after so many failures; keeps the keys and the bodies that they came with."""

    def __init__(self, failures: int = 0) -> None:
        self.keys: list[str] = []
        self.bodies: list[bytes] = []
        self._failures = failures
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.keys.append(request.headers["authorization"].removeprefix("Bearer "))
        self.bodies.append(request.content)
        return response(status_code=500 if len(self.keys) <= self._failures else 201)


def key_sent(api_key: Any = None) -> str:
    listener = Listener()
    with Rodin(api_key, http_transport=listener) as rodin:
        rodin.status(SUBSCRIPTION_KEY)
    (key,) = listener.keys
    return key


# --- the key


def test_key_of_the_argument_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIN_API_KEY", OTHER_KEY)
    monkeypatch.setenv("HYPER3D_API_KEY", OTHER_KEY)
    assert key_sent(API_KEY) == API_KEY


def test_rodin_key_of_the_environment_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIN_API_KEY", API_KEY)
    monkeypatch.setenv("HYPER3D_API_KEY", OTHER_KEY)
    assert key_sent() == API_KEY


@pytest.mark.parametrize("blank", [None, "", " ", "\n", "\t \r\n"], ids=repr)
def test_hyper3d_key_of_the_environment_comes_last(blank: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if blank is not None:
        monkeypatch.setenv("RODIN_API_KEY", blank)
    monkeypatch.setenv("HYPER3D_API_KEY", API_KEY + "\n")
    assert key_sent() == API_KEY


@CLIENTS
@pytest.mark.parametrize("blank", [None, "", " \n"], ids=repr)
def test_no_key(cls: Callable[..., Any], blank: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if blank is not None:
        monkeypatch.setenv("RODIN_API_KEY", blank)
        monkeypatch.setenv("HYPER3D_API_KEY", blank)
    with pytest.raises(ConfigurationError) as caught:
        cls()
    assert all(part in str(caught.value) for part in ("RODIN_API_KEY", "HYPER3D_API_KEY", "api_key"))


def test_environment_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RODIN_API_KEY", API_KEY)
    listener = Listener()
    with Rodin(http_transport=listener) as rodin:
        monkeypatch.setenv("RODIN_API_KEY", OTHER_KEY)
        rodin.status(SUBSCRIPTION_KEY)
    assert listener.keys == [API_KEY]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\r"], ids=repr)
def test_line_end_of_a_key_is_stripped(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert key_sent(API_KEY + end) == API_KEY
    assert key_sent(lambda: API_KEY + end) == API_KEY
    monkeypatch.setenv("RODIN_API_KEY", API_KEY + end)
    assert key_sent() == API_KEY


@pytest.mark.parametrize(
    "key", ["k", "!~", "x" * 10_000, "Bearer", 'a"b\\c/d'], ids=each_of(["short", "edge", "long", "word", "odd"])
)
def test_form_of_a_key_is_not_checked(key: str) -> None:
    assert key_sent(key) == key


BAD_KEYS = {
    " abc": (1, 4),
    "abc ": (4, 4),
    "a b": (2, 3),
    "ab\ncd": (3, 5),
    "\nabc": (1, 4),
    "abc\t": (4, 4),
    "abc\x7f": (4, 4),
    "abc\x00\n": (4, 4),
    "kéy": (2, 3),
    "“abc”": (1, 5),
    "abc\u200b": (4, 4),
    "ab\ud800": (3, 3),
    "abc\x85": (4, 4),
    "abc\u2028": (4, 4),
    "\ufeffabc": (1, 4),
}


@pytest.mark.parametrize(("key", "place"), BAD_KEYS.items(), ids=each_of(BAD_KEYS))
def test_bad_character_is_named_by_its_position(key: str, place: tuple[int, int]) -> None:
    said = "has a character outside visible ASCII at position {} of {}:".format(*place)
    with pytest.raises(ConfigurationError) as caught:
        Rodin(key)
    assert str(caught.value).startswith(f"api_key {said}")


@pytest.mark.parametrize("variable", ["RODIN_API_KEY", "HYPER3D_API_KEY"])
def test_bad_key_of_the_environment_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, f"{API_KEY} {API_KEY}")
    with pytest.raises(ConfigurationError, match=rf"^{variable} has a character outside visible ASCII at position 67"):
        Rodin()


@pytest.mark.parametrize("key", ["", "\n", "\r\n"], ids=repr)
def test_empty_key(key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^api_key is empty"):
        Rodin(key)


@CLIENTS
@pytest.mark.parametrize("key", [b"bytes", 5, 0, True, ["k"], {}, object()], ids=lambda key: type(key).__name__)
def test_key_of_the_wrong_type(cls: Callable[..., Any], key: object) -> None:
    with pytest.raises(ConfigurationError, match=f"^api_key must be a str, not {type(key).__name__}"):
        cls(key)


@given(st.text() | st.text(st.characters(min_codepoint=32, max_codepoint=127), min_size=1))
def test_any_text_is_a_key_or_refused(key: str) -> None:
    stripped = key.rstrip("\r\n")
    if stripped and all("!" <= character <= "~" for character in stripped):
        assert key_sent(key) == stripped
        return
    with pytest.raises(ConfigurationError):
        key_sent(key)


# --- the key of a callable


@pytest.mark.usefixtures("no_pauses")
def test_callable_is_asked_for_every_attempt() -> None:
    keys = iter(["first", "second", "third"])
    listener = Listener(failures=1)
    with Rodin(lambda: next(keys), http_transport=listener, max_retries=1) as rodin:
        rodin.status(SUBSCRIPTION_KEY)
        rodin.status(SUBSCRIPTION_KEY)
    assert listener.keys == ["first", "second", "third"]


@pytest.mark.usefixtures("no_pauses")
async def test_callable_is_asked_for_every_attempt_of_the_async_client() -> None:
    keys = iter(["first", "second", "third"])
    listener = Listener(failures=1)
    async with AsyncRodin(lambda: next(keys), http_transport=listener, max_retries=1) as rodin:
        await rodin.status(SUBSCRIPTION_KEY)
        await rodin.status(SUBSCRIPTION_KEY)
    assert listener.keys == ["first", "second", "third"]


def test_callable_is_not_asked_before_it_is_needed() -> None:
    def give() -> str:
        raise AssertionError("asked")

    with Rodin(give, http_transport=transport()):
        pass


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "must be a str, not NoneType"),
        (b"k", "must be a str, not bytes"),
        ("", "is empty"),
        ("a b", "position 2"),
    ],
    ids=["none", "bytes", "empty", "space"],
)
def test_bad_result_of_a_callable(value: Any, said: str) -> None:
    listener = Listener()
    with Rodin(lambda: value, http_transport=listener) as rodin, pytest.raises(ConfigurationError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    assert str(caught.value).startswith("the result of the api_key callable ")
    assert said in str(caught.value)
    assert listener.keys == []


# --- the subscription key


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
def test_subscription_key_is_opaque_but_for_its_line_end(end: str) -> None:
    listener = Listener()
    with Rodin(API_KEY, http_transport=listener) as rodin:
        rodin.status(f" ü\t{end}")
    assert [json.loads(body) for body in listener.bodies] == [{"subscription_key": " ü\t"}]


@pytest.mark.parametrize("key", ["", " ", "\n", "\t \r\n"], ids=repr)
async def test_empty_subscription_key(key: str) -> None:
    listener = Listener()
    with (
        Rodin(API_KEY, http_transport=listener) as rodin,
        pytest.raises(ConfigurationError, match=r"^subscription_key"),
    ):
        rodin.status(key)
    async with AsyncRodin(API_KEY, http_transport=listener) as other:
        with pytest.raises(ConfigurationError, match=r"^subscription_key is empty"):
            await other.status(key)
    assert listener.bodies == []


@pytest.mark.parametrize("key", [None, b"key", 5, ["key"], object()], ids=lambda key: type(key).__name__)
def test_subscription_key_of_the_wrong_type(key: Any) -> None:
    listener = Listener()
    said = f"^subscription_key must be a str, not {type(key).__name__}"
    with Rodin(API_KEY, http_transport=listener) as rodin, pytest.raises(ConfigurationError, match=said):
        rodin.status(key)
    assert listener.bodies == []


@pytest.mark.parametrize(
    "key", ["\ud800", "\x00", "a" * 200_000, "🔑", '"}'], ids=each_of(["surrogate", "nul", "long", "emoji", "quote"])
)
def test_odd_subscription_keys_are_sent(key: str) -> None:
    listener = Listener()
    with Rodin(API_KEY, http_transport=listener) as rodin:
        rodin.status(key)
    assert [json.loads(body) for body in listener.bodies] == [{"subscription_key": key}]


# --- what a refusal says


def make(*arguments: Any, **options: Any) -> Callable[[], object]:
    """Returns the making of a client."""
    return lambda: Rodin(*arguments, **options)


def call(method: str, *arguments: Any, **options: Any) -> Callable[[], object]:
    """Returns a call of a client that has a key."""
    return lambda: getattr(Rodin(API_KEY, http_transport=transport()), method)(*arguments, **options)


TEXTS: dict[str, Callable[[], object]] = {
    "No API key: set RODIN_API_KEY or HYPER3D_API_KEY in the environment, or pass api_key to the client.": make(),
    "api_key must be a str, not bytes.": make(b"k"),
    "api_key is empty: it must be the API key.": make("\n"),
    "api_key has a character outside visible ASCII at position 2 of 3: "
    "copy the key again, without quotes, spaces and line breaks.": make("a b"),
    "requests_per_minute must be a number or None, not str.": make("k", requests_per_minute="100"),
    "requests_per_minute must be above 0, not -0.5; None means no limit.": make("k", requests_per_minute=-0.5),
    "subscription_key must be a str, not int.": call("status", 5),
    "subscription_key is empty: it is jobs.subscription_key of a submission's answer.": call("status", " "),
    "subscription_keys[1] must be a str, not NoneType.": call("wait_all", [SUBSCRIPTION_KEY, None]),
    "subscription_keys must be a list of keys, not one str: put it in brackets.": call("wait_all", SUBSCRIPTION_KEY),
    "request_timeout must be seconds, a timedelta or None, not str.": call("status", "key", request_timeout="30"),
    "request_timeout must be above 0, not 0; None means no limit.": call("status", "key", request_timeout=0),
    "request_timeout must not be negative or nan, but is -0.5; None means no limit.": call(
        "status", "key", request_timeout=-0.5
    ),
    "timeout must not be negative or nan, but is -1; None means no limit.": call("wait", "key", timeout=-1),
    "max_retries must be an int, not float.": call("status", "key", max_retries=1.5),
    "max_retries must not be negative.": call("status", "key", max_retries=-1),
    "poll must be a Poll or a callable of a task's age, not int.": call("with_options", poll=5),
    "on_update must be callable or None, not str.": call("wait", "key", on_update="print"),
}


@pytest.mark.parametrize(("text", "refused"), TEXTS.items(), ids=TEXTS)
def test_refusal_names_the_argument_and_says_what_to_do(text: str, refused: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        refused()
    assert str(caught.value) == text
