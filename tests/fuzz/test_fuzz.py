"""Twenty thousand answers of the million that `make fuzz` has, and proof that what the fuzz looks for it would find."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Self

import pytest

from rodin_sdk import TaskStatus, _models, _normalize, _retry_after, _secrets, _wire
from tests.fuzz import campaign
from tests.fuzz.answers import ALL_KEYS, DOCUMENTED, ECHOES, Received, received, spellings
from tests.fuzz.campaign import EVERY_CLIENT, Finding, Part, load, parts, run, save
from tests.fuzz.examine import Violation, examine, examine_client
from tests.fuzz.growth import FAMILIES, answer, calls_to_read, seconds_to_read
from tools import fuzz

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = 20_261_122
COUNT = 20_000
KINDS = {
    *(f"TaskStatus {state}" for state in ("Waiting", "Generating", "Done", "Failed", "Canceled")),
    "TaskStatus without jobs",
    "InvalidResponseError",
    "APIError",
    "AuthenticationError",
    "BadRequestError",
    "InsufficientFundsError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServerError",
}


def test_every_answer_is_a_status_or_an_error_of_ours() -> None:
    report = run(Part(SEED, 0, COUNT))
    assert report.findings == []
    assert report.answers >= COUNT
    found = Counter({kind: count for kind, count in report.outcomes.items() if not kind.startswith("client: ")})
    # None of them is rare: else what holds for it would not have been looked at.
    assert set(found) == KINDS
    assert min(found.values()) >= 20, found
    assert report.outcomes.total() - report.answers >= COUNT // EVERY_CLIENT


@pytest.mark.parametrize("content", DOCUMENTED, ids=range(len(DOCUMENTED)))
def test_every_documented_shape_is_examined_whole(content: bytes) -> None:
    for status_code in (200, 201, 401, 429, 503):
        kind = examine(Received(status_code, (), content))
        assert examine_client(Received(status_code, (), content)) == f"client: {kind}"


@pytest.mark.parametrize("keys", range(len(ALL_KEYS)))
def test_no_spelling_of_a_key_shows_itself(keys: int) -> None:
    for content in ECHOES[keys]:
        for status_code in (201, 404):
            examine(Received(status_code, ((b"X-Request-Id", ALL_KEYS[keys].api_key.encode()),), content, keys))
    for key in ALL_KEYS[keys].both:
        assert {json.loads(f'"{spelling}"') for spelling in spellings(key)} == {key}


# --- The fuzz itself


def test_same_seed_gives_same_answers() -> None:
    assert [received(7, number) for number in range(50)] == [received(7, number) for number in range(50)]
    assert len({received(seed, number) for seed in (7, 8) for number in range(50)}) > 90
    assert run(Part(7, 100, 60)) == run(Part(7, 100, 60))


def test_parts_are_the_whole() -> None:
    assert list(parts(3, 25, 10)) == [Part(3, 0, 10), Part(3, 10, 10), Part(3, 20, 5)]


def _no_redaction(text: Any, *_: object) -> Any:
    return text


def _for_ever(_headers: object) -> float:
    return math.inf


def _hello(*_: object) -> TaskStatus:
    return TaskStatus(message="hello")


def _loud(*_: object) -> Any:
    raise KeyError("no error of ours")


FLAWS: dict[str, tuple[object, str, object, str]] = {
    "keys are left in": (_wire, "redact_bytes", _no_redaction, "a key shows itself"),
    "keys are left in headers": (_secrets, "redact", _no_redaction, "a key shows itself"),
    "another exception": (_normalize, "_merge", _loud, "it raises KeyError: 'no error of ours'"),
    "an empty list is done": (_models.TaskStatus, "is_done", property(lambda s: not s.jobs), "it is done, though"),
    "texts are not escaped": (_secrets, "printable", _no_redaction, "not printable"),
    "surrogates stay": (_normalize, "_without_lone_surrogates", _no_redaction, "raw cannot be written"),
    "a wait without end": (_wire, "parse_retry_after", _for_ever, "it waits for inf s"),
    "too deep": (_normalize, "_refuse_too_deep", _loud, "it raises KeyError"),
    "infinite numbers": (_normalize, "_DECODER", json.JSONDecoder(), "raw cannot be written"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_flaw_would_be_found(monkeypatch: pytest.MonkeyPatch, flaw: str) -> None:
    where, name, value, what = FLAWS[flaw]
    monkeypatch.setattr(where, name, value)
    monkeypatch.setattr(campaign, "EVERY_STRUCTURED", 10**9)
    report = run(Part(SEED, 0, 1_500))
    assert what in "\n".join(finding.what for finding in report.findings)
    assert report.outcomes["a violation"] >= len(report.findings)


def test_client_that_differs_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Received(201, (), b'{"jobs": []}')
    assert examine_client(answer) == "client: TaskStatus without jobs"
    monkeypatch.setattr("tests.fuzz.examine.read", _hello)
    with pytest.raises(Violation, match="something else"):
        examine_client(answer)


def test_slow_answer_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.examine.SLOW", 0.0)
    with pytest.raises(Violation, match="takes more than"):
        examine(Received(201, (), b'{"jobs": []}'))


def test_finding_can_be_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Received(299, ((b"Retry-After", b"\xff 1"),), b'\x00{"jobs": "\xff"}', 2)
    path = save(Finding("it is a test", found), tmp_path / "found")
    assert load(path) == found
    assert fuzz.main(["--replay", str(path)]) == 0
    assert "All holds: InvalidResponseError, client: InvalidResponseError" in capsys.readouterr().out


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "ProcessPoolExecutor", _InThisProcess)
    assert fuzz.main(["--count", "200", "--seed", "7", "--folder", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "make fuzz COUNT=200 SEED=7\n" in printed
    assert printed.endswith("Nothing was found.\n")
    monkeypatch.setattr(_retry_after, "_SECONDS", None)
    monkeypatch.setattr(_wire, "redact_bytes", _no_redaction)
    assert fuzz.main(["--count", "200", "--seed", "7", "--folder", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    (path, *_) = [line.split("REPLAY=")[1] for line in printed.splitlines() if "REPLAY=" in line]
    assert fuzz.main(["--replay", path]) == 1
    assert "Still so: " in capsys.readouterr().out


class _InThisProcess:
    """A pool of processes without processes."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def map(self, function: Callable[[Part], campaign.Report], items: Any) -> Any:
        return map(function, items)


# --- The work grows no faster than the answers

SMALL = 400


@pytest.mark.parametrize("status_code", [201, 404])
@pytest.mark.parametrize("family", FAMILIES)
def test_work_is_linear(family: str, status_code: int) -> None:
    calls = [calls_to_read(answer(family, count, status_code)) for count in (SMALL, 4 * SMALL)]
    assert calls[1] <= 4.2 * calls[0] + 200
    # What C does at one stroke is no call. 16 times the answer takes 16 times as long, not 256 times.
    seconds = [seconds_to_read(answer(family, count, status_code)) for count in (SMALL, 16 * SMALL)]
    assert seconds[1] <= 60 * seconds[0] + 0.02
