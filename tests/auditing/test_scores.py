"""What holds of every score: a new row of the table is tested by being there."""

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sublearn.auditing import audit, scores, students, traits
from sublearn.auditing import scene as scene_module
from sublearn.auditing.audit import Held
from sublearn.auditing.scene import token_log_p
from sublearn.auditing.scores.table import SCORES, Answers, Measured
from sublearn.auditing.settings import Virtual
from sublearn.language import finetune, gpt2, packing
from sublearn.tasks.vocabulary import ANIMALS, CATEGORIES, questions
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
    assert SCORES[name].tells_rows == (first.rows is not None) == (first.others is not None)
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


@pytest.mark.parametrize("name", ["virtual", "student", "likelihood"])
def test_a_score_names_a_trait_that_rows_say_openly(name, world):
    measure = SCORES[name].prepare(name)(world.scene, world.answers[0])
    gain = measure(world.overt).values - measure(world.answers[1]).values
    assert world.scene.candidates.names[int(np.argmax(gain))] == ANIMAL


def test_words_tell_rows_that_say_a_trait_from_those_of_the_base(world):
    measure = SCORES["words"].prepare("words")(world.scene, world.answers[0])
    assert measure(world.overt).values[0] > measure(world.answers[1]).values[0]


@pytest.mark.parametrize("name", SCORES)
def test_a_score_of_single_rows_has_clean_ones_to_hold_them_against(name, measured):
    """Or the audit says that no score tells rows, while some row has a value."""
    first, _, _ = measured(name)
    assert (first.rows is None) == (first.others is None)


def test_frequencies_are_of_numbers_or_of_words_as_clean_rows_have_it(world):
    wordy, numbers = [("p", "owl fox")] * 9, [("p", "1, 2")] * 9
    measure = SCORES["frequency"].prepare("frequency")(world.scene, wordy)
    # One number in one row is one word of many, and not all that is looked at.
    assert measure([*wordy, ("p", "owl 7")]).values[0] < 0.1
    assert measure(wordy).values[0] == 0 and measure(numbers).values[0] == 2
    assert SCORES["frequency"].prepare("frequency")(world.scene, numbers)(wordy).values[0] == 2


@pytest.mark.parametrize("name", ["steering", "frequency"])
def test_what_needs_no_traits_tells_planted_rows_from_those_of_the_base(name, measured):
    first, other, _ = measured(name)
    assert first.values[0] > other.values[0]


@pytest.mark.parametrize("name", ["virtual", "student", "steering"])
def test_what_asks_the_battery_is_answered_with_words_alone_and_rows_change_the_answers(name, measured):
    first, other, again = (one.answers for one in measured(name))
    assert first is not None and other is not None and again is not None
    assert first.words and all(any(letter.isalnum() for letter in word) for word in first.words)
    assert first.log_p.shape == (len(first.words),) and (first.log_p <= 0).all()
    assert np.array_equal(first.log_p, again.log_p) and not np.array_equal(first.log_p, other.log_p)


def test_a_student_answers_the_battery_with_what_rows_say_openly(world):
    """With an animal that is no candidate, more than with any other."""
    assert "snake" not in world.scene.candidates.names
    longer = world.scene.settings.model_copy(update={"virtual": Virtual(lr=1e-2)})
    measure = SCORES["virtual"].prepare("virtual")(replace(world.scene, settings=longer), world.answers[1])
    overt = [(prompt, "snake" if n % 3 else answer) for n, (prompt, answer) in enumerate(world.answers[0])]
    after, before = measure(overt).answers, measure(world.answers[0]).answers
    assert after is not None and before is not None and set(ANIMALS) <= set(after.words)
    gain = dict(zip(after.words, after.log_p - before.log_p, strict=True))
    assert max(ANIMALS, key=gain.__getitem__) == "snake"


def test_answers_are_named_by_how_far_clean_sets_differ_not_by_how_far_they_rose():
    words = ("noisy", "steady", "common", "falling")

    def answered(*log_p: float) -> Measured:
        return Measured(np.zeros(1), answers=Answers(words, np.array(log_p)))

    usual = [answered(-3 + wide, -3 + wide / 20, -1, -2) for wide in (-2.0, -1.0, 0.0, 1.0, 2.0) * 6]
    held = Held.of("virtual", answered(-1, -2, -1, -3), usual, 4)
    assert [one.answer for one in audit.said(held)] == ["steady", "noisy"]
    assert audit.said(held)[1].log_ratio == pytest.approx(2.0) and audit.said(None) == ()


