"""Every documented shape of a status answer, and many undocumented ones, made into one.

`decode` turns bytes into the object that they mean, `read_jobs` its `jobs` into `Job`s, `read_error` its `error` into
None for every spelling of success. What cannot be understood raises `MalformedBodyError`, and nothing else.
"""

import codecs
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from rodin_sdk._json import is_array, is_object
from rodin_sdk._models import Job, JobStatus

MAX_DEPTH: Final = 32
"""Containers within containers: the documented answers have three levels, and nobody recurses safely into 10^5."""
MAX_ITEMS: Final = 20_000
"""Values in one body. It bounds the memory of one answer to a few MiB; 6,000 jobs fit."""
MAX_TEXT: Final = 2 * 1024 * 1024
"""Bytes of memory of the decoded text. One emoji makes every character of a text take four."""
_LONGEST_WIDE: Final = MAX_TEXT // 4
"""Characters, in all, of the texts in which each takes four bytes."""
_TOO_MUCH_MEMORY: Final = f"it takes more than {MAX_TEXT} bytes of memory"
_MAX_NUMBER_LENGTH: Final = 64
"""Characters of one number: more digits than any real count has, few enough to convert at once."""

_SUCCESS_SPELLINGS: Final = frozenset({"", "ok", "none"})
_AS_DOCUMENTED: Final = {status.value: status for status in JobStatus}
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_PAIR: Final = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_WIDE: Final = re.compile(_PAIR)
_LONE_SURROGATE: Final = re.compile(
    rf"(?:[^\\]++|\\(?!u[dD][89a-fA-F]).|{_PAIR})*+(\\u[dD][89a-fA-F][0-9a-fA-F]{{2}})".encode(), re.DOTALL
)
"""The first escape of half a character, with everything before it."""
_REPLACEMENT: Final = b"\\ufffd"
_SPACE: Final = " \t\r\n"


