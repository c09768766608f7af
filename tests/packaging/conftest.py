"""What the packaging tests share: one build of the project, and environments with nothing in them but the wheel."""

import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Dist:
    """An sdist, and the wheel that was built from it."""

    sdist: Path
    wheel: Path


def build(source: Path, out: Path, **environment: str) -> Dist:
    """Build as `make build` does, at a fixed moment."""
    subprocess.run(
        [sys.executable, "-m", "build", "--quiet", "--no-isolation", "--outdir", out, source],
        check=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", **environment},
    )
    return Dist(*out.glob("*.tar.gz"), *out.glob("*.whl"))


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Dist:
    return build(ROOT, tmp_path_factory.mktemp("dist"))


@dataclass(frozen=True)
class Environment:
    """A virtual environment in which the wheel was installed as a user would, in the versions that the lock names."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *arguments: str | Path) -> str:
        """Run this environment's Python, away from the source tree, and return what it printed."""
        command = [self.python, "-I", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def install(folder: Path, requirement: str) -> Environment:
    """Make an environment of one requirement and what it asks for."""
    environment = Environment(folder / "an environment")
    venv.create(environment.folder, symlinks=True)
    pins = re.findall(r"^[\w.-]+==[^ ]+", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins))
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", environment.python]
    subprocess.run([*pip, "install", "-qq", "--constraint", constraints, requirement], check=True)
    subprocess.run([*pip, "check", "--quiet"], check=True)
    return environment


@pytest.fixture(scope="session")
def core(dist: Dist, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with the wheel and what it cannot do without."""
    return install(tmp_path_factory.mktemp("core"), f"rodin-sdk @ {dist.wheel.as_uri()}")


@pytest.fixture(scope="session")
def full(dist: Dist, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with the wheel and all its extras."""
    return install(tmp_path_factory.mktemp("full"), f"rodin-sdk[cli,otel,testing] @ {dist.wheel.as_uri()}")
