"""Keys that a server sends back: they show in no text, no attribute, no pickle and no variable of a traceback."""

from __future__ import annotations

import html
import json
import logging
import pickle
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import httpx
import pytest

from rodin_sdk import (
    APIError,
    AsyncRodin,
    ConfigurationError,
    InvalidResponseError,
    Job,
    JobStatus,
    PermissionDeniedError,
    Rodin,
    RodinError,
)
from tests.secrets_check import assert_no_secrets
from tests.unit.support import API_KEY, DONE, SECRETS, SUBSCRIPTION_KEY, UUID, look, refusal, response, transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ECHO = f"the key {API_KEY} may not look at {SUBSCRIPTION_KEY}"

# Bodies that quote both keys where an error, or a part of one, is made of them.
REFUSED: dict[str, tuple[object, int]] = {
    "message": ({"error": "NO_SUCH_TASK", "message": ECHO}, 404),
    "code": ({"error": ECHO}, 201),
    "code that is no string": ({"error": {"why": ECHO}}, 201),
    "code and message": ({"error": ECHO, "message": ECHO}, 403),
    "other field": ({"error": "NO_SUCH_TASK", "request": {"subscription_key": SUBSCRIPTION_KEY}}, 201),
    "html": (f"<html>{ECHO}</html>".encode(), 502),
    "html of success": (f"<html>{ECHO}</html>".encode(), 200),
    "text behind the fold": (b" " * 400 + ECHO.encode(), 500),
    "jobs are a string": ({"jobs": SUBSCRIPTION_KEY}, 201),
    "job is a string": ({"jobs": [SUBSCRIPTION_KEY]}, 201),
    "job is a list": ({"jobs": [[SUBSCRIPTION_KEY, API_KEY]]}, 201),
    "job without uuid": ({"jobs": [{"uuid": 5, "status": SUBSCRIPTION_KEY}]}, 201),
    "job of two uuids": ({"jobs": {SUBSCRIPTION_KEY: {"uuid": "b", "status": "Done"}}}, 201),
    "job of two statuses": ({"jobs": [{SUBSCRIPTION_KEY: "Done"}, {SUBSCRIPTION_KEY: "Failed"}]}, 201),
    "status in conflict": ({"jobs": [{UUID: SUBSCRIPTION_KEY}, {UUID: "Failed"}]}, 201),
    "uuid longer than an excerpt": ({"jobs": [{"u" * 300 + ECHO: "Done"}, {"u" * 300 + ECHO: "Failed"}]}, 201),
    "name that stands twice": (f'{{"jobs": [], "{SUBSCRIPTION_KEY}": 1, "{SUBSCRIPTION_KEY}": 2}}'.encode(), 201),
    "long name that stands twice": (f'{{"{"n" * 500}{API_KEY}": 1, "{"n" * 500}{API_KEY}": 2}}'.encode(), 201),
}


@pytest.mark.parametrize(("body", "status_code"), REFUSED.values(), ids=REFUSED)
def test_error_shows_no_key_of_the_answer(body: object, status_code: int) -> None:
    assert_no_secrets(SECRETS, refusal(body, status_code))


@pytest.mark.parametrize("header", ["x_request_id", "server", "via", "cf_ray", "x_ratelimit_reset"])
@pytest.mark.parametrize("status_code", [200, 404, 500])
def test_error_shows_no_key_of_a_header(header: str, status_code: int) -> None:
    error = refusal(b"", status_code, **{header: ECHO})
    assert isinstance(error, APIError | InvalidResponseError)
    assert "[redacted]" in error.headers[header.replace("_", "-")]
    assert_no_secrets(SECRETS, error)


def test_headers_that_may_hold_secrets_are_not_kept() -> None:
    error = refusal(b"", 401, set_cookie=f"session={API_KEY}", location=f"https://x/?k={API_KEY}", x_other=API_KEY)
    assert isinstance(error, APIError)
    assert error.headers.keys() <= {"content-type", "content-length"}
    assert_no_secrets(SECRETS, error)


