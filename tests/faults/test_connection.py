"""The connection cannot be made, or does not stay."""

from __future__ import annotations

import _thread
import asyncio
import json
import signal
import threading
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from rodin_sdk import RequestTimeoutError, Rodin, TransportError
from rodin_sdk._transport._deadline import CHUNK, CONNECT_TIMEOUT
from tests.deadlines import in_time
from tests.faults.addresses import UNREACHABLE, Address, Resolver, refusing, silent
from tests.faults.answers import API_KEY, DONE, OK, answer, echo, head
from tests.faults.certificates import good, trusting
from tests.faults.clients import KINDS, OpenAsync, look, look_with_patience, open_client
from tests.faults.matrix import covers
from tests.faults.server import (
    FaultServer,
    Peer,
    Script,
    forever,
    pause,
    read,
    receive,
    reply,
    reset,
    secure,
    send,
    stall,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import ThreadPoolExecutor

    from tests.faults.clients import Kind
    from tests.faults.conftest import OpensClients

LOCAL: Final = "http://localhost:9"
GOOD: Final[Script] = [forever(read, reply(echo))]


@covers("dns-failure")
def test_a_name_that_is_not_found(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver().install(monkeypatch)
    resolver.failures = 100
    opened = opens(LOCAL, max_retries=2)
    result = look(opened)
    assert type(result.error) is TransportError
    assert "name was not found" in str(result.error)
    in_time(result.seconds, 3.0)
    assert (resolver.calls, len(opened.pauses)) == (3, 2)


@covers("dns-failure")
def test_a_name_that_is_found_at_the_second_try(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(GOOD) as server:
        resolver = Resolver(("127.0.0.1", server.port)).install(monkeypatch)
        resolver.failures = 1
        assert look(opens(LOCAL), "a task").jobs == {"a task": "Done"}
        assert len(server.requests) == 1


@covers("dns-failure")
def test_a_name_without_an_address(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver().install(monkeypatch)
    opened = opens(LOCAL)
    assert isinstance(look(opened).error, TransportError)
    assert len(opened.pauses) == 1


@covers("dns-stall")
def test_a_resolver_that_stalls(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultServer(GOOD) as server, Resolver(("127.0.0.1", server.port)).install(monkeypatch).stalled() as resolver:
        opened = opens(LOCAL, request_timeout=0.2)
        result = look(opened)
        assert type(result.error) is RequestTimeoutError
        assert "could be made in time" in str(result.error)
        in_time(result.seconds, 0.4)
        assert (len(opened.pauses), server.connections) == (1, 0)
        resolver.gate.set()
        assert look(opened, "a task", request_timeout=5.0).jobs == {"a task": "Done"}


@covers("dns-stall")
def test_a_resolver_that_is_slow_is_waited_for(
    both_at_once: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the first of its servers is dead, it takes five seconds, and then it answers."""
    with FaultServer(GOOD) as server, Resolver(("127.0.0.1", server.port)).install(monkeypatch).stalled() as resolver:
        opening = threading.Timer(CONNECT_TIMEOUT + 0.5, resolver.gate.set)
        opening.start()
        results = list(both_at_once.map(partial(look_with_patience, LOCAL), KINDS))
        opening.join()
    assert [result.error for result in results] == [None, None]


def test_ctrl_c_strikes_a_name_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    main_thread = threading.main_thread().ident
    assert main_thread is not None
    with Resolver().install(monkeypatch).stalled() as resolver, Rodin(API_KEY, base_url=LOCAL) as client:

        def press() -> None:
            resolver.is_asked.wait(10)
            signal.pthread_kill(main_thread, signal.SIGINT)

        threading.Thread(target=press).start()
        started = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.status("a task", request_timeout=None)
        in_time(time.monotonic() - started, 0)


def test_a_lookup_that_outlasts_its_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop does not wait for it in the end, and what it finds is of no use to anybody."""
    with Resolver().install(monkeypatch).stalled() as resolver:
        started = time.monotonic()
        opened = open_client("async", LOCAL, request_timeout=0.2, max_retries=0)
        assert type(look(opened).error) is RequestTimeoutError
        opened.end()
        in_time(time.monotonic() - started, 0.2)
        resolver.gate.set()
        resolver.has_answered.wait(10)


def test_a_name_is_looked_up_without_a_thread_to_spare(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise RuntimeError("can't start new thread")

    with FaultServer(GOOD) as server:
        Resolver(("127.0.0.1", server.port)).install(monkeypatch).failures = 1
        opened = opens(LOCAL)
        monkeypatch.setattr(_thread, "start_new_thread", refuse)
        assert look(opened, "a task").jobs == {"a task": "Done"}
        assert len(opened.pauses) == 1


@covers("refused")
def test_nobody_listens(opens: OpensClients) -> None:
    with refusing() as address:
        opened = opens(f"http://127.0.0.1:{address[1]}", max_retries=2)
        result = look(opened)
        assert type(result.error) is TransportError
        assert "refused" in str(result.error)
        in_time(result.seconds, 3.0)
        assert len(opened.pauses) == 2


@covers("refused")
def test_somebody_listens_at_the_second_try(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing() as dead, FaultServer(GOOD) as server:
        resolver = Resolver(dead).install(monkeypatch)
        opened = opens(LOCAL, max_retries=0)
        assert isinstance(look(opened).error, TransportError)
        resolver.addresses = [("127.0.0.1", server.port)]
        assert look(opened, "a task").jobs == {"a task": "Done"}


@covers("connect-timeout")
def test_nobody_answers_the_connect(opens: OpensClients) -> None:
    with silent() as address:
        opened = opens(f"http://127.0.0.1:{address[1]}", request_timeout=0.2)
        result = look(opened)
        assert type(result.error) is RequestTimeoutError
        in_time(result.seconds, 0.4)
        assert len(opened.pauses) == 1


@covers("dead-addresses")
def test_several_silent_addresses_take_5_seconds_together(
    both_at_once: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        Resolver(*(stack.enter_context(silent()) for _ in range(8))).install(monkeypatch)
        results = list(both_at_once.map(partial(look_with_patience, LOCAL), KINDS))
    for result in results:
        assert type(result.error) is RequestTimeoutError
        in_time(result.seconds, 5.0)


DEAD: Final[dict[str, Callable[[ExitStack], list[Address]]]] = {
    "refusing": lambda stack: [stack.enter_context(refusing())],
    "silent": lambda stack: [stack.enter_context(silent())],
    "silent IPv6": lambda stack: [stack.enter_context(silent("::1"))],
    "unreachable": lambda _: [UNREACHABLE],
    "five unreachable": lambda _: [UNREACHABLE] * 5,
    "of all kinds": lambda stack: [UNREACHABLE, stack.enter_context(refusing()), stack.enter_context(silent("::1"))],
}


@covers("dead-addresses", "ipv6-dead")
@pytest.mark.parametrize("dead", DEAD)
def test_the_address_that_is_alive_is_found(dead: str, opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(FaultServer(GOOD))
        addresses = [*DEAD[dead](stack), ("127.0.0.1", server.port), UNREACHABLE]
        Resolver(*addresses).install(monkeypatch)
        # A dead address costs a quarter of a second where it is silent, and nothing where it says so at once.
        limit = 0.9 if "silent" in dead or "all" in dead else 0.2
        assert look(opens(LOCAL, request_timeout=limit, max_retries=0), "a task").jobs == {"a task": "Done"}
        assert (server.connections, len(server.requests)) == (1, 1)


@covers("ipv6-dead")
def test_ipv6_alone_works(opens: OpensClients) -> None:
    with FaultServer([forever(read, send(OK))], host="::1") as server:
        assert look(opens(server.url)).jobs == {"job-1": "Done"}
        assert f"\r\nHost: [::1]:{server.port}\r\n".encode() in server.requests[0]


@covers("idle-closed")
@pytest.mark.parametrize("ending", [[], [reset]], ids=["FIN", "RST"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_connection_closed_between_two_polls(ending: Script, is_tls: bool, opens: OpensClients) -> None:  # noqa: FBT001
    start: Script = [secure(good())] if is_tls else []
    options: dict[str, Any] = {"ssl_context": trusting()} if is_tls else {}
    idle = threading.Event()
    first = [*start, read, send(OK), until(idle), *ending]
    with FaultServer(first, [*start, *GOOD], scheme="https" if is_tls else "http") as server:
        opened = opens(server.url, max_retries=0, **options)
        assert look(opened).jobs == {"job-1": "Done"}
        idle.set()
        server.wait_until_served(1)
        assert look(opened, "a task").jobs == {"a task": "Done"}
        assert (server.connections, len(server.requests)) == (2, 2)


@covers("closed-after-request")
@pytest.mark.parametrize("ending", [[], [reset]], ids=["FIN", "RST"])
def test_a_connection_closed_after_the_second_request(ending: Script, opens: OpensClients) -> None:
    with FaultServer([read, send(OK), read, *ending], GOOD) as server:
        opened = opens(server.url)
        assert look(opened).jobs == {"job-1": "Done"}
        assert look(opened, "a task").jobs == {"a task": "Done"}
        assert (server.connections, len(server.requests)) == (2, 3)


@covers("closed-after-request")
def test_the_retry_does_not_go_over_another_old_connection(kind: Kind, opens: OpensClients) -> None:
    """Two idle connections, both about to be closed: the retry takes neither."""
    together = threading.Barrier(2)

    def meet(_: Peer) -> None:
        together.wait(10)

    script: Script = [read, meet, send(OK), read]
    with FaultServer(script, script, GOOD) as server:
        opened = opens(server.url)
        _two_at_once(kind, opened)
        assert look(opened, "a task").jobs == {"a task": "Done"}
        assert (server.connections, len(server.requests)) == (3, 4)


def _two_at_once(kind: Kind, opened: Any) -> None:
    if kind == "sync":
        threads = [threading.Thread(target=opened.status) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    else:

        async def both() -> None:
            await asyncio.gather(opened.client.status("a"), opened.client.status("b"))

        opened.runner.run(both())


@covers("leftovers")
@pytest.mark.parametrize(
    "more",
    [
        answer({"jobs": [{"uuid": "of somebody else", "status": "Failed"}]}),
        b"\r\n",
        b"x",
        b"HTTP/1.1 103 Hints\r\n\r\n",
    ],
    ids=["a second answer", "an empty line", "a byte", "an interim answer"],
)
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_what_is_left_over_is_never_an_answer(more: bytes, is_tls: bool, opens: OpensClients) -> None:  # noqa: FBT001
    start: Script = [secure(good())] if is_tls else []
    options: dict[str, Any] = {"ssl_context": trusting()} if is_tls else {}
    script = [*start, read, send(OK + more), forever(read, reply(echo))]
    with FaultServer(script, [*start, *GOOD], scheme="https" if is_tls else "http") as server:
        opened = opens(server.url, max_retries=0, **options)
        assert look(opened).jobs == {"job-1": "Done"}
        for key in ("one", "two"):
            assert look(opened, key).jobs == {key: "Done"}
        assert (server.connections, len(server.requests)) == (2, 3)


@covers("leftovers")
def test_what_tls_has_decrypted_already_is_never_an_answer(opens: OpensClients) -> None:
    """The first answer fills to the last byte what is read at once: the rest waits within TLS, not in the socket."""
    unasked = answer({"jobs": [{"uuid": "of somebody else", "status": "Failed"}]})
    length = CHUNK - len(head("Content-Length: 8000"))
    first = answer(json.dumps(DONE).encode().ljust(length))
    assert len(first) == CHUNK
    with FaultServer(
        [secure(good()), read, send(first + unasked), forever(read, reply(echo))],
        [secure(good()), *GOOD],
        scheme="https",
    ) as server:
        opened = opens(server.url, max_retries=0, ssl_context=trusting())
        assert look(opened).jobs == {"job-1": "Done"}
        assert look(opened, "one").jobs == {"one": "Done"}
        assert (server.connections, len(server.requests)) == (2, 2)


@covers("leftovers")
def test_an_answer_before_its_request_is_never_an_answer(opens: OpensClients) -> None:
    too_early = threading.Event()

    def leave_note(_: object) -> None:
        too_early.set()

    unasked = answer({"jobs": [{"uuid": "of somebody else", "status": "Failed"}]})
    with FaultServer([read, send(OK), send(unasked), leave_note, stall], GOOD) as server:
        opened = opens(server.url, max_retries=0)
        assert look(opened).jobs == {"job-1": "Done"}
        assert too_early.wait(10)
        assert look(opened, "a task").jobs == {"a task": "Done"}
        assert server.connections == 2


def test_the_last_address_refuses_while_another_is_silent(opens: OpensClients, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent() as dead, refusing() as closed:
        Resolver(dead, closed).install(monkeypatch)
        result = look(opens(LOCAL, request_timeout=0.5, max_retries=0))
        assert type(result.error) is RequestTimeoutError
        in_time(result.seconds, 0.5)


def test_an_event_loop_that_saw_the_end_itself() -> None:
    idle = threading.Event()
    with FaultServer([read, send(OK), until(idle)], GOOD) as server:
        opened = OpenAsync(server.url, max_retries=0)
        assert look(opened).jobs == {"job-1": "Done"}
        idle.set()
        server.wait_until_served(1)
        opened.runner.run(asyncio.sleep(0.02))
        assert look(opened, "a task").jobs == {"a task": "Done"}
        opened.end()
        assert (server.connections, len(server.requests)) == (2, 2)


@covers("hang-up")
@pytest.mark.parametrize("ending", [[], [reset]], ids=["FIN", "RST"])
@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "TLS"])
def test_a_hang_up_while_the_request_is_written(ending: Script, is_tls: bool, opens: OpensClients) -> None:  # noqa: FBT001
    start: Script = [secure(good())] if is_tls else []
    options: dict[str, Any] = {"ssl_context": trusting()} if is_tls else {}
    script = [*start, receive, pause(0.1), *ending]
    with FaultServer(script, script, [*start, *GOOD], scheme="https" if is_tls else "http") as server:
        opened = opens(server.url, request_timeout=5, **options)
        result = look(opened, "x" * 2**23)
        assert type(result.error) is TransportError
        assert (server.connections, server.requests) == (2, [])
        assert look(opened, "a task").jobs == {"a task": "Done"}


def test_connections_are_kept(opens: OpensClients) -> None:
    with FaultServer(GOOD) as server:
        opened = opens(server.url)
        for number in range(20):
            assert look(opened, f"task {number}").jobs == {f"task {number}": "Done"}
        assert (server.connections, len(server.requests)) == (1, 20)


def test_a_connection_that_was_idle_for_long_is_not_trusted(
    opens: OpensClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.monotonic
    with FaultServer(GOOD) as server:
        opened = opens(server.url)
        assert look(opened, "one").jobs == {"one": "Done"}
        with monkeypatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: real() + 600)
            assert look(opened, "two").jobs == {"two": "Done"}
        assert (server.connections, len(server.requests)) == (2, 2)


def test_a_connection_that_nobody_needs_any_more_is_closed(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two connections one is idle for long, while the other is busy: it is dropped when the other comes back."""
    real, together, later = time.monotonic, threading.Barrier(2), threading.Event()

    def meet(_: Peer) -> None:
        together.wait(10)

    with (
        FaultServer([read, meet, send(OK), receive], [read, meet, until(later), send(OK), receive]) as server,
        monkeypatch.context() as patch,
    ):
        opened = open_client(kind, server.url, request_timeout=None)

        def jump() -> None:
            server.wait_until(together_passed)
            time.sleep(0.1)
            patch.setattr(time, "monotonic", lambda: real() + 600)
            later.set()

        def together_passed() -> bool:
            return len(server.requests) == 2 and together.n_waiting == 0

        thread = threading.Thread(target=jump)
        thread.start()
        _two_at_once(kind, opened)
        thread.join()
        server.wait_until_served(1)
        opened.end()
