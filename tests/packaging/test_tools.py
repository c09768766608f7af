"""The tools of this slice: what they find, and what they leave alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tools import check_tree, test_all


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "https://" + "pypi" + ".org/project/rodin-sdk",
        "files." + "pythonhosted" + ".org",
        "https://mirror.example/" + "simple" + "/",
        "--index" + "-url https://mirror.example",
        "open('/" + "home" + "/someone/key')",
        "C:\\" + "Users\\someone",
    ],
)
def test_what_must_not_be_published_is_found_with_its_place(tree: Path, line: str) -> None:
    (tree / "notes.md").write_text(f"fine\n{line}\n")
    (problem,) = check_tree.problems(tree)
    assert problem.startswith("notes.md:2: ")


def test_the_folder_of_the_tree_itself_is_found(tree: Path) -> None:
    (tree / "notes.md").write_text(f"{tree}/src")
    assert len(list(check_tree.problems(tree))) == 1


def test_ignored_files_and_harmless_lines_are_left_alone(tree: Path) -> None:
    (tree / ".gitignore").write_text("build/\n")
    (tree / "build").mkdir()
    (tree / "build" / "log").write_text(str(tree / "build"))
    (tree / "notes.md").write_bytes(b"https://api.hyper3d.com/api/v2/status src/rodin_sdk/ homework/ \xff")
    assert list(check_tree.problems(tree)) == []


def test_an_interpreter_is_known_by_its_answer() -> None:
    python = Path(sys.executable)
    version = "{}.{}".format(*sys.version_info)
    assert python in test_all.candidates(version)
    assert test_all.works(python, version)
    assert not test_all.works(python, "2.7")
    assert not test_all.works(python.with_name("missing"), version)
