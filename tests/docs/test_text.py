"""What the documents say in tables, links and figures is what the code does, in both languages."""

from __future__ import annotations

import inspect
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

import rodin_sdk
from rodin_sdk import AsyncRodin, Poll, Rodin, RodinError, TaskStatus
from rodin_sdk._budget import BURST
from rodin_sdk._config import API_KEY_VARIABLES, BASE_URL_VARIABLE, DEFAULT_WAIT_TIMEOUT
from rodin_sdk._poll import SHORTEST_PAUSE
from rodin_sdk._retry import BACKOFF_MAXIMUM, LONGEST_RETRY_AFTER, QUOTA
from rodin_sdk.cli._exit import ExitStatus
from rodin_sdk.instrumentation import Attempt
from rodin_sdk.testing import PRESETS, Fault
from tests.docs.documents import (
    CHINESE,
    DOCUMENTS,
    OBSERVABILITY,
    README,
    ROOT,
    TESTING,
    THREATS,
    blocks,
    column,
    heading_anchors,
    links,
    prose,
    read,
    tables,
)
from tests.faults.matrix import MATRIX

if TYPE_CHECKING:
    from collections.abc import Callable

both = pytest.mark.parametrize("document", [README, CHINESE])


def public(cls: type) -> set[str]:
    """Returns the public names of a class."""
    return {name for name in dir(cls) if not name.startswith("_")}


def test_both_languages_have_the_same_code() -> None:
    assert [(block.language, block.meaning) for block in blocks(README)] == [
        (block.language, block.meaning) for block in blocks(CHINESE)
    ]


def test_both_languages_have_the_same_sections_tables_and_links() -> None:
    def outline(document: str) -> list[int]:
        return [len(marks) for marks in re.findall(r"^(#+) ", prose(document), re.MULTILINE)]

    def sizes(document: str) -> list[int]:
        return [len(rows) for rows in tables(document)]

    def others(document: str) -> list[str]:
        return [link for link in links(document) if link not in {README, CHINESE}]

    assert outline(README) == outline(CHINESE)
    assert sizes(README) == sizes(CHINESE)
    assert others(README) == others(CHINESE)


@both
def test_the_table_of_errors_is_the_tree(document: str) -> None:
    errors = [getattr(rodin_sdk, name) for name in rodin_sdk.__all__]
    names = [each.__name__ for each in errors if inspect.isclass(each) and issubclass(each, RodinError)]
    assert sorted(column(document, "APIError")) == sorted(set(names) - {"RodinError"})


@both
@pytest.mark.parametrize("client", [Rodin, AsyncRodin])
def test_the_table_of_options_is_the_signature(document: str, client: Callable[..., object]) -> None:
    defaults = {name: each.default for name, each in inspect.signature(client).parameters.items()}
    assert column(document, "max_retries") == list(defaults)
    written = [eval(text, {"Poll": Poll}) for text in column(document, "max_retries", 1)]
    assert written == list(defaults.values())


@both
def test_the_table_of_methods_is_the_class(document: str) -> None:
    named = {cell.partition("(")[0] for cell in column(document, "wait(key)")}
    assert named == public(Rodin) - {"base_url"}


@both
def test_the_attributes_of_a_status_are_named(document: str) -> None:
    assert {name for name in public(TaskStatus) if f"`{name}`" not in prose(document)} == set()


@both
def test_the_table_of_exit_statuses_is_the_code(document: str) -> None:
    assert [int(cell) for cell in column(document, "130")] == sorted(ExitStatus)


@both
def test_the_environment_is_named(document: str) -> None:
    for name in (*API_KEY_VARIABLES, BASE_URL_VARIABLE):
        assert f"`{name}`" in prose(document)


@both
def test_figures_are_those_of_the_code(document: str) -> None:
    text = re.sub(r"\s+", " ", prose(document))
    for figure in (DEFAULT_WAIT_TIMEOUT, LONGEST_RETRY_AFTER, BACKOFF_MAXIMUM, SHORTEST_PAUSE):
        assert re.search(rf"\b{figure:g} (s\b|seconds|秒)", text), figure
    assert re.search(rf"\b{QUOTA:g} (retries|次重试)", text)
    assert (BURST, re.search("five at once|连发 5 个", text) is not None) == (5, True)


def test_the_table_of_an_attempt_is_complete() -> None:
    (table,) = (rows for rows in tables(OBSERVABILITY) if rows[0][0].startswith("`method`"))
    named = re.findall(r"`([a-z_]+)`", " ".join(row[0] for row in table))
    assert named == list(inspect.signature(Attempt).parameters)


def test_the_table_of_presets_is_complete() -> None:
    assert column(TESTING, "sketch") == list(PRESETS)


def test_the_table_of_faults_is_complete() -> None:
    (table,) = (rows for rows in tables(TESTING) if rows[0][0].startswith("`Fault."))
    named = set(re.findall(r"Fault\.([a-z_]+)\(", " ".join(row[0] for row in table)))
    assert named == {name for name, value in vars(Fault).items() if isinstance(value, classmethod)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for link in links(document):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        path = PurePosixPath(document).parent / target if target else PurePosixPath(document)
        assert (ROOT / path).is_file(), link
        assert not anchor or anchor in heading_anchors(str(path)), link


def test_the_changes_are_kept_in_order() -> None:
    text = read("CHANGELOG.md")
    versions = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert versions[0] in {"Unreleased", rodin_sdk.__version__}
    assert rodin_sdk.__version__ in text
    for line in re.findall(r"^- .*$", text, re.MULTILINE):
        assert line.endswith("."), line
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def test_every_threat_has_a_test_that_exists() -> None:
    threats = [row for rows in tables(THREATS) for row in rows if "`tests/" in row[-1] or "fault `" in row[-1]]
    assert len(threats) == sum(len(rows) for rows in tables(THREATS)[2:])
    for _, _, shown_by in threats:
        for file, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", shown_by):
            assert re.search(rf"^(?:async )?def {name}\(", read(file), re.MULTILINE), f"{file}::{name}"
        assert set(re.findall(r"fault `([^`]+)`", shown_by)) <= set(MATRIX)
