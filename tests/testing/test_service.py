"""What the emulator answers when nothing goes wrong with the answer: as documented, or as it is told to assume."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rodin_sdk.testing import Assumptions, Emulator, ErrorAnswer, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testing.conftest import Client

    Connect = Callable[[Emulator], Client]

GONE = ErrorAnswer(404, "NO_SUCH_TASK", "Gone.")
DEEP = b"[" * 100_000


def test_a_task_is_answered_with_201_and_its_jobs(emulator: Emulator, client: Client) -> None:
    key = emulator.add_task([[(0, "Waiting")], [(0, "Generating")]])
    reply = client.ask(key)
    assert reply.status == 201
    assert reply.headers["Content-Type"] == "application/json"
    first, second = reply.json()["jobs"]
    assert reply.json() == {
        "jobs": [{"uuid": first["uuid"], "status": "Waiting"}, {"uuid": second["uuid"], "status": "Generating"}]
    }
    assert first["uuid"] != second["uuid"]


def test_the_path_may_stand_under_a_prefix_and_have_a_query(emulator: Emulator, client: Client) -> None:
    key = emulator.add_task("sketch")
    body = json.dumps({"subscription_key": key}).encode()
    reply = client.send(path="/gateway/rodin/api/v2/status?trace=1", body=body)
    assert reply.status == 201
    assert emulator.requests[-1].path == "/gateway/rodin/api/v2/status"
    assert emulator.requests[-1].query == "trace=1"


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer ", "Basic {key}", "{key}"])
def test_a_missing_or_wrong_key_is_unauthorized(emulator: Emulator, client: Client, authorization: str | None) -> None:
    text = None if authorization is None else authorization.format(key=emulator.api_key)
    reply = client.send(headers=client.headers(Authorization=text))
    assert reply.status == 401
    assert reply.json() == {"error": "UNAUTHORIZED", "message": "Active API key is required."}


def test_the_scheme_is_read_without_regard_to_case(emulator: Emulator, client: Client) -> None:
    reply = client.send(headers=client.headers(Authorization=f"bearer {emulator.api_key}"))
    assert reply.json()["error"] == "INVALID_REQUEST"


def test_a_new_key_replaces_the_old_one(emulator: Emulator, client: Client) -> None:
    key = emulator.add_task("sketch")
    old = client.headers()
    emulator.api_key = "rotated"
    assert client.send(headers=old).status == 401
    assert client.ask(key).status == 201
    with pytest.raises(ValueError, match=r"api_key must be visible ASCII") as caught:
        emulator.api_key = "two words"
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"\xff\xfe\xfd", "JSON"),
        (DEEP, "JSON"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b"{}", "subscription_key"),
        (b'{"subscription_key": null}', "subscription_key"),
        (b'{"subscription_key": ["a"]}', "subscription_key"),
    ],
)
def test_a_malformed_body_is_an_invalid_request(client: Client, body: bytes, message: str) -> None:
    reply = client.send(body=body)
    assert reply.status == 201
    assert reply.json()["error"] == "INVALID_REQUEST"
    assert message in reply.json()["message"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(body=st.binary() | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode()))
def test_any_body_gets_a_documented_error(client: Client, body: bytes) -> None:
    reply = client.send(body=body)
    assert reply.status == 201
    assert reply.json()["error"] in {"INVALID_REQUEST", "NO_SUCH_TASK"}


def test_a_body_has_to_be_declared_as_json_unless_assumed_otherwise(emulator: Emulator, connect: Connect) -> None:
    client = connect(emulator)
    key = emulator.add_task("sketch")
    body = json.dumps({"subscription_key": key}).encode()
    reply = client.send(body=body, headers=client.headers(Content_Type="text/plain"))
    assert reply.json() == {"error": "INVALID_REQUEST", "message": "Content-Type must be application/json."}
    declared = client.headers(Content_Type="Application/JSON; charset=utf-8")
    assert "jobs" in client.send(body=body, headers=declared).json()
    with Emulator(assumptions=Assumptions(json_content_type_required=False)) as lenient:
        lenient.add_task("sketch", subscription_key=key)
        client = connect(lenient)
        assert "jobs" in client.send(body=body, headers=client.headers(Content_Type=None)).json()


@pytest.mark.parametrize("key", ["unknown", "", "123e4567-e89b-12d3-a456-426614174000"])
def test_an_unknown_key_is_no_such_task(client: Client, key: str) -> None:
    reply = client.ask(key)
    assert reply.status == 201
    assert reply.json()["error"] == "NO_SUCH_TASK"


@pytest.mark.parametrize("path", ["/", "/api/v2/statuses", "/api/v2/status/", "/api/v2/rodin", "/%2Fapi/v2"])
def test_other_paths_are_not_found(client: Client, path: str) -> None:
    assert client.send(path=path).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    reply = client.send(method)
    assert reply.status == 405
    assert reply.headers["Allow"] == "POST"
    assert int(reply.headers["Content-Length"]) > 0
    assert (reply.body == b"") == (method == "HEAD")


def test_tasks_are_kept_for_seven_days(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    key = emulator.add_task("sketch")
    clock.advance(7 * 86_400 - 1)
    assert "jobs" in client.ask(key).json()
    clock.advance(1)
    assert client.ask(key).json()["error"] == "NO_SUCH_TASK"


def test_tasks_may_be_kept_for_ever(connect: Connect, clock: VirtualClock) -> None:
    with Emulator(clock=clock, assumptions=Assumptions(kept_for=None)) as emulator:
        key = emulator.add_task("sketch")
        clock.advance(1e9)
        assert "jobs" in connect(emulator).ask(key).json()


def test_what_is_not_known_can_be_set(connect: Connect) -> None:
    assumptions = Assumptions(
        success_status=200,
        no_such_task=GONE,
        invalid_request=ErrorAnswer(400, "INVALID_REQUEST", "No."),
        unauthorized=ErrorAnswer(403, "PERMISSION_DENIED", "No."),
        not_found=ErrorAnswer(410, "GONE", "No."),
        method_not_allowed=ErrorAnswer(501, "UNKNOWN", "No."),
    )
    with Emulator(assumptions=assumptions) as emulator:
        client = connect(emulator)
        assert client.ask(emulator.add_task("sketch")).status == 200
        assert (client.ask("unknown").status, client.ask("unknown").json()) == (
            404,
            {"error": "NO_SUCH_TASK", "message": "Gone."},
        )
        assert (client.send().status, client.send().json()["message"]) == (400, "No.")
        assert client.send(headers={}).status == 403
        assert client.send(path="/").status == 410
        assert client.send("GET").status == 501


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"success_status": 99}, ValueError, r"success_status must be from 200 to 999, not 99\."),
        ({"success_status": "201"}, TypeError, r"success_status must be a whole number, not str\."),
        ({"no_such_task": 404}, TypeError, r"no_such_task must be an ErrorAnswer, not int\."),
        ({"json_content_type_required": 1}, TypeError, r"json_content_type_required must be a bool, not int\."),
        ({"kept_for": 0}, ValueError, r"kept_for must be above 0\."),
        ({"throttle_window": float("nan")}, ValueError, r"throttle_window must be finite and at least 0, not nan\."),
        ({"retry_after_form": "iso"}, ValueError, r"retry_after_form must be one of seconds, .*, not 'iso'\."),
    ],
)
def test_assumptions_are_checked(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        Assumptions(**arguments)


@pytest.mark.parametrize(
    ("arguments", "text"), [((True, "A", "b"), "status_code"), ((200, 1, "b"), "code"), ((200, "A", None), "message")]
)
def test_error_answers_are_checked(arguments: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        ErrorAnswer(*arguments)
