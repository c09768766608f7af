"""The `rodin` command: how tasks stand, for people and for programs. Needs the extra `cli`.

Importing this package loads neither of the extra's packages, and each command loads only what it needs.
"""

import sys
from importlib.util import find_spec

from rodin_sdk.cli._exit import ExitStatus

_NEEDED = ("click", "rich")


def main() -> int:
    """Runs the command line with the arguments of the process.

    Returns:
        The exit status, where there is one before a command has run. A command ends by `SystemExit`.
    """
    try:
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            sys.stderr.write(f"rodin: {' and '.join(missing)} must be installed: pip install 'rodin-sdk[cli]'\n")
            return ExitStatus.USAGE
        from rodin_sdk.cli._app import rodin  # noqa: PLC0415 - needs click

        rodin.main(prog_name="rodin")
    except KeyboardInterrupt:  # before or after a command, which says more
        return ExitStatus.INTERRUPTED