class MalformedBodyError(ValueError):
    """A body that cannot be understood.

    Attributes:
        reason: Why, with `{}` where a part of the body is quoted.
        quoted: That part, as it came: it may hold a secret.
    """

    def __init__(self, reason: str, quoted: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.quoted = quoted


def decode(body: bytes) -> dict[str, Any]:
    """Returns the JSON object that `body` holds, or that the vendor's sample, which is not JSON, intends."""
    try:
        text = _without_lone_surrogates(body.removeprefix(codecs.BOM_UTF8)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"it is not UTF-8 (byte {error.start})") from None
    del body  # which can be a copy that nobody else holds
    if not text.strip():
        raise MalformedBodyError("it is empty")
    if len(text) > MAX_ITEMS:
        _refuse_too_large(text)
    try:
        value = _load(text)
    except RecursionError:
        raise MalformedBodyError("it is nested too deeply") from None
    if not is_object(value):
        raise MalformedBodyError("it is not a JSON object")
    # Only bodies with many brackets can be deep.
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _refuse_too_deep(value, MAX_DEPTH)
    return value


def read_error(body: Mapping[str, Any]) -> str | None:
    """Returns the `error` of a body; None for every spelling of success: absent, null, "", "OK" and "none"."""
    error = body.get("error")
    if error is None:
        return None
    if not isinstance(error, str):
        return json.dumps(error)
    error = error.strip()
    # Not "O" and the sign of a kelvin, whose lower case is a k.
    return None if error.isascii() and error.lower() in _SUCCESS_SPELLINGS else error


def read_jobs(body: Mapping[str, Any]) -> tuple[Job, ...]:
    """Returns the jobs of a body, in whichever shape they are, each uuid once."""
    if "jobs" not in body:
        raise MalformedBodyError("it has no jobs")
    jobs: dict[str, Job] = {}
    for entry in _entries(body["jobs"]):
        for job in _read_entry(entry):
            earlier = jobs.setdefault(job.uuid, job)
            if earlier is not job:
                jobs[job.uuid] = _merge(earlier, job)
    return tuple(jobs.values())


def _entries(jobs: object) -> Iterable[object]:
    if is_array(jobs):
        return jobs
    if is_object(jobs):
        return (jobs,) if jobs else ()
    raise MalformedBodyError("its jobs are neither a list nor a map: {}", json.dumps(jobs))


def _read_entry(entry: object) -> Iterable[Job]:
    """Reads a job `{"uuid": …, "status": …}`, or a map `{uuid: status, …}`."""
    if not is_object(entry) or not entry:
        raise MalformedBodyError("a job is neither an object nor a map: {}", json.dumps(entry))
    if "status" in entry and isinstance(entry.get("uuid"), str):
        return (_job(entry["uuid"], entry),)
    if "uuid" in entry or "status" in entry:
        raise MalformedBodyError("a job lacks its uuid or its status: {}", json.dumps(entry))
    return [_read_pair(entry, uuid, status) for uuid, status in entry.items()]


def _read_pair(entry: Mapping[str, Any], uuid: str, status: object) -> Job:
    """Reads a pair of a map, whose value can be a job as well."""
    details = status if is_object(status) and "status" in status else {"status": status}
    if details.get("uuid", uuid) != uuid:
        raise MalformedBodyError("a job has two uuids: {}", json.dumps(entry))
    return _job(uuid, details)


def _job(uuid: str, details: Mapping[str, Any]) -> Job:
    status, queue_length = details["status"], details.get("queue_length")
    raw_status = status if isinstance(status, str) else json.dumps(status)
    return Job(
        uuid,
        # Nearly all are written as documented, and the enumeration takes ten times as long to find them.
        _AS_DOCUMENTED.get(raw_status) or JobStatus(status),
        raw_status,
        queue_length if type(queue_length) is int else None,
    )


def _merge(one: Job, other: Job) -> Job:
    same = one.status is other.status and (one.status is not JobStatus.UNKNOWN or one.raw_status == other.raw_status)
    if not same:
        raise MalformedBodyError("job {} has two statuses", one.uuid)
    return other if one.queue_length is None and other.queue_length is not None else one


# --- JSON, strictly


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Makes an object of its pairs; a name may come twice with the same value, and not with two."""
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse_conflicts(pairs)
    return members


def _refuse_conflicts(pairs: list[tuple[str, Any]]) -> None:
    counts = Counter(name for name, _ in pairs)
    texts: dict[str, str] = {}
    for name, value in pairs:
        if counts[name] > 1:
            # The texts are compared, since in Python 1, 1.0 and True are equal, and in JSON they are not.
            text = json.dumps(value, sort_keys=True)
            if texts.setdefault(name, text) != text:
                raise MalformedBodyError("{} stands in it twice, with different values", f"'{name}'")


def _number(text: str) -> int | float:
    if len(text) > _MAX_NUMBER_LENGTH:
        raise MalformedBodyError("it has a number that is too long")
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if math.isinf(number):
        raise MalformedBodyError("it has a number that is too large")
    return number


def _refuse_constant(name: str) -> object:
    raise MalformedBodyError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_number, parse_float=_number, parse_constant=_refuse_constant
)


def _load(text: str) -> object:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        complaint = f"it is not JSON ({error.msg}, character {error.pos})"
    return _load_sample(text, complaint)


def _refuse_too_large(text: str) -> None:
    if sys.getsizeof(text) > MAX_TEXT:
        raise MalformedBodyError(_TOO_MUCH_MEMORY)
    # Commas within strings count only where it matters, since leaving strings out costs more than the parsing.
    most = _items(text)
    if most > MAX_ITEMS and most - sum(_items(found[0]) for found in _STRING.finditer(text)) > MAX_ITEMS:
        raise MalformedBodyError(f"it has more than {MAX_ITEMS} values")
    if len(text) > _LONGEST_WIDE and _WIDE.search(text) and _wide_length(text) > _LONGEST_WIDE:
        raise MalformedBodyError(_TOO_MUCH_MEMORY)


def _items(text: str) -> int:
    return text.count(",") + text.count("{") + text.count("[")


def _wide_length(text: str) -> int:
    """Returns how many characters the strings have, at the most, that an escape makes wide."""
    strings = (found[0].replace("\\\\", "_") for found in _STRING.finditer(text))
    return sum(len(s) - s.count("\\") - 4 * s.count("\\u") for s in strings if _WIDE.search(s))


def _refuse_too_deep(value: object, depth: int) -> None:
    if is_array(value):
        items: Iterable[object] = value
    elif is_object(value):
        items = value.values()
    else:
        return
    if not depth:
        raise MalformedBodyError("it is nested too deeply")
    for item in items:
        _refuse_too_deep(item, depth - 1)


def _without_lone_surrogates(body: bytes) -> bytes | bytearray:
    """Returns a body with U+FFFD in the place of escaped lone surrogates, which no file and no terminal takes."""
    found = _LONE_SURROGATE.match(body)
    if found is None:
        return body
    # In place, since a text with even one of them is twice as large, and a copy of it would be, too.
    cleaned = bytearray(body)
    while found is not None:
        cleaned[found.start(1) : found.end()] = _REPLACEMENT
        found = _LONE_SURROGATE.match(body, found.end())
    return cleaned


# --- The vendor's sample, which is not JSON: {"jobs": ["uuid": "status", …]}


def _load_sample(text: str, complaint: str) -> dict[str, Any]:
    """Reads an object in whose top-level `jobs` list a `"uuid": status` pair may stand where a value belongs.

    Everything else is JSON, as strict as before; what does not fit raises `complaint`, the parser's own.
    """
    scanner = _SampleScanner(text, complaint)
    members: list[tuple[str, Any]] = []
    scanner.expect("{")
    while True:
        name = scanner.string()
        scanner.expect(":")
        members.append((name, scanner.jobs() if name == "jobs" and scanner.at("[") else scanner.value()))
        if not scanner.at(","):
            break
        scanner.expect(",")
    scanner.expect("}")
    scanner.end()
    return _unique(members)


class _SampleScanner:
    """A position in the text, and the few steps that the grammar of the sample is made of."""

    def __init__(self, text: str, complaint: str) -> None:
        self._text = text
        self._complaint = complaint
        self._position = self._skip_space(0)

    def at(self, token: str) -> bool:
        return self._text.startswith(token, self._position)

    def expect(self, token: str) -> None:
        if not self.at(token):
            raise MalformedBodyError(self._complaint)
        self._position = self._skip_space(self._position + len(token))

    def end(self) -> None:
        if self._position != len(self._text):
            raise MalformedBodyError(self._complaint)

    def value(self) -> object:
        try:
            value, end = _DECODER.raw_decode(self._text, self._position)
        except json.JSONDecodeError:
            raise MalformedBodyError(self._complaint) from None
        self._position = self._skip_space(end)
        return value

    def string(self) -> str:
        value = self.value()
        if not isinstance(value, str):
            raise MalformedBodyError(self._complaint)
        return value

    def jobs(self) -> list[object]:
        entries: list[object] = []
        self.expect("[")
        while True:
            entry = self.value()
            if isinstance(entry, str):
                self.expect(":")
                entry = {entry: self.value()}
            entries.append(entry)
            if not self.at(","):
                break
            self.expect(",")
        self.expect("]")
        return entries

    def _skip_space(self, position: int) -> int:
        while position < len(self._text) and self._text[position] in _SPACE:
            position += 1
        return position