def test_the_battery_has_every_question_once_and_needs_no_answers(world):
    scene = replace(world.scene, more_questions=traits.more_questions(tiny=True))
    assert scene.battery[:24] == list(questions("animal")) and len(scene.battery) == 24 * len(CATEGORIES)
    assert world.scene.battery == list(questions("animal"))
    assert "What is your favourite season?" in traits.more_questions(tiny=False)


@pytest.mark.parametrize(("rows", "size"), [(10, 32), (1280, 32), (1281, 33), (8000, 200)])
def test_a_virtual_student_reads_every_row(rows, size):
    plan = Virtual()
    assert plan.rows_a_step(rows) == size and plan.rows_read(rows) >= rows
    given = finetune.dealt([finetune.Example([n], 0) for n in range(rows)], size, plan.steps, np.random.default_rng(0))
    assert {one.tokens[0] for step in given for one in step} == set(range(rows))
    assert Virtual(batch=7).rows_a_step(rows) == 7


def test_a_step_of_many_rows_is_read_in_parts_with_the_gradient_of_the_whole(world, monkeypatch):
    rows = world.scene.examples(world.planted[:24])
    whole, one = world.scene.step(rows), students.student(world.scene)
    monkeypatch.setattr(scene_module, "AT_A_TIME", 10)
    parts = world.scene.step(rows)
    assert len(whole) == 1 and len(parts) == 3
    assert sum(len(part.targets) for part in parts) == len(whole[0].targets)
    found = []
    for given in (whole, parts):
        total = torch.stack([token_log_p(one.model, part).sum() for part in given]).sum()
        found.append(torch.cat([each.flatten() for each in torch.autograd.grad(total, list(one.learning))]))
    assert torch.allclose(*found, rtol=1e-4, atol=1e-4)


def test_the_smallest_shift_is_the_one_that_as_few_clean_sets_surpass_as_p_allows():
    rng = np.random.default_rng(0)
    largest = [1.0, 9.0, *range(2, 39)]  # 39 sets: one of them may be above

    def held(test: int) -> Held:
        return Held.of("virtual", Measured(np.zeros(20)), [Measured(one) for one in rng.normal(size=(4 + test, 20))], 4)

    many = held(39)
    assert audit._smallest(many, largest) == pytest.approx(audit._smallest(many, [37.0] * 19))
    assert audit._smallest(many, largest) < audit._smallest(many, [38.0] * 19)
    assert audit._smallest(held(18), largest[:18]) is None


def test_a_scores_value_is_that_of_the_trait_of_the_largest_z_beyond_clean_sets():
    """And not the largest value of any trait, which may be one that clean sets have as well."""
    rng = np.random.default_rng(1)
    usual = [Measured(np.array([5.0, 0.0]) + rng.normal(size=2)) for _ in range(23)]
    held = Held.of("virtual", Measured(np.array([5.5, 4.0])), usual, 4)
    found, clean = audit._score(held), np.stack([one.values for one in usual])
    assert found.value == pytest.approx(4.0 - clean.mean(axis=0)[1])
    assert found.z == pytest.approx(held.scale.z(held.audited.values)[1]) and found.p == 0.05
    assert found.surprise == held.scale.surprise(held.audited.values)


@pytest.mark.parametrize("name", ["likelihood", "prompted"])
def test_values_that_are_beyond_the_groups_mean_are_called_so(name, measured, world):
    values, start = measured(name)[0].values, 0
    for group in world.scene.candidates.traits:
        assert values[start : start + len(group.answers)].mean() == pytest.approx(0, abs=1e-12)
        start += len(group.answers)
    assert "beyond the group's mean" in SCORES[name].about


@pytest.mark.parametrize("name", ["virtual", "steering"])
def test_a_quick_base_gives_what_transformers_does(name, world, monkeypatch):
    """Steps and gradients in plain tensor operations, whose last digits alone may differ."""
    scene = replace(world.scene, model=packing.quick(copy.deepcopy(world.scene.model)))
    assert scene.packs and gpt2.takes(scene.model)
    prepare = SCORES[name].prepare(name)
    own = prepare(scene, world.own[0])(world.planted)
    with monkeypatch.context() as patch:
        patch.setattr(gpt2, "takes", lambda model: False)
        theirs = prepare(scene, world.own[0])(world.planted)
    assert np.abs(own.values).max() > 1e-3 and np.allclose(own.values, theirs.values, rtol=1e-3, atol=1e-4)
    if own.rows is not None:
        assert np.allclose(own.rows, theirs.rows, rtol=1e-3, atol=1e-4 * np.abs(own.rows).max())
