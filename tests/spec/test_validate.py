"""What is wrong with a document is named with its place, and what the generator would lose in silence is refused."""

from collections.abc import Callable

import pytest

from tests.spec.conftest import operation, schema
from tools.spec.document import JsonObject, SpecError
from tools.spec.validate import check, remarks

Edit = Callable[[JsonObject], object]

INVALID: list[tuple[str, Edit]] = [
    (
        "$.paths['/api/v2/status'].post.responses['429']: 'description' is a required property",
        lambda document: operation(document)["responses"]["429"].pop("description"),
    ),
    (
        "$.components.schemas.Job.properties.queue_length.type: 'int' is not one of",
        lambda document: schema(document, "Job")["properties"]["queue_length"].update(type="int"),
    ),
    (
        "$.components.schemas.Job: 'propertys' does not match",
        lambda document: schema(document, "Job").update(propertys={}),
    ),
    (
        "Operation ID 'checkStatus' for 'post' in '/other' is not unique",
        lambda document: document["paths"].update({"/other": {"post": operation(document)}}),
    ),
    ("its version of OpenAPI is none", lambda document: document.pop("openapi")),
    (
        "#/components/schemas/Job/properties/uuid: The reference #/components/schemas/Id leads nowhere",
        lambda document: schema(document, "Job")["properties"].update(uuid={"$ref": "#/components/schemas/Id"}),
    ),
    (
        "The reference #/components/schemas/A leads in a circle",
        lambda document: document["components"]["schemas"].update(A={"$ref": "#/components/schemas/A"}),
    ),
]

LOST: list[tuple[str, Edit]] = [
    (
        "#/components/schemas/JobStatus: the values 'Done' and 'DONE' of `enum` get the same name",
        lambda document: schema(document, "JobStatus")["enum"].append("DONE"),
    ),
    (
        "the values 'in-queue' and 'in queue' of `enum` get the same name",
        lambda document: schema(document, "JobStatus")["enum"].extend(["in-queue", "in queue"]),
    ),
    (
        "#/paths//api/v2/status/post/parameters/0: `content` of a parameter",
        lambda document: operation(document).update(
            parameters=[{"in": "query", "name": "q", "content": {"application/json": {"schema": {}}}}]
        ),
    ),
]


@pytest.mark.parametrize(("reason", "edit"), [*INVALID, *LOST])
def test_a_fault_is_named_with_its_place(document: JsonObject, reason: str, edit: Edit) -> None:
    edit(document)
    with pytest.raises(SpecError) as refusal:
        check(document)
    assert reason in str(refusal.value)


@pytest.mark.parametrize("keyword", ["patternProperties", "$id", "$dynamicRef"])
def test_a_keyword_that_the_generator_drops_is_refused(document: JsonObject, keyword: str) -> None:
    modernize(document)
    schema(document, "Job")[keyword] = {} if keyword == "patternProperties" else "#job"
    with pytest.raises(SpecError, match=r"#/components/schemas/Job: `\\?" + keyword.replace("$", r"\$")):
        check(document)


@pytest.mark.parametrize("keyword", ["if", "not", "discriminator"])
def test_a_keyword_that_the_generator_does_not_check_is_remarked(document: JsonObject, keyword: str) -> None:
    modernize(document)
    schema(document, "Job")[keyword] = {"propertyName": "status"}
    (remark,) = remarks(document)
    assert remark.startswith(f"#/components/schemas/Job: `{keyword}`: ")


def test_names_and_examples_are_no_keywords(document: JsonObject) -> None:
    schema(document, "Job")["properties"] |= {"not": {"type": "string"}, "$id": {"type": "string"}}
    schema(document, "Job")["example"] = {"patternProperties": {}, "$ref": "elsewhere"}
    check(document)
    assert remarks(document) == []


def test_version_3_1_is_accepted(document: JsonObject) -> None:
    modernize(document)
    check(document)


def modernize(document: JsonObject) -> None:
    """Makes the document one of OpenAPI 3.1."""
    document["openapi"] = "3.1.0"
    schema(document, "StatusResponse")["properties"]["error"] = {"type": ["string", "null"]}
