"""Each kind of change is seen, put into words, and sorted into breaking and compatible."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.spec.conftest import operation, schema
from tools.spec.diff import changes
from tools.spec.document import JsonObject

STATUS = "POST /api/v2/status"
ANSWER = f"{STATUS}: answer 200, 201"
NUMBER = {"type": "number"}


class Parts:
    """The parts of a document that the cases below change."""

    def __init__(self, document: JsonObject) -> None:
        self.document = document
        self.operation = operation(document)
        self.answers: JsonObject = self.operation["responses"]
        self.content: JsonObject = self.operation["requestBody"]["content"]
        self.parameters: list[JsonObject] = self.operation.setdefault("parameters", [])
        answer = document["components"]["responses"]["Answer"]["content"]["application/json"]
        self.alternatives: list[JsonObject] = answer["schema"]["anyOf"]
        self.request = schema(document, "StatusRequest")
        self.key: JsonObject = self.request["properties"]["subscription_key"]
        self.answer = schema(document, "StatusResponse")
        self.message: JsonObject = self.answer["properties"]["message"]
        self.job = schema(document, "Job")
        self.uuid: JsonObject = self.job["properties"]["uuid"]
        self.queue: JsonObject = self.job["properties"]["queue_length"]
        self.statuses: list[Any] = schema(document, "JobStatus")["enum"]

    def add_parameter(self, **values: object) -> None:
        """Adds a query parameter."""
        self.parameters.append({"in": "query", "name": "q", "schema": {"type": "string"}, **values})


Edit = Callable[[Parts], object]

BREAKING: list[tuple[str, Edit]] = [
    (f"{STATUS}: request `subscription_key`: was string and is integer", lambda it: it.key.update(type="integer")),
    (f'{STATUS}: request `subscription_key`: takes only these values now: "a"', lambda it: it.key.update(enum=["a"])),
    (f"{STATUS}: request `subscription_key`: `maxLength` was null and is 9", lambda it: it.key.update(maxLength=9)),
    (
        f"{STATUS}: request `.*`: was of any type and is nothing",
        lambda it: it.request.update(additionalProperties=False),
    ),
    (f"{STATUS}: request: application/json is gone", lambda it: it.content.clear()),
    (f"{STATUS}: query parameter `q`: is new, and required", lambda it: it.add_parameter(required=True)),
    (f"{STATUS}: security: how a caller is let in has changed", lambda it: it.operation.update(security=[])),
    (f"{STATUS}: answer 201: is gone", lambda it: it.answers.pop("201")),
    (f"{STATUS}: answer 429, header Retry-After: is gone", lambda it: it.answers["429"].pop("headers")),
    (f"{ANSWER} `jobs[].uuid`: was required and is optional", lambda it: it.job["required"].remove("uuid")),
    (f"{ANSWER} `jobs[].queue_length`: is gone", lambda it: it.job["properties"].pop("queue_length")),
    (f"{ANSWER} `jobs[].uuid`: was string and is integer", lambda it: it.uuid.update(type="integer")),
    (f"{ANSWER} `jobs[].queue_length`: was integer and is number", lambda it: it.queue.update(NUMBER)),
    (f'{ANSWER} `jobs[].uuid`: `format` was null and is "uuid"', lambda it: it.uuid.update(format="uuid")),
    (f"{ANSWER} `message`: was string and is null or string", lambda it: it.message.update(nullable=True)),
    (f"{ANSWER}: may also be number", lambda it: it.alternatives.append(NUMBER)),
    (f"{STATUS}: is gone", lambda it: it.document["paths"].clear()),
    ("servers: https://hyperhuman.deemos.com is gone", lambda it: it.document["servers"].pop()),
]

COMPATIBLE: list[tuple[str, Edit]] = [
    (f"{STATUS}: request `verbose`: is new, and optional", lambda it: it.request["properties"].update(verbose={})),
    (f"{STATUS}: request `subscription_key`: was required and is optional", lambda it: it.request["required"].clear()),
    (
        f"{STATUS}: request `subscription_key`: was string and is null or string",
        lambda it: it.key.update(nullable=True),
    ),
    (f"{STATUS}: request: is optional now", lambda it: it.operation["requestBody"].pop("required")),
    (f"{STATUS}: request: text/plain is new", lambda it: it.content.update({"text/plain": {}})),
    (f"{STATUS}: query parameter `q`: is new, and optional", lambda it: it.add_parameter()),
    (f"{STATUS}: answer 202: is new", lambda it: it.answers.update({"202": {"description": "Later"}})),
    (f"{STATUS}: answer 429: is gone", lambda it: it.answers.pop("429")),
    (f'{ANSWER} `jobs[].status`: the value "Canceled" is new', lambda it: it.statuses.append("Canceled")),
    (f'{ANSWER} `jobs[].status`: the value "Failed" is gone', lambda it: it.statuses.remove("Failed")),
    (f"{ANSWER} `jobs[].progress`: is new, and optional", lambda it: it.job["properties"].update(progress=NUMBER)),
    (f"{ANSWER} `message`: was optional and is required", lambda it: it.answer["required"].append("message")),
    (f"{ANSWER}: is no longer an object with `error`, `message`", lambda it: it.alternatives.pop()),
    (f"{STATUS}: operation: is deprecated", lambda it: it.operation.update(deprecated=True)),
    ("POST /api/v3/status: is new", lambda it: it.document["paths"].update({"/api/v3/status": {"post": it.operation}})),
    (
        "servers: https://rodin.invalid is new",
        lambda it: it.document["servers"].append({"url": "https://rodin.invalid"}),
    ),
]

NOTHING: list[tuple[str, Edit]] = [
    ("description", lambda it: it.job.update(description="Other words", title="A job", example={})),
    ("schema in place", lambda it: it.alternatives.__setitem__(0, copy.deepcopy(it.answer))),
    ("allOf", lambda it: it.alternatives.__setitem__(0, {"allOf": [it.answer, {"required": ["jobs"]}]})),
    ("order", lambda it: it.statuses.reverse()),
    ("order of alternatives", lambda it: it.alternatives.reverse()),
    ("extension", lambda it: it.job.update({"x-order": 1})),
    (
        "null as an alternative",
        lambda it: it.answer["properties"].update(error={"anyOf": [{"type": "string"}, {"type": "null"}]}),
    ),
    ("default of a keyword", lambda it: it.job.update(additionalProperties=True)),
    ("name and description of the scheme", lambda it: rename_scheme(it.document)),
    ("security of the document", lambda it: it.document.update(security=it.operation.pop("security"))),
]


def rename_scheme(document: JsonObject) -> None:
    schemes = document["components"]["securitySchemes"]
    schemes["key"] = schemes.pop("bearerAuth") | {"bearerFormat": "JWT", "description": "The key"}
    operation(document)["security"] = [{"key": []}]


def difference(document: JsonObject, edit: Edit) -> list[tuple[str, bool]]:
    new = copy.deepcopy(document)
    edit(Parts(new))
    return [(str(change), change.breaking) for change in changes(document, new)]


@pytest.mark.parametrize(("text", "edit"), BREAKING)
def test_a_breaking_change(document: JsonObject, text: str, edit: Edit) -> None:
    assert (text, True) in difference(document, edit)


@pytest.mark.parametrize(("text", "edit"), COMPATIBLE)
def test_a_compatible_change(document: JsonObject, text: str, edit: Edit) -> None:
    assert difference(document, edit) == [(text, False)]


@pytest.mark.parametrize(("what", "edit"), NOTHING)
def test_what_a_client_cannot_notice_is_no_change(document: JsonObject, what: str, edit: Edit) -> None:
    assert difference(document, edit) == [], what


def test_a_renamed_field_is_recognized(document: JsonObject) -> None:
    def rename(parts: Parts) -> None:
        parts.job["properties"]["id"] = parts.job["properties"].pop("uuid")

    assert difference(document, rename) == [
        (f"{ANSWER} `jobs[].uuid`: is gone (is it `id` now?)", True),
        (f"{ANSWER} `jobs[].id`: is new, and optional", False),
    ]


def test_alternatives_are_compared_with_those_that_they_are_most_like(document: JsonObject) -> None:
    def merge(parts: Parts) -> None:
        parts.answer["required"] = []
        del parts.alternatives[1]

    assert difference(document, merge) == [
        (f"{ANSWER} `jobs`: was required and is optional", True),
        (f"{ANSWER}: is no longer an object with `error`, `message`", False),
    ]


def test_a_schema_that_contains_itself_is_compared(document: JsonObject) -> None:
    def nest(parts: Parts) -> None:
        parts.job["properties"]["after"] = {"type": "array", "items": {"$ref": "#/components/schemas/Job"}}

    assert difference(document, nest) == [(f"{ANSWER} `jobs[].after`: is new, and optional", False)]
    nest(Parts(document))
    assert difference(document, lambda parts: parts.uuid.update(type="integer")) == [
        (f"{ANSWER} `jobs[].uuid`: was string and is integer", True)
    ]


def test_a_parameter_of_the_path_counts_as_one_of_its_operations(document: JsonObject) -> None:
    def add(parts: Parts) -> None:
        item = parts.document["paths"]["/api/v2/status"]
        item["parameters"] = [{"in": "header", "name": "X-Tenant", "required": True, "schema": {"type": "string"}}]

    assert difference(document, add) == [(f"{STATUS}: header parameter `X-Tenant`: is new, and required", True)]
