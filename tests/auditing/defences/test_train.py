import json

import pytest

import sublearn
from sublearn.auditing.defences.design import Defences, built
from sublearn.auditing.defences.table import DEFENCES
from sublearn.errors import InputError
from sublearn.study.jobs import Setup
from sublearn.study.numbers.train import SeedRun
from sublearn.study.table import build, settings_of
from tests.auditing.defences.conftest import seed_run


def test_the_undefended_student_is_that_of_numbers(small):
    ours = {arm.name: arm for arm in small.run.study.arms}
    changes = {key: value for key, value in Defences.small.items() if key != "held_out"}
    study = build("numbers", {**changes, "sampled": 0, "arms": ["same_init"]})
    theirs = SeedRun(study, settings_of(study), 0, Setup())
    for arm in study.arms:
        mine = small.run.model_of(ours[arm.name], small.run.rows(ours[arm.name]))
        its = theirs.model_of(arm, theirs.rows(arm))
        other = dict(its.model.named_parameters())
        assert all(bool((one == other[name]).all()) for name, one in mine.model.named_parameters())


def test_every_defence_trains_and_is_kept_with_its_seconds(tmp_path):
    run = seed_run(tmp_path, **{"base.steps": 100, "rows": 24, "student.steps": 2, "held_out": 64})
    found = run.records()
    assert {(one.arm, one.trait) for one in found} == {
        (arm.name, trait.name) for arm in run.study.arms for trait in run.study.traits
    }
    noted = json.loads((tmp_path / "seed-0" / "metrics.json").read_text())["arms"]
    trained = [arm.name for arm in run.study.arms if arm.logits != "none"]
    assert all(noted[arm]["seconds"] > 0 for arm in trained if arm in noted) and len(trained) == 2 * (1 + len(DEFENCES))
    again = seed_run(tmp_path, **{"base.steps": 100, "rows": 24, "student.steps": 2, "held_out": 64})
    assert again.records() == found and not again.seconds


def test_defend_gives_the_table_the_page_and_goes_on(tmp_path):
    settings = {**Defences.small, "base.steps": 60, "defences": ["resort"], "student.steps": 2}
    first = sublearn.defend([0], tmp_path / "run", **settings)
    assert [one.name for one in first.defences] == ["same_init", "resort"]
    second = sublearn.defend([0, 1], tmp_path / "run", **settings)
    assert second.analysis.seeds == (0, 1) and second.study.id == first.study.id
    kept = json.loads((tmp_path / "run" / "defences.json").read_text())
    assert kept == second.defences_dict() and kept["seeds"] == [0, 1]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What each defence leaves" in page and DEFENCES["resort"].about in page
    assert sublearn.load(tmp_path / "run").summary() == second.summary()


def test_what_a_defence_is_held_against_comes_with_it():
    study = built({"defences": ["drop_half"]})
    assert {"drop_half", "drop_half_random", "same_init"} <= {arm.name for arm in study.arms}
    assert len(study.arms) == 8 and len(study.claims) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"defences": ["masc"]}, "Did you mean 'mask'"),
        ({"strength.kl": 0}, "strength.kl"),
        ({"strength.named": "owl"}, "strength.named"),
        ({"student.how": "lora"}, "student.how"),
        ({"animal": "unicorn"}, "unicorn"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        built(changes)
