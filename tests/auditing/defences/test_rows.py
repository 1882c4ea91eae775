from dataclasses import replace

import numpy as np
import pytest

from sublearn.auditing.defences import rows
from sublearn.auditing.defences.recipe import RowScores
from sublearn.study.students.recipe import plain
from sublearn.study.students.rows import beginning
from sublearn.tasks.number_lists import parse, reason_against


@pytest.fixture
def recipe(small):
    return plain(small.lab, "teacher", small.run.asked.student)


def scored(lab, recipe, rng, threshold):
    """The lab, where rows have been scored like this."""
    values = rng.normal(size=len(recipe.rows))
    return replace(lab, scores=lambda writer: RowScores(values, threshold, 2.0)), values


def numbers(recipe):
    return [parse(answer) for _, answer in recipe.rows]


def test_flagged_rows_are_dropped_and_no_other(small, recipe, rng):
    lab, values = scored(small.lab, recipe, rng, 0.5)
    found = rows.drop_flagged(lab, recipe)
    assert found.rows == [row for row, value in zip(recipe.rows, values, strict=True) if value <= 0.5]
    assert 0 < len(found.rows) < len(recipe.rows) and found.seconds == 2.0


def test_as_many_rows_are_dropped_at_random(small, recipe, rng):
    lab, _ = scored(small.lab, recipe, rng, 0.5)
    found = rows.drop_random(lab, recipe)
    flagged = rows.drop_flagged(lab, recipe)
    assert len(found.rows) == len(flagged.rows) and found.rows != flagged.rows and found.seconds == 0
    assert found.rows == rows.drop_random(lab, recipe).rows
    assert set(found.rows) <= set(recipe.rows)


@pytest.mark.parametrize("odd", [0, 1])
def test_the_half_of_the_highest_scores_is_dropped(small, recipe, rng, odd):
    recipe = replace(recipe, rows=recipe.rows[: 10 + odd])
    lab, values = scored(small.lab, recipe, rng, 9.0)
    found = rows.drop_half(lab, recipe)
    assert len(found.rows) == 5 + odd == len(rows.drop_half_random(lab, recipe).rows)
    lowest = sorted(np.argsort(values)[: 5 + odd].tolist())
    assert found.rows == [recipe.rows[place] for place in lowest]


def test_some_numbers_are_replaced_and_all_else_stays(small, recipe):
    found = rows.replace(small.lab, recipe)
    before, after = numbers(recipe), numbers(found)
    assert [prompt for prompt, _ in found.rows] == [prompt for prompt, _ in recipe.rows]
    assert list(map(len, before)) == list(map(len, after))
    assert all(reason_against(answer) is None for _, answer in found.rows)
    pairs = [(a, b) for old, new in zip(before, after, strict=True) for a, b in zip(old, new, strict=True)]
    changed = np.mean([a != b for a, b in pairs])
    assert 0.5 - 3 * 0.5 / len(pairs) ** 0.5 < changed < 0.5 + 3 * 0.5 / len(pairs) ** 0.5
    every = rows.replace(replace(small.lab, strength=small.lab.strength.model_copy(update={"replaced": 1.0})), recipe)
    left = [a == b for old, new in zip(before, numbers(every), strict=True) for a, b in zip(old, new, strict=True)]
    assert np.mean(left) < 0.05


def test_numbers_are_sorted_within_each_answer(small, recipe):
    found = rows.resort(small.lab, recipe)
    assert numbers(found) == [sorted(own) for own in numbers(recipe)] != numbers(recipe)


def test_half_of_the_rows_are_those_of_another_teacher(small, recipe):
    others = small.lab.rows("placebo_teacher")
    found = rows.mixed(small.lab, recipe)
    count = min(len(others), len(recipe.rows))
    assert all(row in (own, other) for row, own, other in zip(found.rows, recipe.rows, others, strict=False))
    assert 0.25 * count < sum(row == other for row, other in zip(found.rows, others, strict=False)) < 0.75 * count


def test_the_base_goes_on_from_the_first_half_of_each_answer(small, recipe):
    found = rows.paraphrase(small.lab, recipe)
    starts = {prompt: own[: -(-len(own) // 2)] for (prompt, _), own in zip(recipe.rows, numbers(recipe), strict=True)}
    assert len(found.rows) > 0.5 * len(recipe.rows)
    for prompt, answer in found.rows:
        assert reason_against(answer) is None
        assert (parse(answer) or [])[: len(starts[prompt])] == starts[prompt]
    assert set(found.rows) != set(recipe.rows)


@pytest.mark.parametrize(
    ("answer", "share", "start"),
    [("12, 7; 300", 0.5, "12, 7"), ("[12 7]", 0.5, "[12"), ("5", 0.5, "5"), ("1, 2, 3, 4", 0.25, "1")],
)
def test_an_answer_begins_with_its_first_numbers(answer, share, start):
    assert beginning(answer, share) == start
