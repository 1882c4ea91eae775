"""Every row of the table of bad inputs and faults ends as it says."""

from collections import Counter

import pytest

from tests.faults.table import KINDS, Row, all_rows, run_row

ROWS = all_rows()


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row.name, marks=[pytest.mark.slow] if row.slow else []) for row in ROWS]
)
def test_ends_as_it_must(row: Row, tmp_path, monkeypatch, capfd):
    run_row(row, tmp_path, monkeypatch, capfd)


def test_no_name_comes_twice_and_every_kind_has_rows():
    assert [name for name, count in Counter(row.name for row in ROWS).items() if count > 1] == []
    assert {row.kind for row in ROWS} == set(KINDS)
