"""Reads an OpenAPI document into plain JSON values, and finds things in it."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import unquote

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

JsonObject = dict[str, Any]

MAX_CHARACTERS: Final = 1_000_000
"""The largest document that is taken, written as JSON. Ours has 6,000."""

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")

_DATA: Final = frozenset({"const", "default", "enum", "example", "examples"})
"""Keys whose values are data, not parts of the document."""

_MAPS: Final = frozenset(
    {
        "$defs",
        "callbacks",
        "content",
        "dependentSchemas",
        "headers",
        "links",
        "parameters",
        "pathItems",
        "paths",
        "patternProperties",
        "properties",
        "requestBodies",
        "responses",
        "schemas",
        "securitySchemes",
        "webhooks",
    }
)
"""Keys whose values map names, which are the author's own, to objects."""


class SpecError(Exception):
    """A document, or something made from it, that cannot be accepted. The text says why."""


def parse(text: str) -> JsonObject:
    """Returns the document that a YAML text holds, as JSON would have it: with string keys, and dates as text.

    JSON needs no way of its own, since YAML 1.2 contains it. That is also the version that the generator reads: in it
    `on` and `no` are words.

    Raises:
        SpecError: The text is no YAML, or no mapping, or too large.
    """
    try:
        reader: Any = YAML(typ="safe", pure=True)
        loaded: object = reader.load(text)
        document: object = json.loads(_as_json(loaded))
    except (YAMLError, RecursionError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SpecError(f"The document can be read neither as YAML nor as JSON: {reason}") from error
    if not isinstance(document, dict):
        raise SpecError("The document is not a mapping, so it is no OpenAPI document.")
    return cast("JsonObject", document)


def resolve(document: JsonObject, node: JsonObject) -> JsonObject:
    """Returns what a node's `$ref` leads to, or the node itself when it has none.

    Raises:
        SpecError: The reference leads nowhere, out of the document, or in a circle.
    """
    seen: set[str] = set()
    while isinstance(reference := node.get("$ref"), str):
        if reference in seen:
            raise SpecError(f"The reference {reference} leads in a circle.")
        seen.add(reference)
        node = _target(document, reference)
    return node


def operations(document: JsonObject) -> dict[str, JsonObject]:
    """Returns each operation under a name like `POST /api/v2/status`, the parameters of its path among its own."""
    found: dict[str, JsonObject] = {}
    paths: JsonObject = document.get("paths", {})
    for path in paths:
        item = resolve(document, paths[path]) if path.startswith("/") else {}
        for method in METHODS:
            if method in item:
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                found[f"{method.upper()} {path}"] = {**item[method], "parameters": parameters}
    return found


def nodes(value: object, pointer: str = "#") -> Iterator[tuple[str, JsonObject]]:
    """Yields each object of the document with its pointer, but no data, and no maps from names to objects."""
    if isinstance(value, list):
        for index, item in enumerate(cast("list[object]", value)):
            yield from nodes(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        node = cast("JsonObject", value)
        yield pointer, node
        for key, child in node.items():
            if key in _MAPS and isinstance(child, dict):
                for name, named in cast("JsonObject", child).items():
                    yield from nodes(named, f"{pointer}/{key}/{name}")
            elif key not in _DATA and not key.startswith("x-"):
                yield from nodes(child, f"{pointer}/{key}")


def _target(document: JsonObject, reference: str) -> JsonObject:
    if not reference.startswith("#/"):
        raise SpecError(f"The reference {reference} leads out of the document. Only references within it are followed.")
    node = document
    for part in unquote(reference[2:]).split("/"):
        child = node.get(part.replace("~1", "/").replace("~0", "~"))
        if not isinstance(child, dict):
            raise SpecError(f"The reference {reference} leads nowhere.")
        node = cast("JsonObject", child)
    return node


def _as_json(value: object) -> str:
    """Returns the value's JSON text, but gives up on a short YAML text that aliases blow up."""
    chunks: list[str] = []
    size = 0
    for chunk in json.JSONEncoder(allow_nan=False, default=_date_as_text).iterencode(value):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_CHARACTERS:
            raise ValueError(f"with its aliases it has more than {MAX_CHARACTERS:,} characters")
    return "".join(chunks)


def _date_as_text(value: object) -> str:
    if isinstance(value, dt.date):  # a datetime is one as well
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no type of JSON")
