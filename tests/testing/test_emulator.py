"""The emulator's life, what it records, and that it keeps secrets to itself."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import shlex
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from rodin_sdk.testing import Emulator, Fault, RecordedRequest, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.testing.conftest import Client

    Connect = Callable[[Emulator], Client]


def test_it_can_be_started_and_closed_more_than_once(connect: Connect) -> None:
    emulator = Emulator()
    key = emulator.add_task("sketch")
    with pytest.raises(RuntimeError, match=r"no address yet: use it in a with statement, or call start\(\)"):
        _ = emulator.base_url
    emulator.close()
    emulator.start()
    emulator.start()
    address = emulator.base_url
    client = connect(emulator)
    assert client.ask(key).status == 201
    emulator.close()
    emulator.close()
    client.close()
    with pytest.raises(ConnectionRefusedError):
        client.ask(key)
    client.close()
    with emulator:
        assert emulator.base_url == address
        assert client.ask(key).status == 201
    assert len(emulator.requests) == 2


async def test_it_serves_async_code() -> None:
    async with Emulator() as emulator:
        key = emulator.add_task("sketch")
        host, port = emulator.base_url.removeprefix("http://").split(":")
        body = json.dumps({"subscription_key": key}).encode()

        async def ask() -> bytes:
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST /api/v2/status HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
            head += f"Authorization: Bearer {emulator.api_key}\r\nContent-Type: application/json\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

        answers = await asyncio.gather(*(ask() for _ in range(300)))
    assert all(answer.startswith(b"HTTP/1.1 201 Created\r\n") for answer in answers)
    assert len(emulator.requests) == 300


def test_hundreds_of_connections_stay_open_at_once(emulator: Emulator, client: Client) -> None:
    request = client.raw_request(emulator.add_task("sketch"))
    connections = [client.socket() for _ in range(400)]
    for _ in range(2):
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            assert connection.recv(65_536).startswith(b"HTTP/1.1 201")
    emulator.close()
    for connection in connections:
        assert connection.recv(1) == b""
        connection.close()
    assert len(emulator.requests) == 800


def test_closing_loses_no_connection_that_just_arrives() -> None:
    for _ in range(20):
        with Emulator() as emulator:
            host, port = emulator.base_url.removeprefix("http://").split(":")
            connections: list[socket.socket] = []
            begun = threading.Event()

            def storm(address: tuple[str, int], connections: list[socket.socket], begun: threading.Event) -> None:
                with contextlib.suppress(OSError):
                    for _ in range(200):
                        connections.append(socket.create_connection(address))
                        begun.set()

            thread = threading.Thread(target=storm, args=((host, int(port)), connections, begun))
            thread.start()
            begun.wait()
        thread.join()
        for connection in connections:
            connection.close()
        gc.collect()  # a socket that was lost would warn now


def test_connections_wait_while_there_is_no_descriptor_left(emulator: Emulator, client: Client) -> None:
    key = emulator.add_task("sketch")
    client.ask(key)
    resource = pytest.importorskip("resource")  # not on Windows
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with socket.socket() as late:
        lowest_free = os.dup(late.fileno())
        os.close(lowest_free)
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
        try:
            late.connect((client.host, client.port))
            late.sendall(client.raw_request(key))
            assert [client.ask(key).status for _ in range(5)] == [201] * 5
            assert len(emulator.requests) == 6
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        assert late.recv(65_536).startswith(b"HTTP/1.1 201")


def test_a_taken_port_is_an_error_at_the_start() -> None:
    with Emulator() as first:
        port = int(first.base_url.rpartition(":")[2])
        second = Emulator(port=port)
        with pytest.raises(OSError, match="in use"):
            second.start()
        assert repr(second) == "<Emulator not started, tasks: 0, requests: 0>"


def test_a_thread_that_cannot_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    emulator = Emulator()
    with pytest.raises(RuntimeError, match="can't start new thread"):
        emulator.start()


def test_it_listens_on_ipv6(connect: Connect) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("there is no IPv6")
    with Emulator(host="::1") as emulator:
        assert emulator.base_url.startswith("http://[::1]:")
        assert connect(emulator).ask(emulator.add_task()).status == 201


def test_every_request_is_recorded_in_order(emulator: Emulator, client: Client, clock: VirtualClock) -> None:
    key = emulator.add_task("sketch")
    client.ask(key)
    clock.advance(3)
    client.send("GET", "/elsewhere?a=b", b"")
    emulator.inject(Fault.closed(), Fault.closed(at="body"), Fault.garbage(b""), Fault.error(503))
    for _ in range(3):
        client.exchange(client.raw_request(key))
    client.send(body=b"{")
    assert [(request.method, request.path, request.query, request.status_code) for request in emulator.requests] == [
        ("POST", "/api/v2/status", "", 201),
        ("GET", "/elsewhere", "a=b", 404),
        ("POST", "/api/v2/status", "", None),
        ("POST", "/api/v2/status", "", 201),
        ("POST", "/api/v2/status", "", None),
        ("POST", "/api/v2/status", "", 503),
    ]
    first, *_, last = emulator.requests
    assert (first.received_at, last.received_at) == (1000.0, 1003.0)
    assert first.headers["authorization"] == f"Bearer {emulator.api_key}"
    assert (first.subscription_key, first.problem, first.json()) == (key, None, {"subscription_key": key})
    assert (last.subscription_key, last.problem, last.body) == (None, "The body must be JSON.", b"{")
    with pytest.raises(ValueError, match="Expecting property name"):
        last.json()


def test_repeated_headers_are_joined(emulator: Emulator, client: Client) -> None:
    client.exchange(b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\n")
    assert emulator.requests[0].headers["x-a"] == "1, 2"
    with pytest.raises(TypeError):
        emulator.requests[0].headers["x-a"] = "3"  # type: ignore[index] # pyright: ignore[reportIndexIssue]


def test_a_body_nested_too_deep_is_no_json(emulator: Emulator, client: Client) -> None:
    client.send(body=b"[" * 100_000)
    with pytest.raises(ValueError, match="nested too deep"):
        emulator.requests[0].json()


def test_requests_can_be_waited_for(emulator: Emulator, client: Client) -> None:
    assert emulator.wait_for_requests(0, timeout=0) == ()
    thread = threading.Thread(target=lambda: [client.ask("unknown") for _ in range(3)])
    thread.start()
    assert len(emulator.wait_for_requests(3)) == 3
    thread.join()
    with pytest.raises(TimeoutError, match=r"3 of 4 requests arrived within 0\.01 s\."):
        emulator.wait_for_requests(4, timeout=0.01)
    with pytest.raises(ValueError, match="count must be at least 0"):
        emulator.wait_for_requests(-1)
    with pytest.raises(ValueError, match="timeout must be finite"):
        emulator.wait_for_requests(1, timeout=float("inf"))


def test_tasks_are_listed(emulator: Emulator) -> None:
    keys = [emulator.add_task("sketch") for _ in range(3)]
    assert emulator.subscription_keys == tuple(keys)


def test_no_secret_is_shown(emulator: Emulator, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    key = emulator.add_task("sketch", faults=[Fault.error(503)])
    client.ask(key)
    client.ask(key)
    client.send("GET", f"/api/v2/status/{key}?key={key}", headers={"X-Api-Key": emulator.api_key, "Cookie": key})
    shown = caplog.text + repr(emulator) + str(emulator) + repr(emulator.requests) + str(emulator.requests)
    assert emulator.api_key not in shown
    assert key not in shown
    assert "POST /api/v2/status answered 503" in caplog.text
    assert "GET /api/v2/status/[redacted] answered 404" in caplog.text
    assert "'authorization': '[redacted]'" in repr(emulator.requests[0])
    assert "path='/api/v2/status'" in repr(emulator.requests[0])
    assert repr(emulator) == f"<Emulator at {emulator.base_url}, tasks: 1, requests: 3>"


def test_records_are_told_apart_by_identity(emulator: Emulator, client: Client) -> None:
    client.ask("unknown")
    assert isinstance(emulator.requests[0], RecordedRequest)
    assert emulator.requests[0] == emulator.requests[0]
    assert len({*emulator.requests, *emulator.requests}) == 1


def test_the_command_to_paste_says_all_there_is_to_say(emulator: Emulator, client: Client) -> None:
    command = emulator.curl(emulator.add_task("sketch"))
    curl, *options, url, _, first, _, second, _, body = shlex.split(command)
    assert (curl, options, url) == ("curl", ["-X", "POST"], f"{emulator.base_url}/api/v2/status")
    reply = client.send(body=body.encode(), headers=dict(header.split(": ") for header in (first, second)))
    assert len(reply.json()["jobs"]) == 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"garbage\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 200_000, b"431"),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
    ],
)
def test_what_is_not_http_is_refused_and_not_recorded(
    emulator: Emulator, client: Client, sent: bytes, status: bytes
) -> None:
    with client.socket() as raw:
        raw.sendall(sent)
        assert raw.recv(65_536).startswith(b"HTTP/1.1 " + status)
    assert emulator.requests == ()


def test_a_client_may_ask_before_it_sends_its_body(emulator: Emulator, client: Client) -> None:
    head, _, body = client.raw_request(emulator.add_task()).partition(b"\r\n\r\n")
    with client.socket() as raw:
        raw.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert raw.recv(65_536).startswith(b"HTTP/1.1 100 ")
        raw.sendall(body)
        assert raw.recv(65_536).startswith(b"HTTP/1.1 201 ")


def test_a_client_that_leaves_early_disturbs_no_one(emulator: Emulator, client: Client) -> None:
    with client.socket() as raw:
        raw.sendall(client.raw_request()[:-5])
    assert client.ask(emulator.add_task()).status == 201
    assert len(emulator.requests) == 1


def test_two_emulators_do_not_know_each_other(connect: Connect) -> None:
    with Emulator() as one, Emulator() as other:
        key = one.add_task("sketch")
        assert connect(one).ask(key).json()["jobs"]
        assert connect(other).ask(key).json()["error"] == "NO_SUCH_TASK"
        assert one.api_key != other.api_key


def test_tasks_can_be_added_while_others_are_asked_about(emulator: Emulator, connect: Connect) -> None:
    def work() -> None:
        client = connect(emulator)
        for _ in range(50):
            assert client.ask(emulator.add_task("sketch")).status == 201

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(emulator.subscription_keys) == len(set(emulator.subscription_keys)) == 400


def test_the_fixture_gives_each_test_an_emulator(rodin_emulator: Emulator, connect: Connect) -> None:
    assert rodin_emulator.requests == ()
    assert connect(rodin_emulator).ask(rodin_emulator.add_task()).status == 201


async def test_the_fixture_serves_async_tests(rodin_emulator: Emulator, connect: Connect) -> None:
    assert rodin_emulator.requests == ()
    reply = await asyncio.to_thread(connect(rodin_emulator).ask, rodin_emulator.add_task())
    assert reply.status == 201