def test_bytes_that_are_kept_have_no_key() -> None:
    error = refusal(f"not JSON: {ECHO}".encode())
    assert isinstance(error, InvalidResponseError)
    assert error.content == b"not JSON: the key [redacted] may not look at [redacted]"


@pytest.mark.parametrize("kept", [13, 40, len(SUBSCRIPTION_KEY) - 1])
def test_key_that_is_cut_where_the_reading_stops_does_not_show(kept: int) -> None:
    """Of a body that is too large, the first MiB is kept; a key may lie across its end."""
    error = refusal(b"x" * (1024 * 1024 - kept) + SUBSCRIPTION_KEY.encode() + b"x" * 1_000)
    assert isinstance(error, InvalidResponseError)
    assert error.content.startswith(b"xxx")
    assert_no_secrets(SECRETS, error)


# How a server's JSON library may write a key; the key itself is the same.
ESCAPED_KEYS = {
    "slash": ("path/to/the/secret/key/of/a/task", "/", "\\/"),
    "quote": ('a"quoted"secret"key"of"a"task', '"', '\\"'),
    "backslash": ("a\\secret\\key\\of\\a\\task", "\\", "\\\\"),
    "ampersand, as Go does": ("a&secret&key&of&a&task", "&", "\\u0026"),
    "backslash beside quotes, as Python's repr does": ('a"quoted\\secret"key"of"a"task', "\\", "\\\\"),
    "outside ascii": ("schlüssel-ü-zu-ü-einer-ü-aufgabe", "ü", "\\u00fc"),
}


@pytest.mark.parametrize(("key", "plain", "escaped"), ESCAPED_KEYS.values(), ids=ESCAPED_KEYS)
@pytest.mark.parametrize("template", ['{"error": "NO_SUCH_TASK", "task": "%s"}', '{"jobs": "%s"}', '["%s"]'])
def test_key_that_json_escapes_does_not_show(key: str, plain: str, escaped: str, template: str) -> None:
    sent = key.replace(plain, escaped)
    body = (template % sent).encode()
    with Rodin(API_KEY, http_transport=transport(body), max_retries=0) as rodin, pytest.raises(RodinError) as caught:
        rodin.status(key)
    for text in (str(caught.value), *map(str, vars(caught.value).values())):
        assert key not in text
        assert sent not in text
    assert sent.encode() not in vars(caught.value).get("content", b"")


@pytest.mark.parametrize("code", [201, 400])
def test_key_that_an_escape_spells_anew_does_not_show(code: int) -> None:
    """A carriage return is shown as a backslash and an r."""
    key = "rodin-key-0123456789"
    body: dict[str, Any] = {"jobs": [], "error": "OK" if code == 201 else "x", "message": f"\r{key[1:]}"}
    with Rodin(API_KEY, http_transport=transport(body, code), max_retries=0) as rodin:
        if code == 201:
            assert rodin.status(key).message == "\\[redacted]"
        else:
            with pytest.raises(RodinError) as caught:
                rodin.status(key)
            assert_no_secrets([key], caught.value)


def test_key_within_the_other_key_does_not_save_the_rest() -> None:
    task = API_KEY + "-and-the-rest-of-the-key"
    body = {"error": "NO_SUCH_TASK", "message": f"no task {task}"}
    with Rodin(API_KEY, http_transport=transport(body), max_retries=0) as rodin, pytest.raises(RodinError) as caught:
        rodin.status(task)
    assert_no_secrets([API_KEY, "-and-the-rest-of-the-key"], caught.value)


# --- what a success shows


def test_status_shows_no_key_of_its_texts() -> None:
    status = look({**DONE, "error": ECHO, "message": ECHO}, x_request_id=ECHO)
    assert status.message == "the key [redacted] may not look at [redacted]"
    assert status.raw["message"] == status.message
    assert_no_secrets(SECRETS, status, pickle.loads(pickle.dumps(status)))


