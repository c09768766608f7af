"""The clients as objects: what they send, and how they are closed, copied and pickled."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import rodin_sdk
from rodin_sdk import AsyncRodin, ClientClosedError, ConfigurationError, Rodin, TaskStatus
from rodin_sdk._secrets import Secret
from rodin_sdk._wire import build_status_request
from tests.secrets_check import assert_no_secrets
from tests.unit.support import API_KEY, SECRETS, SUBSCRIPTION_KEY, response, transport

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENTS = pytest.mark.parametrize("cls", [Rodin, AsyncRodin])


class Recorder(httpx.MockTransport):
    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.closed = 0
        super().__init__(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return response()

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


# --- the request


def sent(**options: Any) -> httpx.Request:
    recorder = Recorder()
    with Rodin(API_KEY, http_transport=recorder, **options) as rodin:
        rodin.status(SUBSCRIPTION_KEY)
    (request,) = recorder.requests
    return request


async def sent_async() -> httpx.Request:
    recorder = Recorder()
    async with AsyncRodin(API_KEY, http_transport=recorder) as rodin:
        await rodin.status(SUBSCRIPTION_KEY)
    (request,) = recorder.requests
    return request


def test_request_is_the_documented_one() -> None:
    request = sent()
    assert (request.method, str(request.url)) == ("POST", "https://api.hyper3d.com/api/v2/status")
    assert json.loads(request.content) == {"subscription_key": SUBSCRIPTION_KEY}
    headers = dict(request.headers)
    agent = headers.pop("user-agent")
    assert headers == {
        "host": "api.hyper3d.com",
        "accept": "application/json",
        "accept-encoding": "identity",
        "authorization": f"Bearer {API_KEY}",
        "content-type": "application/json",
        "content-length": str(len(request.content)),
    }
    assert agent.startswith(f"rodin-sdk/{rodin_sdk.__version__} ")


async def test_both_clients_send_the_same() -> None:
    request, other = sent(), await sent_async()
    assert (request.method, request.url, request.content) == (other.method, other.url, other.content)
    assert request.headers == other.headers


@pytest.mark.parametrize("timeout", [0.5, 4.0, 300.0])
def test_request_carries_its_time_limits(timeout: float) -> None:
    limits = sent(request_timeout=timeout).extensions["timeout"]
    assert all(0 < limit <= timeout for limit in limits.values())
    assert limits["connect"] <= 5


def test_request_without_a_time_limit_still_has_one_to_connect() -> None:
    assert sent(request_timeout=None).extensions["timeout"] == {"connect": 5, "read": None, "write": None, "pool": None}


def test_request_as_a_value_shows_no_key() -> None:
    request = build_status_request(Secret(API_KEY), Secret(SUBSCRIPTION_KEY))
    assert (request.method, request.path) == ("POST", "/api/v2/status")
    assert_no_secrets(SECRETS, request, pickled=False)


# --- the answer


@pytest.mark.parametrize("size", [1, 7, 100])
def test_answer_may_come_in_pieces(size: int) -> None:
    body = response().read()

    class Pieces(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield from (body[start : start + size] for start in range(0, len(body), size))

    mock = httpx.MockTransport(lambda _: httpx.Response(200, stream=Pieces()))
    with Rodin(API_KEY, http_transport=mock, max_retries=0) as rodin:
        assert rodin.status(SUBSCRIPTION_KEY).is_done


# --- closing


def test_with_statement_closes() -> None:
    recorder = Recorder()
    with Rodin(API_KEY, http_transport=recorder) as rodin:
        assert isinstance(rodin.status(SUBSCRIPTION_KEY), TaskStatus)
    with pytest.raises(ClientClosedError):
        rodin.status(SUBSCRIPTION_KEY)
    assert (len(recorder.requests), recorder.closed) == (1, 1)


async def test_async_with_statement_closes() -> None:
    recorder = Recorder()
    async with AsyncRodin(API_KEY, http_transport=recorder) as rodin:
        assert isinstance(await rodin.status(SUBSCRIPTION_KEY), TaskStatus)
    with pytest.raises(ClientClosedError):
        await rodin.status(SUBSCRIPTION_KEY)
    assert (len(recorder.requests), recorder.closed) == (1, 1)


async def test_closing_twice_is_no_error() -> None:
    recorder, other = Recorder(), Recorder()
    rodin, async_rodin = Rodin(API_KEY, http_transport=recorder), AsyncRodin(API_KEY, http_transport=other)
    for _ in range(3):
        rodin.close()
        await async_rodin.aclose()
    assert (recorder.closed, other.closed) == (1, 1)


async def test_closed_client_still_shows_itself() -> None:
    rodin, async_rodin = Rodin(API_KEY), AsyncRodin(API_KEY)
    rodin.close()
    await async_rodin.aclose()
    assert repr(rodin) == "Rodin(base_url='https://api.hyper3d.com')"
    assert repr(async_rodin) == "AsyncRodin(base_url='https://api.hyper3d.com')"


def test_with_statement_lets_errors_through() -> None:
    with pytest.raises(LookupError), Rodin(API_KEY, http_transport=transport()):
        raise LookupError


def test_client_can_be_entered_in_which_another_was_made() -> None:
    recorder = Recorder()
    with Rodin(API_KEY, http_transport=recorder) as rodin, rodin.with_options(max_retries=1) as other:
        other.status(SUBSCRIPTION_KEY)
    assert recorder.closed == 1


def test_bad_subscription_key_of_a_closed_client_is_still_an_error_of_ours() -> None:
    rodin = Rodin(API_KEY, http_transport=transport())
    rodin.close()
    with pytest.raises((ConfigurationError, ClientClosedError)):
        rodin.status("")


# --- no copies


@CLIENTS
@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy], ids=["pickle", "copy", "deepcopy"])
def test_client_leaves_no_copies(cls: type[Rodin | AsyncRodin], duplicate: Callable[[object], object]) -> None:
    rodin = cls(API_KEY, http_transport=transport())  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=rf"^a {cls.__name__} client cannot be pickled or copied.*make one in each"):
        duplicate(rodin)


# --- arguments of the wrong kind

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "transport": ({"http_transport": object()}, "http_transport must be an httpx"),
    "httpx.Client": ({"http_transport": httpx.Client}, "http_transport must be an httpx"),
    "ssl_context": ({"ssl_context": True}, "ssl_context must be an ssl.SSLContext, not bool"),
    "no verification": ({"ssl_context": False}, "ssl_context must be an ssl.SSLContext, not bool"),
    "path": ({"ssl_context": "ca.pem"}, "ssl_context must be an ssl.SSLContext, not str"),
}


@CLIENTS
@pytest.mark.parametrize(("arguments", "said"), WRONG.values(), ids=WRONG)
def test_wrong_argument(cls: Callable[..., Any], arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        cls(API_KEY, **arguments)


def test_transports_are_not_taken_for_each_other() -> None:
    class Plain(httpx.BaseTransport):
        """Sends nothing."""

    class Async(httpx.AsyncBaseTransport):
        """Sends nothing."""

    wrong: Any
    for cls, wrong in ((Rodin, Async()), (AsyncRodin, Plain())):
        with pytest.raises(ConfigurationError, match="http_transport must be an httpx"):
            cls(API_KEY, http_transport=wrong)


@CLIENTS
def test_unknown_arguments_are_refused(cls: Callable[..., Any]) -> None:
    for name in ("timeout", "verify", "retries", "key"):
        with pytest.raises(TypeError):
            cls(API_KEY, **{name: 1})
    with pytest.raises(TypeError):
        cls(API_KEY, "hyper3d")
