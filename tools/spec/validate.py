"""Says what is wrong with a document, and what the generator would drop from it without a word."""

import os
import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator
from openapi_spec_validator.validation.validators import SpecValidator

from tools.spec.document import JsonObject, SpecError, nodes, resolve

# The validator would take another engine if it finds one, but that does not tell why none of the alternatives fits.
os.environ["OPENAPI_SPEC_VALIDATOR_SCHEMA_VALIDATOR_BACKEND"] = "jsonschema"

_VALIDATORS: Final = {"3.0": OpenAPIV30SpecValidator, "3.1": OpenAPIV31SpecValidator}
_SHOWN: Final = 10

_DROPPED: Final = {
    "$dynamicRef": "the generator does not follow it",
    "$id": "it gives the references beneath it another meaning",
    "patternProperties": "the generated model loses such properties",
}
_UNCHECKED: Final = {
    "callbacks": "the generated client has none",
    "discriminator": "the generated client tries the alternatives in turn instead",
    "if": "the generated client does not look at it",
    "not": "the generated client does not look at it",
    "prefixItems": "the generated client takes the items for anything",
    "webhooks": "the generated client has none",
}


def check(document: JsonObject) -> None:
    """Accepts a valid document of which the generator loses nothing.

    Raises:
        SpecError: It is another kind of document, or it is invalid, or the generator would drop parts of it in silence.
    """
    found = list(islice(_problems(document), _SHOWN))
    if found:
        raise SpecError("\n  - ".join(["The document is not acceptable:", *found]))


def remarks(document: JsonObject) -> list[str]:
    """Returns what is valid, but means less in the generated client than in the document."""
    return [
        f"{pointer}: `{key}`: {_UNCHECKED[key]}"
        for pointer, node in nodes(document)
        for key in sorted(_UNCHECKED.keys() & node.keys())
    ]


def _problems(document: JsonObject) -> Iterator[str]:
    version = str(document.get("openapi", document.get("swagger", "none")))
    validator = _VALIDATORS.get(version[:3])
    if validator is None:
        yield f"its version of OpenAPI is {version}, and the generator takes 3.0 and 3.1 only"
        return
    # The references come first, since the validator would follow one that leads out, to whatever address it names.
    unresolved = list(_unresolved(document))
    yield from unresolved or _invalid(validator(document))
    yield from _dropped(document)


def _unresolved(document: JsonObject) -> Iterator[str]:
    for pointer, node in nodes(document):
        try:
            resolve(document, node)
        except SpecError as error:
            yield f"{pointer}: {error}"


def _invalid(validator: SpecValidator) -> Iterator[str]:
    try:
        for error in validator.iter_errors():
            deepest = error
            # That neither an object nor a reference fits says little; what the object lacks says all.
            while causes := [cause for cause in deepest.context or () if cause.validator_value != ["$ref"]]:
                deepest = max(causes, key=lambda cause: len(cause.absolute_path))
            yield f"{deepest.json_path}: {' '.join(deepest.message.split())[:200]}"
    except Exception as error:  # noqa: BLE001 # it can trip over the very faults that it has to report
        yield f"openapi-spec-validator gave up: {' '.join(str(error).split())[:200]}"


def _dropped(document: JsonObject) -> Iterator[str]:
    for pointer, node in nodes(document):
        for key in sorted(_DROPPED.keys() & node.keys()):
            yield f"{pointer}: `{key}`: {_DROPPED[key]}"
        if "in" in node and "name" in node and "content" in node:
            yield f"{pointer}: `content` of a parameter: the generated client loses the parameter"
        if collision := _colliding_values(node.get("enum", ())):
            yield f"{pointer}: the values {collision} of `enum` get the same name in the generated client"


def _colliding_values(values: list[object]) -> str:
    names: dict[str, str] = {}
    for value in values:
        if isinstance(value, str) and value[:1].isalpha():  # the generator numbers the others
            name = re.sub(r"[\W_]+", "_", value).strip("_").casefold()
            if name in names:
                return f"{names[name]!r} and {value!r}"
            names[name] = value
    return ""
