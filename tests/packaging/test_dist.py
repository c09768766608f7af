"""The sdist and the wheel, as files."""

import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from zipfile import ZipFile

from packaging.metadata import Metadata

from tests.packaging.conftest import ROOT, Dist, build
from tools.check_tree import tracked_files


def test_two_builds_are_the_same_byte_for_byte(dist: Dist, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another folder"
    for path in tracked_files(ROOT):
        copy = elsewhere / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)  # at another time
        copy.chmod(0o700 if path.stat().st_mode & 0o100 else 0o600)
    again = build(elsewhere, tmp_path / "dist", TZ="Asia/Kolkata", LC_ALL="C", PYTHONHASHSEED="7")
    assert again.sdist.read_bytes() == dist.sdist.read_bytes()
    assert again.wheel.read_bytes() == dist.wheel.read_bytes()


def test_the_sdist_has_all_but_what_serves_the_repository_alone(dist: Dist) -> None:
    with tarfile.open(dist.sdist) as archive:
        held = {Path(*Path(name).parts[1:]) for name in archive.getnames()}
    missing = {path.relative_to(ROOT) for path in tracked_files(ROOT)} - held
    assert [path for path in sorted(missing) if not path.parts[0].startswith(".")] == []


def test_the_wheel_has_both_packages_and_nothing_else(dist: Dist) -> None:
    subprocess.run([sys.executable, "-m", "check_wheel_contents", dist.wheel], cwd=ROOT, check=True)
    with ZipFile(dist.wheel) as archive:
        assert {"rodin_sdk/py.typed", "rodin_sdk_generated/py.typed"} <= set(archive.namelist())


def test_the_metadata_is_valid_and_says_what_the_project_is(dist: Dist) -> None:
    with ZipFile(dist.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Metadata.from_email(archive.read(name), validate=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert metadata.name == "rodin-sdk"
    assert metadata.summary == project["description"]
    assert metadata.license_expression == "MIT"
    assert metadata.license_files == ["LICENSE"]
    assert str(metadata.requires_python) == ">=3.11"
    assert "Typing :: Typed" in (metadata.classifiers or [])
    assert metadata.description_content_type == "text/markdown"
    assert metadata.description == (ROOT / "README.md").read_text("utf-8")
