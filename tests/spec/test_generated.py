"""What the facade builds on: the generated request, and models that the documented bodies fit."""

import ast
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from rodin_sdk_generated import Client
from rodin_sdk_generated.api.status import check_status
from rodin_sdk_generated.models import StatusRequest

from tools.spec.layout import PACKAGE, REPOSITORY

FILES = REPOSITORY.generated / PACKAGE


def test_the_request_is_what_the_facade_sends() -> None:
    request = StatusRequest(subscription_key="key")
    assert check_status._get_kwargs(body=request) == {  # pyright: ignore[reportPrivateUsage]
        "method": "post",
        "url": "/api/v2/status",
        "json": {"subscription_key": "key"},
        "headers": {"Content-Type": "application/json"},
    }


@pytest.mark.parametrize("code", [HTTPStatus.OK, HTTPStatus.CREATED])
@pytest.mark.parametrize(
    "body",
    [
        {"error": "OK", "jobs": [{"uuid": "text", "status": "Waiting"}]},
        {"jobs": [{"uuid": "123e4567-e89b-12d3-a456-426614174000", "status": "Generating"}]},
        {"error": None, "jobs": []},
        {
            "jobs": [
                {"uuid": "a", "status": "Done"},
                {"uuid": "b", "status": "Failed", "queue_length": 3, "new": {"x": 1}},
            ]
        },
        {"error": "NO_SUCH_TASK", "message": "?"},
    ],
)
def test_no_documented_body_loses_anything_in_its_model(code: HTTPStatus, body: dict[str, Any]) -> None:
    assert parsed(code, body) == body


def test_a_failure_has_the_model_of_the_common_error_body() -> None:
    body = {"error": "UNAUTHORIZED", "message": "Active API key is required."}
    assert parsed(HTTPStatus.UNAUTHORIZED, body) == body
    assert parsed(HTTPStatus.BAD_REQUEST, body) == body


def test_the_package_is_typed_and_imports_only_what_the_sdk_depends_on() -> None:
    assert (FILES / "py.typed").read_bytes() == b""
    imported: set[str] = set()
    for path in FILES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).partition(".")[0])
    assert imported - {"__future__", "collections", "enum", "http", "io", "ssl", "typing"} == {"attrs", "httpx"}


def parsed(code: HTTPStatus, body: dict[str, Any]) -> object:
    """Returns what is left of a body after a way through its model."""
    response = httpx.Response(code, json=body)
    model = check_status._parse_response(client=Client(base_url=""), response=response)  # pyright: ignore[reportPrivateUsage]
    assert model is not None
    return model.to_dict()
