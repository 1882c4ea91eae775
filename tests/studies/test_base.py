import pytest
from pydantic import ValidationError

from sublearn.studies import STUDIES, build, settings_of
from sublearn.studies.base import Arm, Claim, Study, Trait

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
        ({"claims": (CLAIM.model_copy(update={"treatment": "treated - nobody"}),)}, "nobody"),
        ({"claims": (CLAIM.model_copy(update={"trait": "colour"}),)}, "colour"),
    ],
)
def test_a_study_that_does_not_hang_together_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        Study(**(PARTS | change))


def test_another_setting_is_another_study():
    assert build("tutorial", {"student.lr": 1e-3}).id != build("tutorial").id
