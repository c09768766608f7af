"""The exceptions: their tree, their texts, and that they can be pickled, copied, hashed and printed."""

from __future__ import annotations

import copy
import inspect
import pickle
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rodin_sdk
from rodin_sdk import (
    APIError,
    AuthenticationError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    InsufficientFundsError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    RodinError,
    ServerError,
    TransportError,
)
from tests.unit.support import DONE, look, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

PARENTS: dict[type[Exception], tuple[type[Exception], ...]] = {
    RodinError: (Exception,),
    ConfigurationError: (RodinError, ValueError),
    ClientClosedError: (RodinError,),
    TransportError: (RodinError,),
    RequestTimeoutError: (TransportError, TimeoutError),
    APIError: (RodinError,),
    BadRequestError: (APIError,),
    AuthenticationError: (APIError,),
    InsufficientFundsError: (APIError,),
    PermissionDeniedError: (APIError,),
    NotFoundError: (APIError,),
    RateLimitError: (APIError,),
    ServerError: (APIError,),
    InvalidResponseError: (RodinError,),
    rodin_sdk.TaskError: (RodinError,),
    rodin_sdk.TaskFailedError: (rodin_sdk.TaskError,),
    rodin_sdk.TaskCanceledError: (rodin_sdk.TaskError,),
    rodin_sdk.WaitTimeoutError: (rodin_sdk.TaskError, TimeoutError),
}


