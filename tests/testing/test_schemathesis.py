"""The emulator obeys `openapi/status.yaml`: schemathesis, which reads the document alone, finds no violation.

Everything is the same in every run: schemathesis' coverage cases are enumerated, and Hypothesis is derandomized.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import schemathesis
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from rodin_sdk.testing import PRESETS, Assumptions, Emulator, ErrorAnswer, JobScript, Shape, TaskScript
from tests.testing.test_document import DOCUMENTED_SHAPES, UNDOCUMENTED_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from rodin_sdk.testing import VirtualClock

LIBRARY = cast("Any", schemathesis)
"""Most of its types are only half written down."""
STRICT = Assumptions(invalid_request=ErrorAnswer(400, "INVALID_REQUEST", ""))
"""What the service would do if it had heard of codes of failure."""
A_TASK = "a task"
ANY_CASE = settings(
    derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@pytest.fixture
def operation() -> Any:
    """Loads the document anew for every test: each enumerates the wrong methods once only."""
    document = Path(__file__).parents[2] / "openapi" / "status.yaml"
    return LIBRARY.openapi.from_path(document)["/api/v2/status"]["POST"]


def enumerated(operation: Any) -> Iterator[Any]:
    """Returns schemathesis' coverage cases: examples, wrong types, missing fields, methods, media types and keys."""
    config = operation.schema.config.generation_for(operation=operation)
    yield from operation.schema.iter_coverage_cases(
        operation, generation_modes=[*GenerationMode], generation_config=config
    )


def generated(operation: Any) -> SearchStrategy[Any]:
    """Returns valid and invalid requests."""
    return st.sampled_from(GenerationMode).flatmap(operation.as_strategy)


class Judge:
    """Sends cases to an emulator, lets schemathesis judge the answers, and remembers what they were."""

    def __init__(self, emulator: Emulator, excluded: Sequence[str] = ()) -> None:
        self.emulator = emulator
        self.excluded = LIBRARY.checks.CHECKS.get_by_names(excluded)
        self.answers: Counter[tuple[int, str]] = Counter()
        self.bodies: list[Mapping[str, Any]] = []

    def __call__(self, case: Any) -> None:
        response = case.call_and_validate(
            self.emulator.base_url,
            headers={"Authorization": f"Bearer {self.emulator.api_key}"},
            excluded_checks=self.excluded,
        )
        self.bodies.append(json.loads(response.content))
        said = A_TASK if "jobs" in self.bodies[-1] else self.bodies[-1]["error"]
        self.answers[response.status_code, said] += 1

    def all_of(self, cases: SearchStrategy[Any]) -> None:
        """Judges what a strategy generates."""

        @ANY_CASE
        @given(cases)
        def run(case: Any) -> None:
            self(case)

        run()

    def looks(self, operation: Any, key: str, clock: VirtualClock, *, every: float, count: int) -> None:
        """Looks at one task again and again."""
        cases: SearchStrategy[Any] = operation.as_strategy(body={"subscription_key": key})

        @settings(ANY_CASE, max_examples=1)
        @given(cases)
        def run(case: Any) -> None:
            for _ in range(count):
                self(case)
                clock.advance(every)

        run()


@pytest.mark.parametrize(
    ("assumptions", "excluded", "invalid"),
    [
        # The service was seen to answer an invalid body with 201 and an `error`, which the check takes for assent. The
        # document allows for it: "A refused request can arrive with a success code as well".
        (Assumptions(), ["negative_data_rejection"], 201),
        (STRICT, [], 400),
    ],
    ids=["as seen", "strict"],
)
def test_schemathesis_finds_no_violation(
    operation: Any,
    clock: VirtualClock,
    assumptions: Assumptions,
    excluded: Sequence[str],
    invalid: int,
) -> None:
    expected = {
        (201, A_TASK),
        (201, "NO_SUCH_TASK"),
        (401, "UNAUTHORIZED"),
        (405, "METHOD_NOT_ALLOWED"),
        (invalid, "INVALID_REQUEST"),
    }
    with Emulator(clock=clock, seed=7, assumptions=assumptions) as emulator:
        emulator.add_task("sketch", subscription_key="text")  # one of the document's two examples; the other is no task
        judge = Judge(emulator, excluded)
        for case in enumerated(operation):
            judge(case)
        assert set(judge.answers) == expected
        judge.answers.clear()
        judge.all_of(generated(operation))
        assert set(judge.answers) == expected - {(405, "METHOD_NOT_ALLOWED")}


