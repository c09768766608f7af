"""Where a call, and the first answer of a process, spend what they cost.

    python benchmarks/profile.py

Counts the bytecode instructions of one `Rodin.status()` by the package that performs them, and times what a process
imports up to its first answer, by package; httpx's first answer beside it. The shares say where to look: the absolute
times are this machine's.
"""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.bench.contestants import API_KEY, TASK, rodin
from benchmarks.bench.instructions import count_instructions
from benchmarks.bench.startup import first_answer
from rodin_sdk.testing import Emulator

ROUNDS: Final = 15
PACKAGES: Final = ("rodin_sdk", "rodin_sdk_generated", "attr", "attrs", "h11", "httpx", "httpcore", "dateutil")
OTHERS: Final = "the standard library, and the rest"


def package_of(file: str) -> str:
    """Returns the package that a file of code belongs to."""
    parts = Path(file).parts
    return next((name for name in reversed(PACKAGES) if name in parts), OTHERS)


def instructions_of_a_call(base_url: str) -> Counter[str]:
    """Counts what each package does in one call on a connection that is kept."""
    with rodin(base_url) as call:
        for _ in range(3):
            call()
        counts = Counter[str]()
        for code, count in count_instructions(call).items():
            counts[package_of(code.co_filename)] += count
    return counts


def imports_of_a_first_answer(program: str) -> Counter[str]:
    """Returns the microseconds that a process spends in importing each package, the least of some rounds."""
    least = Counter[str]()
    for _ in range(ROUNDS):
        spent = Counter[str]()
        command = [sys.executable, "-X", "importtime", "-c", program]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
        for line in ended.stderr.splitlines():
            own, _, rest = line.removeprefix("import time:").partition("|")
            if own.strip().isdigit():
                name = rest.rpartition("|")[2].strip().partition(".")[0]
                spent[name if name in PACKAGES else OTHERS] += int(own)
        least = spent if not least or spent.total() < least.total() else least
    return least


def table(title: str, columns: dict[str, Counter[str]]) -> str:
    """Returns a table of counts, the largest first, and of their sums."""
    names = sorted({name for column in columns.values() for name in column if column[name]})
    names.sort(key=lambda name: -max(column[name] for column in columns.values()))
    lines = [f"| {title} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(f'{column[name]:,}' for column in columns.values())} |" for name in names]
    lines.append(f"| all | {' | '.join(f'{column.total():,}' for column in columns.values())} |")
    return "\n".join(lines)


def main() -> None:
    """Prints both tables."""
    with Emulator(api_key=API_KEY) as emulator:
        emulator.add_task([[(0, "Generating")]] * 4, subscription_key=TASK)
        url = emulator.base_url
        print(table("instructions of a call", {"rodin_sdk": instructions_of_a_call(url)}), end="\n\n")
        imported = {name: imports_of_a_first_answer(first_answer(name, url)) for name in ("rodin_sdk", "httpx")}
        print(table("µs of importing, up to the first answer", imported))


if __name__ == "__main__":
    main()
