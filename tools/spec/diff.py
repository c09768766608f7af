"""Says what changed between two versions of a document, and what of it breaks a client that was made for the first.

Descriptions, examples and the names of schemas are not looked at. What differs without being understood counts as
breaking, for a person to judge.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from tools.spec.document import JsonObject, operations, resolve
from tools.spec.schemas import Difference, Direction, compare, normalize


@dataclass(frozen=True)
class Change:
    """One change, in one operation or in the document as a whole."""

    subject: str
    what: str
    breaking: bool

    def __str__(self) -> str:
        return f"{self.subject}: {self.what}"


@dataclass(frozen=True)
class _Side:
    """An operation in one of the two documents."""

    document: JsonObject
    operation: JsonObject

    def schema(self, holder: JsonObject) -> JsonObject:
        return normalize(self.document, holder.get("schema", True))

    def content(self, holder: JsonObject) -> dict[str, JsonObject]:
        return {kind: self.schema(media) for kind, media in holder.get("content", {}).items()}

    def parameters(self) -> dict[str, JsonObject]:
        found = [resolve(self.document, each) for each in self.operation["parameters"]]
        return {f"{each['in']} parameter `{each['name']}`": each for each in found}

    def request(self) -> JsonObject:
        return resolve(self.document, self.operation.get("requestBody", {}))

    def answers(self) -> dict[str, JsonObject]:
        answers: JsonObject = self.operation.get("responses", {})
        return {code: resolve(self.document, answers[code]) for code in answers if not code.startswith("x-")}

    def headers(self, answer: JsonObject) -> dict[str, JsonObject]:
        return {name: self.schema(resolve(self.document, each)) for name, each in answer.get("headers", {}).items()}

    def security(self) -> list[str]:
        """The ways to be let in, each told by the definitions of its schemes instead of their names."""
        ways = (self.document | self.operation).get("security", [])
        return sorted(json.dumps([self._scheme(name) | {"scopes": way[name]} for name in sorted(way)]) for way in ways)

    def _scheme(self, name: str) -> JsonObject:
        scheme = resolve(self.document, self.document.get("components", {}).get("securitySchemes", {}).get(name, {}))
        return {key: scheme[key] for key in sorted(scheme.keys() - {"bearerFormat", "description"})}


def changes(old: JsonObject, new: JsonObject) -> list[Change]:
    """Returns the changes from one document to another."""
    found = list(_servers(old, new))
    before, after = operations(old), operations(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            found.append(Change(name, "is gone", breaking=True))
        elif name not in before:
            found.append(Change(name, "is new", breaking=False))
        else:
            differences = _operation(_Side(old, before[name]), _Side(new, after[name]))
            found += [Change(name, f"{each.where}: {each.what}", each.breaking) for each in differences]
    return found


def _servers(old: JsonObject, new: JsonObject) -> Iterator[Change]:
    before, after = ({server["url"] for server in document.get("servers", ())} for document in (old, new))
    for url in sorted(before - after):
        yield Change("servers", f"{url} is gone", breaking=True)
    for url in sorted(after - before):
        yield Change("servers", f"{url} is new", breaking=False)


def _operation(old: _Side, new: _Side) -> Iterator[Difference]:
    yield from _parameters(old, new)
    yield from _request(old, new)
    yield from _answers(old, new)
    if old.security() != new.security():
        yield Difference("security", "how a caller is let in has changed", breaking=True)
    if new.operation.get("deprecated") and not old.operation.get("deprecated"):
        yield Difference("operation", "is deprecated", breaking=False)


def _parameters(old: _Side, new: _Side) -> Iterator[Difference]:
    before, after = old.parameters(), new.parameters()
    for name in sorted(before.keys() | after.keys()):
        needed = after.get(name, {}).get("required", False)
        if name not in after:
            yield Difference(name, "is gone", breaking=True)
        elif name not in before:
            yield Difference(name, f"is new, and {'required' if needed else 'optional'}", needed)
        else:
            yield from _need(before[name], after[name], name)
            yield from _within(name, compare(old.schema(before[name]), new.schema(after[name]), Direction.REQUEST))


def _request(old: _Side, new: _Side) -> Iterator[Difference]:
    before, after = old.request(), new.request()
    yield from _need(before, after, "request")
    yield from _content(old.content(before), new.content(after), Direction.REQUEST, "request")


def _need(before: JsonObject, after: JsonObject, where: str) -> Iterator[Difference]:
    needed = after.get("required", False)
    if before.get("required", False) != needed:
        yield Difference(where, "is required now" if needed else "is optional now", needed)


def _answers(old: _Side, new: _Side) -> Iterator[Difference]:
    before, after = old.answers(), new.answers()
    for code in sorted(before.keys() - after.keys()):
        yield Difference(f"answer {code}", "is gone", code.startswith("2"))
    for code in sorted(after.keys() - before.keys()):
        yield Difference(f"answer {code}", "is new", breaking=False)
    codes_of: dict[Difference, list[str]] = {}  # what several answers share is said once
    for code in sorted(before.keys() & after.keys()):
        for difference in _answer(old, before[code], new, after[code]):
            codes_of.setdefault(difference, []).append(code)
    for difference, codes in codes_of.items():
        where = f"answer {', '.join(codes)}{difference.where}"
        yield Difference(where, difference.what, difference.breaking)


def _answer(old: _Side, before: JsonObject, new: _Side, after: JsonObject) -> Iterator[Difference]:
    yield from _content(old.content(before), new.content(after), Direction.ANSWER, "")
    headers_before, headers_after = old.headers(before), new.headers(after)
    for name in sorted(headers_before.keys() | headers_after.keys()):
        where = f", header {name}"
        if name not in headers_after:
            yield Difference(where, "is gone", breaking=True)
        elif name not in headers_before:
            yield Difference(where, "is new", breaking=False)
        else:
            yield from _within(where, compare(headers_before[name], headers_after[name], Direction.ANSWER))


def _content(
    before: dict[str, JsonObject], after: dict[str, JsonObject], direction: Direction, where: str
) -> Iterator[Difference]:
    for kind in sorted(before.keys() | after.keys()):
        if kind not in after:
            yield Difference(where, f"{kind} is gone", breaking=True)
        elif kind not in before:
            yield Difference(where, f"{kind} is new", breaking=False)
        else:
            yield from _within(where, compare(before[kind], after[kind], direction))


def _within(where: str, differences: Iterator[Difference]) -> Iterator[Difference]:
    for each in differences:
        yield Difference(f"{where} `{each.where}`" if each.where else where, each.what, each.breaking)