@pytest.mark.parametrize("success_status", [200, 201])
def test_schemathesis_finds_no_violation_in_tasks(operation: Any, clock: VirtualClock, success_status: int) -> None:
    assumptions = Assumptions(success_status=success_status)
    scripts = [PRESETS[name] for name in sorted(set(PRESETS) - UNDOCUMENTED_STATUSES)]
    scripts.append(TaskScript([JobScript([(0, "Waiting")], queue_length=2)]))
    with Emulator(clock=clock, seed=7, assumptions=assumptions, shape=sorted(DOCUMENTED_SHAPES)) as emulator:
        judge = Judge(emulator)
        for script in scripts:
            judge.looks(operation, emulator.add_task(script), clock, every=7.5, count=12)
    assert set(judge.answers) == {(success_status, A_TASK)}
    assert {body.get("error", "absent") for body in judge.bodies} == {"absent", None, "OK"}
    assert [] in [body["jobs"] for body in judge.bodies]
    jobs = [job for body in judge.bodies for job in body["jobs"]]
    assert {job["status"] for job in jobs} == {"Waiting", "Generating", "Done", "Failed"}
    assert 2 in [job.get("queue_length") for job in jobs]


def test_schemathesis_finds_no_violation_in_throttling(operation: Any, clock: VirtualClock) -> None:
    with Emulator(clock=clock, seed=7, requests_per_minute=2) as emulator:
        judge = Judge(emulator)
        judge.looks(operation, emulator.add_task(), clock, every=7.5, count=12)
    assert set(judge.answers) == {(201, A_TASK), (429, "TOO_MANY_REQUESTS")}


def broken(**changes: Any) -> Assumptions:
    return evolve(STRICT, **changes)


@pytest.mark.parametrize(
    ("options", "violations"),
    [
        ({"shape": Shape.MAP}, {"JsonSchemaError"}),
        ({"shape": Shape.SAMPLE}, {"MalformedJson"}),
        ({"assumptions": Assumptions()}, {"AcceptedNegativeData"}),
        (
            {"assumptions": broken(unauthorized=ErrorAnswer(201, "UNAUTHORIZED", ""))},
            {"AcceptedNegativeData", "IgnoredAuth", "MissingHeaderNotRejected"},
        ),
        ({"assumptions": broken(no_such_task=ErrorAnswer(500, "UNKNOWN", ""))}, {"ServerError"}),
        ({"assumptions": broken(method_not_allowed=ErrorAnswer(400, "", ""))}, {"UnsupportedMethodResponse"}),
        ({"assumptions": broken(retry_after_form="imf"), "requests_per_minute": 1}, {"JsonSchemaError"}),
    ],
    ids=lambda value: "" if isinstance(value, dict) else "+".join(sorted(value)),
)
def test_schemathesis_finds_what_is_a_violation(
    operation: Any, clock: VirtualClock, options: Mapping[str, Any], violations: set[str]
) -> None:
    defaults: dict[str, Any] = {"assumptions": STRICT}
    with Emulator(clock=clock, seed=7, **defaults | dict(options)) as emulator:
        emulator.add_task("sketch", subscription_key="text")
        judge = Judge(emulator)
        found: set[str] = set()
        for case in enumerated(operation):
            try:
                judge(case)
            except FailureGroup as group:
                found |= {type(failure).__name__ for failure in group.exceptions}
    assert found == violations
