"""Break the code on purpose, one place after the other, and see whether a test notices: `make mutants`.

mutmut makes the mutants, and runs for each those of the module's tests that reach its function. This tool counts. It
fails where fewer than 95 % of a module's mutants are killed, and where one survives that `docs/mutants.md` does not
name. A survivor is known by its module, its function and its diff, since line numbers change with every edit.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "mutants.md"
WORK = ROOT / "mutants"
"""Where it is done: a folder for each module, in which mutmut makes a folder `mutants` with copies of what it needs."""
MODULES = {
    "_normalize": [
        "tests/unit/test_any_bytes.py",
        "tests/unit/test_error_mapping.py::test_error_that_is_no_string_is_an_error",
        "tests/unit/test_error_mapping.py::test_every_spelling_of_success",
        "tests/unit/test_error_mapping.py::test_what_only_looks_like_success_is_none",
        "tests/unit/test_raw.py",
        "tests/unit/test_shapes.py",
        "tests/unit/test_strict_json.py",
        # Limits its processor time, by which mutmut goes as well.
        "--deselect=tests/unit/test_strict_json.py::test_hostile_bytes_are_done_with_in_no_time",
    ],
    "_errors": [
        "tests/unit/test_error_mapping.py",
        "tests/unit/test_errors.py",
        "tests/waits/test_task_errors.py",
    ],
    "_config": [
        "tests/unit/test_base_url_use.py",
        "tests/unit/test_client.py",
        "tests/unit/test_config.py",
        "tests/unit/test_options.py",
        "tests/unit/test_task_values.py",
        "tests/waits/test_arguments.py",
        "tests/waits/test_budget.py",
        "tests/waits/test_updates.py::test_it_is_called_with_the_first_look_and_every_change",
    ],
    "_schedule": [
        "tests/waits/test_bad_polls.py",
        "tests/waits/test_budget.py",
        "tests/waits/test_many.py",
        "tests/waits/test_oracle.py",
        "tests/waits/test_outage.py",
        "--deselect=tests/waits/test_outage.py::test_1000_waiters_through_an_outage_of_10_minutes",
    ],
    "_flows": [
        "tests/observe",
        "tests/unit/test_failover.py",
        "tests/unit/test_flows.py",
        "tests/waits/test_budget.py",
        "tests/waits/test_outage.py",
        "--deselect=tests/waits/test_outage.py::test_1000_waiters_through_an_outage_of_10_minutes",
    ],
}
"""The modules, and the tests that can kill their mutants within seconds."""
LEAST = 95
"""Per cent of a module's mutants that have to be killed."""
KILLED = {"killed", "timeout"}
"""What mutmut says of a mutant that a test noticed. One that runs for ever is noticed, too."""

_RESULT = re.compile(r"^ *(rodin_sdk\.\S+__mutmut_\d+): (.+)$", re.MULTILINE)
_MANGLED = re.compile(r".*\.x(?:_|ǁ(?P<cls>\w+)ǁ)(?P<name>\w+)__mutmut_\d+")
_CHANGED = re.compile(r"^[-+](?![-+]{2} ).*", re.MULTILINE)
_LISTED = re.compile(
    r"^## `(?P<module>[^`\n]+)`$|^### `(?P<function>[^`\n]+)`$|^```diff\n(?P<diff>(?:.*\n)*?)```$", re.MULTILINE
)


class Survivor(NamedTuple):
    """What makes one mutant: it holds no line number."""

    module: str
    function: str
    diff: str

    def __str__(self) -> str:
        return f"{self.module}, {self.function}:\n{self.diff}"


def essence(diff: str) -> str:
    """Return the lines of a diff that come and go, without their indentation."""
    return "\n".join(f"{line[0]} {line[1:].strip()}" for line in _CHANGED.findall(diff))


def listed(document: str) -> set[Survivor]:
    """Return the survivors that a document names: a heading for the module, one for the function, and the diffs."""
    module = function = ""
    survivors: set[Survivor] = set()
    for found in _LISTED.finditer(document):
        module = found["module"] or module
        function = found["function"] or function
        if found["diff"] is not None:
            survivors.add(Survivor(module, function, essence(found["diff"])))
    return survivors


