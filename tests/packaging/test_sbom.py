"""The bill of materials of the wheel, against the wheel's metadata and what an installation brings."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata
from packaging.utils import canonicalize_name

from tests.packaging.conftest import ROOT, Dist, Environment
from tools.sbom import sbom

LIST_DISTRIBUTIONS = """
import importlib.metadata, json
print(json.dumps([(d.name, d.version) for d in importlib.metadata.distributions() if d.name != "rodin-sdk"]))
"""
# What the core or an extra brings on Windows alone, or before Python 3.13 alone.
SOMETIMES = {"colorama", "typing-extensions"}


@pytest.fixture(scope="module")
def bill(dist: Dist) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(sbom(dist.wheel))
    return read


def listed(bill: dict[str, Any], *scopes: str) -> dict[str, str]:
    """Return the versions of the components in these scopes."""
    return {each["name"]: each["version"] for each in bill["components"] if each["scope"] in scopes}


def test_it_says_what_it_is_and_of_what(bill: dict[str, Any], dist: Dist) -> None:
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    own = bill["metadata"]["component"]
    assert dist.wheel.name.startswith(f"rodin_sdk-{own['version']}-")
    digest = hashlib.sha256(dist.wheel.read_bytes()).hexdigest()
    assert own["hashes"] == [{"alg": "SHA-256", "content": digest}]


def test_it_lists_every_distribution_that_the_metadata_names(bill: dict[str, Any], dist: Dist) -> None:
    with ZipFile(dist.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Metadata.from_email(archive.read(name), validate=True)
    named = {requirement.name for requirement in metadata.requires_dist or []}
    assert named <= listed(bill, "required", "optional").keys()
    depends = {each["ref"]: each.get("dependsOn", []) for each in bill["dependencies"]}
    direct = depends[bill["metadata"]["component"]["bom-ref"]]
    assert {reference.removeprefix("pkg:pypi/").partition("@")[0] for reference in direct} == named


def brought(environment: Environment) -> dict[str, str]:
    """Return the versions of what was installed together with the wheel."""
    installed: list[tuple[str, str]] = json.loads(environment.run("-c", LIST_DISTRIBUTIONS))
    return {canonicalize_name(name): version for name, version in installed}


def always(versions: dict[str, str]) -> dict[str, str]:
    return {name: version for name, version in versions.items() if name not in SOMETIMES}


def test_it_lists_what_an_installation_brings_and_nothing_else(
    bill: dict[str, Any], core: Environment, full: Environment
) -> None:
    assert always(listed(bill, "required")) == always(brought(core))
    assert always(listed(bill, "required", "optional")) == always(brought(full))
    assert listed(bill, "required", "optional").keys() >= SOMETIMES


def test_it_is_the_same_byte_for_byte_and_names_no_folder(dist: Dist, tmp_path: Path) -> None:
    wheel = tmp_path / "another folder" / dist.wheel.name
    wheel.parent.mkdir()
    wheel.write_bytes(dist.wheel.read_bytes())
    environment = {**os.environ, "TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, ROOT / "tools" / "sbom.py", wheel], check=True, cwd=tmp_path, env=environment)
    written = (wheel.parent / "rodin-sdk.cdx.json").read_text("utf-8")
    assert written == sbom(dist.wheel)
    assert [folder for folder in (ROOT, tmp_path, Path(sys.prefix), Path.home()) if f"{folder}/" in written] == []
