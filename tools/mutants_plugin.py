"""A pytest plugin for `make mutants`, under which the tests are collected several times in one process.

pytest remembers the names that an `ids=repr` gave, and escapes what it remembers anew each time: a test with a
backslash in its name would have another name whenever it is collected. So nothing is remembered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.python import Metafunc


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: Metafunc) -> None:
    """Lets pytest forget the names of a test's parameters."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        for remembering in (mark, mark._param_ids_from):  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            if remembering is not None:
                object.__setattr__(remembering, "_param_ids_generated", None)
