"""Tasks over time, the presets, and the shapes of the answers about them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rodin_sdk.testing import PRESETS, Emulator, Fault, JobScript, Shape, TaskScript, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testing.conftest import Client

STEPS = [(0, "Waiting"), (10, "Generating"), (20, "Done")]
TWO = TaskScript([JobScript([(0, "Generating")], uuid="a"), JobScript([(0, 'D"one')], uuid="b")])
EMPTY = TaskScript([])


def statuses(client: Client, key: str) -> list[str]:
    return [status for status, _ in client.jobs(key)]


def test_a_job_follows_its_timeline(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    clock.advance(500)
    key = emulator.add_task([STEPS])
    seen: list[str] = []
    for _ in range(5):
        seen += statuses(client, key)
        clock.advance(5)
    assert seen == ["Waiting", "Waiting", "Generating", "Generating", "Done"]


def test_speed_changes_a_task_but_not_its_script(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    script = TaskScript([STEPS])
    fast, slow = emulator.add_task(script, speed=10), emulator.add_task(script, speed=0.5)
    clock.advance(2)
    assert (statuses(client, fast), statuses(client, slow)) == (["Done"], ["Waiting"])
    assert script == TaskScript([STEPS])


def test_jobs_appear_and_vanish(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    key = emulator.add_task([[(5, "Waiting"), (10, None), (15, "Done")], [(0, "Generating")]])
    seen: list[list[str]] = []
    for _ in range(4):
        seen.append(statuses(client, key))
        clock.advance(5)
    assert seen == [["Generating"], ["Waiting", "Generating"], ["Generating"], ["Done", "Generating"]]


def test_uuids_stay_the_same(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    key = emulator.add_task("regular")
    before = [job["uuid"] for job in client.ask(key).json()["jobs"]]
    clock.advance(60)
    assert [job["uuid"] for job in client.ask(key).json()["jobs"]] == before
    assert len(set(before)) == 5


def test_a_waiting_job_may_count_down_its_queue(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    key = emulator.add_task([JobScript(STEPS, queue_length=4), JobScript([(0, "Waiting")], queue_length=4)])
    seen: list[int | None] = []
    for _ in range(5):
        (_, first), (_, second) = client.jobs(key)
        assert second == 4
        seen.append(first)
        clock.advance(2.5)
    assert seen == [4, 3, 2, 1, None]


def test_further_fields_stand_in_the_answer(emulator: Emulator, client: Client) -> None:
    script = TaskScript(
        [JobScript([(0, "Done")], uuid="a", extra={"kind": "mesh", "status": 7})],
        shape="array_ok",
        extra={"error": "UNKNOWN", "message": "See above."},
    )
    assert client.ask(emulator.add_task(script)).json() == {
        "error": "UNKNOWN",
        "jobs": [{"uuid": "a", "status": 7, "kind": "mesh"}],
        "message": "See above.",
    }


def test_further_fields_are_copied() -> None:
    fields: dict[str, Any] = {"list": [1]}
    script = TaskScript([], extra=fields)
    fields["list"].append(2)
    assert script.extra == {"list": [1]}
    assert hash(script) == hash(TaskScript([], extra=fields))


@pytest.mark.parametrize(
    ("shape", "two", "none"),
    [
        (
            Shape.ARRAY,
            {"jobs": [{"uuid": "a", "status": "Generating"}, {"uuid": "b", "status": 'D"one'}]},
            {"jobs": []},
        ),
        (
            Shape.ARRAY_OK,
            {"error": "OK", "jobs": [{"uuid": "a", "status": "Generating"}, {"uuid": "b", "status": 'D"one'}]},
            {"error": "OK", "jobs": []},
        ),
        (
            Shape.ARRAY_NULL,
            {"error": None, "jobs": [{"uuid": "a", "status": "Generating"}, {"uuid": "b", "status": 'D"one'}]},
            {"error": None, "jobs": []},
        ),
        (Shape.MAP, {"jobs": {"a": "Generating", "b": 'D"one'}}, {"jobs": {}}),
        (Shape.LIST_OF_MAPS, {"jobs": [{"a": "Generating"}, {"b": 'D"one'}]}, {"jobs": []}),
        (Shape.MIXED, {"jobs": [{"uuid": "a", "status": "Generating"}, {"b": 'D"one'}]}, {"jobs": []}),
    ],
)
def test_the_shapes_are_as_documented(emulator: Emulator, client: Client, shape: Shape, two: Any, none: Any) -> None:
    assert client.ask(emulator.add_task(TWO, shape=shape)).json() == two
    assert client.ask(emulator.add_task(EMPTY, shape=str(shape))).json() == none


def test_the_sample_is_as_on_the_page(emulator: Emulator, client: Client) -> None:
    one = [JobScript([(0, "Generating")], uuid="123e4567-e89b-12d3-a456-426614174000")]
    page = '{\n  "jobs": [\n    "123e4567-e89b-12d3-a456-426614174000": "Generating"\n  ]\n}'
    assert client.ask(emulator.add_task(one, shape="sample")).body.decode() == page
    two = '{\n  "jobs": [\n    "a": "Generating",\n    "b": "D\\"one"\n  ]\n}'
    assert client.ask(emulator.add_task(TWO, shape="sample")).body.decode() == two
    assert client.ask(emulator.add_task(EMPTY, shape="sample")).json() == {"jobs": []}


def test_shapes_take_turns(emulator: Emulator, client: Client, connect: Callable[[Emulator], Client]) -> None:
    key = emulator.add_task(TWO, shape=["map", Shape.ARRAY])
    assert [type(client.ask(key).json()["jobs"]) for _ in range(4)] == [dict, list, dict, list]
    with Emulator(shape=("array_ok", "map")) as other:
        client = connect(other)
        own, shared = other.add_task(TWO, shape="array"), other.add_task(TWO)
        assert "error" not in client.ask(own).json()
        assert client.ask(shared).json()["error"] == "OK"
        assert "error" not in client.ask(shared).json()


ENDS = {
    "sketch": (20, ["Done"] * 2),
    "regular": (70, ["Done"] * 5),
    "gen2": (90, ["Done"] * 6),
    "fails": (45, ["Done", "Failed"]),
    "preview_fails": (70, [*["Done"] * 5, "Failed"]),
    "canceled": (15, ["Canceled"] * 2),
    "never_ends": (None, ["Generating"] * 2),
    "empty_first": (70, ["Done"] * 2),
    "unknown_status": (70, ["Done"] * 2),
    "flapping": (65, ["Done"] * 2),
}
FINAL = {"Done", "Failed", "Canceled"}


@pytest.mark.parametrize("name", PRESETS)
def test_presets_end_as_they_say(emulator: Emulator, client: Client, clock: VirtualClock, name: str) -> None:
    ends, last = ENDS[name]
    key = emulator.add_task(name)
    first_end = None
    for second in range(100):
        seen = statuses(client, key)
        if first_end is None and seen and FINAL.issuperset(seen):
            first_end = second
        clock.advance(1)
    assert first_end == ends
    assert statuses(client, key) == last
    assert PRESETS[name].name == name


def test_presets_show_what_they_are_for(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    empty, unknown, preview = (emulator.add_task(name) for name in ("empty_first", "unknown_status", "preview_fails"))
    assert statuses(client, empty) == []
    clock.advance(40)
    assert statuses(client, unknown)[1] == "Postprocessing"
    assert statuses(client, preview) == ["Done", *["Generating"] * 4, "Failed"]


def test_a_preset_is_regular_by_default(emulator: Emulator, client: Client) -> None:
    assert len(client.jobs(emulator.add_task())) == 5


REFUSED: Any = [
    ({"script": "fast"}, ValueError, r"preset must be one of sketch, .*, not 'fast'\."),
    ({"script": 7}, TypeError, r"jobs must be a sequence, not int\."),
    ({"script": ["Done"]}, TypeError, r"timeline must be a sequence, not str\."),
    ({"script": [[]]}, ValueError, r"timeline must have a step\."),
    ({"script": [["Done"]]}, TypeError, r"timeline must hold pairs of seconds and a status"),
    ({"script": [[(0, 1)]]}, TypeError, r"timeline must hold pairs of seconds and a status"),
    ({"script": [[(True, "Done")]]}, TypeError, r"timeline: seconds must be a number, not bool\."),
    ({"script": [[(-1, "Done")]]}, ValueError, r"timeline: seconds must be finite and at least 0, not -1\."),
    ({"script": [[(1, "Done"), (1, "Failed")]]}, ValueError, r"timeline must be in order"),
    ({"speed": 0}, ValueError, r"speed must be above 0\."),
    ({"speed": "fast"}, TypeError, r"speed must be a number, not str\."),
    ({"speed": 10**400}, ValueError, r"speed must be finite"),
    ({"speed": 1e-308}, ValueError, r"timeline: seconds must be finite"),
    ({"shape": "tree"}, ValueError, r"shape must be one of array, array_ok, .*, not 'tree'\."),
    ({"shape": []}, ValueError, r"shape must not be empty\."),
    ({"shape": 5}, TypeError, r"shape must be a sequence, not int\."),
    ({"shape": [5]}, TypeError, r"shape must be a str, not int\."),
    ({"faults": Fault()}, TypeError, r"faults must be a sequence, not Fault\."),
    ({"faults": ["reset"]}, TypeError, r"faults must be Fault or None, not str\."),
    ({"subscription_key": ""}, ValueError, r"subscription_key must be visible ASCII"),
    ({"subscription_key": b"a"}, TypeError, r"subscription_key must be a str, not bytes\."),
]


@pytest.mark.parametrize(("arguments", "error", "text"), REFUSED)
def test_tasks_are_checked(emulator: Emulator, arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        emulator.add_task(**arguments)
    assert emulator.subscription_keys == ()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"uuid": 5}, TypeError, r"uuid must be a str, not int\."),
        ({"queue_length": -1}, ValueError, r"queue_length must be at least 0, not -1\."),
        ({"extra": {"a": object()}}, TypeError, r"extra must be a mapping of what JSON can hold\."),
        ({"extra": [1]}, TypeError, r"extra must be a mapping of what JSON can hold\."),
    ],
)
def test_jobs_are_checked(arguments: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        JobScript([(0, "Done")], **arguments)


def test_a_key_is_no_ones_twice(emulator: Emulator) -> None:
    assert emulator.add_task("sketch", subscription_key="mine") == "mine"
    with pytest.raises(ValueError, match="subscription_key must be new") as caught:
        emulator.add_task("sketch", subscription_key="mine")
    assert "mine" not in str(caught.value)


def test_a_script_shows_no_key() -> None:
    assert "mine" not in repr(TaskScript([], subscription_key="mine"))
    with pytest.raises(TypeError, match=r"name must be a str"):
        TaskScript([], name=json)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
