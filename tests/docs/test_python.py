"""Every Python block of the documents runs as it stands, prints what stands below it, and is typed."""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import rodin_sdk_generated

import rodin_sdk
from tests.docs.documents import CHINESE, OBSERVABILITY, README, TESTED, TESTING, Block, blocks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.docs.conftest import Reader

PYTHON = [block for document in TESTED for block in blocks(document, "python")]
PROGRAMS = [block for block in PYTHON if not block.is_test]
TESTS = [block for block in PYTHON if block.is_test]
GIVEN = "subscription_key: str\nsubscription_keys: list[str]\n"

Capture = pytest.CaptureFixture[str]


def run(block: Block, names: dict[str, object]) -> None:
    """Runs a block. Its lines have the numbers that they have in the document."""
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, block.document, "exec"), names)


def write(found: Iterable[Block], folder: Path, prefix: str, before: str = "") -> None:
    """Writes blocks as modules, named by their place."""
    for block in found:
        name = f"{prefix}{Path(block.document).stem}_{block.line}".replace(".", "_").replace("-", "_")
        (folder / f"{name}.py").write_text(before + block.text, "utf-8")


def fits(output: str, printed: str) -> bool:
    """Whether this was printed. An ellipsis in a document stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, output.split("…"))), printed, re.DOTALL) is not None


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_program_runs(block: Block, reader: Reader, capsys: Capture) -> None:
    run(block, reader.names)
    printed = capsys.readouterr().out
    assert ("print" in block.text) == (printed != "")
    assert block.output is None or fits(block.output, printed)


def test_the_tests_pass(tmp_path: Path) -> None:
    write(TESTS, tmp_path, "test_")
    plugins = ("rodin_sdk.testing.pytest_plugin", "pytest_asyncio.plugin", "no:cacheprovider")
    options = [*(f"-p{plugin}" for plugin in plugins), "-oasyncio_default_fixture_loop_scope=function"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-Werror", *options],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    written = sum(len(re.findall(r"^(?:async )?def test_", block.text, re.MULTILINE)) for block in TESTS)
    assert f"{written} passed" in done.stdout, done.stdout
    assert done.returncode == 0, done.stdout


def test_every_block_is_typed(tmp_path: Path, cache: pytest.Cache) -> None:
    pytest.importorskip("mypy", reason="the type checkers come with `make check`, not with the tests")
    write((block for block in PYTHON if block.document != CHINESE), tmp_path, "block_", GIVEN)
    # mypy looks into the environment by itself, and refuses to be told of it.
    installed = {Path(folder) for folder in site.getsitepackages()}
    sources = {Path(module.__path__[0]).parent for module in (rodin_sdk, rodin_sdk_generated)} - installed
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--follow-imports=silent",
            "--cache-dir",
            cache.mkdir("mypy"),
            ".",
        ],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": os.pathsep.join(map(str, sources))},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("document", [README, CHINESE])
def test_the_first_program_tells_success_from_failure(document: str, reader: Reader, capsys: Capture) -> None:
    first = blocks(document, "python")[0]
    run(first, reader.names)
    assert capsys.readouterr().out.splitlines()[-1] == "Done: 2 of 2 jobs done"
    failed = reader.emulator.add_task([[(0, "Done")], [(0, "Failed")]])
    run(first, {**reader.names, "subscription_key": failed})
    assert capsys.readouterr().out.splitlines()[-1] == "failed: Failed: 1 of 2 jobs done"


@pytest.mark.parametrize("document", [README, CHINESE])
def test_the_example_of_errors_tells_them_apart(
    document: str, reader: Reader, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (block for block in blocks(document, "python") if "except APIError" in block.text)

    def printed(subscription_key: str) -> str:
        run(block, {**reader.names, "subscription_key": subscription_key})
        return capsys.readouterr().out

    assert printed(reader.subscription_keys[0]) == "done: Done: 2 of 2 jobs done\n"
    for last in ("Failed", "Canceled"):
        ended = reader.emulator.add_task([[(0, last)]])
        assert printed(ended) == f"it failed or was canceled: {last}: 0 of 1 job done\n"
    assert printed("a uuid").startswith("the service refused: NO_SUCH_TASK ")
    monkeypatch.setenv("RODIN_API_KEY", "wrong")
    assert printed(reader.subscription_keys[0]).startswith("the service refused: UNAUTHORIZED ")


def test_no_block_is_lost() -> None:
    counts = {
        document: {language: len(blocks(document, language)) for language in ("python", "sh", "text", "json", "toml")}
        for document in TESTED
    }
    readme = {"python": 14, "sh": 6, "text": 2, "json": 1, "toml": 0}
    assert counts == {
        README: readme,
        CHINESE: readme,
        TESTING: {"python": 23, "sh": 3, "text": 0, "json": 0, "toml": 1},
        OBSERVABILITY: {"python": 4, "sh": 0, "text": 3, "json": 0, "toml": 0},
    }
