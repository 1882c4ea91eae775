import pytest

from sublearn.errors import InputError
from sublearn.study.base import Setup
from sublearn.study.table import build
from sublearn.study.walk import WALKS, walk

SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_ends_with_what_a_run_records(name):
    study = build(name, SMALL)
    steps = walk(study, 3).to_dict()["steps"]
    assert [step["title"] for step in steps] == [
        "Reference",
        "Teacher",
        "Unrelated data",
        "What a student sees",
        "Students before and after",
        "Evaluation",
    ]
    rows = {row[0]: row[2:] for row in steps[-1]["tables"][0]["rows"]}
    for record in study.designed.measure(study, [3], Setup()):
        at = [trait.name for trait in study.traits].index(record.trait)
        assert float(rows[record.arm][at]) == pytest.approx(record.value, abs=6e-4)


def test_the_models_that_are_shown_are_those_that_are_recorded():
    study = build("prompts", SMALL)
    steps = walk(study, 3).steps
    before_after = {row[0]: row[1:] for row in steps[4].tables[1].rows}
    margins = {row.arm: row.value for row in study.designed.measure(study, [3], Setup()) if row.trait == "margin"}
    for arm, (before, after) in before_after.items():
        assert float(after) == pytest.approx(margins[arm], abs=1e-3)
        if arm.startswith("same"):
            assert float(before) == pytest.approx(margins["reference"], abs=1e-3)
    starts = {row[0]: float(row[1]) for row in steps[4].tables[0].rows}
    assert starts["same_init"] == 0 < starts["cross_init"]
    assert {curve.name for curve in steps[1].curves} == {"teacher", "placebo_teacher"}


def test_other_studies_are_refused():
    with pytest.raises(InputError, match="Unknown study with a step-through 'ladder'"):
        walk(build("ladder"), 0)
    with pytest.raises(InputError, match="no student of the teacher"):
        walk(build("prompts", SMALL | {"arms": ["cross_init_control"]}), 0)
