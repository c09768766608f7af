"""What the log says, on which level, and that it never says a secret."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rodin_sdk import AsyncRodin, Poll, Rodin, RodinError
from rodin_sdk.testing import Emulator, Fault
from tests.secrets_check import assert_no_secrets
from tests.unit.support import API_KEY, DONE, SECRETS, SUBSCRIPTION_KEY, response, transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.clients import Kind

FINGERPRINT = hashlib.sha256(SUBSCRIPTION_KEY.encode()).hexdigest()[:8]

Log = pytest.LogCaptureFixture


@pytest.fixture(autouse=True)
def everything(caplog: Log) -> Iterator[None]:
    """Logs all that anything has to say, and looks for secrets in it."""
    with caplog.at_level(logging.DEBUG):
        yield
    assert_no_secrets(SECRETS, *caplog.get_records("setup"), *caplog.get_records("call"), *caplog.records)


def told(caplog: Log, level: int) -> list[str]:
    """Returns what the SDK logged on a level."""
    return [each.getMessage() for each in caplog.records if each.name == "rodin_sdk" and each.levelno == level]


def call(kind: Kind, name: str, *keys: str, **options: Any) -> object:
    """Makes one call, with the client of either kind; returns what it returned or raised."""
    settings: dict[str, Any] = {"poll": Poll(0.01), "requests_per_minute": None}
    for setting in ("base_url", "http_transport", "max_retries", "request_timeout"):
        if setting in options:
            settings[setting] = options.pop(setting)
    argument = list(keys) if name == "wait_all" else keys[0]
    try:
        if kind == "sync":
            with Rodin(API_KEY, **settings) as rodin:
                return getattr(rodin, name)(argument, **options)

        async def main() -> object:
            async with AsyncRodin(API_KEY, **settings) as rodin:
                return await getattr(rodin, name)(argument, **options)

        return asyncio.run(main())
    except RodinError as error:
        return error


@pytest.mark.usefixtures("no_pauses")
class TestRequests:
    def test_a_request_in_full(self, kind: Kind, caplog: Log) -> None:
        http = transport(DONE, 201, x_request_id="id-1", set_cookie="session=1", x_other="2")
        call(kind, "status", SUBSCRIPTION_KEY, http_transport=http)
        (line,) = told(caplog, logging.DEBUG)
        start, seconds, end = line.partition(" in ")[0], line.split(" in ")[1][:5], line.split(" s, ")[1]
        assert start == "POST https://api.hyper3d.com/api/v2/status: 201"
        assert 0 <= float(seconds) < 5
        assert end == f"attempt 1, task {FINGERPRINT}, headers {{'x-request-id': 'id-1'}}"

    def test_each_attempt_is_told(self, kind: Kind, caplog: Log) -> None:
        answers = [response(b"", 429), response(DONE)]
        call(kind, "status", SUBSCRIPTION_KEY, http_transport=httpx.MockTransport(lambda _: answers.pop(0)))
        first, second = told(caplog, logging.DEBUG)
        assert ": 429 RateLimitError in " in first
        assert ", attempt 1," in first
        assert ": 201 in " in second
        assert ", attempt 2," in second

    def test_no_answer_is_told(self, kind: Kind, caplog: Log) -> None:
        def fail(_: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("refused")

        call(kind, "status", SUBSCRIPTION_KEY, http_transport=httpx.MockTransport(fail), max_retries=0)
        (line,) = told(caplog, logging.DEBUG)
        assert "/api/v2/status: TransportError in " in line

    def test_success_is_nothing_to_act_on(self, kind: Kind, caplog: Log) -> None:
        call(kind, "status", SUBSCRIPTION_KEY, http_transport=transport())
        assert told(caplog, logging.INFO) == told(caplog, logging.WARNING) == []

    @pytest.mark.parametrize("status_code", [201, 401, 500])
    def test_an_answer_that_quotes_the_keys(self, kind: Kind, status_code: int, caplog: Log) -> None:
        echo = f"{API_KEY} {SUBSCRIPTION_KEY}"
        body = {"error": "X" + echo, "message": echo, "jobs": [{"uuid": "a", "status": echo}]}
        http = transport(body, status_code, x_request_id=echo, server=echo, via=echo)
        call(kind, "status", SUBSCRIPTION_KEY, http_transport=http, max_retries=0)
        call(kind, "wait", SUBSCRIPTION_KEY, http_transport=http, timeout=0)
        assert "[redacted]" in told(caplog, logging.DEBUG)[0]

    def test_headers_forge_no_line(self, kind: Kind, caplog: Log) -> None:
        call(kind, "status", SUBSCRIPTION_KEY, http_transport=transport(DONE, 201, via="a\x85b\x1b[31m" + "c" * 9999))
        (line,) = told(caplog, logging.DEBUG)
        assert line.isprintable()
        assert len(line) < 1_000


class TestChanges:
    def test_changes_of_state_are_told_and_no_other_look(self, kind: Kind, caplog: Log) -> None:
        states = ["Waiting", "Waiting", "Generating", "Generating", "Done"]
        bodies = iter([{"jobs": [{"uuid": "a", "status": state}]} for state in states])
        http = httpx.MockTransport(lambda _: response(next(bodies)))
        call(kind, "wait", SUBSCRIPTION_KEY, http_transport=http)
        assert told(caplog, logging.INFO) == [
            f"Task {FINGERPRINT} is Waiting: 0 of 1 job done",
            f"Task {FINGERPRINT} is Generating: 0 of 1 job done",
            f"Task {FINGERPRINT} is Done: 1 of 1 job done",
        ]
        assert len(told(caplog, logging.DEBUG)) == len(states)

    def test_looks_that_fail_alike_are_told_once(self, kind: Kind, caplog: Log) -> None:
        answers = [response(b"", 500), response(b"", 503), response(b"<", 201), response(DONE)]
        call(kind, "wait", SUBSCRIPTION_KEY, http_transport=httpx.MockTransport(lambda _: answers.pop(0)))
        told_of = told(caplog, logging.INFO)
        assert [line.partition(":")[0] for line in told_of] == [
            f"A look at task {FINGERPRINT} failed",
            f"A look at task {FINGERPRINT} failed",
            f"Task {FINGERPRINT} is Done",
        ]
        assert "HTTP 500" in told_of[0]
        assert told(caplog, logging.WARNING) == []

    def test_many_tasks_are_told_apart(self, kind: Kind, caplog: Log) -> None:
        call(kind, "wait_all", SUBSCRIPTION_KEY, "another key", http_transport=transport())
        assert len({line for line in told(caplog, logging.INFO) if "Done: 1 of 1" in line}) == 2

    def test_another_host_is_told(self, kind: Kind, caplog: Log) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            return response(DONE) if request.url.host == "b.example" else response(b"", 502)

        urls = ["https://a.example", "https://b.example/gateway"]
        call(kind, "status", SUBSCRIPTION_KEY, http_transport=httpx.MockTransport(answer), base_url=urls)
        assert told(caplog, logging.INFO) == ["https://b.example/gateway is asked first from now on"]

    def test_a_level_that_is_off_costs_no_line(self, kind: Kind, caplog: Log) -> None:
        with caplog.at_level(logging.WARNING, "rodin_sdk"):
            call(kind, "wait", SUBSCRIPTION_KEY, http_transport=transport())
        assert [record for record in caplog.records if record.name == "rodin_sdk"] == []


class TestWarnings:
    def test_an_unknown_status_is_warned_of_once(self, kind: Kind, caplog: Log) -> None:
        jobs = [{"uuid": name, "status": "Baking\x1b[0m" + API_KEY} for name in "ab"]
        for _ in range(2):
            call(kind, "status", SUBSCRIPTION_KEY, http_transport=transport({"jobs": jobs}))
        (line,) = told(caplog, logging.WARNING)
        assert line == (
            r"This version of rodin-sdk does not know the job status Baking\x1b[0m[redacted] and takes it for "
            "running: look for a newer version"
        )

    def test_a_service_that_makes_up_statuses_does_not_flood_the_log(self, kind: Kind, caplog: Log) -> None:
        jobs = [{"uuid": str(number), "status": f"Baking {number}"} for number in range(100)]
        for _ in range(3):
            call(kind, "status", SUBSCRIPTION_KEY, http_transport=transport({"jobs": jobs}))
        lines = told(caplog, logging.WARNING)
        assert len(lines) == len(set(lines)) == 64

    def test_a_program_without_a_log_stays_silent(self) -> None:
        script = (
            "from rodin_sdk.testing import Emulator\nfrom rodin_sdk import Rodin\n"
            "with Emulator() as emulator, Rodin(emulator.api_key, base_url=emulator.base_url) as rodin:\n"
            "    rodin.status(emulator.add_task([[(0, 'Baking')]]))\n"
        )
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
        assert (ended.stdout, ended.stderr) == (b"", b"")


class TestTransports:
    """What the layers below say when everything is logged: `everything` looks for secrets in it."""

    @pytest.fixture
    def emulator(self) -> Iterator[Emulator]:
        with Emulator(api_key=API_KEY) as emulator:
            emulator.add_task([[(0, "Waiting"), (0.1, "Done")]], subscription_key=SUBSCRIPTION_KEY)
            yield emulator

    @pytest.mark.parametrize("own", [True, False], ids=["ours", "httpx"])
    def test_they_say_no_secret(self, kind: Kind, own: bool, emulator: Emulator) -> None:  # noqa: FBT001
        emulator.inject(Fault.error(503), Fault.reset())
        options: dict[str, Any] = {"base_url": emulator.base_url, "request_timeout": 5}
        if not own:
            options["http_transport"] = httpx.HTTPTransport() if kind == "sync" else httpx.AsyncHTTPTransport()
        assert not isinstance(call(kind, "wait", SUBSCRIPTION_KEY, **options), Exception)

    def test_ours_says_nothing_beside_the_sdk(self, kind: Kind, emulator: Emulator, caplog: Log) -> None:
        call(kind, "wait", SUBSCRIPTION_KEY, base_url=emulator.base_url)
        assert {record.name for record in caplog.records} <= {"rodin_sdk", "rodin_sdk.testing", "asyncio"}