def function_of(mutant: str) -> str:
    """Return the function's name as the code has it: mutmut hides it in a name of its own."""
    mangled = _MANGLED.fullmatch(mutant)
    if mangled is None:
        raise ValueError(f"a name that mutmut did not use to give: {mutant}")
    return f"{mangled['cls']}.{mangled['name']}" if mangled["cls"] else mangled["name"]


def read_results(results: str) -> dict[str, str]:
    """Return what became of each mutant, from what `mutmut results` prints."""
    return dict(_RESULT.findall(results))


def verdict(module: str, statuses: Mapping[str, str]) -> tuple[str, bool]:
    """Return the line that says how many mutants of a module were killed, and whether that is enough."""
    killed = sum(status in KILLED for status in statuses.values())
    share = 100 * killed / len(statuses) if statuses else 0
    return f"{module}: {killed} of {len(statuses)} killed, {share:.1f} %", share >= LEAST


def mutmut(module: str, *arguments: str, capture: bool = False) -> str:
    """Call mutmut in the folder of a module, with the mutated code before all other."""
    folder = WORK / module
    paths = (folder / "mutants" / "src", ROOT / "generated")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "PYTHONHASHSEED": "0"}
    # Like `make`, without the installed script, whose first line cannot name a folder with a space in its name.
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", *arguments]
    stdout = subprocess.PIPE if capture else None
    return subprocess.run(command, cwd=folder, env=environment, stdout=stdout, text=True, check=True).stdout or ""


def run(module: str, workers: int) -> dict[str, str]:
    """Make the mutants of a module and try them all, from nothing: mutmut would trust what it saw before."""
    folder = WORK / module
    shutil.rmtree(folder, ignore_errors=True)
    # Python never looks again for a folder that was not there when it first looked.
    (folder / "mutants" / "src").mkdir(parents=True)
    for name in ("src", "tests", "tools"):
        (folder / name).symlink_to(ROOT / name, target_is_directory=True)
    own = {"only_mutate": [f"src/rodin_sdk/{module}.py"], "pytest_add_cli_args_test_selection": MODULES[module]}
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in own.items()]
    common = (ROOT / "pyproject.toml").read_text("utf-8")
    (folder / "pyproject.toml").write_text(common + "".join(lines), "utf-8")
    mutmut(module, "run", "--max-children", str(workers), f"rodin_sdk.{module}.*")
    return read_results(mutmut(module, "results", "--all", "true", capture=True))


def report(module: str, statuses: Mapping[str, str], known: set[Survivor]) -> bool:
    """Print what became of a module's mutants, and return whether all is as it should be."""
    line, enough = verdict(module, statuses)
    print(line if enough else f"{line}: {LEAST} % are needed")
    alive = {
        Survivor(module, function_of(mutant), essence(mutmut(module, "show", mutant, capture=True))): (mutant, status)
        for mutant, status in statuses.items()
        if status not in KILLED
    }
    for survivor in alive.keys() - known:
        print("not listed: {1}, {2}\n{0}".format(survivor, *alive[survivor]))
    for survivor in {each for each in known if each.module == module} - alive.keys():
        print(f"listed, but killed: {survivor}")
    return enough and alive.keys() <= known


def main() -> int:
    """Run all, or the modules that are named, and return the exit status."""
    parser = argparse.ArgumentParser(description="Try the tests on mutants of the code.")
    parser.add_argument("modules", nargs="*", metavar="module", help=f"one of {', '.join(MODULES)}; all by default")
    parser.add_argument("--workers", type=int, default=1, help="how many mutants to try at once")
    arguments = parser.parse_args()
    modules: list[str] = arguments.modules or list(MODULES)
    if unknown := sorted(set(modules) - MODULES.keys()):
        parser.error(f"not mutated: {', '.join(unknown)}")
    known = listed(DOCUMENT.read_text("utf-8"))
    results = {module: run(module, arguments.workers) for module in modules}
    fine = [report(module, results[module], known) for module in modules]
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
