"""Writes generated/ from openapi/, or with --check says whether the two agree.

Exit status: 0 done, or they agree; 1 the document is not acceptable, or they do not agree; 2 wrong usage.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.spec import client
from tools.spec.document import SpecError, parse
from tools.spec.header import Vendored
from tools.spec.layout import REPOSITORY, Layout
from tools.spec.validate import check


def main(arguments: Sequence[str] | None = None, layout: Layout = REPOSITORY) -> int:
    """Runs the command, and returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing, and list what differs")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            return _run(layout, Path(scratch), only_check=options.check)
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1


def _run(layout: Layout, scratch: Path, *, only_check: bool) -> int:
    vendored = Vendored.parse(layout.document.read_text("utf-8"))
    document = parse(vendored.body)
    check(document)
    client.build(document, layout, scratch)
    drift = list(client.differences(scratch, layout.generated))
    if only_check:
        return _report(drift, vendored)
    client.install(scratch, layout.generated)
    print("\n  ".join(["Generated; what changed:", *drift]) if drift else "Generated; nothing changed.")
    return 0


def _report(drift: list[str], vendored: Vendored) -> int:
    """Says what is wrong and how to mend it, and returns the exit status."""
    if drift:
        print("\n  ".join(["generated/ is not what openapi/ gives. Run `make generate`.", *drift]), file=sys.stderr)
    if not vendored.is_untouched:
        print(
            "openapi/status.yaml was edited. If rightly: `make update-spec SPEC=openapi/status.yaml`.", file=sys.stderr
        )
    return 1 if drift or not vendored.is_untouched else 0


if __name__ == "__main__":
    sys.exit(main())
