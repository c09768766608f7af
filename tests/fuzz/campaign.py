"""Runs parts of a fuzz, and keeps what they find in files that can be tried again."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from attrs import Factory, define, field, frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from tests.fuzz.answers import Received, received
from tests.fuzz.examine import Violation, examine, examine_client
from tests.fuzz.structured import answers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

EVERY_CLIENT: Final = 50
"""One mutated answer of so many goes through the public client as well."""
EVERY_STRUCTURED: Final = 50
"""One answer of so many is Hypothesis', which takes ten times as long to think of one."""
MOST_FINDINGS: Final = 20
"""So many findings of one part are kept; the others are counted."""


@frozen
class Part:
    """A part of a fuzz: the mutated answers from `first` on, and some structured ones; `count` in all."""

    seed: int
    first: int
    count: int


@frozen
class Finding:
    """An answer for which something does not hold."""

    what: str
    answer: Received


@define
class Report:
    """What became of the answers of a part, or of all."""

    outcomes: Counter[str] = field(factory=Counter[str])
    findings: list[Finding] = Factory(list[Finding])

    def add(self, other: Report) -> None:
        self.outcomes += other.outcomes
        self.findings += other.findings

    @property
    def answers(self) -> int:
        """How many answers there were; those of the client are no others."""
        return sum(count for kind, count in self.outcomes.items() if not kind.startswith("client: "))

    def try_one(self, answer: Received, *, client: bool) -> None:
        """Examines one answer."""
        try:
            self.outcomes[examine(answer)] += 1
            if client:
                self.outcomes[examine_client(answer)] += 1
        except Violation as violation:
            self.outcomes["a violation"] += 1
            if len(self.findings) < MOST_FINDINGS:
                self.findings.append(Finding(str(violation), answer))


def run(part: Part) -> Report:
    """Runs a part; the same part gives the same report."""
    report = Report()
    structured = part.count // EVERY_STRUCTURED
    for number in range(part.first, part.first + part.count - structured):
        report.try_one(received(part.seed, number), client=not number % EVERY_CLIENT)
    if structured:
        _run_structured(part, structured, report)
    return report


def _run_structured(part: Part, count: int, report: Report) -> None:
    left = count

    @seeded((part.seed << 40) | part.first)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(answers)
    def try_it(answer: Received) -> None:
        nonlocal left
        left -= 1
        report.try_one(answer, client=not left % EVERY_CLIENT)

    while left > 0:  # Hypothesis may stop early
        try_it()


def parts(seed: int, count: int, size: int) -> Iterator[Part]:
    """Divides a fuzz."""
    return (Part(seed, first, min(size, count - first)) for first in range(0, count, size))


def save(finding: Finding, folder: Path) -> Path:
    """Writes a finding to a file of its own, and returns its path."""
    answer = finding.answer
    value = {
        "what": finding.what,
        "status_code": answer.status_code,
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers],
        "content": base64.b64encode(answer.content).decode(),
        "keys": answer.keys,
    }
    text = json.dumps(value, indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"
    path.write_text(text)
    return path


def load(path: Path) -> Received:
    """Reads the answer of a finding."""
    value: Any = json.loads(path.read_text())
    pairs: Iterable[tuple[str, str]] = value["headers"]
    headers = tuple((name.encode("latin-1"), text.encode("latin-1")) for name, text in pairs)
    return Received(value["status_code"], headers, base64.b64decode(value["content"]), value["keys"])
