"""`TaskStatus.raw`: the decoded body, read-only at every depth, and JSON all the same."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rodin_sdk import TaskStatus
from tests.unit.support import UUID, look

if TYPE_CHECKING:
    from collections.abc import Callable

BODY: dict[str, Any] = {
    "jobs": [{"uuid": UUID, "status": "Done", "worker": {"name": "w", "tags": ["a", ["b"]]}}],
    "extra": [3, 1, 2],
    "nested": {"a": {"b": None}},
}

# Every method of dict and of list that changes something; the in-place operators included.
DICT_MUTATORS: dict[str, Callable[[Any], object]] = {
    "setitem": lambda d: d.__setitem__("x", 1),
    "delitem": lambda d: d.__delitem__("jobs"),
    "ior": lambda d: d.__ior__({"x": 1}),
    "clear": lambda d: d.clear(),
    "pop": lambda d: d.pop("jobs"),
    "pop default": lambda d: d.pop("absent", None),
    "popitem": lambda d: d.popitem(),
    "setdefault": lambda d: d.setdefault("x", 1),
    "setdefault present": lambda d: d.setdefault("jobs", 1),
    "update": lambda d: d.update(x=1),
    "update nothing": lambda d: d.update(),
}
LIST_MUTATORS: dict[str, Callable[[Any], object]] = {
    "setitem": lambda x: x.__setitem__(0, 9),
    "set slice": lambda x: x.__setitem__(slice(None), []),
    "delitem": lambda x: x.__delitem__(0),
    "iadd": lambda x: x.__iadd__([9]),
    "imul": lambda x: x.__imul__(2),
    "append": lambda x: x.append(9),
    "clear": lambda x: x.clear(),
    "extend": lambda x: x.extend([9]),
    "insert": lambda x: x.insert(0, 9),
    "pop": lambda x: x.pop(),
    "remove": lambda x: x.remove(3),
    "reverse": lambda x: x.reverse(),
    "sort": lambda x: x.sort(),
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.fixture
def status() -> TaskStatus:
    return look(BODY)


def test_raw_is_the_body_with_every_field(status: TaskStatus) -> None:
    assert status.raw == BODY
    assert json.loads(json.dumps(status.raw)) == BODY
    assert isinstance(status.raw, dict)
    assert isinstance(status.raw["extra"], list)


@pytest.mark.parametrize("change", DICT_MUTATORS.values(), ids=DICT_MUTATORS)
def test_no_map_in_it_can_be_changed(status: TaskStatus, change: Callable[[Any], object]) -> None:
    for place in (status.raw, status.raw["nested"], status.raw["nested"]["a"], status.raw["jobs"][0]):
        with pytest.raises(TypeError, match="read-only"):
            change(place)
    assert status.raw == BODY


@pytest.mark.parametrize("change", LIST_MUTATORS.values(), ids=LIST_MUTATORS)
def test_no_list_in_it_can_be_changed(status: TaskStatus, change: Callable[[Any], object]) -> None:
    for place in (status.raw["jobs"], status.raw["extra"], status.raw["jobs"][0]["worker"]["tags"]):
        with pytest.raises(TypeError, match="read-only"):
            change(place)
    assert status.raw == BODY


def test_statements_change_nothing_either(status: TaskStatus) -> None:
    raw: Any = status.raw
    with pytest.raises(TypeError, match="read-only"):
        raw["x"] = 1
    with pytest.raises(TypeError, match="read-only"):
        del raw["jobs"]
    with pytest.raises(TypeError, match="read-only"):
        raw["extra"] += [4]
    with pytest.raises(TypeError, match="read-only"):
        raw |= {"x": 1}
    assert status.raw == BODY


def test_body_that_somebody_else_holds_does_not_reach_in() -> None:
    body: dict[str, Any] = {"jobs": []}
    status = TaskStatus((), raw=body)
    body["jobs"].append("x")
    body["more"] = 1
    assert status.raw == {"jobs": []}


def test_copies_can_be_changed(status: TaskStatus) -> None:
    mine = dict(status.raw)
    mine["x"] = 1
    assert {**status.raw, "x": 1} == mine
    assert [*status.raw["extra"], 4] == [3, 1, 2, 4]
    assert status.raw == BODY


def test_raw_of_nothing_is_empty() -> None:
    assert TaskStatus().raw == {}


@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_raw_can_be_written_pickled_and_copied(body: dict[str, Any]) -> None:
    raw = TaskStatus((), raw=body).raw
    assert raw == body
    assert json.dumps(raw) == json.dumps(body)
    for twin in (pickle.loads(pickle.dumps(raw)), copy.deepcopy(raw), copy.copy(raw)):
        assert twin == body
        assert type(twin) is type(raw)
        with pytest.raises(TypeError, match="read-only"):
            DICT_MUTATORS["clear"](twin)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_raw_stays_read_only(status: TaskStatus, protocol: int) -> None:
    twin = pickle.loads(pickle.dumps(status.raw, protocol))
    assert twin == BODY
    with pytest.raises(TypeError, match="read-only"):
        twin["jobs"].append(1)
