"""Brings schemas into one form, and says how two of them differ."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import product
from typing import Final, cast

from tools.spec.document import JsonObject, resolve

_TYPES: Final = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})

_ANNOTATIONS: Final = frozenset(
    {
        "$comment",
        "deprecated",
        "description",
        "discriminator",
        "example",
        "examples",
        "externalDocs",
        "readOnly",
        "title",
        "writeOnly",
        "xml",
    }
)
"""Keys that do not bear on which values are valid."""

_REWRITTEN: Final = frozenset({"$ref", "allOf", "anyOf", "const", "nullable", "oneOf", "type"})
"""Keys that have another form in a normalized schema."""

_COMPARED: Final = frozenset({"additionalProperties", "enum", "items", "properties", "required", "types"})
"""Keys of a normalized schema that are understood. All others are only seen to differ."""


class Direction(Enum):
    """Who sends what a schema describes. It decides what breaks: we may send less than before, the service no more."""

    REQUEST = "request"
    ANSWER = "answer"


@dataclass(frozen=True)
class Difference:
    """One way in which a schema differs from its former self."""

    where: str
    what: str
    breaking: bool


def normalize(document: JsonObject, schema: object, within: tuple[str, ...] = ()) -> JsonObject:
    """Returns a schema without references, annotations, and choices that mean the same.

    The result has its `types` in one list, and `allOf` is merged. Alternatives are the only key, `variants`, of a
    schema that has any. A schema that contains itself ends in `recursive`.
    """
    if not isinstance(schema, dict):
        return {} if schema else {"types": []}
    node = cast("JsonObject", schema)
    if isinstance(reference := node.get("$ref"), str):
        if reference in within:
            return {"recursive": reference}
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        target = normalize(document, resolve(document, node), (*within, reference))
        return _merged(target, normalize(document, siblings, within)) if siblings else target
    found = _own(document, node, within)
    for part in node.get("allOf", ()):
        found = _merged(found, normalize(document, part, within))
    for alternatives in (node.get("anyOf"), node.get("oneOf")):
        if alternatives:
            found = _with_alternatives(found, [normalize(document, each, within) for each in alternatives])
    return found


def compare(old: JsonObject, new: JsonObject, direction: Direction, where: str = "") -> Iterator[Difference]:
    """Yields how a normalized schema differs from its former self."""
    olds, news = _variants(old), _variants(new)
    gone = [each for each in olds if not any(same(each, other) for other in news)]
    come = [each for each in news if not any(same(each, other) for other in olds)]
    while gone and come:
        one, other = max(product(gone, come), key=_likeness)
        gone.remove(one)
        come.remove(other)
        yield from _compare_plain(one, other, direction, where)
    for one in gone:
        yield Difference(where, f"is no longer {_described(one)}", direction is Direction.REQUEST)
    for one in come:
        yield Difference(where, f"may also be {_described(one)}", direction is Direction.ANSWER)


def same(one: object, other: object) -> bool:
    """Whether two JSON values are equal, as `1` and `true` are to Python but not in JSON."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _own(document: JsonObject, node: JsonObject, within: tuple[str, ...]) -> JsonObject:
    dropped = _ANNOTATIONS | _REWRITTEN
    found = {key: value for key, value in node.items() if key not in dropped and not key.startswith("x-")}
    if "type" in node:
        types = [node["type"]] if isinstance(node["type"], str) else node["type"]
        found["types"] = sorted({*types, "null"} if node.get("nullable") else types)
    if "const" in node:
        found["enum"] = [node["const"]]
    if "required" in node:
        found["required"] = sorted(node["required"])
    if "items" in node:
        found["items"] = normalize(document, node["items"], within)
    if "properties" in node:
        found["properties"] = {name: normalize(document, each, within) for name, each in node["properties"].items()}
    if "additionalProperties" in node:
        found["additionalProperties"] = normalize(document, node["additionalProperties"], within)
    return found


def _merged(one: JsonObject, other: JsonObject) -> JsonObject:
    if "variants" in one or "variants" in other:
        return {"variants": [_merged(left, right) for left in _variants(one) for right in _variants(other)]}
    merged = {**one, **other}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = sorted({*one["required"], *other["required"]})
    return merged


