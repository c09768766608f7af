"""`Rodin` and `AsyncRodin`: the same names, parameters, defaults, texts, and the same steps for the same answers."""

from __future__ import annotations

import asyncio
import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import rodin_sdk
from rodin_sdk import AsyncRodin, Rodin, RodinError, TransportError
from rodin_sdk._messages import Answer, Fault, Phase, Send
from tests.unit.support import API_KEY, DONE, RUNNING, SUBSCRIPTION_KEY, answer

if TYPE_CHECKING:
    from collections.abc import Callable

RENAMED = {"close": "aclose", "__enter__": "__aenter__", "__exit__": "__aexit__"}
PAIRS = [(Rodin, AsyncRodin), (rodin_sdk.Task, rodin_sdk.AsyncTask)]

# What has to differ in annotations and texts, on its way from the asynchronous to the plain.
ASYNC_WORDS = [
    (r"\bAsync(?=Rodin|Task\b|BaseTransport|Client)", ""),
    (r"AsyncGenerator\[(\w+), None\]", r"Generator[\1, None, None]"),
    (r"Awaitable\[object\] \| ", ""),
    (r"; what it returns is awaited where it can be", ""),
    (r"\bawait ", ""),
    (r"\basync ", ""),
    (r"\baclose\b", "close"),
]


def plain(text: str) -> str:
    for pattern, replacement in ASYNC_WORDS:
        text = re.sub(pattern, replacement, text)
    return text


def members(cls: type[object]) -> dict[str, Any]:
    found = {name: value for name, value in inspect.getmembers_static(cls) if not name.startswith("_")}
    for name in ("__init__", "__enter__", "__exit__", "__aenter__", "__aexit__", "__repr__", "__reduce__"):
        if name in dir(cls) and inspect.isfunction(method := inspect.getattr_static(cls, name)):
            found[name] = method
    return found


def pairs() -> list[tuple[str, Any, Any]]:
    found: list[tuple[str, Any, Any]] = []
    for cls, other in PAIRS:
        others = members(other)
        for name, member in members(cls).items():
            renamed = RENAMED.get(name, name) if cls is Rodin else name
            found.append((f"{cls.__name__}.{name}", member, others.get(renamed)))
    return found


@pytest.mark.parametrize(("cls", "other"), PAIRS, ids=lambda cls: cls.__name__)
def test_same_names(cls: type[object], other: type[object]) -> None:
    assert {RENAMED.get(name, name) for name in members(cls)} == set(members(other))


@pytest.mark.parametrize(("name", "member", "other"), pairs(), ids=[name for name, *_ in pairs()])
def test_same_parameters_and_defaults(name: str, member: Any, other: Any) -> None:
    assert type(member) is type(other), name
    if not inspect.isfunction(member):
        return
    ours, theirs = inspect.signature(member), inspect.signature(other)
    assert list(ours.parameters) == list(theirs.parameters)
    for one, twin in zip(ours.parameters.values(), theirs.parameters.values(), strict=True):
        assert (one.kind, one.default) == (twin.kind, twin.default), one.name
        assert str(one.annotation) == plain(str(twin.annotation)), one.name
    assert str(ours.return_annotation) == plain(str(theirs.return_annotation))


@pytest.mark.parametrize(("name", "member", "other"), pairs(), ids=[name for name, *_ in pairs()])
def test_same_texts(name: str, member: Any, other: Any) -> None:
    if not name.endswith("__"):
        assert inspect.getdoc(member)
    assert (inspect.getdoc(member) or "") == plain(inspect.getdoc(other) or "")


@pytest.mark.parametrize(("cls", "other"), PAIRS, ids=lambda cls: cls.__name__)
def test_same_text_of_the_class(cls: type[object], other: type[object]) -> None:
    one, twin = inspect.getdoc(cls) or "", plain(inspect.getdoc(other) or "")
    assert one.partition("\n")[2] == twin.partition("\n")[2]


def test_defaults_are_those_of_the_contract() -> None:
    parameters = inspect.signature(Rodin).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    assert {name: defaults.pop(name) for name in ("request_timeout", "max_retries")} == {
        "request_timeout": 30,
        "max_retries": 3,
    }
    assert {name: defaults[name] for name in ("api_key", "base_url", "http_transport", "ssl_context")} == {
        "api_key": None,
        "base_url": None,
        "http_transport": None,
        "ssl_context": None,
    }
    kinds = {name: parameter.kind for name, parameter in parameters.items()}
    assert kinds.pop("api_key") is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert set(kinds.values()) == {inspect.Parameter.KEYWORD_ONLY}


# --- the same steps


class Scripted:
    """A transport that writes down what it is asked to do, and lets no time pass."""

    def __init__(self, script: list[Answer | Fault]) -> None:
        self.script = list(script)
        self.trace: list[object] = []
        self.now = 1_000.0

    def perform(self, send: Send) -> Answer | Fault:
        request = send.request
        self.trace.append((self.now, str(send.base_url), send.timeout, send.connect_timeout, send.fresh))
        self.trace.append((request.method, request.path, dict(request.headers), request.content))
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    def wait(self, seconds: float) -> None:
        self.trace.append(seconds)
        self.now += seconds


class Plain(Scripted):
    def send(self, send: Send) -> Answer | Fault:
        return self.perform(send)

    def pause(self, seconds: float) -> None:
        self.wait(seconds)


class Async(Scripted):
    async def send(self, send: Send) -> Answer | Fault:
        await asyncio.sleep(0)
        return self.perform(send)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.wait(seconds)


def prepared(client: Any, scripted: Scripted) -> Any:
    client._session = evolve(client._session, clock=lambda: scripted.now, dice=lambda: 0.5)
    client._transport = scripted
    return client


def outcome_of(call: Callable[[], object]) -> tuple[object, ...]:
    try:
        status = call()
    except RodinError as error:
        return type(error), str(error), {name: repr(value) for name, value in vars(error).items()}
    return (status,)


URLS = ["https://a.example", "https://b.example"]
STEPS = [
    answer(DONE),
    answer(RUNNING, 200, x_request_id="id"),
    answer(b"", 500),
    answer(b"", 502),
    answer(b"", 429, retry_after="3"),
    answer(b"", 503, retry_after="90"),
    answer(b"", 421),
    answer(b"", 302),
    answer({"error": "TEAPOT", "message": "m"}),
    answer({"error": "NO_SUCH_TASK"}, 404),
    answer(b"<html>"),
    Fault(TransportError("lost"), Phase.SENT),
    Fault(TransportError("dead"), Phase.CONNECTING),
    Fault(TransportError("certificate"), Phase.REFUSED),
]


@settings(max_examples=150)
@given(
    st.lists(st.sampled_from(STEPS), min_size=1, max_size=8),
    st.lists(
        st.fixed_dictionaries({}, optional={"max_retries": st.integers(0, 5), "request_timeout": st.none()}), max_size=3
    ),
)
def test_same_steps_for_the_same_answers(script: list[Answer | Fault], calls: list[dict[str, Any]]) -> None:
    one, other = Plain(script), Async(script)
    rodin = prepared(Rodin(API_KEY, base_url=URLS), one)
    async_rodin = prepared(AsyncRodin(API_KEY, base_url=URLS), other)
    for options in calls or [{}]:
        found = outcome_of(lambda: rodin.status(SUBSCRIPTION_KEY, **options))  # noqa: B023 - it runs at once
        twin = outcome_of(lambda: asyncio.run(async_rodin.status(SUBSCRIPTION_KEY, **options)))  # noqa: B023
        assert found == twin
    assert one.trace == other.trace
    assert rodin.base_url == async_rodin.base_url
