"""`make bench`: what a call costs, measured beside its peers.

python -m benchmarks.bench [--quick] [--only TABLE ...] [--output FILE]
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from benchmarks import polling
from benchmarks.bench import ceiling, growth, idle, lag, many, normalizer, one_call, startup, waits
from benchmarks.bench.document import document, target_table
from benchmarks.bench.figures import Table, Target
from benchmarks.bench.server import Door, Server, running_server

OUTPUT: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"


class Result(Protocol):
    """What a measurement came to."""

    def tables(self) -> Sequence[Table]:
        """Returns what to print."""
        ...

    def targets(self) -> Sequence[Target]:
        """Returns what was aimed at."""
        ...


@dataclass(frozen=True)
class Measurement:
    """One of the things to measure.

    Attributes:
        doors: What it needs of the server.
        full: Measures it.
        quick: Measures it in less time, and less well.
    """

    doors: Sequence[Door]
    full: Callable[[Server], Result]
    quick: Callable[[Server], Result]


MEASUREMENTS: Final = {
    "server": Measurement(
        one_call.DOORS,
        lambda server: ceiling.measure(server, ceiling.Size(5, 1.0)),
        lambda server: ceiling.measure(server, ceiling.Size(3, 0.2)),
    ),
    "one-call": Measurement(
        one_call.DOORS,
        lambda server: one_call.measure(server, one_call.Size(30, 100)),
        lambda server: one_call.measure(server, one_call.Size(6, 40)),
    ),
    "many": Measurement(
        many.DOORS,
        lambda server: many.measure(server, many.FULL),
        lambda server: many.measure(server, many.QUICK, many.QUICK_NAMES),
    ),
    "idle": Measurement(
        (one_call.CLEAR,),
        lambda server: idle.measure(server, idle.Size(4)),
        lambda server: idle.measure(server, idle.Size(2)),
    ),
    "waiting": Measurement(
        (),
        lambda server: waits.measure(server, waits.FULL),
        lambda server: waits.measure(server, waits.QUICK),
    ),
    "start-up": Measurement(
        one_call.DOORS,
        lambda server: startup.measure(server, startup.Size(25)),
        lambda server: startup.measure(server, startup.Size(3), startup.QUICK_IMPORTS),
    ),
    "growth": Measurement(
        growth.DOORS,
        lambda server: growth.measure(server, growth.Size(20, 50, 1000)),
        lambda server: growth.measure(server, growth.Size(4, 20, 300)),
    ),
    "normalizer": Measurement(
        (),
        lambda server: normalizer.measure(server, normalizer.Size(100, 2000)),
        lambda server: normalizer.measure(server, normalizer.Size(20, 500)),
    ),
    "polling": Measurement(
        (),
        lambda server: lag.measure(server, polling.FULL),
        lambda server: lag.measure(server, lag.QUICK, [lag.SHOWN]),
    ),
}


def run(names: Sequence[str], *, quick: bool) -> list[Result]:
    """Measures one thing after the other, prints each as soon as it is there."""
    doors = list(dict.fromkeys(door for name in names for door in MEASUREMENTS[name].doors))
    results: list[Result] = []
    with running_server(doors) as server:
        for name in names:
            started = time.monotonic()
            measure = MEASUREMENTS[name].quick if quick else MEASUREMENTS[name].full
            result = measure(server)
            results.append(result)
            for table in result.tables():
                print(f"{table.text()}\n", flush=True)
            print(f"({name} took {time.monotonic() - started:.0f} s)\n", flush=True)
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description="What a call costs, beside its peers.")
    parser.add_argument("--quick", action="store_true", help="less of everything, in under two minutes")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, help="some tables only; no document is written")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the document to write")
    options = parser.parse_args(arguments)
    results = run(options.only or list(MEASUREMENTS), quick=options.quick)
    tables = [table for result in results for table in result.tables()]
    targets = [target for result in results for target in result.targets()]
    print(target_table(targets))
    if options.only is None:
        options.output.write_text(document(tables, targets, quick=options.quick), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