def test_what_is_said_of_jobs_is_left_as_it_is() -> None:
    """A uuid is what the jobs are told apart by, even one that is, or has within it, the subscription key."""
    jobs = [{"uuid": SUBSCRIPTION_KEY, "status": "Done"}, {"uuid": f"{SUBSCRIPTION_KEY}/2", "status": "Done"}]
    status = look({"jobs": jobs, "message": ECHO})
    assert [job.uuid for job in status.jobs] == [SUBSCRIPTION_KEY, f"{SUBSCRIPTION_KEY}/2"]
    assert status.raw["jobs"] == jobs


def test_the_other_key_is_removed_beside_jobs_that_are_left_as_they_are() -> None:
    jobs = [{"uuid": SUBSCRIPTION_KEY, "status": "Done"}]
    status = look({"jobs": jobs, "echo": API_KEY})
    assert status.raw == {"jobs": jobs, "echo": "[redacted]"}
    assert_no_secrets([API_KEY], status, pickle.loads(pickle.dumps(status)))


def test_the_api_key_shows_in_no_job() -> None:
    """Jobs are told apart by their uuids, and so the subscription key stays in one."""
    jobs = [{"uuid": f"{API_KEY}/{SUBSCRIPTION_KEY}", "status": f"queued for {API_KEY} and {SUBSCRIPTION_KEY}"}]
    status = look({"jobs": jobs, "message": ECHO})
    uuid, told = f"[redacted]/{SUBSCRIPTION_KEY}", "queued for [redacted] and [redacted]"
    assert status.jobs == (Job(uuid, JobStatus.UNKNOWN, told),)
    assert status.raw["jobs"][0]["uuid"] == uuid
    assert_no_secrets([API_KEY], status, pickle.loads(pickle.dumps(status)), *status.jobs)


