"""Where the files lie that the specification tools read and write."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = "rodin_sdk_generated"


@dataclass(frozen=True)
class Layout:
    """The paths of one tree, which the tests put elsewhere than where the tools are."""

    root: Path

    @property
    def document(self) -> Path:
        """The vendored document."""
        return self.root / "openapi" / "status.yaml"

    @property
    def names(self) -> Path:
        """The names that the facade imports."""
        return self.root / "openapi" / "names.yml"

    @property
    def configuration(self) -> Path:
        """The generator's configuration."""
        return self.root / "openapi" / "generator.yml"

    @property
    def generated(self) -> Path:
        """The folder that holds the generated package and nothing else."""
        return self.root / "generated"


REPOSITORY: Final = Layout(Path(__file__).resolve().parents[2])
