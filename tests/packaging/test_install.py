"""The wheel in an environment of its own, as a user gets it."""

import json
import subprocess
from typing import TypedDict

from tests.packaging.conftest import Environment

LIST_DISTRIBUTIONS = """
import importlib.metadata, json
print(json.dumps([
    {"name": d.name, "wheel": d.read_text("WHEEL"), "files": [str(f) for f in d.files]}
    for d in importlib.metadata.distributions()
]))
"""

IMPORT_ALL = """
import importlib, pkgutil, rodin_sdk, rodin_sdk_generated, sys
needs_an_extra = ("rodin_sdk.cli", "rodin_sdk.opentelemetry", "rodin_sdk.testing.pytest_plugin")
for package in (rodin_sdk, rodin_sdk_generated):
    assert package.__file__.startswith(sys.prefix), package
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=lambda name: None):
        if module.name.endswith(".__main__"):
            continue  # it would run
        if not module.name.startswith(needs_an_extra) or "--extras" in sys.argv:
            importlib.import_module(module.name)
"""


class Distribution(TypedDict):
    """What an installed distribution says of itself."""

    name: str
    wheel: str
    files: list[str]


def test_at_most_ten_distributions_come_along_and_all_are_pure_python(core: Environment) -> None:
    distributions: list[Distribution] = json.loads(core.run("-c", LIST_DISTRIBUTIONS))
    assert "rodin-sdk" in [distribution["name"] for distribution in distributions]
    assert len([distribution for distribution in distributions if distribution["name"] != "rodin-sdk"]) <= 10
    for distribution in distributions:
        assert "Root-Is-Purelib: true" in distribution["wheel"], distribution["name"]
        assert [file for file in distribution["files"] if file.endswith((".so", ".pyd", ".dll", ".dylib"))] == []


def test_what_needs_no_extra_imports_without_extras(core: Environment) -> None:
    core.run("-W", "error", "-c", IMPORT_ALL)


def test_all_imports_with_extras(full: Environment) -> None:
    full.run("-W", "error", "-c", IMPORT_ALL, "--extras")


def test_the_command_is_installed(full: Environment) -> None:
    assert "Usage: rodin" in subprocess.check_output([full.folder / "bin" / "rodin", "--help"], text=True)


def test_pytest_finds_the_plugin(full: Environment) -> None:
    assert "rodin_sdk.testing.pytest_plugin" in full.run("-m", "pytest", "--fixtures", "--verbose")
