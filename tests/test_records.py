import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sublearn.records import Record

ROW = {"study": "s", "arm": "a", "seed": 7, "trait": "trait_rate", "value": 0.5, "n": 200}


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(0, 2**63))
def test_a_record_comes_back_equal(value, seed):
    record = Record.model_validate(ROW | {"value": value, "seed": seed})
    assert Record.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    "change",
    [
        {"value": None},
        {"value": float("nan")},
        {"status": "diverged"},
        {"status": "diverged", "value": None},
        {"seed": -1},
        {"colour": "red"},
    ],
)
def test_a_row_that_contradicts_itself_is_refused(change):
    with pytest.raises(ValidationError):
        Record.model_validate(ROW | change)
