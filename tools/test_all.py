"""Run the tests on every supported Python that this machine has, each in an environment of its own.

Needs nothing but the standard library, and is called by `make test-all`, which says in `MAKE` how it calls itself and
in `PYTEST` how it runs the tests.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

VERSIONS = ("3.11", "3.12", "3.13")


def candidates(version: str) -> Iterator[Path]:
    """Yield where an interpreter of this version may be, whether or not it is there or works."""
    yield Path(sys.executable)
    name = f"python{version}"
    for folder in os.get_exec_path():
        yield Path(folder, name)
    # A pyenv shim on the path fails for each version but the selected ones, so look behind it.
    if pyenv := shutil.which("pyenv"):
        root = subprocess.check_output([pyenv, "root"], text=True).strip()
        yield from sorted(Path(root, "versions").glob(f"{version}*/bin/{name}"), reverse=True)


def works(python: Path, version: str) -> bool:
    """Tell whether this is an interpreter of this version that can make environments."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.strip() == version


def passes(python: Path, version: str) -> bool:
    """Run the tests with this interpreter."""
    env = f".venv-{version}"
    make = os.environ.get("MAKE", "make")
    ready = subprocess.run(
        [make, "--no-print-directory", f"PYTHON={python}", f"VENV={env}", f"{env}/.ready"], check=False
    )
    tests = [f"{env}/bin/python", *os.environ["PYTEST"].split()]
    return ready.returncode == 0 and subprocess.run(tests, check=False).returncode == 0


def main() -> int:
    """Run all, say at the end how each went, and return the exit status."""
    results: dict[str, str] = {}
    for version in VERSIONS:
        python = next((path for path in candidates(version) if works(path, version)), None)
        if python is None:
            results[version] = "not found on this machine"
            continue
        print(f"---- Python {version} ----", flush=True)
        results[version] = "passed" if passes(python, version) else "FAILED"
    for version, result in results.items():
        print(f"Python {version}: {result}")
    return 0 if "passed" in results.values() and "FAILED" not in results.values() else 1


if __name__ == "__main__":
    sys.exit(main())
