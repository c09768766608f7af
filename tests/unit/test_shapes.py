"""Every shape in which a status answer is documented, and those in its spirit: all are read as one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import InvalidResponseError, Job, JobStatus, TaskStatus
from rodin_sdk._normalize import decode, read_error, read_jobs
from tests.unit.support import OTHER_UUID, UUID, look, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

# The sample answer of the vendor's page, to the letter. It is no JSON.
PAGE_SAMPLE = b"""{
  "jobs": [
    "123e4567-e89b-12d3-a456-426614174000": "Generating"
  ]
}"""

Pairs = Sequence[tuple[str, str]]


def write_sample(pairs: Pairs, colon: str = ": ", comma: str = ", ") -> bytes:
    return ('{"jobs": [' + comma.join(json.dumps(u) + colon + json.dumps(s) for u, s in pairs) + "]}").encode()


def write_mixed(pairs: Pairs) -> bytes:
    entries: list[object] = [{"uuid": u, "status": s} if i % 2 else {u: s} for i, (u, s) in enumerate(pairs)]
    return json.dumps({"jobs": entries}).encode()


def write_mixed_sample(pairs: Pairs) -> bytes:
    entries = [
        json.dumps({"uuid": u, "status": s}) if i % 2 else f"{json.dumps(u)}: {json.dumps(s)}"
        for i, (u, s) in enumerate(pairs)
    ]
    return f'{{"jobs": [{", ".join(entries)}]}}'.encode()


def rows(pairs: Pairs) -> list[dict[str, str]]:
    return [{"uuid": u, "status": s} for u, s in pairs]


SHAPES: dict[str, Callable[[Pairs], bytes]] = {
    "array": lambda pairs: json.dumps({"jobs": rows(pairs)}).encode(),
    "array, OK": lambda pairs: json.dumps({"error": "OK", "jobs": rows(pairs)}).encode(),
    "array, null": lambda pairs: json.dumps({"error": None, "jobs": rows(pairs)}).encode(),
    "array, further fields": lambda pairs: json.dumps(
        {"jobs": [{**row, "type": "mesh", "queue": 3} for row in rows(pairs)], "version": [1, {"x": None}]}
    ).encode(),
    "array, BOM": lambda pairs: b"\xef\xbb\xbf" + json.dumps({"jobs": rows(pairs)}).encode(),
    "array, UTF-8": lambda pairs: json.dumps({"jobs": rows(pairs)}, ensure_ascii=False).encode(),
    "array, spread out": lambda pairs: b"\r\n\t " + json.dumps({"jobs": rows(pairs)}, indent=3).encode() + b"\n\n",
    "map": lambda pairs: json.dumps({"jobs": dict(pairs)}).encode(),
    "map of objects": lambda pairs: json.dumps({"jobs": {u: {"status": s} for u, s in pairs}}).encode(),
    "map of whole objects": lambda pairs: json.dumps({"jobs": {r["uuid"]: r for r in rows(pairs)}}).encode(),
    "list of maps": lambda pairs: json.dumps({"jobs": [{u: s} for u, s in pairs]}).encode(),
    "list of one map": lambda pairs: json.dumps({"jobs": [dict(pairs)] if pairs else []}).encode(),
    "mixed": write_mixed,
    "twice": lambda pairs: json.dumps({"jobs": rows(pairs) + [{u: s} for u, s in pairs]}).encode(),
    "sample": lambda pairs: write_sample(pairs) if pairs else b'{"jobs": []}',
    "sample, mixed": lambda pairs: write_mixed_sample(pairs) if pairs else b'{"jobs": []}',
    "sample, OK": lambda pairs: b'{"error": "OK", ' + write_sample(pairs)[1:] if pairs else b'{"jobs": []}',
    "sample, spread out": lambda pairs: write_sample(pairs, "\n :\t", "\r\n,\n") if pairs else b' {"jobs" :\t[\n] } ',
}

PAIRS = [(UUID, "Generating"), (OTHER_UUID, "Done"), ("text", "Waiting")]

# Names that the shapes use themselves are no uuids that anybody could tell from them.
uuids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda u: u not in {"uuid", "status"})
statuses = st.sampled_from([*JobStatus, "Baking", "done", "CANCELLED", ""])
tasks = st.lists(st.tuples(uuids, statuses), max_size=5, unique_by=lambda pair: pair[0])


def job(uuid: str, status: str) -> Job:
    return Job(uuid, JobStatus(status), status)


@pytest.mark.parametrize("write", SHAPES.values(), ids=SHAPES)
def test_every_shape_is_read(write: Callable[[Pairs], bytes]) -> None:
    assert look(write(PAIRS)) == TaskStatus(tuple(job(*pair) for pair in PAIRS))


@pytest.mark.parametrize("write", SHAPES.values(), ids=SHAPES)
def test_no_jobs_in_any_shape(write: Callable[[Pairs], bytes]) -> None:
    status = look(write([]))
    assert (status.jobs, status.state, status.is_final) == ((), "Waiting", False)


@given(tasks)
def test_every_shape_of_one_answer_gives_equal_results(pairs: list[tuple[str, str]]) -> None:
    expected = tuple(job(*pair) for pair in pairs)
    for name, write in SHAPES.items():
        body = decode(write(pairs))
        assert read_jobs(body) == expected, name
        assert read_error(body) is None, name


@given(tasks)
def test_what_was_read_can_be_written_and_read_again(pairs: list[tuple[str, str]]) -> None:
    once = decode(SHAPES["mixed"](pairs))
    again = decode(json.dumps(once).encode())
    assert again == once
    written = json.dumps({"jobs": [{"uuid": j.uuid, "status": j.raw_status} for j in read_jobs(once)]})
    assert read_jobs(decode(written.encode())) == read_jobs(once)


def test_sample_of_the_page() -> None:
    status = look(PAGE_SAMPLE)
    assert status == TaskStatus((Job(UUID, JobStatus.GENERATING),))
    assert status.raw == {"jobs": [{UUID: "Generating"}]}


def test_rendered_specification_of_the_page() -> None:
    status = look(b'{\n"error": "OK",\n"jobs": [\n{\n"uuid": "text",\n"status": "Waiting"\n}\n]\n}')
    assert (status.state, status.error, status.jobs) == ("Waiting", None, (Job("text", JobStatus.WAITING),))


@pytest.mark.parametrize("status_code", [200, 201, 202, 203, 206, 226, 299])
def test_every_code_of_success(status_code: int) -> None:
    assert look(PAGE_SAMPLE, status_code).state == "Generating"


@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain; charset=utf-16", "", None])
def test_content_type_does_not_matter(kind: str | None) -> None:
    status = look(PAGE_SAMPLE) if kind is None else look(PAGE_SAMPLE, content_type=kind)
    assert status.state == "Generating"


# --- single jobs


@pytest.mark.parametrize(
    ("value", "raw_status"),
    [
        ("Baking", "Baking"),
        ("", ""),
        (7, "7"),
        (-0.5, "-0.5"),
        (None, "null"),
        (True, "true"),
        (["Done"], '["Done"]'),
        ({"name": "Done"}, '{"name": "Done"}'),
        ({"Done": 1}, '{"Done": 1}'),
    ],
    ids=str,
)
@pytest.mark.parametrize("write", ["array", "map", "list of maps", "sample"])
def test_unknown_status_is_kept_and_counts_as_running(write: str, value: object, raw_status: str) -> None:
    pair: Any = (UUID, value)
    body = {
        "array": json.dumps({"jobs": [{"uuid": UUID, "status": value}]}),
        "map": json.dumps({"jobs": dict([pair])}),
        "list of maps": json.dumps({"jobs": [dict([pair])]}),
        "sample": f'{{"jobs": [{json.dumps(UUID)}: {json.dumps(value)}]}}',
    }[write]
    status = look(body.encode())
    assert status.jobs == (Job(UUID, JobStatus.UNKNOWN, raw_status),)
    assert (status.state, status.is_final, status.progress) == ("Generating", False, 0.0)


@pytest.mark.parametrize(
    ("written", "status"),
    [("done", "Done"), ("DONE", "Done"), (" Failed ", "Failed"), ("Cancelled", "Canceled"), ("canceled", "Canceled")],
)
def test_spelling_of_a_status_is_forgiven_and_kept(written: str, status: str) -> None:
    (found,) = look({"jobs": [{"uuid": UUID, "status": written}]}).jobs
    assert (found.status, found.raw_status) == (status, written)


@pytest.mark.parametrize(
    ("value", "queue_length"),
    [(0, 0), (17, 17), (-1, -1), (None, None), (True, None), ("17", None), (1.0, None), ([1], None)],
    ids=str,
)
def test_queue_length_is_an_integer_or_nothing(value: object, queue_length: int | None) -> None:
    (found,) = look({"jobs": [{"uuid": UUID, "status": "Waiting", "queue_length": value}]}).jobs
    assert found.queue_length == queue_length
    assert type(found.queue_length) is type(queue_length)


def test_queue_length_within_a_map() -> None:
    (found,) = look({"jobs": {UUID: {"status": "Waiting", "queue_length": 4}}}).jobs
    assert found == Job(UUID, JobStatus.WAITING, "Waiting", 4)


@pytest.mark.parametrize("uuid", ["", " ", "text", "0", "jobs", "error", "\x00", "🔑", "a" * 10_000])
def test_uuid_is_any_string(uuid: str) -> None:
    for jobs in ([{"uuid": uuid, "status": "Done"}], {uuid: "Done"}, [{uuid: "Done"}]):
        assert look({"jobs": jobs}).jobs == (Job(uuid, JobStatus.DONE),)


def test_one_job_that_stands_without_its_list() -> None:
    assert look({"jobs": {"uuid": UUID, "status": "Done"}}).jobs == (Job(UUID, JobStatus.DONE),)


# --- one uuid twice


@pytest.mark.parametrize(
    ("one", "other"),
    [("Done", "Done"), ("Done", "done"), ("Canceled", "Cancelled"), ("Baking", "Baking"), (None, None)],
    ids=str,
)
def test_equal_duplicates_are_merged(one: Any, other: Any) -> None:
    for first, second in product(([{"uuid": UUID, "status": one}], [{UUID: one}]), ([{UUID: other}],)):
        status = look({"jobs": [*first, {"uuid": OTHER_UUID, "status": "Done"}, *second]})
        assert [(j.uuid, j.status) for j in status.jobs] == [(UUID, JobStatus(one)), (OTHER_UUID, "Done")]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Done", "Failed"), ("Done", "Baking"), ("Waiting", "Generating"), ("Baking", "Frying"), (None, 0), (1, "2")],
    ids=str,
)
def test_duplicates_in_conflict_are_refused(one: object, other: object) -> None:
    for entry in ({"uuid": UUID, "status": other}, {UUID: other}, {UUID: {"status": other}}):
        error = refusal({"jobs": [{"uuid": UUID, "status": one}, entry]})
        assert isinstance(error, InvalidResponseError)
        assert error.reason == f"job {UUID} has two statuses"


@pytest.mark.parametrize(("first", "second", "kept"), [(None, 3, 3), (3, None, 3), (3, 3, 3), (3, 4, 3)])
def test_queue_length_survives_a_merge(first: int | None, second: int | None, kept: int) -> None:
    entries = [{"uuid": UUID, "status": "Waiting", "queue_length": length} for length in (first, second)]
    assert look({"jobs": entries}).jobs == (Job(UUID, JobStatus.WAITING, "Waiting", kept),)


# --- what is no shape


NO_SHAPES: list[tuple[object, str]] = [
    (None, "its jobs are neither a list nor a map: null"),
    ("Done", 'its jobs are neither a list nor a map: "Done"'),
    (5, "its jobs are neither a list nor a map: 5"),
    (True, "its jobs are neither a list nor a map: true"),
    ([UUID], f'a job is neither an object nor a map: "{UUID}"'),
    ([None], "a job is neither an object nor a map: null"),
    ([[]], "a job is neither an object nor a map: []"),
    ([{}], "a job is neither an object nor a map: {}"),
    ([["a", "Done"]], 'a job is neither an object nor a map: ["a", "Done"]'),
    ([{"uuid": UUID}], f'a job lacks its uuid or its status: {{"uuid": "{UUID}"}}'),
    ([{"status": "Done"}], 'a job lacks its uuid or its status: {"status": "Done"}'),
    ([{"uuid": 5, "status": "Done"}], 'a job lacks its uuid or its status: {"uuid": 5, "status": "Done"}'),
    ([{"uuid": None, "status": "Done"}], 'a job lacks its uuid or its status: {"uuid": null, "status": "Done"}'),
    ({"uuid": UUID}, f'a job lacks its uuid or its status: {{"uuid": "{UUID}"}}'),
    ({"a": {"uuid": "b", "status": "Done"}}, 'a job has two uuids: {"a": {"uuid": "b", "status": "Done"}}'),
    ({"a": {"uuid": 5, "status": "Done"}}, 'a job has two uuids: {"a": {"uuid": 5, "status": "Done"}}'),
    ([{"a": {"uuid": None, "status": "Done"}}], 'a job has two uuids: {"a": {"uuid": null, "status": "Done"}}'),
    ([{"uuid": UUID, "status": "Done"}, 5], "a job is neither an object nor a map: 5"),
]


@pytest.mark.parametrize(("jobs", "said"), NO_SHAPES, ids=str)
def test_what_is_no_shape_is_refused(jobs: object, said: str) -> None:
    error = refusal({"jobs": jobs})
    assert isinstance(error, InvalidResponseError)
    assert error.reason == said
    assert error.content == json.dumps({"jobs": jobs}).encode()


@pytest.mark.parametrize("body", [{}, {"message": "hello"}, {"Jobs": []}, {"job": []}, {"error": "OK"}], ids=str)
def test_answer_without_jobs_is_refused(body: object) -> None:
    error = refusal(body)
    assert isinstance(error, InvalidResponseError)
    assert error.reason == "it has no jobs"


NO_SAMPLES = [
    '{"jobs": ["a"]}x',
    '{"jobs": ["a": "Done",]}',
    '{"jobs": [,"a": "Done"]}',
    '{"jobs": ["a": "Done" "b": "Done"]}',
    '{"jobs": ["a": "Done"}',
    '{"jobs": ["a": ]}',
    '{"jobs": ["a" "Done"]}',
    '{"jobs": ["a":: "Done"]}',
    '{"jobs": [: "Done"]}',
    '{"jobs": [5: "Done"]}',
    '{"jobs": ["a": "Done"]',
    '{"jobs": ["a": "Done"]} {"jobs": []}',
    '{"jobs": ["a": "Done"]},',
    '{"jobs": ["a": "Done"], }',
    '{"jobs": ["a": "Done"], "x"}',
    '{"jobs": ["a": "Done"], x: 1}',
    '{"jobs": ["a": "Done"], 5: 1}',
    '{"jobs": ["a": Done]}',
    "{'jobs': ['a': 'Done']}",
    '{"jobs": [["a": "Done"]]}',
    '{"x": ["a": "Done"], "jobs": []}',
    '{"x": ["a": "Done"], "jobs": ["a": "Done"]}',
    '{"x": {"jobs": ["a": "Done"]}, "jobs": []}',
    '["a": "Done"]',
    '"jobs": ["a": "Done"]',
    '{"jobs": ["a": "Done"], "x": NaN}',
    '{"jobs": ["a": NaN]}',
    '{"jobs": ["a": "b": "Done"]}',
    '{"jobs": ["a": "Done", "b"]}',
    '{"jobs": ["a\n": "Done"]}',
    '{"jobs": ["a": "Done"]}\x00',
    '{"jobs": ["a": "Done"\xa0]}',
    '{"jobs": ["a": "Done"] /* x */}',
]


@pytest.mark.parametrize("text", NO_SAMPLES)
def test_what_is_nearly_the_sample_is_refused(text: str) -> None:
    error = refusal(text.encode())
    assert isinstance(error, InvalidResponseError)
    assert error.content == text.encode()


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ('{"jobs": ["a": "Done"], "jobs": ["a": "Done"]}', {"jobs": [{"a": "Done"}]}),
        ('{"x": {"y": [1]}, "jobs": ["a": "Done"], "z": 1.5}', {"x": {"y": [1]}, "jobs": [{"a": "Done"}], "z": 1.5}),
        ('{"jobs": ["a": "Done", "a": "Done"]}', {"jobs": [{"a": "Done"}, {"a": "Done"}]}),
        (r'{"jobs": ["\u0061": "D\u006fne"]}', {"jobs": [{"a": "Done"}]}),
        ('{"jobs": ["a": {"status": "Done"}]}', {"jobs": [{"a": {"status": "Done"}}]}),
        ('{"jobs": [{"b": "Done"}, "a": "Done"]}', {"jobs": [{"b": "Done"}, {"a": "Done"}]}),
    ],
)
def test_sample_among_json(text: str, raw: object) -> None:
    assert look(text.encode()).raw == raw
    assert look(text.encode()).is_done


@pytest.mark.parametrize(
    "text",
    [
        '{"jobs": ["a": "Done", "a": "Failed"]}',
        '{"jobs": ["a": "Done"], "x": 1, "x": 2}',
        '{"jobs": ["a": 1], "jobs": []}',
    ],
)
def test_conflicts_in_the_sample_are_refused(text: str) -> None:
    assert isinstance(refusal(text.encode()), InvalidResponseError)
