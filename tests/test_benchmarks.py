"""The benchmarks run, and what they print is what they measured. How good it is, they say and no test."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import polling, waiting
from benchmarks.bench import ceiling, growth, idle, lag, many, normalizer, one_call, startup, waits
from benchmarks.bench.__main__ import MEASUREMENTS, Result, main
from benchmarks.bench.answers import STATUS_PATH, canned, status_body
from benchmarks.bench.contestants import ASYNC, HTTPX, OURS, SYNC, TASK
from benchmarks.bench.document import document
from benchmarks.bench.figures import Spread, Table, Target, ratios, short
from benchmarks.bench.server import Door, Server, end_of_request, running_server
from benchmarks.bench.workers import Took, Turn, UnableError, running_workers
from rodin_sdk import JobStatus
from rodin_sdk._normalize import decode, read_jobs

TOP = Path(__file__).resolve().parents[1]


def run(name: str, *arguments: str, folder: Path) -> Any:
    """Runs a benchmark from elsewhere, and returns its JSON."""
    command = [sys.executable, "-W", "error", str(TOP / "benchmarks" / name), *arguments, "--json"]
    return json.loads(subprocess.check_output(command, cwd=folder, text=True, timeout=100))


def test_waiting(tmp_path: Path) -> None:
    results = run("waiting.py", "--tasks", "40", "--rate", "40", "--seconds", "2", folder=tmp_path)
    assert [result["contender"] for result in results] == [
        "Rodin.as_completed",
        "AsyncRodin.as_completed",
        "a task each, one httpx client",
        "a task and an httpx client each",
    ]
    for result in results:
        assert result["bad_looks"] == 0
        # Each task is looked at once a second: at the start, after one second, and perhaps at the very end.
        assert 15 <= result["looks_per_second"] <= 60
        assert result["core"] > 0
        assert result["core_low"] <= result["core_high"]
        assert result["memory_per_task"] > 0
        assert 0 <= result["late"] <= result["late_95"]


def test_interruption(tmp_path: Path) -> None:
    sizes = ["--cancelled", "100", "--interrupted", "10"]
    results = run("interruption.py", *sizes, "--clients", "AsyncRodin", "Rodin", folder=tmp_path)
    assert results == {"AsyncRodin": 30, "Rodin": 30}


# `make bench`, without the peers, which are not installed where the tests run ----------------------------------------

HERE = [OURS, HTTPX, "httpx and its .json()", "http.client", "the generated client", "asyncio.Protocol"]
NOTED = Door(notes=True)
CELL = many.Cell(in_flight=3, door=many.SLOW, rounds=2, seconds=0.1, patience=30)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    doors = dict.fromkeys([*one_call.DOORS, *many.DOORS, *growth.DOORS[:2], NOTED])
    with running_server(list(doors)) as running:
        yield running


def check(result: Result) -> list[Table]:
    """Looks at a result as the document shows it, and returns its tables."""
    tables = list(result.tables())
    for table in tables:
        assert table.rows
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert table.title in table.text()
        assert table.title in table.markdown()
    for target in result.targets():
        assert "|" not in f"{target.figure}{target.goal}{target.measured}{target.peers}"
    return tables


def test_one_call(server: Server) -> None:
    result = one_call.measure(server, one_call.Size(rounds=2, calls=3), [*HERE, "aiohttp"])
    (table,) = check(result)
    assert [row[0] for row in table.rows] == HERE
    assert all(spread.low > 0 for column in result.ratios.values() for spread in column.values())
    assert result.ratios["sync"].keys() == {name for name in HERE if name in SYNC}
    assert result.ratios["async, TLS"].keys() == {name for name in HERE if name in ASYNC}
    assert len(result.targets()) == 4
    # What cannot be measured is said.
    assert [note.partition(":")[0] for note in result.unable] == ["aiohttp, async", "aiohttp, async, TLS"]


def test_many(server: Server) -> None:
    result = many.measure(server, [CELL], [OURS, HTTPX, "asyncio.Protocol", "tripo3d"])
    (table,) = check(result)
    assert [row[0] for row in table.rows] == [OURS, HTTPX, "asyncio.Protocol"]
    assert "tripo3d" in table.notes[0]
    taken = result.cells[CELL][OURS]
    assert [turn.errors for turn in taken.turns] == [0, 0]
    assert all(turn.calls >= 3 for turn in taken.turns)
    assert taken.calls_per_connection == "all kept"


def test_the_ratio_that_is_aimed_at() -> None:
    cell = many.QUICK[0]
    turns = {OURS: 10.0, "openai": 2.0, "tripo3d": 8.0}
    taken = {name: many.Taken([Took(int(calls), 0, 1.0, 1.0)]) for name, calls in turns.items()}
    (target,) = many.Many({cell: taken}, {cell: []}).targets()
    assert (target.measured, target.reached, target.peers) == ("5.00", True, "tripo3d 4.00")


def test_calls_with_a_pause_between_them(server: Server) -> None:
    result = idle.measure(server, idle.Size(calls=2), [OURS, "http.client"], pause=0)
    (table,) = check(result)
    assert list(table.rows) == [[OURS, "2.00", "2.00"], ["http.client", "2.00", "-"]]
    assert [target.measured for target in result.targets()] == ["2 on 1"]


def test_start_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    some = {name: startup.FIRST_ANSWERS[name] for name in ("rodin_sdk", "httpx")}
    monkeypatch.setattr(startup, "FIRST_ANSWERS", some)
    imports = {
        "rodin_sdk": "import rodin_sdk",
        "httpx": "import httpx",
        "tripo3d": "import json",
        "x": "import no_such",
    }
    result = startup.measure(server, startup.Size(rounds=1), imports)
    first, second = check(result)
    assert [row[0] for row in first.rows] == ["rodin_sdk", "httpx", "tripo3d"]
    assert [row[0] for row in second.rows] == list(some)
    assert result.unable == ["The import of x failed: ModuleNotFoundError: No module named 'no_such'."]


def test_growth(server: Server) -> None:
    size = growth.Size(rounds=1, calls=2, looks=5, tasks=(1, 3), measured_tasks=50)
    result = growth.measure(server, size, growth.DOORS[:2])
    check(result)
    assert list(result.calls) == [1, 10]
    assert list(result.looks) == [1, 3]
    assert 0 < result.memory[0] < result.memory[1]


def test_the_normalizer() -> None:
    check(normalizer.measure(None, normalizer.Size(rounds=2, readings=5)))


def test_the_server_is_faster_than_its_clients_can_tell(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceiling, "FASTEST", ("asyncio.Protocol",))
    check(ceiling.measure(server, ceiling.Size(rounds=1, seconds=0.05)))


def test_waiting_as_a_table() -> None:
    def result(contender: str, core: float, memory: float) -> waiting.Result:
        return waiting.Result(contender, 300, 0, 0.1, core, core, core, 1.0, memory)

    size = waits.Size(waits.TARGET_TASKS, 40)
    results = [result(name, 0.2, 0.4) for name in waits.OURS]
    assert [target.reached for target in waits.Waits(300, {size: results}).targets()] == [True, True, True]
    results = [*results[:1], result(waits.OURS[1], 0.26, 0.6), result(waits.PEERS[1], 0.3, 3)]
    assert [target.reached for target in waits.Waits(300, {size: results}).targets()] == [False, False, True]
    check(waits.Waits(300, {size: results}))
    short_one = waits.Waits(300, {waits.Size(waits.TARGET_TASKS, 5): results})
    assert [target.reached for target in short_one.targets()] == [False, None, True]


def test_lateness_is_that_of_each_look() -> None:
    setting = waiting.Setting("", ["a", "b"], rate=2, seconds=9)
    assert setting.pause == 1
    arrivals = [(9.0, b"a"), (10.0, b"a"), (10.75, b"b"), (11.0, b"a"), (12.0, b"b")]
    middle, high = waiting.lateness(arrivals, setting, ready_at=10)  # 0, 0.25, 0 and 0.25 s
    assert middle == 0.125
    assert high == 0.25


def test_polling() -> None:
    check(lag.measure(None, polling.Size(tasks=20, clients=1, batch_runs=1), ["documented"]))


# The parts of it ------------------------------------------------------------------------------------------------------


def test_a_contestant_that_fails_is_reported_and_goes_on(server: Server) -> None:
    with running_workers([OURS], server.trusted) as (worker,):
        with pytest.raises(UnableError, match="TransportError: "):
            worker.take(Turn("http://127.0.0.1:9", is_async=False, calls=1))
        took = worker.take(Turn(server.url(one_call.CLEAR), is_async=False, calls=2))
    assert (took.calls, took.errors) == (2, 0)


def test_calls_that_take_too_long_are_given_up(server: Server) -> None:
    with running_workers([OURS], server.trusted) as (worker,):
        turn = Turn(server.url(many.SLOW), is_async=True, calls=2, seconds=0, in_flight=2, patience=0)
        took = worker.take(turn)
    assert (took.calls, took.errors) == (0, 2)


def test_the_server_counts_connections_and_takes_notes(server: Server) -> None:
    server.counts(NOTED)
    with running_workers(["http.client"], server.trusted) as (worker,):
        worker.take(Turn(server.url(NOTED), is_async=False, calls=3))
    counts = server.counts(NOTED)
    assert counts.connections == 1
    assert {json.loads(body)["subscription_key"] for _, body in counts.arrivals} == {TASK}
    assert len(counts.arrivals) == 3
    assert server.counts(NOTED).connections == 0


def test_the_server_takes_more_notes_than_a_pipe_holds(server: Server) -> None:
    server.counts(NOTED)
    with running_workers(["asyncio.Protocol"], server.trusted) as (worker,):
        worker.take(Turn(server.url(NOTED), is_async=True, calls=4000))
    assert len(server.counts(NOTED).arrivals) == 4000


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b"", 0),
        (b"GET / HTTP/1.1\r\n\r", 0),
        (b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET", 27),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nhost: a\r\n\r\n{", 0),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nhost: a\r\n\r\n{}P", 49),
        (b"POST / HTTP/1.1\r\nhost: a\r\n\r\n", 28),
    ],
)
def test_where_a_request_ends(data: bytes, end: int) -> None:
    assert end_of_request(data) == end


@pytest.mark.parametrize("jobs", [1, 4, 1000])
def test_the_answer_is_one_that_the_service_could_give(jobs: int) -> None:
    read = read_jobs(decode(status_body(jobs)))
    assert [job.status for job in read] == [JobStatus.DONE] * (jobs - 1) + [JobStatus.GENERATING]
    head, _, body = canned(jobs)[STATUS_PATH.encode()].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201 ")
    assert body == status_body(jobs)


def test_a_spread() -> None:
    assert Spread.of([3]) == Spread(3, 3, 3)
    assert Spread.of([1, 2, 3, 4, 50]) == Spread(3, 2, 4)
    assert ratios([2, 9], [1, 3]) == Spread(2.5, 2.25, 2.75)
    assert str(Spread(1, 1, 1)) == "1.00"
    assert str(Spread(2.5, 2.25, 2.75)) == "2.50 (2.25 to 2.75)"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.00"), (0.0123, "0.012"), (0.5, "0.50"), (12.34, "12.3"), (345.6, "346"), (5678, "5,678")]
)
def test_digits_that_mean_something(value: float, text: str) -> None:
    assert short(value) == text


def test_the_median_decides_whether_a_target_is_reached() -> None:
    spread = Spread(0.7, 0.6, 0.9)
    assert Target.at_most("x", 0.7, spread).reached
    assert not Target.at_most("x", 0.69, spread).reached
    assert Target.at_least("x", 0.7, spread).reached
    assert not Target.at_least("x", 0.71, spread).reached


@pytest.mark.parametrize("quick", [True, False])
def test_the_document_says_what_was_measured_and_nothing_of_the_machine_but_its_class(*, quick: bool) -> None:
    table = Table("One", "About it.", ["", "sync"], [["ours", "0.50"]], ["A note."])
    text = document(
        [table], [Target("CPU", "≤ 1", "0.50", reached=True), Target("x", "≤ 1", "2", reached=False)], quick=quick
    )
    assert "### One\n\nAbout it.\n\n|  | sync |\n| --- | ---: |\n| ours | 0.50 |\n\n- A note.\n" in text
    assert "| CPU | ≤ 1 | 0.50 | yes | - |\n| x | ≤ 1 | 2 | **no** | - |" in text
    assert ("the quick run" in text) == quick
    for name in (platform.node(), str(TOP), str(Path.home())):
        assert name not in text


def test_the_command_can_measure_some_of_it_and_writes_no_document_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick", "--only", "normalizer", "--output", str(tmp_path / "benchmarks.md")]) == 0
    assert "Reading an answer" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_every_measurement_has_a_door_for_what_it_asks() -> None:
    assert list(MEASUREMENTS) == [
        "server",
        "one-call",
        "many",
        "idle",
        "waiting",
        "start-up",
        "growth",
        "normalizer",
        "polling",
    ]
