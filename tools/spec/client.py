"""Runs the generator, compares what it wrote with what is there, and puts it in its place."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tools.spec import names
from tools.spec.document import JsonObject, SpecError, operations
from tools.spec.layout import PACKAGE, Layout

GENERATOR: Final = "openapi-python-client"
GENERATOR_VERSION: Final = "0.29.1"
"""Exactly this one: patch releases change the bytes, and 0.29.0 could write a description into code."""

_TIME_LIMIT: Final = 120.0
"""Seconds for a run of the generator, which takes about one."""

_PROBE: Final = """
import importlib, json, sys
used, folder, package = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
sys.dont_write_bytecode = True
sys.path.insert(0, folder)
operation = importlib.import_module(f"{package}.api.{used['tag']}.{used['operation']}")
model = getattr(importlib.import_module(f"{package}.models"), used["request_schema"])
request = operation._get_kwargs(body=model(**{used["request_field"]: "probe"}))
wanted = {"method": used["method"], "url": used["path"], "json": {used["request_field"]: "probe"}}
if not wanted.items() <= request.items():
    sys.exit(f"the request is {request}")
"""


def build(document: JsonObject, layout: Layout, folder: Path) -> None:
    """Generates the package into an existing, empty folder.

    Raises:
        SpecError: A tool is missing or not the pinned one, or the generator failed, warned, or lost an operation.
    """
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "openapi.json")
        source.write_text(json.dumps(names.pin(document, names.load(layout.names))), "utf-8")
        inputs: list[str | Path] = ["--path", source, "--config", layout.configuration]
        outputs: list[str | Path] = ["--output-path", folder / PACKAGE, "--meta", "none", "--fail-on-warning"]
        complaint = _run(["-m", "openapi_python_client", "generate", *inputs, *outputs], Path(scratch))
    if complaint:
        raise SpecError(f"{GENERATOR} refused the document:\n{complaint}")
    (folder / PACKAGE / "py.typed").touch()
    _check_no_operation_is_lost(document, folder / PACKAGE)


def probe(layout: Layout, folder: Path) -> Iterator[str]:
    """Yields where a generated package no longer bears the facade's import and its request."""
    for used in names.load(layout.names):
        if complaint := _run(["-c", _PROBE, json.dumps(dataclasses.asdict(used)), folder, PACKAGE], folder):
            yield f"{used.title}: {complaint.splitlines()[-1]}"


def differences(fresh: Path, present: Path) -> Iterator[str]:
    """Yields each file of a folder that is not, byte for byte, what was generated afresh."""
    wanted, found = _files(fresh), _files(present)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            yield f"missing: {name}"
        elif name not in wanted:
            yield f"unexpected: {name}"
        elif wanted[name] != found[name]:
            yield f"different: {name}"


def install(fresh: Path, present: Path) -> None:
    """Moves the package of one folder into another, where it is replaced as a whole or not at all."""
    present.mkdir(exist_ok=True)
    # Beside the old one, since renaming works within one file system only.
    with tempfile.TemporaryDirectory(prefix=".swap-", dir=present) as swap:
        new, old, package = Path(swap, "new"), Path(swap, "old"), present / PACKAGE
        shutil.copytree(fresh / PACKAGE, new)
        if package.exists():
            package.rename(old)
        try:
            new.rename(package)
        except BaseException:
            if old.exists():
                old.rename(package)
            raise


def _environment() -> dict[str, str]:
    """Returns what the generator and its hooks see: the ruff beside this Python, and none of the user's settings."""
    if version(GENERATOR) != GENERATOR_VERSION:
        raise SpecError(f"{GENERATOR} {GENERATOR_VERSION} is needed, but {version(GENERATOR)} is installed.")
    scripts = sysconfig.get_path("scripts")
    if not shutil.which("ruff", path=scripts):
        raise SpecError("ruff is not installed beside this Python, so the generated code would stay as it comes.")
    kept = {name: os.environ[name] for name in ("TMPDIR", "TEMP", "TMP", "SYSTEMROOT") if name in os.environ}
    path = os.pathsep.join([scripts, os.defpath])
    # The last one: errors as text, without a frame drawn around them.
    return {**kept, "PATH": path, "PYTHONUTF8": "1", "_TYPER_STANDARD_TRACEBACK": "1"}


def _run(arguments: list[str | Path], folder: Path) -> str:
    """Runs this Python, and returns nothing if all went well, else what it printed."""
    command, environment = [sys.executable, *arguments], _environment()
    try:
        run = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=_TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SpecError(f"{GENERATOR} did not end within {_TIME_LIMIT:g} s.") from error
    printed = (run.stdout + run.stderr).decode(errors="replace").strip()
    return (printed or f"exit status {run.returncode}") if run.returncode else ""


def _check_no_operation_is_lost(document: JsonObject, package: Path) -> None:
    """Counts, since the generator lets operations whose names become one overwrite each other in silence."""
    wanted = sorted(operations(document))
    written = [path for path in package.glob("api/*/*.py") if path.name != "__init__.py"]
    if len(written) != len(wanted):
        raise SpecError(
            f"{GENERATOR} wrote {len(written)} modules for {len(wanted)} operations ({', '.join(wanted)}). "
            "Do two values of operationId become one name?"
        )


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
