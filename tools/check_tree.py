"""Find what must not be published: the names of package registries' hosts, and paths of one machine.

A lock file that names a host pins everyone to it, and a path of one machine is wrong on every other. Looks at what git
tracks or would track.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

REGISTRY = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|yarnpkg|debian)[.](?:org|com)\b"
    r"|https?://[^ ]*/(?:simple|packages)/"
    r"|--(?:index-url|extra-index-url|find-links)[ =]"
)
MACHINE_PATH = re.compile(r"/(?:work|root|home|Users)/|[A-Za-z]:\\+Users\\")


def tracked_files(top: Path) -> Iterator[Path]:
    """Yield each file that is tracked, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    for name in subprocess.check_output(command, cwd=top, text=True).split("\0"):
        if name and (top / name).is_file():
            yield top / name


def problems(top: Path) -> Iterator[str]:
    """Yield one line for each line of a file that must not be published."""
    here = [re.escape(os.fspath(folder) + os.sep) for folder in (top.resolve(), Path.home())]
    machine_path = re.compile("|".join([MACHINE_PATH.pattern, *here]))
    for path in tracked_files(top):
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
            for what, pattern in (("a registry's host", REGISTRY), ("a path of one machine", machine_path)):
                if found := pattern.search(line):
                    yield f"{path.relative_to(top)}:{number}: {what}: {found.group()}"


if __name__ == "__main__":
    found_problems = list(problems(Path.cwd()))
    sys.exit("\n".join(found_problems) or None)
