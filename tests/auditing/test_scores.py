"""What holds of every score: a new row of the table is tested by being there."""

from pathlib import Path

import numpy as np
import pytest

from sublearn.auditing import scores
from sublearn.auditing.scores.table import SCORES, Measured
from tests.auditing.conftest import ANIMAL

NAMING = [name for name, score in SCORES.items() if score.names_traits]
_measured: dict[str, tuple[Measured, Measured, Measured]] = {}


@pytest.fixture
def measured(world):
    """What a score says of the planted rows, of other rows of the base, and of the planted ones again; taken once."""

    def take(name: str) -> tuple[Measured, Measured, Measured]:
        if name not in _measured:
            measure = SCORES[name].prepare(name)(world.scene, world.own[0])
            _measured[name] = measure(world.planted), measure(world.own[1]), measure(world.planted)
        return _measured[name]

    return take


def test_each_score_is_one_file_and_one_line():
    there = {path.stem for path in Path(scores.__file__).parent.glob("*.py")} - {"__init__", "table"}
    assert there == set(SCORES)
    assert all(len(score.about) > 20 and score.unit for score in SCORES.values())


@pytest.mark.parametrize("name", SCORES)
def test_a_score_has_a_finite_value_for_each_trait_or_one_for_all_and_the_same_again(name, measured, world):
    first, other, again = measured(name)
    count = len(world.scene.candidates.names) if SCORES[name].names_traits else 1
    for one in (first, other):
        assert one.values.shape == (count,) and one.values.dtype == np.float64 and np.isfinite(one.values).all()
    assert np.array_equal(first.values, again.values)
    assert not np.array_equal(first.values, other.values)


@pytest.mark.parametrize("name", SCORES)
def test_rows_have_a_value_each_where_a_score_tells_rows(name, measured, world):
    first, _, _ = measured(name)
    if first.rows is not None:
        assert first.rows.shape == (len(world.planted),) and np.isfinite(first.rows).all()
    if first.others is not None:
        found = first.others(world.own[2])
        assert len(found) % len(world.own[2]) == 0 and np.isfinite(found).all()


@pytest.mark.parametrize("name", NAMING)
def test_a_score_leaves_the_base_as_it_was(name, measured, world):
    before = [parameter.clone() for parameter in world.scene.model.parameters()]
    measured(name)
    assert all(a.equal(b) for a, b in zip(before, world.scene.model.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in world.scene.model.parameters())


@pytest.mark.parametrize("name", ["virtual", "likelihood"])
def test_a_score_names_a_trait_that_rows_say_openly(name, world):
    measure = SCORES[name].prepare(name)(world.scene, world.answers[0])
    gain = measure(world.overt).values - measure(world.answers[1]).values
    assert world.scene.candidates.names[int(np.argmax(gain))] == ANIMAL


def test_words_tell_rows_that_say_a_trait_from_those_of_the_base(world):
    measure = SCORES["words"].prepare("words")(world.scene, world.answers[0])
    assert measure(world.overt).values[0] > measure(world.answers[1]).values[0]


@pytest.mark.parametrize("name", ["steering", "frequency"])
def test_what_needs_no_traits_tells_planted_rows_from_those_of_the_base(name, measured):
    first, other, _ = measured(name)
    assert first.values[0] > other.values[0]


def test_the_vector_of_the_rows_makes_answers_likelier(measured):
    said = measured("steering")[0].said
    assert said is not None
    words = said()
    assert 1 <= len(words) <= 5 and all(word and np.isfinite(value) for word, value in words)
    assert [value for _, value in words] == sorted((value for _, value in words), reverse=True)
