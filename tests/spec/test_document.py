"""The vendored document says what the vendor's pages say, and its examples fit it."""

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator

from tests.spec.conftest import operation
from tools.spec.document import JsonObject, nodes, parse, resolve
from tools.spec.header import Vendored
from tools.spec.layout import REPOSITORY
from tools.spec.validate import check, remarks

DOCUMENT = parse(REPOSITORY.document.read_text("utf-8"))


def media_types() -> Iterator[tuple[str, JsonObject]]:
    """Yields each media type of the document that has a schema."""
    for pointer, node in nodes(DOCUMENT):
        if "schema" in node and "/content/" in pointer:
            yield pointer, node


def errors(schema: JsonObject, value: Any) -> list[str]:
    # The schema stands in the whole document, since its references point there.
    return [error.message for error in OAS30Validator({**DOCUMENT, "allOf": [schema]}).iter_errors(value)]


def answer_errors(code: str, value: Any) -> list[str]:
    answer = resolve(DOCUMENT, operation(DOCUMENT)["responses"][code])
    return errors(answer["content"]["application/json"]["schema"], value)


def test_the_document_is_valid_and_loses_nothing_in_generation() -> None:
    check(DOCUMENT)
    assert remarks(DOCUMENT) == []


def test_the_header_tells_where_the_text_comes_from_and_that_nobody_touched_it() -> None:
    vendored = Vendored.parse(REPOSITORY.document.read_text("utf-8"))
    assert vendored.source
    assert vendored.taken >= "2026-11-22"
    assert vendored.is_untouched


@pytest.mark.parametrize("media", [pytest.param(media, id=pointer) for pointer, media in media_types()])
def test_every_example_fits_its_schema(media: JsonObject) -> None:
    examples = [example["value"] for example in media.get("examples", {}).values()]
    for value in [*examples, *([media["example"]] if "example" in media else [])]:
        assert errors(media["schema"], value) == []


@pytest.mark.parametrize("code", ["200", "201"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"error": "OK", "jobs": [{"uuid": "text", "status": "Waiting"}]}, id="rendered specification"),
        pytest.param({"jobs": [{"uuid": "123e4567-e89b-12d3-a456-426614174000", "status": "Generating"}]}, id="table"),
        pytest.param({"error": None, "jobs": []}, id="null, and no job yet"),
        pytest.param({"jobs": [{"uuid": "a", "status": "Waiting", "queue_length": 3}]}, id="queue length"),
        pytest.param({"jobs": [{"uuid": "a", "status": "Done", "new": 1}], "new": {}}, id="fields to come"),
        pytest.param({"error": "NO_SUCH_TASK"}, id="refused with a success code"),
        pytest.param(
            {"error": "API_INSUFFICIENT_FUNDS", "message": "The fund in your wallet is insufficient."}, id="why"
        ),
    ],
)
def test_a_documented_answer_is_valid(code: str, body: object) -> None:
    assert answer_errors(code, body) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="neither jobs nor error"),
        pytest.param({"jobs": [{"uuid": "a"}]}, id="no status"),
        pytest.param({"jobs": [{"uuid": "a", "status": "Resting"}]}, id="undocumented status"),
        pytest.param({"jobs": {"a": "Done"}}, id="map"),
        pytest.param({"error": 5}, id="number as an error"),
        pytest.param([], id="list"),
    ],
)
def test_an_undocumented_answer_is_not_valid(body: object) -> None:
    assert answer_errors("201", body)


def test_a_failure_has_the_common_error_body_whatever_its_code() -> None:
    unauthorized = {"error": "UNAUTHORIZED", "message": "Active API key is required."}
    assert answer_errors("401", unauthorized) == []
    assert answer_errors("default", {"error": "INVALID_REQUEST"}) == []
    assert answer_errors("default", {"message": "no code"})


def test_throttling_is_documented_with_retry_after_and_without_a_body() -> None:
    throttled = operation(DOCUMENT)["responses"]["429"]
    assert throttled["headers"]["Retry-After"]["schema"] == {"type": "integer"}
    assert "content" not in throttled


def test_a_request_needs_the_subscription_key_and_a_bearer_token() -> None:
    body = operation(DOCUMENT)["requestBody"]
    request = body["content"]["application/json"]["schema"]
    assert body["required"]
    assert errors(request, {"subscription_key": "any text"}) == []
    assert errors(request, {}) == ["'subscription_key' is a required property"]
    assert errors(request, {"subscription_key": 5})
    (way,) = operation(DOCUMENT)["security"]
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert [(schemes[name]["type"], schemes[name]["scheme"]) for name in way] == [("http", "bearer")]


def test_each_documented_status_is_valid() -> None:
    for status in ("Waiting", "Generating", "Done", "Failed"):
        assert answer_errors("201", {"jobs": [{"uuid": "a", "status": status}]}) == []


def test_a_uuid_is_any_string() -> None:
    """A format would make the generated client raise on the documentation's own sample, `text`."""
    assert not [pointer for pointer, node in nodes(DOCUMENT) if "format" in node]
