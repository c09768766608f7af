"""What importing the package costs and gives: no httpx before the first client, and every public name."""

from __future__ import annotations

import inspect
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

import rodin_sdk

HEAVY = ("httpx", "httpcore", "h11", "anyio", "asyncio", "ssl", "dateutil", "rodin_sdk_generated", "pytest", "click")


def loaded_after(code: str) -> set[str]:
    """Returns which of the heavy modules a fresh interpreter has after running some code."""
    script = f"{code}\nimport sys\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(ended.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import rodin_sdk",
        "import rodin_sdk; dir(rodin_sdk); rodin_sdk.__version__",
        "from rodin_sdk import Rodin, AsyncRodin",
        "from rodin_sdk import *",
        "import rodin_sdk; [getattr(rodin_sdk, name) for name in rodin_sdk.__all__]",
        "from rodin_sdk import Host, Job, JobStatus, TaskStatus, RodinError; TaskStatus()",
    ],
)
def test_import_loads_nothing_that_speaks_http(code: str) -> None:
    assert loaded_after(code) & {"httpx", "httpcore", "h11", "anyio", "dateutil", "rodin_sdk_generated"} == set()


def test_import_alone_loads_next_to_nothing() -> None:
    assert loaded_after("import rodin_sdk") == set()


def test_first_client_loads_what_it_needs() -> None:
    assert "httpx" in loaded_after("from rodin_sdk import Rodin\nRodin('key').close()")


def test_wrong_configuration_is_found_without_httpx() -> None:
    code = "from rodin_sdk import Rodin, RodinError\ntry:\n    Rodin('no key')\nexcept RodinError:\n    pass"
    assert "httpx" not in loaded_after(code)


def test_import_writes_nothing_and_warns_of_nothing() -> None:
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", "from rodin_sdk import *; Rodin('key').close()"]
    ended = subprocess.run(command, capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")


def test_all_is_sorted_and_complete() -> None:
    assert rodin_sdk.__all__ == sorted(rodin_sdk.__all__)
    assert len(set(rodin_sdk.__all__)) == len(rodin_sdk.__all__)


def test_dir_shows_every_public_name() -> None:
    script = "import rodin_sdk; print(*dir(rodin_sdk))"
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert set(rodin_sdk.__all__) <= set(shown)
    assert shown == sorted(shown)
    public = {name for name in shown if not name.startswith("_")}
    assert public <= {*rodin_sdk.__all__, "TYPE_CHECKING", "Final", "import_module"}


@pytest.mark.parametrize("name", rodin_sdk.__all__)
def test_every_public_name_is_there(name: str) -> None:
    value = getattr(rodin_sdk, name)
    assert value is getattr(rodin_sdk, name)
    if inspect.isclass(value):
        assert value.__name__ == name


@pytest.mark.parametrize("name", ["Client", "rodin", "_", "__path", "httpx"])
def test_unknown_name(name: str) -> None:
    with pytest.raises(AttributeError, match=f"module 'rodin_sdk' has no attribute '{name}'"):
        getattr(rodin_sdk, name)


def test_misspelt_import() -> None:
    with pytest.raises(ImportError, match="cannot import name 'Rodni' from 'rodin_sdk'"):
        exec("from rodin_sdk import Rodni")  # where no type checker sees it


def documented() -> dict[str, object]:
    found: dict[str, object] = {"rodin_sdk": rodin_sdk}
    for name in rodin_sdk.__all__:
        value = getattr(rodin_sdk, name)
        if inspect.isclass(value):
            found[name] = value
            for attribute, member in inspect.getmembers_static(value):
                ours = getattr(inspect.unwrap(getattr(member, "fget", member)), "__module__", "") or ""
                if not attribute.startswith("_") and ours.startswith("rodin_sdk"):
                    found[f"{name}.{attribute}"] = member
    return found


@pytest.mark.parametrize(("name", "value"), documented().items(), ids=documented())
def test_every_public_name_has_a_text(name: str, value: object) -> None:
    text = vars(value).get("__doc__") if inspect.isclass(value) else inspect.getdoc(value)
    assert isinstance(text, str), name
    assert len(text.split()) >= 2
    assert not text.startswith(f"{name}(")  # what attrs or dataclasses would make up


def test_version() -> None:
    assert rodin_sdk.__version__.count(".") == 2
    try:
        installed = version("rodin-sdk")
    except PackageNotFoundError:
        pytest.skip("runs from the source tree")
    assert installed == rodin_sdk.__version__
