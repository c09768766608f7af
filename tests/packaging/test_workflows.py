"""The workflows of CI and of a release: what they may do, and whose code they run."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.packaging.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
READ = {"contents": "read"}
# What a workflow's job may do at most. One that is not named here may read.
ALLOWED = {
    ("release", "attest"): {"attestations": "write", "id-token": "write"},
    ("release", "publish"): {"id-token": "write"},
}
# They run with the rights of the repository on what a stranger wrote.
FOREIGN_EVENTS = {"issue_comment", "pull_request_target", "workflow_run"}
PINNED = re.compile(r"[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}")
USES = re.compile(r"^[ -]*uses: (.*)$", re.MULTILINE)

GOOD = f"""
name: ci
on: {{push: {{branches: [main]}}}}
permissions: {{}}
jobs:
  test:
    timeout-minutes: 5
    permissions:
      contents: read
    steps:
      - uses: actions/checkout@{"0123456789" * 4} # v1.2.3
        with:
          persist-credentials: false
      - run: make test
"""

# As `publish` of another workflow may.
PUBLISH_IN_CI = "publish:\n    timeout-minutes: 5\n    permissions:\n      id-token: write"


def load(text: str) -> dict[str, Any]:
    """Read a workflow, in the YAML of today: there `on` is a word, and not true."""
    workflow: dict[str, Any] = YAML(typ="safe", pure=True).load(text)  # pyright: ignore[reportUnknownMemberType]
    return workflow


def problems(text: str) -> Iterator[str]:
    """Yield what makes a workflow unsafe."""
    workflow = load(text)
    events = workflow["on"]
    if FOREIGN_EVENTS & set([events] if isinstance(events, str) else events):
        yield "event"
    if workflow.get("permissions") != {}:
        yield "permissions"
    if not all(re.search(r" # v\d+\.\d+\.\d+$", used) for used in USES.findall(text)):
        yield "version"
    if re.search(r"\bsecrets\b", text):
        yield "secret"
    for name, job in workflow["jobs"].items():
        granted = job.get("permissions", {})
        if not isinstance(granted, dict) or not granted.items() <= ALLOWED.get((workflow["name"], name), READ).items():
            yield "permissions"
        if not isinstance(job.get("timeout-minutes"), int):
            yield "timeout"
        # A job that is another workflow has no steps, and is named like an action.
        for step in [job, *job.get("steps", [])]:
            yield from step_problems(step)


def step_problems(step: dict[str, Any]) -> Iterator[str]:
    """Yield what makes a step unsafe."""
    used = step.get("uses")
    if used and not PINNED.fullmatch(used):
        yield "pin"
    if used and used.startswith("actions/checkout@") and step.get("with", {}).get("persist-credentials") is not False:
        yield "credentials"
    # An expression is pasted into the script before a shell sees it; a variable of `env` is not.
    if "${{" in step.get("run", ""):
        yield "expression"


@pytest.mark.parametrize("workflow", [path.name for path in WORKFLOWS])
def test_a_workflow_is_safe(workflow: str) -> None:
    assert list(problems((ROOT / ".github/workflows" / workflow).read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("good", "bad", "problem"),
    [
        ("0123456789" * 4, "v1", "pin"),
        ("0123456789" * 4, "0123456", "pin"),
        (" # v1.2.3", "", "version"),
        (" # v1.2.3", " # v1", "version"),
        ("\npermissions: {}", "", "permissions"),
        ("\npermissions: {}", "\npermissions: write-all", "permissions"),
        ("\npermissions: {}", "\npermissions: {contents: read}", "permissions"),
        ("contents: read", "contents: write", "permissions"),
        ("contents: read", "id-token: write", "permissions"),
        ("test:\n    timeout-minutes: 5\n    permissions:\n      contents: read", PUBLISH_IN_CI, "permissions"),
        ("permissions:\n      contents: read", "permissions: read-all", "permissions"),
        ("{push: {branches: [main]}}", "pull_request_target", "event"),
        ("{push: {branches: [main]}}", "[push, pull_request_target]", "event"),
        ("push: {branches: [main]}", "pull_request_target: {}", "event"),
        ("make test", "echo ${{ github.event.issue.title }}", "expression"),
        ("make test", '"echo ${{github.head_ref}}"', "expression"),
        ("make test", "|\n          make ${{ matrix.target }}", "expression"),
        ("make test", "make test\n        env: {KEY: '${{ secrets.KEY }}'}", "secret"),
        ("persist-credentials: false", "fetch-depth: 1", "credentials"),
        ("persist-credentials: false", "persist-credentials: true", "credentials"),
        ("    timeout-minutes: 5\n", "", "timeout"),
    ],
)
def test_what_is_unsafe_is_found(good: str, bad: str, problem: str) -> None:
    assert list(problems(GOOD)) == []
    assert good in GOOD
    assert problem in set(problems(GOOD.replace(good, bad)))


def test_what_publishes_builds_nothing_and_what_builds_cannot_publish() -> None:
    jobs = load((ROOT / ".github/workflows/release.yml").read_text("utf-8"))["jobs"]
    trusted = {name for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert trusted == {"attest", "publish"}
    assert [
        step for name in trusted for step in jobs[name]["steps"] if "run" in step or "checkout" in step["uses"]
    ] == []
    assert (jobs["attest"]["needs"], jobs["publish"]["needs"]) == (["test", "build"], "attest")
    assert jobs["publish"]["environment"] == "pypi"
    (publish,) = (step for step in jobs["publish"]["steps"] if "pypi-publish@" in step["uses"])
    assert publish["with"] == {"attestations": True}


def test_ci_runs_each_python_that_the_metadata_names() -> None:
    jobs = load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))["jobs"]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    assert jobs["linux"]["strategy"]["matrix"]["python"] == re.findall(r"Python :: (3\.\d+)\"", project)
    assert jobs["linux"]["steps"][-1] == {"run": "bash .ci/run"}