@pytest.mark.parametrize("code", [201, 403, 502])
@pytest.mark.parametrize("left", [8, 30, len(API_KEY) - 1])
def test_what_a_cut_leaves_of_a_key_does_not_show(code: int, left: int) -> None:
    body = f'{{"message": "bad key {API_KEY[:left]}'.encode()
    handle = httpx.MockTransport(lambda _: httpx.Response(code, content=body))
    with Rodin(API_KEY, http_transport=handle, max_retries=0) as rodin, pytest.raises(RodinError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    assert API_KEY[:8] not in f"{caught.value} {vars(caught.value)}"
    assert "bad key" in str(caught.value)


@pytest.mark.parametrize("form", ["{:04x}", "{:04X}"])
def test_a_key_that_is_escaped_in_json_shows_nowhere(form: str) -> None:
    """JSON may escape any character of a string, and some libraries escape more than they must."""
    for every in (1, 2, 7):
        echo = "".join(f"\\u{form.format(ord(c))}" if n % every == 0 else c for n, c in enumerate(API_KEY))
        body = f'{{"jobs": {{"a": "Done"}}, "echo": "x\\\\{echo}", "other": "\\u00e4\\u0022\\u005c"}}'.encode()
        handle = httpx.MockTransport(lambda _, body=body: httpx.Response(201, content=body))
        with Rodin(API_KEY, http_transport=handle, max_retries=0) as rodin:
            status = rodin.status(SUBSCRIPTION_KEY)
        assert status.raw["echo"] == "x\\[redacted]"
        assert status.raw["other"] == '\u00e4"\\'
        assert_no_secrets([API_KEY], status, pickle.loads(pickle.dumps(status)))
        for code, content in ((400, body), (201, body[:-1])):
            bad = httpx.MockTransport(lambda _, c=code, b=content: httpx.Response(c, content=b))
            with Rodin(API_KEY, http_transport=bad, max_retries=0) as rodin, pytest.raises(RodinError) as caught:
                rodin.status(SUBSCRIPTION_KEY)
            assert_no_secrets([API_KEY], caught.value)


def test_what_only_looks_escaped_is_left_as_it_is() -> None:
    body = rb'{"jobs": {"a": "Done"}, "echo": "\\u0041 \u0041"}'
    handle = httpx.MockTransport(lambda _: httpx.Response(201, content=body))
    with Rodin(API_KEY, http_transport=handle) as rodin:
        assert rodin.status(SUBSCRIPTION_KEY).raw["echo"] == "\\u0041 A"


def test_jobs_are_freed_of_keys_up_to_a_quarter_of_a_million_characters() -> None:
    def body(length: int) -> dict[str, Any]:
        return {
            "jobs": [{"uuid": "u" * (length - 8), "status": "Done"}, {"uuid": "", "status": "Done"}],
            "message": ECHO,
        }

    longest = 256 * 1024
    assert len(look(body(longest)).jobs[0].uuid) == longest - 8
    error = refusal(body(longest + 1))
    assert isinstance(error, InvalidResponseError)
    assert error.reason == "it repeats a key, and its jobs are too long to remove it from"
    assert len(look({**body(longest + 1), "message": None}).jobs) == 2


@pytest.mark.parametrize("key", ["jobs", "uuid", "Done", "1234", '"}],', "[redacted]"])
def test_a_key_that_is_a_part_of_every_answer_spoils_none(key: str) -> None:
    body = {"jobs": [{"uuid": "a", "status": "Done", "queue_length": 1234}]}
    handle = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    with Rodin(API_KEY, http_transport=handle) as rodin:
        status = rodin.status(key)
    assert (status.is_done, status.jobs[0].queue_length, status.raw) == (True, 1234, body)


@pytest.mark.parametrize("key", ["ab+/cd==&e\"f'<g>", "p?q=r s", "hé-密钥-key"])
@pytest.mark.parametrize(
    "spell",
    [
        partial(quote, safe=""),
        quote,
        html.escape,
        partial(html.escape, quote=False),
        repr,
        json.dumps,
    ],
)
def test_a_key_is_known_however_it_is_spelt(key: str, spell: Callable[[str], str]) -> None:
    content = f"<p>no {spell(key)} here</p>".encode()
    handle = httpx.MockTransport(lambda _: httpx.Response(403, content=content))
    with Rodin(API_KEY, http_transport=handle) as rodin, pytest.raises(PermissionDeniedError) as caught:
        rodin.status(key)
    assert spell(key).strip("'\"") not in str(caught.value)
    assert "[redacted]" in caught.value.body


PRESIGNED: Final = "https://files.test/a.glb?X-Tos-Expires=9&X-Tos-Signature=1f2e3d4c5b6a7988"


@pytest.mark.parametrize("address", [PRESIGNED, PRESIGNED.replace("/", "\\/"), f"({PRESIGNED})", f"url={PRESIGNED}"])
@pytest.mark.parametrize("code", [200, 403])
def test_the_query_of_an_address_is_not_shown(address: str, code: int) -> None:
    signature = "1f2e3d4c5b6a7988"
    content = f"<p>see {address} or <a href='{address}'>what?</a> now".encode()
    handle = httpx.MockTransport(lambda _: httpx.Response(code, content=content))
    with Rodin(API_KEY, http_transport=handle, max_retries=0) as rodin, pytest.raises(RodinError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    assert_no_secrets([signature], caught.value)
    assert isinstance(caught.value, PermissionDeniedError | InvalidResponseError)
    assert caught.value.body.count("a.glb?[redacted]") == 2
    assert caught.value.body.endswith(">what?</a> now")


def test_the_query_of_an_address_in_a_message_is_not_shown() -> None:
    status = look({**DONE, "message": f"Why? See {PRESIGNED} there."})
    assert status.message == "Why? See https://files.test/a.glb?[redacted] there."


# --- what clients and their errors show


def test_client_shows_no_key() -> None:
    with Rodin(API_KEY, http_transport=transport()) as rodin:
        rodin.status(SUBSCRIPTION_KEY)
        assert repr(rodin) == str(rodin) == "Rodin(base_url='https://api.hyper3d.com')"
        assert_no_secrets(SECRETS, rodin, *vars(rodin).values())


async def test_async_client_shows_no_key() -> None:
    async with AsyncRodin(API_KEY, http_transport=transport()) as rodin:
        await rodin.status(SUBSCRIPTION_KEY)
        assert repr(rodin) == str(rodin) == "AsyncRodin(base_url='https://api.hyper3d.com')"
        assert_no_secrets(SECRETS, rodin, *vars(rodin).values())


@pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
def test_client_that_is_only_half_made_has_a_repr(cls: type[Rodin | AsyncRodin]) -> None:
    """Whoever reports errors with variables, shows the `self` of a constructor that raised."""
    assert cls.__name__ in repr(cls.__new__(cls))


def failing(error: Exception) -> httpx.MockTransport:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(handle)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError(ECHO),
        httpx.ReadError(ECHO),
        httpx.ProxyError(ECHO),
        httpx.RemoteProtocolError(ECHO),
        httpx.ReadTimeout(ECHO),
        OSError(ECHO),
        ConnectionResetError(104, ECHO),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_shows_no_key_of_the_transport(error: Exception) -> None:
    with (
        Rodin(API_KEY, http_transport=failing(error), max_retries=0) as rodin,
        pytest.raises(RodinError) as caught,
    ):
        rodin.status(SUBSCRIPTION_KEY)
    assert_no_secrets(SECRETS, caught.value)


@pytest.mark.parametrize("prefix", [" ", "\n", "ü", "\x00", "\ud800"], ids=ascii)
def test_no_variable_shows_a_key_that_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Rodin(prefix + API_KEY)
    assert_no_secrets([API_KEY], caught.value)


@pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
@pytest.mark.parametrize("is_listed", [False, True])
@pytest.mark.parametrize(
    "address", ["https://me:{}@api.test", "https://api.test/?key={}", "https://api.test/#{}", "{} "]
)
def test_no_variable_shows_an_address_that_is_refused(
    address: str,
    is_listed: bool,  # noqa: FBT001
    cls: Callable[..., Any],
) -> None:
    password = "hunter2-1f2e3d4c5b6a"
    given = address.format(password)
    base_url = ["https://api.test", given] if is_listed else given
    with pytest.raises(ConfigurationError) as caught:
        cls(API_KEY, base_url=base_url)
    assert_no_secrets([password], caught.value)


@pytest.mark.parametrize("method", ["as_completed", "wait_all"])
def test_no_variable_shows_a_key_of_a_list_that_breaks_off(method: str) -> None:
    def keys() -> Iterator[str]:
        yield SUBSCRIPTION_KEY
        raise LookupError("the cursor is closed")

    with Rodin(API_KEY, http_transport=transport()) as rodin, pytest.raises(LookupError) as caught:
        getattr(rodin, method)(keys())
    assert_no_secrets(SECRETS, caught.value)


@pytest.mark.parametrize("bad", [API_KEY.encode(), [API_KEY], {API_KEY: 1}, (API_KEY,)], ids=lambda v: type(v).__name__)
def test_no_variable_shows_a_key_of_the_wrong_type(bad: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Rodin(bad)
    assert_no_secrets([API_KEY], caught.value)
    with Rodin(API_KEY, http_transport=transport()) as rodin, pytest.raises(ConfigurationError) as other:
        rodin.status(bad)
    assert_no_secrets([API_KEY], other.value)


WRONG: dict[str, dict[str, Any]] = {
    "base_url": {"base_url": "http://example.com"},
    "request_timeout": {"request_timeout": -1},
    "max_retries": {"max_retries": -1},
    "ssl_context": {"ssl_context": "yes"},
    "http_transport": {"http_transport": "yes"},
    "poll": {"poll": 1},
    "requests_per_minute": {"requests_per_minute": -1},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("cls", [Rodin, AsyncRodin])
def test_no_variable_shows_the_key_when_another_argument_is_refused(cls: Callable[..., Any], wrong: Any) -> None:
    with pytest.raises((ConfigurationError, TypeError, ValueError)) as caught:
        cls(API_KEY, **wrong)
    assert_no_secrets(SECRETS, caught.value)


def test_key_of_a_callable_does_not_show() -> None:
    def give() -> str:
        return f" {API_KEY}"

    with Rodin(give, http_transport=transport()) as rodin, pytest.raises(ConfigurationError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    assert_no_secrets(SECRETS, rodin, caught.value)


def test_failure_of_a_callable_is_its_own() -> None:
    def give() -> str:
        raise LookupError("the vault is closed")

    with Rodin(give, http_transport=transport()) as rodin, pytest.raises(LookupError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    assert_no_secrets(SECRETS, caught.value)


def test_failure_of_a_transport_shows_no_key_in_our_variables() -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        raise ArithmeticError("a mistake of the user's")

    with (
        Rodin(API_KEY, http_transport=httpx.MockTransport(handle)) as rodin,
        pytest.raises(ArithmeticError) as caught,
    ):
        rodin.status(SUBSCRIPTION_KEY)
    assert_no_secrets(SECRETS, caught.value)


def test_log_shows_no_key(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        refusal({"error": "NO_SUCH_TASK", "message": ECHO}, 404)
        look(json.dumps(DONE).encode(), x_request_id=ECHO)
    assert_no_secrets(SECRETS, *caplog.records)


def test_key_goes_where_it_belongs() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return response()

    with Rodin(API_KEY, http_transport=httpx.MockTransport(handle)) as rodin:
        rodin.status(SUBSCRIPTION_KEY)
    assert seen[0].headers["authorization"] == f"Bearer {API_KEY}"
    assert json.loads(seen[0].content) == {"subscription_key": SUBSCRIPTION_KEY}
    elsewhere = {name: value for name, value in seen[0].headers.items() if name != "authorization"}
    assert_no_secrets(SECRETS, str(seen[0].url), elsewhere)


# A look at each of 3,000 tasks, whose answers have an escape each; and a look with a key that is very long.
MANY = """
import resource, secrets
resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
from rodin_sdk import Rodin
from tests.unit.support import API_KEY, transport
answers = transport(rb'{"jobs": [], "message": "\\u4efb\\u52a1"}')
with Rodin(API_KEY, http_transport=answers, requests_per_minute=None) as rodin:
    for _ in range(3_000):
        assert rodin.status(secrets.token_urlsafe(300)).message == "\u4efb\u52a1"
    assert rodin.status(secrets.token_urlsafe(500_000)).message == "\u4efb\u52a1"
print("done")
"""


def test_removing_keys_costs_next_to_nothing() -> None:
    """Processor time is limited, and not the time on the wall. Ten seconds are ample: the looks take one."""
    ended = subprocess.run([sys.executable, "-c", MANY], capture_output=True, check=False)
    assert ended.stdout.strip() == b"done", ended.stderr[-500:]


@pytest.mark.parametrize(
    "text", ["<a href='https://x.y/?v=1'>" * 40, "https://a/?b " * 200, "x" * 495 + " https://a/b?s=12345678"]
)
def test_what_is_redacted_is_cut_at_512(text: str) -> None:
    error: Any = refusal({"message": text}, 403)
    assert (len(error.message), len(error.body)) == (512, 512)
    html_error: Any = refusal(text.encode(), 502)
    assert len(html_error.body) <= 512


def test_the_queries_of_a_long_body_are_removed_and_it_does_not_grow() -> None:
    body = b"<a href='https://x.y/file?signature=abcdefgh'>https://a/?b</a> " * 16_000
    handle = httpx.MockTransport(lambda _: httpx.Response(201, content=body))
    with Rodin(API_KEY, http_transport=handle, max_retries=0) as rodin, pytest.raises(InvalidResponseError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    content = caught.value.content
    assert b"abcdefgh" not in content
    assert content.count(b"/file?[redacted]'>https://a/?[redacted]<") > 10_000
    assert len(content) <= len(body)


@pytest.mark.parametrize("spelt", ["ab%2b%2fcd%3d%3defgh", "ab&#43;/cd&#61;&#61;efgh"])
def test_other_spellings_of_a_key(spelt: str) -> None:
    key = "ab+/cd==efgh"
    handle = httpx.MockTransport(lambda _: httpx.Response(403, text=f"no: {spelt}"))
    with Rodin(key, http_transport=handle, max_retries=0) as rodin, pytest.raises(RodinError) as caught:
        rodin.status(SUBSCRIPTION_KEY)
    assert "no: [redacted]" in str(caught.value)
