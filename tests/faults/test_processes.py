"""What only a process of its own can go through: forks, Ctrl-C, exits, and the lack of descriptors and memory."""

from __future__ import annotations

import json
import os
import random
import threading
from typing import TYPE_CHECKING, Final

import pytest

from rodin_sdk._transport._routes import FEW_IDLE
from tests.faults.answers import CHUNKED, OK, answer, chunked, echo, head
from tests.faults.matrix import covers
from tests.faults.processes import run_program
from tests.faults.programs.common import API_KEY
from tests.faults.server import FaultServer, Peer, forever, pause, read, reply, reset, send

if TYPE_CHECKING:
    from tests.faults.clients import Kind
    from tests.faults.server import Script

ALIVE: Final[Script] = [forever(read, reply(echo))]
MIB: Final = 2**20

CANCELLED: Final = int(os.environ.get("RODIN_CANCELLED_CALLS", "500"))
"""Of the 10,000 of the matrix, which take half a minute: `RODIN_CANCELLED_CALLS=10000` makes them all."""
INTERRUPTED: Final = int(os.environ.get("RODIN_INTERRUPTED_CALLS", "400"))
"""All of the matrix, which take three seconds."""


@covers("fork")
def test_no_answer_is_wrong_after_a_fork(kind: Kind) -> None:
    with FaultServer([forever(read, pause(0.001), reply(echo))]) as server:
        assert run_program("forking", kind, server.url).facts == {"right": 125}


def test_no_answer_is_wrong_after_a_fork_amid_calls() -> None:
    def dawdle(peer: Peer) -> None:
        peer.wait(1 if b"slow" in peer.request else 0)

    with FaultServer([forever(read, dawdle, reply(echo))]) as server:
        assert run_program("forking", "busy", server.url, strict=False).facts == {"right": 125}


def test_a_closed_client_is_closed_in_a_child_as_well() -> None:
    with FaultServer(ALIVE) as server:
        assert run_program("forking", "closed", server.url).facts == {"closed": 125}


def test_a_wait_goes_on_in_the_process_that_began_it() -> None:
    with FaultServer(ALIVE) as server:
        assert run_program("forking", "waiting", server.url).facts == {
            "right": 25,
            "This wait belongs to the parent process: begin it anew in the forked one.": 4,
        }


def test_no_answer_is_wrong_after_a_fork_with_an_event_loop() -> None:
    """All go on with the loop that they have in common, which asyncio does not promise to survive: calls may fail."""
    with FaultServer([forever(read, pause(0.001), reply(echo))]) as server:
        facts = run_program("forking", "loop", server.url).facts
        assert {*facts} <= {"right", "failed"}
        assert facts["right"] > 100


@covers("cancelled")
def test_cancelled_calls_leave_a_client_that_works() -> None:
    lock, dice = threading.Lock(), random.Random(3)

    def dawdle(peer: Peer) -> None:
        with lock:
            seconds = dice.choice([0, 0.005, 0.05])
        peer.wait(seconds)

    with FaultServer([forever(read, dawdle, reply(echo))]) as server:
        facts = run_program("cancelling", server.url, CANCELLED).facts
    assert facts["cancelled"] >= CANCELLED
    assert facts["right"] == 30
    assert facts["other_tasks"] == 0
    assert facts["leaked"] <= 0


@covers("interrupted")
def test_interrupts_leave_a_client_that_works(kind: Kind) -> None:
    with FaultServer([forever(read, pause(0.002), reply(echo))]) as server:
        # Not strict: an interrupt can strike between any two steps, of the standard library's, too.
        facts = run_program("interrupting", kind, server.url, INTERRUPTED, strict=False, measured=False).facts
    assert facts["interrupted"] == INTERRUPTED
    assert facts["right"] == 30
    assert facts["leaked"] <= 0


@covers("exit")
@pytest.mark.parametrize("state", ["used", "unused"])
def test_an_exit_with_the_client_open(state: str, kind: Kind) -> None:
    how = {"used": kind, "unused": "unused" if kind == "sync" else "unused async"}[state]
    with FaultServer(ALIVE) as server:
        ended = run_program("exiting", how, server.url)
    warnings = [line for line in ended.stderr.splitlines() if line.startswith("ResourceWarning")]
    assert len(warnings) == (1 if how == "sync" else 0)
    assert all("was not closed" in line for line in warnings)
    assert ended.stderr.count("Warning:") == len(warnings)
    assert "Error" not in ended.stderr
    assert not ended.stdout


@covers("descriptors")
def test_150_callers_and_60_descriptors(kind: Kind) -> None:
    def dawdle(peer: Peer) -> None:
        # Long enough for all of them to come, on a busy machine as well.
        peer.wait(1.0 if b"caller" in peer.request else 0)

    with FaultServer([forever(read, dawdle, reply(echo))]) as server:
        facts = run_program("exhausting", kind, "many", server.url).facts
    assert set(facts["ends"]) == {"right", "TransportError"}
    assert facts["right"] == 30
    assert facts["kept"] <= FEW_IDLE
    assert facts["left"] <= 0


