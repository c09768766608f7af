"""What the waits ask of the transport: that the looks of one wait can be ended without the rest of the client."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from rodin_sdk import AsyncRodin, ClientClosedError, Rodin
from rodin_sdk._transport._sync import Scope, open_transport
from tests.faults.answers import API_KEY, echo, subscription_key
from tests.faults.server import FaultServer, Peer, forever, pause, read, reply

if TYPE_CHECKING:
    from tests.faults.clients import Kind
    from tests.faults.server import Script


def stall_for_some(peer: Peer) -> None:
    if subscription_key(peer.request).startswith("stalls"):
        peer.receive()


ALIVE: Final[Script] = [forever(read, stall_for_some, reply(echo))]
KEYS: Final = ["stalls 1", "stalls 2", "stalls 3", "one"]


def test_a_generator_closed_early_ends_its_looks_at_once(kind: Kind) -> None:
    with FaultServer(ALIVE) as server:
        started = time.monotonic()
        if kind == "sync":
            with Rodin(API_KEY, base_url=server.url, requests_per_minute=None) as client:
                outcomes = client.as_completed(KEYS)
                assert next(outcomes).subscription_key == "one"
                outcomes.close()
                # All but the connection that is idle now.
                server.wait_until(lambda: server.open_connections <= 1)
                assert client.status("after").is_done
        else:

            async def main() -> None:
                async with AsyncRodin(API_KEY, base_url=server.url, requests_per_minute=None) as async_client:
                    async_outcomes = async_client.as_completed(KEYS)
                    assert (await anext(async_outcomes)).subscription_key == "one"
                    await async_outcomes.aclose()
                    assert asyncio.all_tasks() == {asyncio.current_task()}
                    assert (await async_client.status("after")).is_done

            asyncio.run(main())
        assert time.monotonic() - started < 5


def test_a_generator_closed_early_spares_the_other_calls() -> None:
    with (
        FaultServer([forever(read, stall_for_some, pause(0.2), reply(echo))]) as server,
        Rodin(API_KEY, base_url=server.url, requests_per_minute=None) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        outcomes = client.as_completed(["stalls", "one"])
        assert next(outcomes).subscription_key == "one"
        calls = [pool.submit(client.status, "another") for _ in range(2)]
        server.wait_until(lambda: len(server.requests) == 4)
        outcomes.close()
        assert all(call.result().is_done for call in calls)
        assert len(server.requests) == 4


def test_a_client_closed_meanwhile_ends_the_wait(kind: Kind) -> None:
    with FaultServer(ALIVE) as server:
        if kind == "sync":
            client = Rodin(API_KEY, base_url=server.url, requests_per_minute=None)
            outcomes = client.as_completed(KEYS)
            assert next(outcomes).subscription_key == "one"
            client.close()
            with pytest.raises(ClientClosedError):
                next(outcomes)
        else:

            async def main() -> None:
                async_client = AsyncRodin(API_KEY, base_url=server.url, requests_per_minute=None)
                async_outcomes = async_client.as_completed(KEYS)
                assert (await anext(async_outcomes)).subscription_key == "one"
                await async_client.aclose()
                with pytest.raises(ClientClosedError):
                    await anext(async_outcomes)

            asyncio.run(main())


def test_a_scope_waits_as_its_transport_does() -> None:
    transport = open_transport(None, None)
    alarm: SimpleQueue[None] = SimpleQueue()
    scope = Scope(transport, alarm)
    scope.pause(0.001)
    assert alarm.empty()
    transport.close()
    assert not alarm.empty()
    with pytest.raises(ClientClosedError):
        scope.pause(60)


def test_a_transport_of_the_users_own_is_left_to_its_time_limits() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=echo(request.content).partition(b"\r\n\r\n")[2])

    with Rodin(API_KEY, base_url="https://gateway.test", http_transport=httpx.MockTransport(respond)) as client:
        outcomes = client.as_completed(["one", "two"])
        assert next(outcomes).task is not None
        outcomes.close()
        assert client.status("after").is_done
