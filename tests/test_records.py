import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sublearn.records import LARGEST_VALUE, Problem, Record
from sublearn.seeds import LARGEST_SEED

ROW = {"study": "s", "arm": "a", "seed": 7, "trait": "trait_rate", "value": 0.5, "n": 200}


@given(st.floats(-LARGEST_VALUE, LARGEST_VALUE), st.integers(0, LARGEST_SEED))
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
        {"seed": LARGEST_SEED + 1},
        {"seed": 2**63},
        {"value": 1e308},
        {"value": -1.1e12},
        {"value": float("inf")},
        {"value": "0.5 or so"},
        {"n": 10**12 + 1},
        {"n": 1.5},
        {"arm": "a" * 201},
        {"value": None, "status": "diverged", "reason": "x" * 1001},
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


@pytest.mark.parametrize(
    ("score", "reason"),
    [(float("nan"), "t is nan"), (float("-inf"), "t is -inf"), (3e20, r"t is 3e\+20, beyond 1e\+12"), (1e12, None)],
)
def test_a_score_out_of_bounds_is_a_diverged_record(score, reason):
    record = Record.of("s", "a", 7, "t", score, 9)
    assert (record.value, record.n, record.status) == ((None, 0, "diverged") if reason else (score, 9, "ok"))
    assert record.reason is None if reason is None else re.fullmatch(reason, record.reason or "")
