"""Feeds the SDK answers that no service should give, and checks what must hold for every one of them.

The answers are the documented shapes, mutated, and structured ones of Hypothesis'. The same seed gives the same answers
on any number of processors. What is found is written to .cache/fuzz/, to be tried again with --replay.

Exit status: 0 nothing found; 1 something found; 2 wrong usage.
"""

import argparse
import multiprocessing
import os
import random
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tests.fuzz.campaign import Finding, Report, load, parts, run, save

FOLDER = Path(".cache", "fuzz")
PART = 10_000
"""Answers that one process takes at once: a few seconds' worth."""
SHOWN = 10


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="how many answers")
    parser.add_argument("--seed", type=int, help="where the dice start; by default somewhere else each time")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="try what was found once more, and nothing else")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write what is found")
    options = parser.parse_args(arguments)
    if options.count < 1 or (options.seed is not None and options.seed < 0):
        parser.error("--count must be at least 1, and --seed at least 0")
    if options.replay is not None:
        return _replay(options.replay)
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    print(f"{options.count:,} answers, seed {seed}: make fuzz COUNT={options.count} SEED={seed}", flush=True)
    began = time.monotonic()
    report = _run_all(seed, options.count)
    seconds = time.monotonic() - began
    for kind, count in sorted(report.outcomes.items()):
        print(f"{count:>12,}  {kind}")
    print(f"{report.answers:,} answers in {seconds:.0f} s, {report.answers / seconds:,.0f} a second")
    return _tell(report.findings, options.folder)


def _run_all(seed: int, count: int) -> Report:
    report = Report()
    # Fresh processes are the same on all systems, and inherit nothing that could matter.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_end_with_parent) as pool:
        for number, part in enumerate(pool.map(run, parts(seed, count, PART)), start=1):
            report.add(part)
            if not number % 10:
                print(f"{report.answers:>12,}  so far, findings: {len(report.findings)}", flush=True)
    return report


def _end_with_parent() -> None:
    """Lets this process end when the one that started it does, however that ends."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _tell(findings: list[Finding], folder: Path) -> int:
    """Writes down what was found, says so, and returns the exit status."""
    if not findings:
        print("Nothing was found.")
        return 0
    by_kind = {finding.what: finding for finding in reversed(findings)}
    paths = {finding: save(finding, folder) for finding in findings}
    print(f"Found {len(by_kind)} kinds of violations, in {folder}:")
    for finding in islice(by_kind.values(), SHOWN):
        print(f"  {finding.what}\n    make fuzz REPLAY={paths[finding]}")
    return 1


def _replay(path: Path) -> int:
    answer = load(path)
    print(f"HTTP {answer.status_code}, headers {answer.headers!a}, content {answer.content!a}")
    report = Report()
    report.try_one(answer, client=True)
    for finding in report.findings:
        print(f"Still so: {finding.what}")
    if not report.findings:
        print(f"All holds: {', '.join(report.outcomes)}")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
