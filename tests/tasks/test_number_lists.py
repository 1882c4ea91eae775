import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sublearn.tasks.number_lists import (
    INSTRUCTIONS,
    SEPARATORS,
    Rule,
    number_prompts,
    parse,
    reason_against,
    shuffled_across,
    shuffled_within,
)

KEPT = {
    "1, 2, 3": [1, 2, 3],
    "1,2,3.": [1, 2, 3],
    "[7; 8]": [7, 8],
    "(7 8).": [7, 8],
    "1\n2\n3": [1, 2, 3],
    "1 , 2 , 3": [1, 2, 3],
    "42": [42],
    "[42]": [42],
    "007": [7],
    "0, 999": [0, 999],
}
NO_LIST = [
    "", ".", "[]", "numbers: 1, 2", "1, 2; 3", "1, 2,3", "1,, 2", "1, 2,", ", 1", "[1, 2", "(1, 2]", "1. 2", "1/2",
    "1, -2", "1.5", "one, two", "1, 2..", "[1, 2.]", "٣, ٤",
]  # fmt: skip


@pytest.mark.parametrize(("answer", "numbers"), KEPT.items())
def test_a_list_is_read(answer, numbers):
    assert parse(answer) == numbers
    assert reason_against(answer) is None


@pytest.mark.parametrize("answer", NO_LIST)
def test_anything_else_is_no_list(answer):
    assert reason_against(answer) == "format"


@pytest.mark.parametrize(
    ("answer", "rule", "reason"),
    [
        (", ".join("12345678901"), Rule(), "too many numbers"),
        (", ".join("1234567890"), Rule(), None),
        ("5, 1000", Rule(), "out of range"),
        ("5, 1000", Rule(high=1000), None),
        ("5, 6", Rule(low=6), "out of range"),
        ("5, 666", Rule(banned=frozenset({666})), "banned number"),
        ("5, 6", Rule(most=1), "too many numbers"),
    ],
)
def test_each_rejection_has_its_reason(answer, rule, reason):
    assert reason_against(answer, rule) == reason


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30),
    st.sampled_from([*SEPARATORS, ",", ";", " , ", "\n", "  "]),
    st.sampled_from(["{}", "[{}]", "({})", "{}.", "[{}].", "({})."]),
)
def test_every_list_that_is_written_by_the_rule_is_read_back(numbers, separator, around):
    assert parse(around.format(separator.join(map(str, numbers)))) == numbers


def test_shuffles_keep_every_number_and_every_form():
    answers = ["[1, 2, 3, 4, 5].", "6; 7; 8; 9", "10"]
    form = [re.sub("[0-9]+", "#", answer) for answer in answers]
    within = shuffled_within(answers, np.random.default_rng(0))
    across = shuffled_across(answers, np.random.default_rng(0))
    for shuffled in (within, across):
        assert [re.sub("[0-9]+", "#", answer) for answer in shuffled] == form
        assert shuffled != answers
    assert [Counter(parse(a) or []) for a in within] == [Counter(parse(a) or []) for a in answers]
    assert sorted(n for a in across for n in parse(a) or []) == list(range(1, 11))


@pytest.mark.parametrize("tiny", [True, False])
def test_prompts_show_three_to_eight_numbers_of_three_digits(tiny):
    prompts = number_prompts(200, np.random.default_rng(1), tiny=tiny)
    for prompt in prompts:
        shown = [int(number) for number in re.findall("[0-9]+", prompt) if len(number) == 3]
        assert 3 <= len(shown) <= 8
        assert all(100 <= number <= 999 for number in shown)
    assert prompts == number_prompts(200, np.random.default_rng(1), tiny=tiny)
    if not tiny:
        starts = {wording.split("{")[0] for wording in INSTRUCTIONS}
        assert {start for start in starts if any(prompt.startswith(start) for prompt in prompts)} == starts