def _with_alternatives(base: JsonObject, alternatives: list[JsonObject]) -> JsonObject:
    null: JsonObject = {"types": ["null"]}
    others = [each for each in alternatives if each != null]
    if len(others) == 1 and "types" in others[0]:  # the way in which OpenAPI 3.1 says nullable
        types = others[0]["types"] if len(alternatives) == 1 else sorted({*others[0]["types"], "null"})
        return _merged(base, {**others[0], "types": types})
    return _merged(base, {"variants": [variant for each in alternatives for variant in _variants(each)]})


def _variants(schema: JsonObject) -> list[JsonObject]:
    variants: list[JsonObject] = schema.get("variants", [schema])
    return variants


def _likeness(pair: tuple[JsonObject, JsonObject]) -> int:
    one, other = pair
    return len(one.get("properties", {}).keys() & other.get("properties", {}).keys())


def _described(schema: JsonObject) -> str:
    if "properties" in schema:
        return f"an object with {', '.join(f'`{name}`' for name in schema['properties'])}"
    return _type_names(schema)


def _type_names(schema: JsonObject) -> str:
    return " or ".join(schema.get("types", ["of any type"])) or "nothing"


def _compare_plain(old: JsonObject, new: JsonObject, direction: Direction, where: str) -> Iterator[Difference]:
    yield from _compare_types(old, new, direction, where)
    yield from _compare_values(old, new, direction, where)
    yield from _compare_properties(old, new, direction, where)
    yield from _compare_parts(old, new, direction, where)
    for key in sorted((old.keys() | new.keys()) - _COMPARED):
        if not same(old.get(key), new.get(key)):
            what = f"`{key}` was {json.dumps(old.get(key))} and is {json.dumps(new.get(key))}"
            yield Difference(where, what, breaking=True)  # for a person to judge


def _compare_types(old: JsonObject, new: JsonObject, direction: Direction, where: str) -> Iterator[Difference]:
    before, after = _types(old), _types(new)
    if before != after:
        breaks = before - after if direction is Direction.REQUEST else after - before
        yield Difference(where, f"was {_type_names(old)} and is {_type_names(new)}", bool(breaks))


def _types(schema: JsonObject) -> frozenset[str]:
    types = frozenset(schema.get("types", _TYPES))
    return types | {"integer"} if "number" in types else types


def _compare_values(old: JsonObject, new: JsonObject, direction: Direction, where: str) -> Iterator[Difference]:
    """Compares enumerations. A new value in an answer breaks nothing, since the facade keeps what it does not know."""
    asked = direction is Direction.REQUEST
    before, after = old.get("enum"), new.get("enum")
    if before is None and after is not None:
        yield Difference(where, f"takes only these values now: {json.dumps(after)[1:-1]}", asked)
    elif before is not None and after is None:
        yield Difference(where, "takes any value now", breaking=False)
    elif before is not None and after is not None:
        for value in before:
            if not any(same(value, other) for other in after):
                yield Difference(where, f"the value {json.dumps(value)} is gone", asked)
        for value in after:
            if not any(same(value, other) for other in before):
                yield Difference(where, f"the value {json.dumps(value)} is new", breaking=False)


def _compare_properties(old: JsonObject, new: JsonObject, direction: Direction, where: str) -> Iterator[Difference]:
    before, after = old.get("properties", {}), new.get("properties", {})
    needed_before, needed_after = old.get("required", []), new.get("required", [])
    for name in sorted(before.keys() - after.keys()):
        successors = [each for each in sorted(after.keys() - before.keys()) if same(before[name], after[each])]
        hint = f" (is it `{successors[0]}` now?)" if len(successors) == 1 else ""
        yield Difference(_path(where, name), f"is gone{hint}", breaking=True)
    for name in sorted(after.keys() - before.keys()):
        needed = name in needed_after
        kind = "required" if needed else "optional"
        yield Difference(_path(where, name), f"is new, and {kind}", needed and direction is Direction.REQUEST)
    for name in sorted(before.keys() & after.keys()):
        if (name in needed_before) != (name in needed_after):
            needed = name in needed_after
            what = "was optional and is required" if needed else "was required and is optional"
            yield Difference(_path(where, name), what, needed == (direction is Direction.REQUEST))
        yield from compare(before[name], after[name], direction, _path(where, name))


def _compare_parts(old: JsonObject, new: JsonObject, direction: Direction, where: str) -> Iterator[Difference]:
    for key, suffix in (("items", "[]"), ("additionalProperties", ".*")):
        if key in old or key in new:
            yield from compare(old.get(key, {}), new.get(key, {}), direction, where + suffix)


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
