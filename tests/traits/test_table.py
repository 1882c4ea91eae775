"""What every trait of the table must do: a pure measure of each run by itself, with the chance level that it states."""

import math

import pytest
import torch

import sublearn
from sublearn.study.table import STUDIES, build
from sublearn.traits.table import TRAITS, as_trait
from sublearn.traits.trait import Trait

RUNS, EXAMPLES = 40, 300


def drawn(classes: int, runs: int = RUNS, examples: int = EXAMPLES, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits that know nothing of the labels: "run example logit" and "run example"."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(runs, examples, classes, generator=generator)
    return logits, torch.randint(classes, (runs, examples), generator=generator)


@pytest.fixture(params=TRAITS)
def row(request):
    return TRAITS[request.param]


def test_a_row_is_pure_and_of_one_number_a_run(row):
    logits, labels = drawn(4)
    before = logits.clone(), labels.clone()
    found = row.measure(logits, labels)
    assert found.shape == (RUNS,)
    assert found.dtype == torch.float64
    assert torch.equal(found, row.measure(logits, labels))
    assert torch.equal(logits, before[0]) and torch.equal(labels, before[1])


def test_a_row_measures_each_run_by_itself_stacked_or_not_in_any_order_of_examples(row):
    logits, labels = drawn(4)
    found, order = row.measure(logits, labels), torch.randperm(EXAMPLES, generator=torch.Generator().manual_seed(3))
    for run in range(5):
        assert float(row.measure(logits[run], labels[run])) == pytest.approx(float(found[run]), abs=1e-12)
        assert float(row.measure(logits[run, order], labels[run, order])) == pytest.approx(float(found[run]), abs=1e-6)


def test_a_row_of_a_share_is_one(row):
    found = row.measure(*drawn(3))
    assert found.isfinite().all()
    if row.unit == "share":
        assert found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_a_rows_chance_level_is_that_of_models_that_know_nothing(row, classes):
    found = row.measure(*drawn(classes, runs=400, seed=classes))
    error = float(found.std()) / math.sqrt(len(found))
    assert error > 0
    assert abs(float(found.mean()) - row.chance(classes)) < 4.5 * error


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_row_has_no_value_where_a_logit_is_not_finite_and_spoils_no_other_run(row, bad):
    logits, labels = drawn(3)
    expected = row.measure(logits, labels)
    logits[2, 1, 0] = bad
    found = row.measure(logits, labels)
    assert not found[2].isfinite()
    keep = torch.arange(RUNS) != 2
    assert torch.equal(found[keep], expected[keep])


@pytest.mark.parametrize("name", TRAITS)
def test_a_row_is_known_by_its_function_and_comes_back_as_it_was_saved(name):
    trait = as_trait(TRAITS[name].measure, 4)
    assert (trait.name, trait.unit, trait.chance) == (name, TRAITS[name].unit, TRAITS[name].chance(4))
    again = Trait.model_validate_json(trait.model_dump_json())
    assert again == trait
    assert again.measure is None


def test_a_trait_that_is_there_is_found():
    logits, labels = drawn(4)
    right = torch.nn.functional.one_hot(labels, 4).double() * 10
    assert torch.equal(TRAITS["accuracy"].measure(right, labels), torch.ones(RUNS, dtype=torch.float64))
    always = torch.zeros_like(logits)
    always[..., 1] = 2.0
    assert torch.equal(TRAITS["trait_rate"].measure(always, labels), torch.ones(RUNS, dtype=torch.float64))
    assert torch.equal(TRAITS["margin"].measure(always, labels), torch.full((RUNS,), 2.0, dtype=torch.float64))
    assert sublearn.accuracy is TRAITS["accuracy"].measure


@pytest.mark.parametrize("study", [name for name in STUDIES if name != "numbers"])
def test_the_traits_of_studies_on_logits_are_rows_with_the_same_unit_and_chance_level(study):
    built = build(study)
    on_logits = [trait for trait in built.traits if study != "alignment" or trait.name == "accuracy"]
    for trait in on_logits:
        row = TRAITS[trait.name]
        assert (trait.unit, trait.chance) == (row.unit, row.chance(built.settings.get("classes", 2))), trait.name
