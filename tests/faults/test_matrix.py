"""No row of the matrix is without a test."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from tests.faults.matrix import MATRIX, tests_of


@pytest.mark.parametrize("row", MATRIX)
def test_every_row_has_a_test(row: str) -> None:
    for module in sorted(Path(__file__).parent.glob("test_*.py")):
        import_module(f"tests.faults.{module.stem}")
    assert tests_of[row]
