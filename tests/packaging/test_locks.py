"""The locked requirements, against what they were made from."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.packaging.conftest import ROOT

LOCKS = [
    ("dev.in", "dev.txt"),
    ("test.in", "dev.txt"),
    ("test.in", "lowest.txt"),
    ("bench.in", "bench.txt"),
    ("mutants.in", "mutants.txt"),
    ("test.in", "mutants.txt"),
]


def pins(name: str) -> dict[str, str]:
    """Read a lock, or a list of pins, as package and version."""
    text = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize(("source", "lock"), LOCKS)
def test_a_lock_holds_the_pins_it_was_made_from(source: str, lock: str) -> None:
    assert pins(source).items() <= pins(lock).items()


@pytest.mark.parametrize("lock", ["dev.txt", "lowest.txt", "bench.txt", "mutants.txt"])
def test_every_locked_package_has_hashes(lock: str) -> None:
    entries = re.split(r"\n(?=\w)", (ROOT / "requirements" / lock).read_text())[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_is_measured_has_none_of_the_extras() -> None:
    # Where these are installed, `import httpx` loads its command line, and ours would look the better for it.
    assert pins("bench.txt").keys().isdisjoint({"click", "rich", "pygments"})


def test_the_lowest_versions_are_those_that_the_project_claims() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    requirements = [Requirement(text) for text in [*project["dependencies"], *extras["cli"], *extras["otel"]]]
    bounds = {
        requirement.name: Version(specifier.version)
        for requirement in requirements
        for specifier in requirement.specifier
        if specifier.operator == ">="
    }
    assert len(bounds) == len(requirements)
    lowest = pins("lowest.txt")
    assert {name: Version(lowest[name]) for name in bounds} == bounds
