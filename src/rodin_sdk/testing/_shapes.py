"""The forms in which a status answer is documented."""

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum

from rodin_sdk.testing._checks import to_choice, to_items


class Shape(StrEnum):
    """The form of a status answer. The service's own pages show several; clients have to take each."""

    ARRAY = "array"
    """`{"jobs": [{"uuid": …, "status": …}]}`: the table of fields, most likely what is sent (doc)."""
    ARRAY_OK = "array_ok"
    """The same with `"error": "OK"`: the rendered specification (doc)."""
    ARRAY_NULL = "array_null"
    """The same with `"error": null`: an older sample (doc)."""
    MAP = "map"
    """`{"jobs": {uuid: status}}`: the sample, read as intended (guess). Has no place for `queue_length`."""
    LIST_OF_MAPS = "list_of_maps"
    """`{"jobs": [{uuid: status}, …]}`: the sample, mended the other way (guess). Has no place for `queue_length`."""
    MIXED = "mixed"
    """A list in which objects as in `ARRAY` and maps as in `LIST_OF_MAPS` take turns (guess)."""
    SAMPLE = "sample"
    """`{"jobs": [uuid: status, …]}`: the sample to the letter (doc), which is no JSON. Has no place for more fields."""


def to_shapes(value: "Shape | str | Sequence[Shape | str]") -> tuple[Shape, ...]:
    """Returns the shapes that take turns.

    Raises:
        TypeError: `value` is neither a shape nor a sequence of shapes.
        ValueError: There is no such shape, or none is named.
    """
    items = (value,) if isinstance(value, str) else to_items("shape", value)
    if not items:
        raise ValueError("shape must not be empty.")
    return tuple(to_choice("shape", Shape, item) for item in items)


def render(shape: Shape, jobs: Sequence[Mapping[str, object]], extra: Mapping[str, object]) -> bytes:
    """Returns the body of an answer.

    Args:
        shape: The form.
        jobs: The jobs: `uuid`, `status`, and what else is known of each.
        extra: Further fields beside `jobs`.
    """
    if shape is Shape.SAMPLE:
        return _sample(jobs)
    listed: object
    if shape is Shape.MAP:
        listed = dict(_pair(job) for job in jobs)
    elif shape is Shape.LIST_OF_MAPS:
        listed = [dict([_pair(job)]) for job in jobs]
    elif shape is Shape.MIXED:
        listed = [dict([_pair(job)]) if index % 2 else job for index, job in enumerate(jobs)]
    else:
        listed = jobs
    return json.dumps({**_ERRORS.get(shape, {}), "jobs": listed, **extra}).encode()


_ERRORS: Mapping[Shape, Mapping[str, object]] = {Shape.ARRAY_OK: {"error": "OK"}, Shape.ARRAY_NULL: {"error": None}}


def _pair(job: Mapping[str, object]) -> tuple[str, object]:
    return str(job["uuid"]), job["status"]


def _sample(jobs: Sequence[Mapping[str, object]]) -> bytes:
    """Sets the jobs as the page does, line breaks included."""
    lines = ",".join("\n    " + ": ".join(map(json.dumps, _pair(job))) for job in jobs)
    return f'{{\n  "jobs": [{lines}\n  ]\n}}'.encode()
