"""A user's project, type-checked strictly against the installed wheel: no source tree, no configuration of ours."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.conftest import ROOT, Environment

PROGRAMS = [*(ROOT / "tests/packaging/consumer").glob("*.py"), *(ROOT / "tests/typing").glob("*.py")]
# Shows that the checkers know the types, and do not take them for Any.
WRONG = """from rodin_sdk import Rodin

Rodin(max_retries="three")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a project"
    folder.mkdir()
    for program in PROGRAMS:
        shutil.copy(program, folder)
    (folder / "wrong.py").write_text(WRONG)
    (folder / "pyrightconfig.json").write_text('{"typeCheckingMode": "strict"}')
    return folder


def check(project: Path, environment: Environment, *command: str) -> str:
    """Run one of our type checkers on the project, with the environment's packages in its view."""
    env = {name: value for name, value in os.environ.items() if name != "MYPYPATH"}
    # This is how pyright finds an environment: with --verifytypes it does not heed --pythonpath.
    env["PATH"] = os.pathsep.join([str(environment.python.parent), env["PATH"]])
    arguments = [sys.executable, "-m", *command]
    return subprocess.run(arguments, cwd=project, env=env, stdout=subprocess.PIPE, text=True, check=False).stdout


def test_mypy(project: Path, full: Environment) -> None:
    report = check(project, full, "mypy", "--strict", "--config-file=", f"--python-executable={full.python}", ".")
    errors = re.findall(r"^(\S+:\d+): error: .*\[(.+)\]$", report, re.MULTILINE)
    assert errors == [("wrong.py:3", "arg-type")], report


def test_pyright(project: Path, full: Environment) -> None:
    report: dict[str, Any] = json.loads(check(project, full, "pyright", "--outputjson"))
    errors = [(Path(d["file"]).name, d["range"]["start"]["line"] + 1, d["rule"]) for d in report["generalDiagnostics"]]
    assert errors == [("wrong.py", 3, "reportArgumentType")], json.dumps(report, indent=2)


def test_every_public_type_is_known(project: Path, full: Environment) -> None:
    report = check(project, full, "pyright", "--verifytypes", "rodin_sdk", "--ignoreexternal")
    assert str(full.folder) in report
    assert "Type completeness score: 100%" in report, report
