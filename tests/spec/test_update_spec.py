"""`make update-spec` takes a new version in as a whole, or says why not and leaves everything as it was."""

import datetime as dt
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.spec.conftest import Edit, contents, operation, schema
from tools import generate, update_spec
from tools.spec import client
from tools.spec.document import JsonObject, parse
from tools.spec.header import Vendored
from tools.spec.layout import PACKAGE, REPOSITORY, Layout

Vendor = Callable[[Edit], Path]
Capture = pytest.CaptureFixture[str]
STATUS = "POST /api/v2/status"
ALIAS_BOMB = b"a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n" + b"".join(
    b"%c: &%c [%s]\n" % (letter, letter, b", ".join([b"*%c" % (letter - 1)] * 10)) for letter in b"bcdef"
)


@pytest.fixture(autouse=True)
def _not_accepted_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACCEPT_BREAKING", raising=False)


@pytest.fixture
def without_generation(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that look at the document only: saves two seconds each."""

    def nothing(*_: object) -> tuple[()]:
        return ()

    for step in ("build", "probe", "install"):
        monkeypatch.setattr(client, step, nothing)


def update(spec: Path, layout: Layout, *options: str) -> int:
    return update_spec.main([str(spec), *options], layout)


def add_status(document: JsonObject) -> None:
    schema(document, "JobStatus")["enum"].append("Canceled")


def add_field(document: JsonObject) -> None:
    schema(document, "Job")["properties"]["progress"] = {"type": "number"}


def add_operation(document: JsonObject) -> None:
    answers = {"201": {"description": "Links"}}
    document["paths"]["/api/v2/download"] = {
        "post": {"operationId": "download", "tags": ["results"], "responses": answers},
    }


def rename_field(document: JsonObject) -> None:
    request = schema(document, "StatusRequest")
    request["properties"]["key"] = request["properties"].pop("subscription_key")
    request["required"] = ["key"]


def remove_operation(document: JsonObject) -> None:
    document["paths"]["/api/v3/status"] = document["paths"].pop("/api/v2/status")


@pytest.mark.parametrize(
    ("edit", "change", "module", "line"),
    [
        (
            add_status,
            f'{STATUS}: answer 200, 201 `jobs[].status`: the value "Canceled" is new',
            "models/job_status.py",
            'CANCELED = "Canceled"',
        ),
        (
            add_field,
            f"{STATUS}: answer 200, 201 `jobs[].progress`: is new, and optional",
            "models/job.py",
            "progress: float | Unset",
        ),
        (add_operation, "POST /api/v2/download: is new", "api/results/download.py", '"url": "/api/v2/download"'),
    ],
)
def test_a_compatible_change_is_reported_and_taken_in(
    *,
    edit: Edit,
    change: str,
    module: str,
    line: str,
    layout: Layout,
    vendor: Vendor,
    capsys: Capture,
) -> None:
    assert update(vendor(edit), layout, "--date", "2027-01-31") == 0
    report = capsys.readouterr().out.splitlines()
    assert report[:2] == ["Compatible changes:", f"  - {change}"]
    assert "make check test" in report[-1]
    vendored = Vendored.parse(layout.document.read_text("utf-8"))
    assert (vendored.source, vendored.taken, vendored.is_untouched) == ("new version.json", "2027-01-31", True)
    assert line in (layout.generated / PACKAGE / module).read_text("utf-8")


@pytest.mark.parametrize(
    ("edit", "lines"),
    [
        (
            rename_field,
            [
                f"  - {STATUS}: request `subscription_key`: is gone (is it `key` now?)",
                f"  - {STATUS}: request `key`: is new, and required",
            ],
        ),
        (remove_operation, [f"  - {STATUS}: is gone"]),
    ],
)
def test_what_breaks_the_facade_is_refused(
    edit: Edit, lines: list[str], layout: Layout, vendor: Vendor, capsys: Capture
) -> None:
    spec, before = vendor(edit), contents(layout.root)
    assert update(spec, layout) == 3
    report = capsys.readouterr().out.splitlines()
    assert report[: len(lines) + 1] == ["Breaking changes:", *lines]
    assert "The facade's import and request do not work with the new client:" in report
    assert "  - src/rodin_sdk/_wire.py: the request" in report
    assert "ACCEPT_BREAKING=1" in report[-1]
    assert contents(layout.root) == before


def test_what_breaks_the_facade_is_taken_in_when_told_to(
    layout: Layout, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCEPT_BREAKING", "1")
    assert update(vendor(rename_field), layout) == 0
    assert "key: str" in (layout.generated / PACKAGE / "models" / "status_request.py").read_text("utf-8")


def test_a_break_elsewhere_needs_no_permission(layout: Layout, vendor: Vendor, capsys: Capture) -> None:
    def edit(document: JsonObject) -> None:
        document["servers"].pop()
        document["components"]["schemas"]["Unused"] = {"type": "object", "not": {"required": ["x"]}}

    assert update(vendor(edit), layout) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == [
        "Breaking changes:",
        "  - servers: https://hyperhuman.deemos.com is gone",
        "Means less in the generated client than in the document:",
        "  - #/components/schemas/Unused: `not`: the generated client does not look at it",
    ]


def forget_the_version(document: JsonObject) -> None:
    del document["info"]["version"]


def use_another_openapi(document: JsonObject) -> None:
    document["openapi"] = "3.2.0"


def break_reference(document: JsonObject) -> None:
    schema(document, "StatusResponse")["properties"]["jobs"]["items"] = {"$ref": "#/components/schemas/Nothing"}


def refer_outside(document: JsonObject) -> None:
    schema(document, "StatusResponse")["properties"]["jobs"]["items"] = {"$ref": "https://rodin.invalid/job.yaml"}


def take_no_json(document: JsonObject) -> None:
    body = operation(document)["requestBody"]["content"]
    body["application/xml"] = body.pop("application/json")


def lose_an_operation(document: JsonObject) -> None:
    document["paths"]["/api/v2/other"] = {"post": operation(document) | {"operationId": "CheckStatus"}}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (forget_the_version, "$.info: 'version' is a required property"),
        (break_reference, "The reference #/components/schemas/Nothing leads nowhere."),
        (refer_outside, "The reference https://rodin.invalid/job.yaml leads out of the document."),
        (use_another_openapi, "its version of OpenAPI is 3.2.0"),
        (take_no_json, "Unsupported content type application/xml"),
        (lose_an_operation, "wrote 1 modules for 2 operations"),
    ],
)
def test_an_unacceptable_document_is_refused(
    edit: Edit, reason: str, layout: Layout, vendor: Vendor, capsys: Capture
) -> None:
    spec, before = vendor(edit), contents(layout.root)
    assert update(spec, layout, "--accept-breaking") == 1
    complaint = capsys.readouterr().err
    assert reason in complaint
    assert complaint.endswith("Nothing was changed.\n")
    assert contents(layout.root) == before


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"openapi: [3.0", "neither as YAML nor as JSON"),
        (b"openapi: 3.0.3\nopenapi: 3.0.3\n", "duplicate key"),
        (b"", "is not a mapping"),
        (b"<!doctype html>", "is not a mapping"),
        (b"swagger: '2.0'\n", "its version of OpenAPI is 2.0"),
        (b"\xff\xfeo\x00", "is not UTF-8"),
        (b"a: &a [*a]\n", "Circular reference"),
        (b"a: .nan\n", "Out of range float"),
        (b"- " * 1_000 + b"a", "recursion"),
        (ALIAS_BOMB, "more than 1,000,000 characters"),
        (b"a" * 1_000_001, "more than 1,000,000 bytes"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_broken_file_is_refused(
    data: bytes | None, reason: str, layout: Layout, tmp_path: Path, capsys: Capture
) -> None:
    spec, before = tmp_path / "broken.yaml", contents(layout.root)
    if data is not None:
        spec.write_bytes(data)
    assert update(spec, layout) == 1
    assert reason in capsys.readouterr().err
    assert contents(layout.root) == before


def test_a_document_that_names_things_otherwise_still_bears_the_facade(layout: Layout, vendor: Vendor) -> None:
    """No operationId, no tag, and the request's schema in its place: as the vendor's own file may well be."""

    def rename(document: JsonObject) -> None:
        del operation(document)["operationId"], operation(document)["tags"]
        media = operation(document)["requestBody"]["content"]["application/json"]
        media["schema"] = document["components"]["schemas"].pop("StatusRequest")

    assert update(vendor(rename), layout) == 0
    assert (layout.generated / PACKAGE / "api" / "status" / "check_status.py").exists()
    assert (layout.generated / PACKAGE / "models" / "status_request.py").exists()


def test_a_name_that_the_document_gives_to_something_else_is_refused(
    layout: Layout, vendor: Vendor, capsys: Capture
) -> None:
    def take_the_name(document: JsonObject) -> None:
        media = operation(document)["requestBody"]["content"]["application/json"]
        media["schema"] = {"type": "object", "properties": {"subscription_key": {"type": "string"}}}

    assert update(vendor(take_the_name), layout, "--accept-breaking") == 1
    assert "a schema StatusRequest of its own" in capsys.readouterr().err


@pytest.mark.usefixtures("without_generation")
def test_the_text_stays_as_its_author_wrote_it(layout: Layout, tmp_path: Path) -> None:
    """With its comments, beneath our header. Only the line ends become those of Unix, and a byte order mark goes."""
    body = "# The vendor's comment\n" + Vendored.parse(layout.document.read_text("utf-8")).body
    spec = tmp_path / "vendor.yaml"
    spec.write_bytes(b"\xef\xbb\xbf" + body.replace("\n", "\r\n").encode())
    assert update(spec, layout, "--date", "2027-01-31") == 0
    header, _, rest = layout.document.read_bytes().partition(b"-\n#")
    assert b"#" + rest == body.encode()
    assert all(line.startswith(b"#") for line in header.splitlines())
    assert hashlib.sha256(body.encode()).hexdigest().encode() in header


def test_the_same_document_is_nothing_new(layout: Layout, tmp_path: Path, capsys: Capture) -> None:
    before = contents(layout.root)
    spec = Path(shutil.copy(layout.document, tmp_path / "same.yaml"))
    assert update(spec, layout) == 0
    assert capsys.readouterr().out.startswith("Nothing new")
    assert contents(layout.root) == before


@pytest.mark.usefixtures("without_generation")
def test_an_edit_by_hand_can_be_made_good(layout: Layout) -> None:
    source = Vendored.parse(layout.document.read_text("utf-8")).source
    with layout.document.open("a", encoding="utf-8") as file:
        file.write("# A remark\n")
    assert update(layout.document, layout) == 0
    vendored = Vendored.parse(layout.document.read_text("utf-8"))
    assert (vendored.source, vendored.is_untouched) == (source, True)


@pytest.mark.usefixtures("without_generation")
def test_the_document_comes_back_when_the_package_cannot_be_put_in_place(
    layout: Layout, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Path) -> None:
        raise OSError("disk full")

    before = contents(layout.root)
    monkeypatch.setattr(client, "install", fail)
    with pytest.raises(OSError, match="disk full"):
        update(vendor(add_status), layout)
    assert contents(layout.root) == before


def test_as_a_user_runs_it(layout: Layout, vendor: Vendor, tmp_path: Path) -> None:
    """As a script, from another folder, on a file with a space in its name."""
    shutil.copytree(REPOSITORY.root / "tools", layout.root / "tools")
    spec = vendor(add_status)
    command = [sys.executable, str(layout.root / "tools" / "update_spec.py"), spec.name]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    vendored = Vendored.parse(layout.document.read_text("utf-8"))
    assert parse(vendored.body) == json.loads(spec.read_text())
    assert dt.date.fromisoformat(vendored.taken) <= dt.datetime.now(dt.UTC).date()
    assert run.stdout.startswith("Compatible changes:")
    assert generate.main(["--check"], layout) == 0
