"""From an answer to an exception: every code that is known of, every status, and which of the two decides."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from rodin_sdk import (
    APIError,
    AuthenticationError,
    BadRequestError,
    InsufficientFundsError,
    InvalidResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    Rodin,
    ServerError,
)
from tests.unit.support import (
    API_KEY,
    DONE,
    OTHER_UUID,
    RUNNING,
    SUBSCRIPTION_KEY,
    UUID,
    answer,
    look,
    refusal,
    transport,
    world,
)

CODES: dict[str, type[APIError]] = {
    "UNAUTHORIZED": AuthenticationError,
    "USER_NOT_FOUND": AuthenticationError,
    "GROUP_NOT_FOUND": AuthenticationError,
    "INVALID_REQUEST": BadRequestError,
    "IMAGE_CONTENT_VIOLATION": BadRequestError,
    "API_OBJECT_NOT_FOUND_ON_IMAGE": BadRequestError,
    "IMAGE_LABEL_LENGTH_TOO_LONG": BadRequestError,
    "API_INSUFFICIENT_FUNDS": InsufficientFundsError,
    "INSUFFICIENT_FUND": InsufficientFundsError,
    "API_INSUFFICIENT_FUND": InsufficientFundsError,
    "API_NO_ACTIVE_SUBSCRIPTION": PermissionDeniedError,
    "NO_ACTIVE_SUBSCRIPTION": PermissionDeniedError,
    "API_SUBSCRIPTION_PLAN_TOO_LOW": PermissionDeniedError,
    "SUBSCRIPTION_PLAN_TOO_LOW": PermissionDeniedError,
    "PERMISSION_DENIED": PermissionDeniedError,
    "NO_SUCH_TASK": NotFoundError,
    "API_PARALLELISM_LIMIT_REACHED": RateLimitError,
    "PARALLELISM_LIMIT_REACHED": RateLimitError,
    "UNKNOWN": APIError,
}
UNKNOWN_CODES = ["TEAPOT", "SOMETHING_NEW", "NO_SUCH_TASKS", "MY_UNAUTHORIZED", "ok!", "0", "失败", "*", "?[a]"]

STATUSES: dict[int, type[APIError]] = {
    300: APIError,
    301: APIError,
    302: APIError,
    303: APIError,
    304: APIError,
    307: APIError,
    308: APIError,
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientFundsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: APIError,
    408: APIError,
    409: APIError,
    410: APIError,
    413: BadRequestError,
    415: BadRequestError,
    418: APIError,
    421: APIError,
    422: BadRequestError,
    425: APIError,
    429: RateLimitError,
    451: APIError,
    499: APIError,
    500: ServerError,
    501: ServerError,
    502: ServerError,
    503: ServerError,
    504: ServerError,
    520: ServerError,
    522: ServerError,
    524: ServerError,
    529: ServerError,
    530: ServerError,
    599: ServerError,
    600: APIError,
    999: APIError,
    99: APIError,
    199: APIError,
}

RETRIED = {408, 421, 425, 429, *range(500, 600)}


# --- the class


@pytest.mark.parametrize("status_code", [200, 201, 202])
@pytest.mark.parametrize(("code", "cls"), CODES.items(), ids=CODES)
def test_code_with_success(code: str, cls: type[APIError], status_code: int) -> None:
    error: Any = refusal({"error": code, "message": "No."}, status_code)
    assert type(error) is cls
    assert (error.code, error.message, error.status_code) == (code, "No.", status_code)


@pytest.mark.parametrize("status_code", [302, 400, 401, 402, 403, 404, 408, 409, 418, 421, 422, 425])
@pytest.mark.parametrize(("code", "cls"), CODES.items(), ids=CODES)
def test_known_code_decides_below_500(code: str, cls: type[APIError], status_code: int) -> None:
    error: Any = refusal({"error": code}, status_code)
    assert (type(error), error.code) == (cls, code)


@pytest.mark.parametrize("status_code", [429, 500, 502, 503, 524, 599])
@pytest.mark.parametrize("code", CODES)
def test_status_decides_for_429_and_from_500_on(code: str, status_code: int) -> None:
    error: Any = refusal({"error": code}, status_code)
    assert (type(error), error.code) == (STATUSES[status_code], code)


@pytest.mark.parametrize(("status_code", "cls"), STATUSES.items())
@pytest.mark.parametrize("code", [None, "TEAPOT", "OK", ""], ids=repr)
def test_status_decides_without_a_known_code(code: str | None, status_code: int, cls: type[APIError]) -> None:
    error: Any = refusal({"error": code}, status_code)
    assert type(error) is cls
    assert error.code == (code if code == "TEAPOT" else None)
    assert error.status_code == status_code


@pytest.mark.parametrize("code", UNKNOWN_CODES)
def test_unknown_code_is_a_plain_error_that_shows_it(code: str) -> None:
    error: Any = refusal({"error": code})
    assert type(error) is APIError
    assert error.code == code
    assert f"with error {code}" in str(error)


@pytest.mark.parametrize("code", [" no_such_task ", "No_Such_Task", "no_such_task"])
def test_spelling_of_a_code_is_forgiven(code: str) -> None:
    error: Any = refusal({"error": code})
    assert (type(error), error.code) == (NotFoundError, code.strip())


def test_what_is_longer_than_an_excerpt_is_no_known_code() -> None:
    assert type(refusal({"error": "INSUFFICIENT_FUND".rjust(512, "_")})) is InsufficientFundsError
    assert type(refusal({"error": "INSUFFICIENT_FUND".rjust(513, "_")})) is APIError


@pytest.mark.parametrize("code", ["O\u212a", "OKAY", "n\xf6ne"])
def test_what_only_looks_like_success_is_none(code: str) -> None:
    """The lower case of the sign of a kelvin is a k."""
    error: Any = refusal({**RUNNING, "error": code}, 201)
    assert error.code == code


@pytest.mark.parametrize("value", [None, "", "OK", "ok", "Ok", " OK ", "none", "None", "NONE", "\t"], ids=repr)
def test_every_spelling_of_success(value: object) -> None:
    status = look({**RUNNING, "error": value})
    assert (status.error, status.state) == (None, "Generating")


@pytest.mark.parametrize(
    ("value", "code"),
    [(0, "0"), (1, "1"), (False, "false"), (True, "true"), ([], "[]"), ({"code": "X"}, '{"code": "X"}'), (1.5, "1.5")],
    ids=repr,
)
def test_error_that_is_no_string_is_an_error(value: object, code: str) -> None:
    error: Any = refusal({**RUNNING, "error": value})
    assert (type(error), error.code) == (APIError, code)


# --- an error beside jobs


@pytest.mark.parametrize("code", ["NO_SUCH_TASK", "TEAPOT", "UNAUTHORIZED"])
@pytest.mark.parametrize("statuses", [["Done"], ["Done", "Failed"], ["Canceled", "Canceled"]], ids="+".join)
def test_final_jobs_win_over_an_error(code: str, statuses: list[str]) -> None:
    jobs = dict(zip((UUID, OTHER_UUID), statuses, strict=False))
    status = look({"error": f" {code} ", "message": "Odd.", "jobs": jobs})
    assert status.is_final
    assert (status.error, status.message) == (code, "Odd.")


@pytest.mark.parametrize(
    "jobs",
    [[], {UUID: "Waiting"}, {UUID: "Done", OTHER_UUID: "Generating"}, {UUID: "Baking"}, None, "Done", [5], [{}]],
    ids=str,
)
def test_error_wins_over_all_other_jobs(jobs: object) -> None:
    assert type(refusal({"error": "NO_SUCH_TASK", "jobs": jobs})) is NotFoundError


def test_final_jobs_do_not_win_over_a_status_of_failure() -> None:
    assert type(refusal({**DONE, "error": "TEAPOT"}, 500)) is ServerError
    assert type(refusal(DONE, 404)) is NotFoundError


# --- the attributes


def test_attributes() -> None:
    body = {"error": "SLOW_DOWN", "message": "Later.", "more": [1]}
    error: Any = refusal(body, 429, retry_after="7", x_request_id="id-1", content_type="text/plain", set_cookie="a=b")
    assert {**vars(error), "headers": dict(error.headers)} == {
        "status_code": 429,
        "code": "SLOW_DOWN",
        "message": "Later.",
        "body": json.dumps(body),
        "headers": {"retry-after": "7", "x-request-id": "id-1", "content-type": "text/plain"},
        "retry_after": 7.0,
        "request_id": "id-1",
        "attempts": 1,
    }


def test_attributes_without_anything() -> None:
    error: Any = refusal(b"", 404)
    assert {**vars(error), "headers": dict(error.headers)} == {
        "status_code": 404,
        "code": None,
        "message": None,
        "body": "",
        "headers": {},
        "retry_after": None,
        "request_id": None,
        "attempts": 1,
    }


def test_attributes_of_an_answer_that_cannot_be_understood() -> None:
    error: Any = refusal(b"<html>", 200, retry_after="7", cf_ray="ray", content_type="text/html")
    assert {**vars(error), "headers": dict(error.headers)} == {
        "reason": "it is not JSON (Expecting value, character 0)",
        "status_code": 200,
        "content": b"<html>",
        "body": "<html>",
        "headers": {"retry-after": "7", "cf-ray": "ray", "content-type": "text/html"},
        "retry_after": 7.0,
        "request_id": "ray",
        "attempts": 1,
    }


@pytest.mark.parametrize("status_code", [200, 404, 503])
@pytest.mark.parametrize(
    ("headers", "request_id"),
    [
        ({"x_request_id": "a", "cf_ray": "b", "x_tt_logid": "c"}, "a"),
        ({"cf_ray": "b", "x_tt_logid": "c", "x_correlation_id": "d"}, "d"),
        ({"cf_ray": "b", "x_tt_logid": "c"}, "c"),
        ({"cf_ray": "b"}, "b"),
        ({"server": "x"}, None),
    ],
)
def test_request_id(headers: dict[str, str], request_id: str | None, status_code: int) -> None:
    error: Any = refusal(b"", status_code, **headers)
    assert error.request_id == request_id
    assert (f"Request id: {request_id}." in str(error)) == (request_id is not None and status_code != 200)
    assert look(DONE, 201, **headers).request_id == request_id


@pytest.mark.parametrize("message", [None, 5, "", [], {"a": 1}], ids=repr)
def test_message_that_is_none(message: object) -> None:
    error: Any = refusal({"error": "TEAPOT", "message": message})
    assert error.message is None
    assert look({**DONE, "message": message}).message is None


# --- bodies that are no JSON

PAGES = {
    "html": b"<html>\n<h1>Bad gateway</h1>\n</html>",
    "empty": b"",
    "binary": bytes(range(256)),
    "list": b'["error"]',
    "UTF-16": '{"error": "NO_SUCH_TASK"}'.encode("utf-16"),
    "cut": b'{"error": "NO_SUCH_TA',
    "huge": b"x" * 1_000_000,
}


@pytest.mark.parametrize("status_code", [302, 401, 403, 404, 429, 500, 502, 520])
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_page_of_failure_is_an_error_by_its_status(page: bytes, status_code: int) -> None:
    error: Any = refusal(page, status_code)
    assert (type(error), error.code, error.message) == (STATUSES[status_code], None, None)
    assert len(error.body) <= 512
    assert error.body.isprintable()


@pytest.mark.parametrize("status_code", [200, 201, 204])
@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_page_of_success_cannot_be_understood(page: bytes, status_code: int) -> None:
    error: Any = refusal(page, status_code)
    assert type(error) is InvalidResponseError
    assert (error.content, error.status_code) == (page, status_code)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "GZIP", "gzip, gzip", "x"])
def test_compressed_answer_is_refused_unread(encoding: str) -> None:
    error: Any = refusal(DONE, 200, content_encoding=encoding)
    assert type(error) is InvalidResponseError
    assert "compressed" in error.reason
    assert error.content == b""
    assert type(refusal(DONE, 404, content_encoding=encoding)) is NotFoundError


@pytest.mark.parametrize("headers", [{}, {"content_length": "2000000"}], ids=["found out", "declared"])
def test_answer_that_is_too_large(headers: dict[str, str]) -> None:
    body = b"x" * 2_000_000
    error: Any = refusal(body, 200, **headers)
    assert type(error) is InvalidResponseError
    assert "its body is larger than 1048576 bytes" in error.reason
    assert error.content == (b"" if headers else body[: 1024 * 1024])
    assert type(refusal(body, 404, **headers)) is NotFoundError


@pytest.mark.parametrize("encoding", ["identity", "", " Identity "])
def test_identity_is_no_compression(encoding: str) -> None:
    assert look(DONE, content_encoding=encoding).is_done


# --- which are tried again: what the class alone does not tell


@pytest.mark.parametrize("status_code", [code for code in STATUSES if code >= 300])
def test_which_statuses_are_retried(status_code: int) -> None:
    scene = world(answer(b"", status_code), answer(DONE))
    found = scene.status(scene.session())
    assert len(scene.sent) == (2 if status_code in RETRIED else 1)
    assert isinstance(found, APIError) == (status_code not in RETRIED)


@pytest.mark.parametrize("status_code", [201, 400, 408, 421, 425])
@pytest.mark.parametrize("code", CODES)
def test_known_codes_are_not_retried(code: str, status_code: int) -> None:
    scene = world(answer({"error": code}, status_code), answer(DONE))
    assert isinstance(scene.status(scene.session()), CODES[code])
    assert len(scene.sent) == 1


@pytest.mark.parametrize("status_code", [429, 500, 503])
@pytest.mark.parametrize("code", CODES)
def test_known_codes_are_retried_where_the_status_decides(code: str, status_code: int) -> None:
    scene = world(answer({"error": code}, status_code), answer(DONE))
    assert not isinstance(scene.status(scene.session()), APIError)
    assert len(scene.sent) == 2


# --- redirects


@pytest.mark.parametrize("status_code", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status_code: int) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(
            status_code, headers={"location": "https://evil.example.com/"}, stream=httpx.ByteStream(b"")
        )

    with Rodin(API_KEY, http_transport=httpx.MockTransport(handle)) as rodin, pytest.raises(APIError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    assert asked == ["api.hyper3d.com"]
    assert "Redirects are not followed" in str(caught.value)
    assert "evil" not in str(caught.value)


# --- a transport whose answers are already read, as those of `httpx.MockTransport` are that are made of `json=`


@pytest.mark.parametrize("arguments", [{"json": DONE}, {"content": json.dumps(DONE)}, {"text": json.dumps(DONE)}])
def test_answer_that_is_already_read(arguments: dict[str, Any]) -> None:
    mock = httpx.MockTransport(lambda _: httpx.Response(200, **arguments))
    with Rodin(API_KEY, http_transport=mock, max_retries=0) as rodin:
        assert rodin.status(SUBSCRIPTION_KEY).is_done


def test_transport_is_closed_with_the_client() -> None:
    closed: list[bool] = []
    mock = transport()
    mock.close = lambda: closed.append(True)  # type: ignore[method-assign]
    with Rodin(API_KEY, http_transport=mock):
        assert not closed
    assert closed == [True]
