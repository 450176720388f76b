"""No row of the fault matrix is without a test."""

from __future__ import annotations

import re

import pytest

from tests.faults.matrix import MATRIX, Row
from tests.faults.named import resolve


def test_every_row_is_there_once_and_in_order() -> None:
    assert [row.number for row in MATRIX] == list(range(1, 57))


@pytest.mark.parametrize("row", MATRIX, ids=lambda row: f"F{row.number}")
def test_a_row_names_tests_that_exist(row: Row) -> None:
    assert row.fault
    assert row.expected
    assert row.tests
    for name in row.tests:
        test = resolve(name)
        numbers = re.findall(r"_f(\d+)(?=_)", f"_{test.__name__}_")
        assert not numbers or str(row.number) in numbers or "faults" not in name, f"{name} says it is about F{numbers}"
