"""What the tests of the vendored document, of the generated client and of their tools share."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.spec import client
from tools.spec.document import JsonObject, parse
from tools.spec.header import Vendored
from tools.spec.layout import REPOSITORY, Layout

EXAMPLE = Path(__file__).with_name("example.yaml").read_text("utf-8")
NAMES = {
    "method": "post",
    "path": "/api/v2/status",
    "tag": "status",
    "operation": "check_status",
    "request_schema": "StatusRequest",
    "request_field": "subscription_key",
}

Edit = Callable[[JsonObject], object]


@pytest.fixture
def document() -> JsonObject:
    """The example, for a test to change."""
    return parse(EXAMPLE)


@pytest.fixture(scope="session")
def example_tree(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """All that the tools read and write, but with the example as the vendored document."""
    layout = Layout(tmp_path_factory.mktemp("example"))
    layout.document.parent.mkdir()
    layout.generated.mkdir()
    shutil.copy(REPOSITORY.configuration, layout.configuration)
    layout.names.write_text(json.dumps({"operations": [NAMES]}), "utf-8")
    layout.document.write_text(Vendored.take(EXAMPLE, "example.yaml", dt.date(2026, 11, 22)).text, "utf-8")
    client.build(parse(EXAMPLE), layout, layout.generated)
    return layout


@pytest.fixture
def layout(example_tree: Layout, tmp_path: Path) -> Layout:
    """A copy of that tree, in a folder with a space in its name."""
    return Layout(Path(shutil.copytree(example_tree.root, tmp_path / "a tree")))


@pytest.fixture
def vendor(document: JsonObject, tmp_path: Path) -> Callable[[Edit], Path]:
    """Writes a new version of the document, as a vendor would hand it over, and returns its path."""

    def write(edit: Edit) -> Path:
        edit(document)
        path = tmp_path / "new version.json"
        path.write_text(json.dumps(document))
        return path

    return write


def operation(document: JsonObject) -> JsonObject:
    """Returns the operation that the facade uses."""
    found: JsonObject = document["paths"]["/api/v2/status"]["post"]
    return found


def schema(document: JsonObject, name: str) -> JsonObject:
    """Returns one of the example's schemas."""
    found: JsonObject = document["components"]["schemas"][name]
    return found


def contents(folder: Path) -> dict[str, bytes]:
    """Returns each file of a folder with its bytes."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
