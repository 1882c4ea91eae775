import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sublearn.records import Problem, Record

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


@pytest.mark.parametrize("score", [float("nan"), float("inf"), float("-inf")])
def test_a_score_that_is_not_finite_is_a_diverged_record_with_its_reason(score):
    record = Record.of("s", "a", 7, "margin", score, 200)
    assert (record.value, record.n, record.status, record.reason) == (None, 0, "diverged", f"margin is {score}")


def test_a_problem_counts_whatever_the_score_and_whatever_its_words():
    problem = Problem("unmeasured", "lost in the post")
    record = Record.of("s", "a", 7, "margin", 0.5, 200, problem)
    assert (record.value, record.status, record.reason) == (None, "unmeasured", "lost in the post")


def test_a_finite_score_is_a_value():
    assert Record.of("s", "a", 7, "trait_rate", 0.5, 200) == Record.model_validate(ROW)
