import re

import pytest

from sublearn.errors import InputError
from sublearn.records import Record
from sublearn.study.base import Arm, Claim, Study, Trait, misfits
from sublearn.study.contrast import Difference
from sublearn.study.table import STUDIES, build, settings_of

CONTROL = Arm(name="control", about="x")
TREATED = Arm(name="treated", about="x", control="control", teacher="trained")
CLAIM = Claim(claim="c", trait="rate", treatment="treated", control="control", delta=0.1)
PARTS = {
    "name": "tutorial",
    "title": "t",
    "question": "q",
    "settings": {},
    "arms": (CONTROL, TREATED),
    "traits": (Trait(name="rate", about="x"),),
    "claims": (CLAIM,),
}


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_is_saved_and_loaded_as_it_was(name):
    study = build(name)
    again = Study.model_validate_json(study.model_dump_json())
    assert again == study
    assert again.id == study.id
    assert build(name, {}).id == study.id
    assert study.settings == settings_of(study).model_dump(mode="json")


@pytest.mark.parametrize("name", STUDIES)
def test_every_treatment_names_a_control_and_every_claim_speaks_of_arms(name):
    study = build(name)
    assert all(arm.control for arm in study.arms if arm.teacher == "trained")
    assert all(set(claim.arms) <= {arm.name for arm in study.arms} for claim in study.claims)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"arms": (CONTROL, TREATED.model_copy(update={"control": None}))}, "names no control arm"),
        ({"arms": (CONTROL, TREATED.model_copy(update={"control": "other"}))}, "no other arm here"),
        ({"arms": (CONTROL, TREATED.model_copy(update={"control": "treated"}))}, "no other arm here"),
        ({"claims": (CLAIM.model_copy(update={"treatment": Difference(arm="treated", minus="nobody")}),)}, "nobody"),
        ({"claims": (CLAIM.model_copy(update={"trait": "colour"}),)}, "colour"),
    ],
)
def test_a_study_that_does_not_hang_together_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        Study(**(PARTS | change))


def test_another_setting_is_another_study():
    assert build("tutorial", {"student.lr": 1e-3}).id != build("tutorial").id


def small(**changes) -> Study:
    arm, trait = Arm(name="a", about=""), Trait(name="t", about="")
    given = {"name": "s", "title": "", "question": "", "settings": {}, "arms": (arm,), "traits": (trait,), "claims": ()}
    return Study(**given | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"arms": ()},
        {"traits": ()},
        {"name": ""},
        {"name": "x" * 101},
        {"title": "x" * 2001},
        {"arms": (Arm(name="a", about=""), Arm(name="a", about="again"))},
        {"traits": (Trait(name="t", about=""), Trait(name="t", about="again"))},
        {"claims": (Claim(claim="", trait="t", treatment="a - a", control="a", delta=1),)},
    ],
)
def test_a_study_that_could_not_be_shown_is_refused(changes):
    assert small().name == "s"
    with pytest.raises(InputError):
        small(**changes)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, None),
        ({"value": 1 + 1e-7}, None),
        ({"value": -1e-7}, None),
        ({"trait": "u", "value": 7.0}, None),
        ({"value": None, "status": "diverged", "reason": "nan"}, None),
        ({"value": 1.001}, "is a share"),
        ({"value": -0.5}, "is a share"),
        ({"arm": "b"}, "no arm 'b'"),
        ({"trait": "v"}, "with a trait 'v'"),
        ({"study": "other\x1b[31m"}, r"belongs to 'other \[31m'"),
    ],
)
def test_a_record_that_is_none_of_the_studys_is_told(change, says):
    study = small(traits=(Trait(name="t", about=""), Trait(name="u", about="", unit="nats")))
    row = {"study": study.id, "arm": "a", "seed": 1, "trait": "t", "value": 0.5, "n": 9}
    found = misfits(study)(Record.model_validate(row | change))
    assert found is None if says is None else re.search(says, found or "")