@pytest.mark.parametrize(("cls", "parents"), PARENTS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_tree_is_that_of_the_contract(cls: type[Exception], parents: tuple[type[Exception], ...]) -> None:
    assert cls.__bases__ == parents


def test_tree_is_complete() -> None:
    public = {getattr(rodin_sdk, name) for name in rodin_sdk.__all__}
    assert {cls for cls in public if inspect.isclass(cls) and issubclass(cls, BaseException)} == set(PARENTS)


# --- one of each, as users meet them

ERRORS: dict[str, Callable[[], RodinError]] = {
    "ConfigurationError": lambda: ConfigurationError("api_key is empty."),
    "ClientClosedError": ClientClosedError,
    "TransportError": lambda: TransportError("No connection to x could be made.", attempts=3),
    "RequestTimeoutError": lambda: RequestTimeoutError("x gave no complete answer.", attempts=2),
    "APIError": lambda: refusal({"error": "TEAPOT", "message": "I am short."}, 418),
    "BadRequestError": lambda: refusal({"error": "INVALID_REQUEST", "message": "No body."}),
    "AuthenticationError": lambda: refusal({"error": "UNAUTHORIZED", "message": "Active API key is required."}, 401),
    "InsufficientFundsError": lambda: refusal({"error": "API_INSUFFICIENT_FUNDS"}),
    "PermissionDeniedError": lambda: refusal({"error": "API_SUBSCRIPTION_PLAN_TOO_LOW"}, 403),
    "NotFoundError": lambda: refusal({"error": "NO_SUCH_TASK"}, x_request_id="id-1"),
    "RateLimitError": lambda: refusal(b"", 429, retry_after="90"),
    "ServerError": lambda: refusal(b"<h1>Bad gateway</h1>", 502),
    "InvalidResponseError": lambda: refusal(b"\xff\x00<html>", 200),
    "redirect": lambda: refusal(b"", 302),
}


@pytest.fixture(params=list(ERRORS))
def error(request: pytest.FixtureRequest) -> RodinError:
    return ERRORS[request.param]()


def same(error: RodinError, twin: Any) -> None:
    assert type(twin) is type(error)
    assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
    assert vars(twin) == vars(error)
    assert twin is not error


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(error: RodinError, protocol: int) -> None:
    same(error, pickle.loads(pickle.dumps(error, protocol)))


def test_copies(error: RodinError) -> None:
    same(error, copy.copy(error))
    same(error, copy.deepcopy(error))


def test_pickle_keeps_notes(error: RodinError) -> None:
    error.add_note("seen by worker 7")
    assert pickle.loads(pickle.dumps(error)).__notes__ == ["seen by worker 7"]


def test_pickled_error_can_be_raised_again(error: RodinError) -> None:
    twin = pickle.loads(pickle.dumps(error))
    with pytest.raises(type(error)) as caught:
        raise twin
    assert caught.value is twin


def test_it_holds_nothing_but_plain_values(error: RodinError) -> None:
    for value in (*error.args, *vars(error).values()):
        assert type(value) in {str, bytes, int, float, type(None), dict}
    assert all(type(text) is str for text in getattr(error, "headers", {}).values())


def test_hash_and_set(error: RodinError) -> None:
    assert len({error, error}) == 1
    assert hash(error) == hash(error)


def test_text_is_one_printable_line(error: RodinError) -> None:
    text = str(error)
    assert text.isprintable()
    assert text == text.strip()
    assert text.endswith((".", "html>", "<html>"))
    assert "Traceback" not in text
    assert ".." not in text
    assert "None" not in text


def test_raised_error_brings_no_library_along(error: RodinError) -> None:
    with pytest.raises(RodinError) as caught:
        raise error
    shown = "".join(traceback.format_exception(caught.value))
    assert "httpx" not in shown
    for link in (caught.value.__cause__, caught.value.__context__):
        assert link is None


TEXTS = {
    "ClientClosedError": "This client is closed: make a new one, or close it later.",
    "APIError": "HTTP 418 I'm a Teapot with error TEAPOT: I am short. "
    "This SDK knows no more about it: see `code`, `message` and `body`.",
    "BadRequestError": "HTTP 201 Created with error INVALID_REQUEST: No body. "
    "Correct the request: the same one will be refused again.",
    "AuthenticationError": "HTTP 401 Unauthorized with error UNAUTHORIZED: Active API key is required. "
    "Check the API key (api_key, RODIN_API_KEY or HYPER3D_API_KEY) and that it is active.",
    "InsufficientFundsError": "HTTP 201 Created with error API_INSUFFICIENT_FUNDS. Add credits to the account.",
    "PermissionDeniedError": "HTTP 403 Forbidden with error API_SUBSCRIPTION_PLAN_TOO_LOW. "
    "Check what the account and its subscription plan allow.",
    "NotFoundError": "HTTP 201 Created with error NO_SUCH_TASK. "
    "Pass jobs.subscription_key of the submission's answer, not the task's uuid; tasks are kept for 7 days. "
    "If no key works, check base_url. Request id: id-1.",
    "RateLimitError": "HTTP 429 Too Many Requests. Send fewer requests, or wait before the next one. "
    "The service asks to wait 90 s.",
    "ServerError": "HTTP 502 Bad Gateway: <h1>Bad gateway</h1>. The fault is on the service's side: try again later.",
    "InvalidResponseError": "HTTP 200, but the answer cannot be understood: it is not UTF-8 (byte 0). "
    "The task is not affected: ask again. If it persists, check base_url and anything between here and the service; "
    "`content` has the bytes. It begins: \ufffd\\x00<html>",
    "redirect": "HTTP 302 Found. Redirects are not followed, since they could carry the key elsewhere: check base_url.",
}


@pytest.mark.parametrize(("name", "text"), TEXTS.items(), ids=TEXTS)
def test_text_says_what_happened_and_what_to_do(name: str, text: str) -> None:
    assert str(ERRORS[name]()) == text


def test_timeout_is_pythons_own_as_well() -> None:
    with pytest.raises(TimeoutError):
        raise RequestTimeoutError("x gave no complete answer.")
    with pytest.raises(OSError, match="no complete answer"):
        raise RequestTimeoutError("x gave no complete answer.")


def test_wrong_configuration_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        raise ConfigurationError("api_key is empty.")


# --- what the server says is shown, and cannot do harm

EVIL = "\x1b[31mred\x1b[0m \u202etxt.exe\u202c \u2066x\u2069 a\r\nb\tc\x00\x07\x9b \ud800".encode(
    "utf-16", "surrogatepass"
)
EVIL_TEXT = EVIL.decode("utf-16", "replace")


@pytest.mark.parametrize("status_code", [200, 404, 500])
def test_control_characters_are_escaped(status_code: int) -> None:
    error: Any = refusal({"error": f"E{EVIL_TEXT}", "message": EVIL_TEXT}, status_code)
    for text in (str(error), error.code, error.message, error.body):
        assert text.isprintable()
        assert "\\x1b[31mred" in text or "\\u001b[31mred" in text
    status = look({**DONE, "error": EVIL_TEXT, "message": EVIL_TEXT})
    for shown in (str(status), status.error, status.message):
        assert shown is not None
        assert shown.isprintable()
        assert "\\u202etxt.exe\\u202c" in shown


def test_control_characters_of_a_page_are_escaped() -> None:
    error: Any = refusal(b"<html>\x1b]0;owned\x07 \xe2\x80\xae\xff</html>", 502)
    assert error.body == "<html>\\x1b]0;owned\\x07 \\u202e\ufffd</html>"
    assert error.body in str(error)


def test_control_characters_of_a_header_are_escaped() -> None:
    error: Any = refusal(b"", 500, x_request_id="a\x9b31m", server="b\xad")
    assert (error.request_id, error.headers["server"]) == ("a\\x9b31m", "b\\xad")
    assert str(error).isprintable()


@pytest.mark.parametrize("letter", ["m", "é", "\x1b", "界", "\u202e", "🎲"], ids=ascii)
def test_long_texts_are_cut_at_512(letter: str) -> None:
    long = letter * 20_000
    error: Any = refusal({"error": long, "message": long, "x": long}, 404)
    for text in (error.code, error.message, error.body):
        assert len(text) == 512
        assert text.endswith("…")
    assert len(str(error)) < 1_500
    status = look({**DONE, "error": long, "message": long})
    assert len(status.error or "") == len(status.message or "") == 512


@pytest.mark.parametrize(("length", "kept"), [(511, 511), (512, 512), (513, 512)])
def test_where_a_text_is_cut(length: int, kept: int) -> None:
    error: Any = refusal({"error": "TEAPOT", "message": "m" * length})
    assert len(error.message) == kept
    assert error.message.endswith("…") == (length > 512)


def test_escaping_is_no_way_around_the_cut() -> None:
    error: Any = refusal({"error": "TEAPOT", "message": "m" * 500 + "\x1b" * 10})
    assert len(error.message) == 512
    assert error.message.endswith("…")


@pytest.mark.parametrize("size", [511, 512, 513, 2_000, 1_000_000])
def test_page_is_quoted_up_to_512_characters(size: int) -> None:
    error: Any = refusal(b"x" * size, 502)
    assert error.body == ("x" * size if size <= 512 else "x" * 511 + "…")


def test_page_that_is_cut_within_a_character() -> None:
    error: Any = refusal(("界" * 2_000).encode(), 502)
    assert error.body == "界" * 511 + "…"


@given(st.text(), st.text())
def test_any_text_of_the_server_is_shown_in_one_line(code: str, message: str) -> None:
    try:
        shown: Any = look({**DONE, "error": code, "message": message})
    except RodinError as error:
        shown = error
    assert str(shown).isprintable()
    str(shown).encode()
    assert len(str(shown)) < 1_500


# --- made by users, for their own tests


def test_headers_are_the_errors_own() -> None:
    headers = {"a": "b"}
    error = APIError(status_code=500, headers=headers)
    headers["a"] = "c"
    assert error.headers == {"a": "b"}


def test_api_error_needs_no_more_than_a_status() -> None:
    error = NotFoundError(status_code=404)
    assert (error.code, error.message, error.body, error.headers, error.attempts) == (None, None, "", {}, 1)


@pytest.mark.parametrize("cls", [TransportError, RequestTimeoutError])
def test_transport_error_needs_no_more_than_a_message(cls: type[TransportError]) -> None:
    assert cls("lost").attempts == 1
    error = cls("lost", attempts=3)
    assert (str(error), error.attempts) == ("lost", 3)


def test_invalid_response_error_needs_no_more_than_a_reason_and_a_status() -> None:
    error = InvalidResponseError("it is odd", status_code=200)
    assert (error.content, error.body, error.headers) == (b"", "", {})
    assert (error.retry_after, error.request_id, error.attempts) == (None, None, 1)
    assert str(error).endswith("`content` has the bytes.")


@pytest.mark.parametrize(
    ("retry_after", "said"),
    [
        (0.0, "0"),
        (7.0, "7"),
        (3.5, "3.5"),
        (12.3456, "12.3"),
        (0.96, "1"),
        (3600.0, "3600"),
        (1234567.8, "1234567.8"),
        (999999999.0, "999999999"),
    ],
)
def test_retry_after_is_said(retry_after: float, said: str) -> None:
    error = RateLimitError(status_code=429, retry_after=retry_after)
    assert f" The service asks to wait {said} s." in str(error)


@pytest.mark.parametrize(("status_code", "is_one"), [(299, False), (300, True), (399, True), (400, False)])
def test_what_is_a_redirect_is_told_why_it_was_not_followed(status_code: int, *, is_one: bool) -> None:
    assert ("Redirects are not followed" in str(APIError(status_code=status_code))) == is_one


@pytest.mark.parametrize("message", ["It is broken", "It is broken.", "Send a FAX", "?"])
def test_message_is_shown_whole_with_one_full_stop(message: str) -> None:
    text = str(ServerError(status_code=500, message=message))
    assert text.startswith(f"HTTP 500 Internal Server Error: {message.removesuffix('.')}. The fault is")


@pytest.mark.parametrize("status_code", [99, 419, 520, 599, 999])
def test_status_without_a_name(status_code: int) -> None:
    assert str(APIError(status_code=status_code)).startswith(f"HTTP {status_code}. ")
