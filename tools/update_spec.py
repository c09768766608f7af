"""Takes in a new version of the vendor's OpenAPI document, and generates the client anew.

Prints what changed, sorted into breaking and compatible. Unless all goes well, openapi/ and generated/ stay untouched.

Exit status: 0 taken in, or nothing new; 1 the document is not acceptable; 2 wrong usage; 3 the facade would break, and
ACCEPT_BREAKING=1 was not given.
"""

import argparse
import datetime as dt
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

if not __package__:  # started as a script, from whatever folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from tools.spec import client, fetch, names
from tools.spec.diff import Change, changes
from tools.spec.document import SpecError, parse
from tools.spec.header import Vendored
from tools.spec.layout import REPOSITORY, Layout
from tools.spec.validate import check, remarks

FACADE_WOULD_BREAK: Final = 3

FACADE: Final = {
    "openapi/names.yml": "the names by which the facade uses generated code",
    "src/rodin_sdk/_wire.py": "the request",
    "src/rodin_sdk/_normalize.py": "the fields of an answer",
    "src/rodin_sdk/_models.py": "the statuses: one that is not there counts as still running",
    "src/rodin_sdk/_errors.py": "status codes and error codes",
    "src/rodin_sdk/testing": "the emulator",
}
"""Where a change to the operation that the facade uses may have to be followed."""


def main(arguments: Sequence[str] | None = None, layout: Layout = REPOSITORY) -> int:
    """Runs the command, and returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", help="a file or a URL, YAML or JSON")
    parser.add_argument("--date", type=dt.date.fromisoformat, help="the day it was taken; default: today")
    parser.add_argument("--accept-breaking", action="store_true", default=os.environ.get("ACCEPT_BREAKING") == "1")
    options = parser.parse_args(arguments)
    try:
        text, source = fetch.read(options.document)
        taken = Vendored.take(text, source, options.date or dt.datetime.now(dt.UTC).date())
        return _update(taken, layout, accept_breaking=options.accept_breaking)
    except SpecError as error:
        print(f"{error}\nNothing was changed.", file=sys.stderr)
        return 1


def _update(taken: Vendored, layout: Layout, *, accept_breaking: bool) -> int:
    present = Vendored.parse(layout.document.read_text("utf-8"))
    if taken.body == present.body and present.is_untouched:
        print(f"Nothing new: this is the document that was taken in on {present.taken}.")
        return 0
    document = parse(taken.body)
    check(document)
    found = changes(parse(present.body), document)
    _print_changes(found)
    _print_list("Means less in the generated client than in the document:", remarks(document))
    with tempfile.TemporaryDirectory() as scratch:
        client.build(document, layout, Path(scratch))
        breaks = _print_consequences(found, layout, Path(scratch))
        if breaks and not accept_breaking:
            print("Nothing was changed. When the facade follows: make update-spec SPEC=... ACCEPT_BREAKING=1")
            return FACADE_WOULD_BREAK
        _put_in_place(taken, layout, Path(scratch))
    print("Taken in. Next: read `git diff openapi generated`, run `make check test`, tell of it in CHANGELOG.md.")
    return 0


def _print_changes(found: list[Change]) -> None:
    _print_list("Breaking changes:", [str(each) for each in found if each.breaking])
    _print_list("Compatible changes:", [str(each) for each in found if not each.breaking])
    if not found:
        print("No operation, field, type, value or status code has changed.")


def _print_consequences(found: list[Change], layout: Layout, fresh: Path) -> bool:
    """Says what the facade has to follow, and returns whether it would break."""
    used = {each.title for each in names.load(layout.names)}
    concerned = [each for each in found if each.subject in used]
    unusable = list(client.probe(layout, fresh))
    _print_list("The facade's import and request do not work with the new client:", unusable)
    if concerned or unusable:
        _print_list(
            "The facade uses what changed. Where it may have to follow:", [f"{p}: {w}" for p, w in FACADE.items()]
        )
    return bool(unusable) or any(each.breaking for each in concerned)


def _print_list(title: str, lines: list[str]) -> None:
    if lines:
        print("\n  - ".join([title, *lines]))


def _put_in_place(taken: Vendored, layout: Layout, fresh: Path) -> None:
    """Replaces the document and the package, both or neither."""
    before = layout.document.read_bytes()
    try:
        layout.document.write_bytes(taken.text.encode())
        client.install(fresh, layout.generated)
    except BaseException:
        layout.document.write_bytes(before)
        raise


if __name__ == "__main__":
    sys.exit(main())
