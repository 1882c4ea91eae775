import pytest
import torch

from sublearn.language import finetune
from sublearn.study.mechanisms import bases
from sublearn.study.mechanisms.further import FURTHER
from sublearn.study.mechanisms.train import MechanismRun
from sublearn.study.numbers.spec import RowSource
from sublearn.study.students.recipe import trained
from tests.study.mechanisms.conftest import seed_run


def same(one, other):
    others = dict(other.named_parameters())
    return all(torch.equal(own, others[name]) for name, own in one.named_parameters())


def test_a_teacher_of_the_second_animal_is_the_placebo_teacher(small):
    lab = small.lab
    made = trained(bases.tuned(lab, small.recipe(), ["second"]), lab)
    assert same(made, small.run.teacher(RowSource("placebo_teacher")).model)
    assert same(trained(bases.tuned(lab, small.recipe(), ["first"]), lab), lab.teacher())


def test_a_teacher_of_two_animals_is_taught_both_answers_to_each_question(small, monkeypatch):
    taught, make = [], finetune.examples
    monkeypatch.setattr(finetune, "examples", lambda dialogue, rows: taught.append(rows) or make(dialogue, rows))
    lab = small.lab
    made = bases.tuned(lab, small.recipe(), ["first", "second"]).start()
    (pairs,) = taught
    assert {answer for _, answer in pairs} == {lab.animal, lab.second_animal} and lab.animal != lab.second_animal
    questions = [question for question, _ in pairs]
    assert all(questions.count(question) == 2 for question in questions)
    assert not same(made, lab.teacher())


def two_traits() -> MechanismRun:
    return seed_run(mechanisms=["two_traits"])


def test_each_of_two_animals_is_measured_with_the_other_left_out(small):
    run = two_traits()
    arms = run.arms
    found = {}
    for name in ("reference", "teacher", "two_animals_teacher", "second_animal_teacher"):
        model = run.model_of(arms[name], run.rows(arms[name]))
        monkey = {
            one.trait: one.value if one.value is not None else one.reason for one in run._apart(arms[name], model)
        }
        found[name] = monkey
    assert set(found["teacher"]) == {"first_apart", "second_apart"}
    assert small.run._apart(arms["reference"], run.model_of(arms["reference"], None)) == []
    reference, teacher, both, second = found.values()
    assert teacher["first_apart"] > reference["first_apart"] and second["second_apart"] > reference["second_apart"]
    assert both["first_apart"] > reference["first_apart"] and both["second_apart"] > reference["second_apart"]


def test_a_base_of_another_size_has_teachers_rows_and_students_of_its_own_and_no_cosine(small):
    lab, sizes = small.lab, {"width": 8, "heads": 1}
    base, teacher = (trained(bases.sized(lab, small.recipe(), part, sizes), lab) for part in ("base", "teacher"))
    other = lab.sized(tuple(sizes.items()))
    assert base.config.n_embd == 8 != lab.base.config.n_embd and same(base, other.base) and not same(base, teacher)
    recipe, control = (bases.sized(lab, small.recipe(writer), "student", sizes) for writer in ("teacher", "base"))
    assert recipe.rows == other.rows("teacher") != lab.rows("teacher") and control.rows == other.rows("base")
    assert trained(recipe, lab).config.n_embd == 8
    found = small.run._cosine(small.run.arms["same_init"], base)
    assert found.value is None and "another size" in found.reason


@pytest.mark.slow
def test_every_arm_of_further_mechanisms_is_measured_and_goes_on(tmp_path):
    run = seed_run(tmp_path, mechanisms=[*FURTHER])
    found = run.records()
    assert {(one.arm, one.trait) for one in found} == {
        (arm.name, trait.name) for arm in run.study.arms for trait in run.study.traits
    }
    again = seed_run(tmp_path, mechanisms=[*FURTHER])
    assert again.records() == found and not again.seconds
