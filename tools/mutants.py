"""Break the code on purpose, one place after the other, and see whether a test notices: `make mutants`.

mutmut makes the mutants and runs for each the tests that reach its function; what it mutates and which tests there are
stands in `pyproject.toml`. This tool counts. It fails where fewer than 95 % of a module's mutants are killed, and where
one survives that `docs/mutants.md` does not name. A survivor is known by its module, its function and its diff, since
line numbers change with every edit.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "mutants.md"
WORK = ROOT / "mutants"
"""Where mutmut works; it takes no other name."""
MODULES = ("_normalize", "_errors", "_config", "_schedule", "_flows")
LEAST = 95
"""Per cent of a module's mutants that have to be killed."""
KILLED = {"killed", "timeout"}
"""What mutmut says of a mutant that a test noticed. One that runs for ever is noticed, too."""

_RESULT = re.compile(r"^ *(rodin_sdk\.(\w+)\.\S+__mutmut_\d+): (.+)$", re.MULTILINE)
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


def read_results(results: str) -> dict[str, dict[str, str]]:
    """Return for each module what became of each mutant, from what `mutmut results` prints."""
    modules: dict[str, dict[str, str]] = {}
    for mutant, module, status in _RESULT.findall(results):
        modules.setdefault(module, {})[mutant] = status
    return modules


def verdict(module: str, statuses: Mapping[str, str]) -> tuple[str, bool]:
    """Return the line that says how many mutants of a module were killed, and whether that is enough."""
    killed = sum(status in KILLED for status in statuses.values())
    share = 100 * killed / len(statuses) if statuses else 0
    return f"{module}: {killed} of {len(statuses)} killed, {share:.1f} %", share >= LEAST


def mutmut(*arguments: str, capture: bool = False) -> str:
    """Call mutmut on the repository, with the mutated code before all other."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(WORK / "src"), str(ROOT / "generated"))),
        "PYTHONHASHSEED": "0",
    }
    # Like `make`, without the installed script, whose first line cannot name a folder with a space in its name.
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", *arguments]
    stdout = subprocess.PIPE if capture else None
    return subprocess.run(command, cwd=ROOT, env=environment, stdout=stdout, text=True, check=True).stdout or ""


def run(modules: Iterable[str], workers: int) -> dict[str, dict[str, str]]:
    """Make the mutants of these modules and try them all, from nothing: mutmut would trust what it saw before."""
    shutil.rmtree(WORK, ignore_errors=True)
    # Python never looks again for a folder that was not there when it first looked.
    (WORK / "src").mkdir(parents=True)
    mutmut("run", "--max-children", str(workers), *(f"rodin_sdk.{module}.*" for module in modules))
    return read_results(mutmut("results", "--all", "true", capture=True))


def report(modules: Iterable[str], results: Mapping[str, Mapping[str, str]], known: set[Survivor]) -> bool:
    """Print what became of the mutants, and return whether all is as it should be."""
    fine = True
    for module in modules:
        statuses = results.get(module, {})
        line, enough = verdict(module, statuses)
        print(line if enough else f"{line}: {LEAST} % are needed")
        alive = {
            Survivor(module, function_of(mutant), essence(mutmut("show", mutant, capture=True))): (mutant, status)
            for mutant, status in statuses.items()
            if status not in KILLED
        }
        for survivor in alive.keys() - known:
            print("not listed: {1}, {2}\n{0}".format(survivor, *alive[survivor]))
        for survivor in {each for each in known if each.module == module} - alive.keys():
            print(f"listed, but killed: {survivor}")
        fine = fine and enough and alive.keys() <= known
    return fine


def main() -> int:
    """Run all, or the modules that are named, and return the exit status."""
    parser = argparse.ArgumentParser(description="Try the tests on mutants of the code.")
    parser.add_argument("modules", nargs="*", metavar="module", help=f"one of {', '.join(MODULES)}; all by default")
    parser.add_argument("--workers", type=int, default=1, help="how many mutants to try at once")
    arguments = parser.parse_args()
    modules: list[str] = arguments.modules or list(MODULES)
    if unknown := sorted(set(modules) - set(MODULES)):
        parser.error(f"not mutated: {', '.join(unknown)}")
    results = run(modules, arguments.workers)
    return 0 if report(modules, results, listed(DOCUMENT.read_text("utf-8"))) else 1


if __name__ == "__main__":
    sys.exit(main())
