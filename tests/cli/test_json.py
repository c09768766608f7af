"""`rodin status --json`: what programs read. What stands here is promised; change it only with the schema's number."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from rodin_sdk.testing import Fault, JobScript

if TYPE_CHECKING:
    from rodin_sdk.testing import Emulator
    from tests.cli.conftest import CommandLine


def test_a_task(cli: CommandLine, emulator: Emulator) -> None:
    jobs = [
        JobScript([(0, "Waiting")], uuid="a", queue_length=3),
        JobScript([(0, "Postprocessing")], uuid="ü"),
        JobScript([(0, "Done")], uuid="c"),
        JobScript([(0, "Done")], uuid="d"),
    ]
    key = emulator.add_task(jobs)
    ended = cli("status", "--json", key)
    assert ended.json == [
        {
            "schema": 1,
            "position": 1,
            "fingerprint": sha256(key.encode()).hexdigest()[:8],
            "exit_status": 0,
            "task": {
                "state": "Generating",
                "is_final": False,
                "progress": 0.5,
                "jobs": [
                    {"uuid": "a", "status": "Waiting", "raw_status": "Waiting", "queue_length": 3},
                    {"uuid": "ü", "status": "Unknown", "raw_status": "Postprocessing", "queue_length": None},
                    {"uuid": "c", "status": "Done", "raw_status": "Done", "queue_length": None},
                    {"uuid": "d", "status": "Done", "raw_status": "Done", "queue_length": None},
                ],
                "error": None,
                "message": None,
                "request_id": None,
            },
            "error": None,
        }
    ]
    assert ended.out.isascii()


def test_an_error(cli: CommandLine) -> None:
    (line,) = cli("status", "--json", "no such task").json
    text = line["error"].pop("text")
    assert line == {
        "schema": 1,
        "position": 1,
        "fingerprint": sha256(b"no such task").hexdigest()[:8],
        "exit_status": 3,
        "task": None,
        "error": {
            "type": "NotFoundError",
            "status_code": 201,
            "code": "NO_SUCH_TASK",
            "message": "There is no task with this subscription_key.",
            "retry_after": None,
            "request_id": None,
            "attempts": 1,
        },
    }
    assert "Pass jobs.subscription_key of the submission's answer" in text


def test_an_error_without_an_answer_has_the_same_fields(cli: CommandLine, emulator: Emulator) -> None:
    emulator.inject(Fault(status_code=429, retry_after=1000))
    throttled, refused = cli("status", "--json", cli.add(), cli.add()).json[0], _refused(cli)
    assert throttled["error"]["retry_after"] == 1000
    assert throttled["error"].keys() == refused["error"].keys()
    assert refused["error"]["type"] == "TransportError"
    assert refused["error"]["status_code"] is None


def _refused(cli: CommandLine) -> dict[str, dict[str, object]]:
    """Asks where TLS is spoken to a server that does not speak it, which is not tried again."""
    host = cli.emulator.base_url.replace("http://", "https://")
    line: dict[str, dict[str, object]] = cli("status", "--json", "--host", host, cli.add()).json[0]
    return line


def test_a_line_comes_for_each_task_in_order(cli: CommandLine) -> None:
    lines = cli("status", "--json", cli.add("Failed"), "no such task", cli.add("Done")).json
    assert [(line["position"], line["exit_status"]) for line in lines] == [(1, 1), (2, 3), (3, 0)]


def test_json_and_quiet_do_not_go_together(cli: CommandLine) -> None:
    ended = cli("status", "--json", "--quiet", "key")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "rodin: --json and --quiet do not go together. See: rodin status --help\n"
