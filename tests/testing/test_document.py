"""The emulator's answers are valid by `openapi/status.yaml` itself, so that the two cannot drift apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator.readers import read_from_filename

from rodin_sdk.testing import PRESETS, Emulator, JobScript, Shape, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testing.conftest import Client, Reply

DOCUMENT: Any = read_from_filename(str(Path(__file__).parents[2] / "openapi" / "status.yaml"))[0]
OPERATION = DOCUMENT["paths"]["/api/v2/status"]["post"]
DOCUMENTED_SHAPES = {Shape.ARRAY, Shape.ARRAY_OK, Shape.ARRAY_NULL}
UNDOCUMENTED_STATUSES = {"canceled", "unknown_status"}


def resolve(value: Any) -> Any:
    """Follows a reference inside the document."""
    if "$ref" not in value:
        return value
    found = DOCUMENT
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def violations(reply: Reply) -> list[str]:
    """Returns what is wrong with an answer, by the document."""
    responses = OPERATION["responses"]
    response = resolve(responses.get(str(reply.status), responses.get("default")))
    found = [
        f"{name} is {reply.headers[name]!r}"
        for name, header in response.get("headers", {}).items()
        if not OAS30Validator(header["schema"]).is_valid(int(reply.headers[name]))
    ]
    for media_type, content in response.get("content", {}).items():
        if reply.headers["Content-Type"] != media_type:
            found.append(f"Content-Type is {reply.headers['Content-Type']!r}")
        # The schema stands in the whole document, because its references point there.
        validator = OAS30Validator({**DOCUMENT, "allOf": [content["schema"]]})
        found += [error.message for error in validator.iter_errors(reply.json())]
    return found


@pytest.mark.parametrize("shape", sorted(DOCUMENTED_SHAPES))
@pytest.mark.parametrize("preset", sorted(set(PRESETS) - UNDOCUMENTED_STATUSES))
def test_tasks_are_answered_as_documented(
    emulator: Emulator, client: Client, clock: VirtualClock, preset: str, shape: Shape
) -> None:
    key = emulator.add_task(preset, shape=shape)
    for _ in range(20):
        assert violations(client.ask(key)) == []
        clock.advance(5)


def test_a_queue_is_shown_as_documented(emulator: Emulator, client: Client) -> None:
    reply = client.ask(emulator.add_task([JobScript([(0, "Waiting")], queue_length=2)]))
    assert reply.json()["jobs"][0]["queue_length"] == 2
    assert violations(reply) == []


def test_refusals_are_as_documented(clock: VirtualClock, connect: Callable[[Emulator], Client]) -> None:
    with Emulator(clock=clock, requests_per_minute=2) as emulator:
        client = connect(emulator)
        replies = [client.send(), client.ask("unknown"), client.ask("unknown"), client.send(headers={})]
    assert [reply.status for reply in replies] == [201, 201, 429, 401]
    assert [violations(reply) for reply in replies] == [[]] * 4


def test_requests_are_taken_as_documented(emulator: Emulator, client: Client) -> None:
    for media_type, content in OPERATION["requestBody"]["content"].items():
        for example in content["examples"].values():
            key = emulator.add_task(subscription_key=example["value"]["subscription_key"])
            assert client.headers()["Content-Type"] == media_type
            assert client.ask(key).status == 201
    assert {tuple(rule) for rule in OPERATION["security"]} == {("bearerAuth",)}


@pytest.mark.parametrize("shape", sorted(set(Shape) - DOCUMENTED_SHAPES - {Shape.SAMPLE}))
def test_the_other_shapes_are_what_the_document_leaves_out(emulator: Emulator, client: Client, shape: Shape) -> None:
    assert violations(client.ask(emulator.add_task(shape=shape))) != []
