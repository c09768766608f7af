"""Keeps the names under which the facade imports generated code, whatever the vendor's document calls things."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tools.spec.document import JsonObject, SpecError, parse, resolve


@dataclass(frozen=True)
class Used:
    """One operation that the facade uses, and the names that it uses it by."""

    method: str
    path: str
    tag: str
    operation: str
    request_schema: str
    request_field: str

    @property
    def title(self) -> str:
        """What the operation is called in reports."""
        return f"{self.method.upper()} {self.path}"


def load(path: Path) -> list[Used]:
    """Returns the operations that a file of names lists."""
    entries = cast("list[dict[str, str]]", parse(path.read_text("utf-8"))["operations"])
    return [Used(**entry) for entry in entries]


def pin(document: JsonObject, used: list[Used]) -> JsonObject:
    """Returns a copy of the document in which the operations that the facade uses have the names that it uses.

    What is not there is left out: the probe of the generated package tells.

    Raises:
        SpecError: The document has given one of these names to another schema.
    """
    pinned = copy.deepcopy(document)
    for each in used:
        item = resolve(pinned, pinned.get("paths", {}).get(each.path, {}))
        if each.method in item:
            operation: JsonObject = item[each.method]
            operation.update(tags=[each.tag], operationId=each.operation)
            _pin_request(pinned, operation, each.request_schema)
    return pinned


def _pin_request(document: JsonObject, operation: JsonObject, name: str) -> None:
    body = resolve(document, operation.get("requestBody", {}))
    media: JsonObject = body.get("content", {}).get("application/json", {})
    if "schema" in media:
        schema = resolve(document, media["schema"])
        schemas: JsonObject = document.setdefault("components", {}).setdefault("schemas", {})
        if schemas.setdefault(name, schema) != schema:
            raise SpecError(f"The document has a schema {name} of its own, other than the one that names.yml calls so.")
        media["schema"] = {"$ref": f"#/components/schemas/{name}"}