@covers("descriptors")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_descriptor_left_for_the_first_call(scheme: str, kind: Kind) -> None:
    with FaultServer([reset] if scheme == "https" else ALIVE, scheme=scheme) as server:
        facts = run_program("exhausting", kind, "first", server.url).facts
    assert list(facts["ends"]) == ["TransportError"]
    assert facts["right"] == (0 if scheme == "https" else 30)


UNREADABLE: Final = {"InvalidResponseError"}
EITHER: Final = {"InvalidResponseError", "success"}
"""Where a body is legal, and so large that it may be refused."""

ENDLESS: Final[dict[str, tuple[Script, set[str]]]] = {
    "body": ([send(head()), forever(send(b" " * 65536))], UNREADABLE),
    "chunks": ([send(CHUNKED), forever(send(chunked(b" " * 65536)))], UNREADABLE),
    "small chunks": ([send(CHUNKED), send(chunked(*[b"  "] * (MIB // 8), b""))], UNREADABLE),
    "1 GB": ([send(head(f"Content-Length: {2**30}")), forever(send(b" " * 65536))], UNREADABLE),
    "head": ([send(b"HTTP/1.1 200 OK\r\n"), forever(send(b"x: y\r\n" * 9999))], {"TransportError"}),
    "line": ([send(b"HTTP/1.1 200 OK\r\nx: "), forever(send(b"y" * 65536))], {"TransportError"}),
    "interim answers": ([send(b"HTTP/1.1 103 Hints\r\n\r\n" * 9999), send(OK)], {"success"}),
}


@covers("endless-body")
@pytest.mark.parametrize("what", ENDLESS)
def test_nothing_endless_fills_the_memory(what: str, kind: Kind) -> None:
    script, ends = ENDLESS[what]
    assert_growth_is_bounded(kind, script, ends)


LONG: Final = "x" * (MIB - 199) + API_KEY
"""That the answer has the key in it makes the SDK go through it again."""
LARGE: Final[dict[str, tuple[bytes | object, set[str]]]] = {
    "a string of commas": (b'{"jobs": [], "x": "' + b"," * (MIB - 100) + b'"}', EITHER),
    "a string of escapes": (b'{"jobs": [], "x": "' + b"\\n" * (MIB // 2 - 100) + b'"}', EITHER),
    "a wide character": (b'{"jobs": [], "x": "\\u0041' + b"x" * (MIB - 99) + "\U0001f600".encode() + b'"}', EITHER),
    "an escape that makes all wide": (b'{"jobs": [], "x": "' + b"x" * (MIB - 99) + b"\\ud83d\\ude00" + b'"}', EITHER),
    "a long error": ({"error": f" {LONG}\ud800"}, {"APIError"}),
    "a long status": ({"jobs": {"a": f" {LONG}\ud800"}}, EITHER),
    "a long error of final jobs": ({"jobs": {"a": "Done"}, "error": f" {LONG}\u4e00"}, {"success"}),
    "a long message": ({"jobs": [], "message": f"{LONG}\u4e00"}, {"success"}),
    "a long uuid": (f'{{"jobs": {{"{LONG}\u4e00": "Done"}}}}'.encode(), EITHER),
    "escapes of plain characters": (b'{"jobs": [], "message": "' + b"\\u0041x" * (MIB // 7 - 99) + b'"}', EITHER),
    "commas between strings": (b'{"jobs": [' + b'"",,' * (MIB // 4 - 99) + b"]}", UNREADABLE),
    "queries of addresses": (b"<a href='//a/?b'>" * (MIB // 17), UNREADABLE),
    "escapes of wide characters": (b'{"jobs": [], "x": "' + b"\\ud83d\\ude00" * (MIB // 12 - 99) + b'"}', EITHER),
    "6,000 jobs": ({"jobs": [{"uuid": f"{n:036}", "status": "Generating"} for n in range(6000)]}, {"success"}),
    "many objects": ({"jobs": [], "x": [{"a": 1}] * 9900}, EITHER),
    "many maps": ({"jobs": [], "x": [{str(n): "\U0001f600" * 4} for n in range(9900)]}, EITHER),
    "many brackets": (b"[" * (MIB - 100), UNREADABLE),
    "HTML": ("<p>\u00e4\U0001f600".encode() * 110_000, UNREADABLE),
    "a message of wide characters": ({"error": "x", "message": "\U0001f600" * 80_000}, {"APIError"}),
}


@pytest.mark.parametrize("body", LARGE)
def test_no_body_fills_the_memory(body: str) -> None:
    """What is made of the bytes is the same for both clients."""
    content, ends = LARGE[body]
    assert_growth_is_bounded("sync", [send(answer(content))], ends)


def assert_growth_is_bounded(kind: Kind, script: Script, ends: set[str]) -> None:
    with FaultServer([read, send(OK), read, *script]) as server:
        # Not strict: in Python's development mode every object is larger.
        facts = run_program("growing", kind, server.url, strict=False).facts
    assert facts["end"] in ends
    assert facts["grown"] <= 8 * MIB, json.dumps(facts)
