"""Waiting over real sockets, with both clients: what the caller gets, and what the server saw."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import httpx
import pytest

from rodin_sdk import (
    AsyncRodin,
    AuthenticationError,
    CompletedTask,
    InvalidResponseError,
    NotFoundError,
    Poll,
    RateLimitError,
    RequestTimeoutError,
    Rodin,
    ServerError,
    TaskCanceledError,
    TaskFailedError,
    TransportError,
    WaitTimeoutError,
)
from rodin_sdk.testing import Emulator, Fault, Framing, Point, Shape
from tests.deadlines import within
from tests.secrets_check import assert_no_secrets
from tests.waits.clients import Face, SyncFace, arrivals, connections_to

if TYPE_CHECKING:
    from rodin_sdk import TaskStatus
    from rodin_sdk.testing import RecordedRequest
    from tests.waits.conftest import Open

QUICKLY = [(0, "Waiting"), (0.04, "Generating"), (0.12, "Done")]
ENDLESS = [(0, "Generating")]
DONE = [(0, "Done")]

BAD_POLLS = {
    "reset": Fault.reset(),
    "closed": Fault.closed(),
    "reset in the body": Fault.reset(at=Point.MIDDLE),
    "truncated": Fault.truncated(),
    "truncated, complete by its looks": Fault.truncated(framing=Framing.CLOSE),
    "garbage": Fault.garbage("SSH-2.0-OpenSSH_9.9\r\n"),
    "HTML": Fault.html(200),
    "502": Fault.html(502),
    "503": Fault.error(503, retry_after=0),
    "520": Fault.html(520),
    "429": Fault.error(429, retry_after=0),
    "408": Fault(status_code=408, body=b""),
    "421": Fault.error(421, "MISDIRECTED"),
    "425": Fault.error(425, "TOO_EARLY"),
    "unknown code": Fault.error(201, "SOMETHING_NEW"),
}


def asked(emulator: Emulator) -> Counter[str | None]:
    """Returns how often each task was asked for."""
    return Counter(request.subscription_key for request in emulator.requests)


def test_a_wait_from_the_first_look_to_the_end(client: Face, emulator: Emulator) -> None:
    key, times = emulator.add_task([QUICKLY, QUICKLY]), arrivals(emulator)
    seen: list[TaskStatus] = []
    task = client.wait(key, on_update=seen.append)
    assert isinstance(task, CompletedTask)
    assert task.is_done
    assert len(task.jobs) == 2
    assert [status.state.value for status in seen] == ["Waiting", "Generating", "Done"]
    assert len(times) == len(emulator.requests) == 7
    assert all(after - before >= 0.02 for before, after in pairwise(times))
    assert connections_to(emulator) <= 1
    assert_no_secrets([emulator.api_key, key], task, client)


def test_watch_yields_the_first_look_and_every_change(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([QUICKLY])
    assert [status.state.value for status in client.watch(key)] == ["Waiting", "Generating", "Done"]
    looks = len(emulator.requests)
    assert looks > 3
    again = emulator.add_task([QUICKLY])
    assert len(list(client.watch(again, every_poll=True))) == len(emulator.requests) - looks


@pytest.mark.parametrize("shape", [Shape.ARRAY_OK, Shape.SAMPLE, Shape.MIXED])
def test_presets_in_every_shape(client: Face, emulator: Emulator, shape: Shape) -> None:
    expected = {
        "sketch": None,
        "empty_first": None,
        "unknown_status": None,
        "flapping": None,
        "fails": TaskFailedError,
        "preview_fails": TaskFailedError,
        "canceled": TaskCanceledError,
    }
    keys = {emulator.add_task(name, speed=400, shape=shape): kind for name, kind in expected.items()}
    for outcome in client.as_completed(keys):
        kind = keys[outcome.subscription_key]
        assert outcome.task is not None if kind is None else type(outcome.error) is kind
    partial = client.wait(emulator.add_task("preview_fails", speed=400, shape=shape), allow_partial=True)
    assert (partial.is_final, partial.is_done, partial.progress) == (True, False, 5 / 6)


def test_outcomes_come_as_tasks_end(client: Face, emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Generating"), (end, "Done")]]) for end in (0.45, 0.05, 0.25)]
    keys.append(emulator.add_task([[(0, "Generating"), (0.65, "Failed")]]))
    outcomes = list(client.as_completed([*keys, *keys]))
    assert [keys.index(outcome.subscription_key) for outcome in outcomes] == [1, 2, 0, 3]
    assert [outcome.task is None for outcome in outcomes] == [False, False, False, True]
    with pytest.raises(TaskFailedError) as caught:
        outcomes[-1].unwrap()
    assert_no_secrets([emulator.api_key, *keys], *outcomes, caught.value, pickled=False)


def test_wait_all_keeps_the_order_and_the_duplicates(client: Face, emulator: Emulator) -> None:
    slow, quick = emulator.add_task([[(0, "Generating"), (0.1, "Done")]]), emulator.add_task([DONE])
    outcomes = client.wait_all([slow, quick, slow, quick, quick])
    assert [outcome.subscription_key for outcome in outcomes] == [slow, quick, slow, quick, quick]
    assert outcomes[0] == outcomes[2]
    assert asked(emulator)[quick] == 1


def test_wait_all_takes_any_iterable(client: Face, emulator: Emulator) -> None:
    keys = [emulator.add_task([DONE]) for _ in range(3)]
    for given in (iter(keys), tuple(keys), dict.fromkeys(keys), (key for key in keys)):
        assert [outcome.subscription_key for outcome in client.wait_all(given)] == keys


def test_an_empty_list_sends_nothing(client: Face, emulator: Emulator) -> None:
    assert list(client.as_completed([])) == []
    assert client.wait_all(iter(())) == []
    assert emulator.requests == ()


def test_a_line_end_at_the_end_of_a_key_makes_no_other_task(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([DONE])
    assert len(list(client.as_completed([key, key + "\n"]))) == 1
    assert len(client.wait_all([key, key + "\r\n"])) == 2
    assert len(emulator.requests) == 2


def test_100_tasks_end_each_with_its_own_answer(open_client: Open, emulator: Emulator) -> None:
    client = open_client(poll=Poll(0.1, 1, 0.1, 0))
    keys = {
        emulator.add_task([[(0, "Waiting"), (0.003 * number, "Done")]] * (1 + number % 5)): 1 + number % 5
        for number in range(1, 101)
    }
    outcomes = client.wait_all(keys)
    assert [len(outcome.unwrap().jobs) for outcome in outcomes] == list(keys.values())
    assert connections_to(emulator) <= 16


# --- Deadlines

STALLS = {
    "at once": Fault.stalled(),
    "before the body": Fault.stalled(at=Point.BODY),
    "in the body": Fault.stalled(at=Point.MIDDLE),
    "dripping": Fault.dripping(0.3),
}


@pytest.mark.parametrize("fault", STALLS.values(), ids=list(STALLS))
def test_a_wait_ends_in_time_whatever_the_server_does(client: Face, emulator: Emulator, fault: Fault) -> None:
    key = emulator.add_task([DONE])
    emulator.faults = lambda _: fault
    timeout = 1.0 if fault.at is Point.START and not fault.drip else 0.2
    with within(timeout), pytest.raises(WaitTimeoutError) as caught:
        client.wait(key, timeout=timeout)
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value.__cause__, RequestTimeoutError)
    assert (caught.value.status, caught.value.polls, asked(emulator)[key]) == (None, 1, 1)
    assert_no_secrets([emulator.api_key], caught.value)


@pytest.mark.parametrize("count", [1, 40])
def test_many_end_in_time_whatever_the_server_does(client: Face, emulator: Emulator, count: int) -> None:
    keys = [emulator.add_task([DONE]) for _ in range(count)]
    emulator.faults = lambda _: Fault.stalled()
    with within(1):
        outcomes = client.wait_all(keys, timeout=1)
    assert [type(outcome.error) for outcome in outcomes] == [WaitTimeoutError] * count
    assert sum(asked(emulator)[key] for key in keys) == min(count, 16)


def test_watch_ends_in_time_after_a_look_that_was_answered(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([ENDLESS], faults=[None, Fault.stalled()])
    seen: list[str] = []
    with within(1), pytest.raises(WaitTimeoutError) as caught:
        seen.extend(status.state.value for status in client.watch(key, timeout=1))
    assert (caught.value.polls, asked(emulator)[key]) == (2, 2)
    assert caught.value.status is not None


def test_a_request_has_its_own_limit_within_a_wait(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([DONE], faults=[Fault.stalled(), Fault.stalled(at=Point.MIDDLE)])
    assert client.wait(key, timeout=30, request_timeout=0.5).is_done
    assert len(emulator.requests) == 3


def test_an_answer_in_time_wins(client: Face, emulator: Emulator) -> None:
    key, other = emulator.add_task([DONE]), emulator.add_task([DONE])
    emulator.faults = lambda _: Fault.delayed(0.2, at=Point.MIDDLE)
    assert client.wait(key, timeout=1).is_done
    assert client.wait_all([key, other], timeout=1)[1].unwrap().is_done


@pytest.mark.parametrize("timeout", [0.1, 0.3])
def test_an_endless_task_ends_at_the_deadline(client: Face, emulator: Emulator, timeout: float) -> None:
    key = emulator.add_task([ENDLESS])
    with within(timeout), pytest.raises(WaitTimeoutError) as caught:
        client.wait(key, timeout=timeout)
    assert timeout <= caught.value.elapsed
    # The deadline may cut the last look off before its request has arrived.
    assert asked(emulator)[key] in {caught.value.polls - 1, caught.value.polls}
    assert caught.value.subscription_key == key


def test_a_timeout_of_0_sends_one_request(client: Face, emulator: Emulator) -> None:
    running, done = emulator.add_task([ENDLESS]), emulator.add_task([DONE])
    with pytest.raises(WaitTimeoutError) as caught:
        client.wait(running, timeout=0)
    assert (caught.value.polls, len(emulator.requests)) == (1, 1)
    outcomes = client.wait_all([running, done], timeout=0)
    assert [outcome.task is None for outcome in outcomes] == [True, False]
    assert len(emulator.requests) == 3


# --- Bad polls


@pytest.mark.parametrize("fault", BAD_POLLS.values(), ids=list(BAD_POLLS))
def test_bad_polls_are_outlived(client: Face, emulator: Emulator, fault: Fault) -> None:
    key = emulator.add_task([[(0, "Generating"), (0.06, "Done")]], faults=[fault, None, fault])
    states = [status.state.value for status in client.watch(key, every_poll=True)]
    assert states[0] == "Generating"
    assert states[-1] == "Done"
    assert len(emulator.requests) == len(states) + 2


@pytest.mark.parametrize(
    ("fault", "cause"),
    [(Fault.reset(), TransportError), (Fault.html(200), InvalidResponseError), (Fault.html(503), ServerError)],
)
def test_bad_polls_are_outlived_until_the_deadline(
    client: Face, emulator: Emulator, fault: Fault, cause: type[Exception]
) -> None:
    key = emulator.add_task([DONE])
    emulator.faults = lambda _: fault
    with within(1), pytest.raises(WaitTimeoutError) as caught:
        client.wait(key, timeout=1)
    assert isinstance(caught.value.__cause__, cause)
    assert caught.value.polls > 3
    assert_no_secrets([emulator.api_key], caught.value)


def test_a_server_that_is_away_for_a_while_is_outlived(open_client: Open, emulator: Emulator) -> None:
    client = open_client(poll=Poll(0.05, 1, 0.05, 0))
    key = emulator.add_task([ENDLESS])
    updates = client.watch(key)
    assert next(updates).state == "Generating"
    emulator.close()
    with pytest.raises(TransportError):
        client.status(key, max_retries=0)
    emulator.inject(Fault(body='{"jobs": {"a": "Done"}}'))
    emulator.start()
    assert next(updates).is_done
    updates.close()


def test_a_long_retry_after_means_no_further_request(client: Face, emulator: Emulator) -> None:
    key = emulator.add_task([DONE], faults=[Fault.error(429, retry_after=60)])
    with within(1), pytest.raises(WaitTimeoutError) as caught:
        client.wait(key, timeout=1)
    assert isinstance(caught.value.__cause__, RateLimitError)
    assert caught.value.__cause__.retry_after == 60
    assert asked(emulator)[key] == 1


def test_a_retry_after_holds_all_requests_of_the_client(client: Face, emulator: Emulator) -> None:
    keys = [emulator.add_task([[(0, "Generating"), (0.2, "Done")]]) for _ in range(5)]
    times: list[float] = []

    def refuse_the_first(_request: RecordedRequest) -> Fault | None:
        times.append(time.monotonic())
        return Fault.error(429, retry_after=1) if len(times) == 1 else None

    emulator.faults = refuse_the_first
    assert all(outcome.task is not None for outcome in client.wait_all(keys))
    # What was under way when the refusal came is let through, and then there is a second without any.
    assert max(after - before for before, after in pairwise(times)) >= 0.9


def test_what_does_not_pass_ends_at_once(client: Face, emulator: Emulator) -> None:
    with pytest.raises(NotFoundError) as caught:
        client.wait("no-such-task")
    assert len(emulator.requests) == 1
    assert caught.value.code == "NO_SUCH_TASK"
    good = emulator.add_task([QUICKLY])
    outcomes = client.wait_all(["no-such-task", good])
    assert isinstance(outcomes[0].error, NotFoundError)
    assert outcomes[1].task is not None


def test_a_wrong_api_key_ends_all(open_client: Open, emulator: Emulator) -> None:
    keys = [emulator.add_task([ENDLESS]) for _ in range(60)]
    client = open_client()
    outcomes = client.as_completed(keys)
    emulator.api_key = "another-key"
    assert [type(outcome.error) for outcome in outcomes] == [AuthenticationError] * 60
    assert len(emulator.requests) <= 32


# --- The budget


def test_the_budget_is_kept_on_real_clocks(open_client: Open, emulator: Emulator) -> None:
    client, times = open_client(requests_per_minute=600), arrivals(emulator)
    keys = [emulator.add_task([DONE]) for _ in range(12)]
    client.wait_all(keys)
    assert len(times) == 12
    assert times[-1] - times[0] >= 0.5


def test_the_rate_of_a_throttling_server_is_found(open_client: Open, emulator: Emulator) -> None:
    """Every task ends although every second request is refused."""
    client = open_client(requests_per_minute=6000)
    keys = [emulator.add_task([QUICKLY]) for _ in range(5)]
    emulator.inject(None, Fault.error(429, retry_after=0), times=4)
    outcomes = client.wait_all(keys, timeout=60)
    assert all(outcome.task is not None for outcome in outcomes)


def test_clients_made_by_with_options_share_connections(emulator: Emulator) -> None:
    face = SyncFace(emulator)
    key = emulator.add_task([QUICKLY])
    assert face.rodin.with_options(poll=Poll(0.05)).wait(key).is_done
    assert connections_to(emulator) == 1
    face.close()
    assert connections_to(emulator) == 0


def test_a_slow_answer_holds_up_no_other_task(client: Face, emulator: Emulator) -> None:
    slow = emulator.add_task([DONE], faults=[Fault.delayed(0.4)])
    quick = emulator.add_task([[(0, "Generating"), (0.1, "Done")]])
    ended = [outcome.subscription_key for outcome in client.as_completed([slow, quick])]
    assert ended == [quick, slow]
    assert len(emulator.requests) > 4


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_mistake_in_the_users_own_transport_is_raised(kind: str) -> None:
    def respond(_request: httpx.Request) -> httpx.Response:
        raise LookupError("a mistake")

    async def wait_in_asyncio() -> None:
        async with AsyncRodin("key", http_transport=httpx.MockTransport(respond)) as rodin:
            await rodin.wait_all(["one", "two"])

    def wait() -> None:
        with Rodin("key", http_transport=httpx.MockTransport(respond)) as rodin:
            rodin.wait_all(["one", "two"])

    with pytest.raises(LookupError, match="a mistake"):
        wait() if kind == "sync" else asyncio.run(wait_in_asyncio())
