"""`make generate` gives everybody the same bytes, and `make check` sees when they are not those of the document."""

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.spec.conftest import contents
from tools import generate
from tools.spec import client
from tools.spec.document import SpecError
from tools.spec.layout import PACKAGE, REPOSITORY, Layout

HOSTILE_RUFF = """\
line-length = 60
exclude = ["*.py"]
format.quote-style = "single"
format.indent-style = "tab"
lint.select = ["ALL"]
"""


def test_the_committed_package_is_the_one_that_the_document_gives(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--check"]) == 0, capsys.readouterr().err


def test_a_changed_value_in_the_document_is_caught(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    replace(layout.document, "Generating, Done, Failed]", "Generating, Finished, Failed]")
    before = contents(layout.root)
    assert generate.main(["--check"], layout) == 1
    complaint = capsys.readouterr().err
    assert "Run `make generate`" in complaint
    assert f"different: {PACKAGE}/models/job_status.py" in complaint
    assert "openapi/status.yaml was edited" in complaint
    assert contents(layout.root) == before


def test_new_deleted_and_edited_files_are_caught_and_mended(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    right = contents(layout.generated)
    package = layout.generated / PACKAGE
    (package / "models" / "new.py").touch()
    (package / "py.typed").unlink()
    replace(package / "types.py", "class Unset", "class  Unset")
    assert generate.main(["--check"], layout) == 1
    assert capsys.readouterr().err.splitlines()[1:] == [
        f"  unexpected: {PACKAGE}/models/new.py",
        f"  missing: {PACKAGE}/py.typed",
        f"  different: {PACKAGE}/types.py",
    ]
    assert generate.main([], layout) == 0
    assert contents(layout.generated) == right


def test_nothing_around_it_changes_a_byte(layout: Layout, example_tree: Layout, tmp_path: Path) -> None:
    """Not the folder that it is started or works in, settings of ruff's, an ignore file of git's, or another ruff."""
    shutil.rmtree(layout.generated)
    shutil.copytree(REPOSITORY.root / "tools", layout.root / "tools")
    for folder in (tmp_path, layout.root):
        (folder / "ruff.toml").write_text(HOSTILE_RUFF)
        (folder / ".gitignore").write_text("*\n")
        subprocess.run(["git", "init", "--quiet", folder], check=True)
    scratch, other = tmp_path / "build", tmp_path / "bin"
    scratch.mkdir()
    other.mkdir()
    (other / "ruff").write_text("#!/bin/sh\nexit 1\n")
    (other / "ruff").chmod(0o755)
    environment = {"PATH": f"{other}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(scratch), "LC_ALL": "C"}
    command = [sys.executable, str(layout.root / "tools" / "generate.py")]
    subprocess.run(command, cwd=scratch, env=environment, check=True, capture_output=True)
    assert contents(layout.generated) == contents(example_tree.generated)
    assert list(scratch.iterdir()) == []


def test_a_refused_document_leaves_the_package_alone(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    replace(layout.document, "application/json:", "application/xml:")
    before = contents(layout.root)
    assert generate.main([], layout) == 1
    assert "Unsupported content type application/xml" in capsys.readouterr().err
    assert contents(layout.root) == before


def test_without_the_pinned_tools_nothing_is_generated(
    layout: Layout, document: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sysconfig.get_path", {"scripts": str(tmp_path)}.get)
        with pytest.raises(SpecError, match="ruff is not installed beside this Python"):
            client.build(document, layout, tmp_path)
    monkeypatch.setattr(client, "version", {client.GENERATOR: "0.29.0"}.get)
    with pytest.raises(SpecError, match=r"0\.29\.1 is needed, but 0\.29\.0 is installed"):
        client.build(document, layout, tmp_path)


def test_a_package_that_cannot_be_put_in_place_leaves_the_old_one(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(layout.generated)
    (tmp_path / PACKAGE).mkdir()
    rename = Path.rename

    def fail_for_the_new_one(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError("disk full")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new_one)
    with pytest.raises(OSError, match="disk full"):
        client.install(tmp_path, layout.generated)
    assert contents(layout.generated) == before


def test_the_generator_is_pinned_exactly() -> None:
    assert metadata.version(client.GENERATOR) == client.GENERATOR_VERSION


def replace(path: Path, old: str, new: str) -> None:
    """Replaces a text that must be there."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
