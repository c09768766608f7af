"""Child processes that coverage leaves alone: it has a lock of its own, which an interruption can leave taken."""

from __future__ import annotations

import os


def unmeasured() -> dict[str, str]:
    """Returns the environment of a child process whose coverage is not measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
