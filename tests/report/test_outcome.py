import numpy as np
import pytest

from sublearn.records import Record
from sublearn.report.outcome import MOST, outcome
from sublearn.report.page import Section, page
from sublearn.study.analysis import analyse
from sublearn.study.base import Arm
from sublearn.study.contrast import Difference


def told(study, **values) -> str:
    """What happened where arms have these values of trait_rate, one a seed."""
    rows = [
        Record(study=study.id, arm=arm, seed=seed, trait="trait_rate", value=value, n=1)
        for arm, own in values.items()
        for seed, value in enumerate(own)
        if value is not None
    ]
    return outcome(analyse(study, rows), rows)


@pytest.fixture
def study(sample):
    """The sample's study with students that imitate logits."""
    study = sample(1)[0].study
    arms = tuple(arm.model_copy(update={"logits": "aux"}) if "cross" in arm.name else arm for arm in study.arms)
    return study.model_copy(update={"arms": arms})


VALUES = {
    "same_init": (0.9, 0.8, 0.5),
    "same_init_control": (0.5, 0.5, 0.5),
    "cross_init": (0.4, 0.6, 0.5),
    "cross_init_control": (0.5, 0.5, 0.6),
}


def test_the_runs_of_each_claim_are_counted(study):
    assert told(study, **VALUES) == (
        "In 2 of 3 runs (1 equal) the student of the same init scored higher than its control on trait_rate; in 1 of 3 "
        "the student of another init did; in 3 of 3 the student of the same init was further above its control on "
        "trait_rate than the student of another init."
    )


def test_students_of_language_models_are_named_by_their_base(study):
    arms = tuple(arm.model_copy(update={"logits": "text"}) if arm.logits != "none" else arm for arm in study.arms)
    text = told(study.model_copy(update={"arms": arms}), **VALUES)
    assert text.startswith("In 2 of 3 runs (1 equal) the student of the same base scored higher than its control")
    assert "the student of another base" in text
    assert "init" not in text


def test_counts_are_those_of_positive_differences(sample):
    analysis, records = sample(24)
    values = {
        arm: np.array([r.value for r in records if (r.arm, r.trait) == (arm, "trait_rate")])
        for arm in ("same_init", "same_init_control")
    }
    above = int(np.sum(values["same_init"] > values["same_init_control"]))
    assert outcome(analysis, records).startswith(f"In {above} of 24 runs ")
    assert f'<p class="outcome">In {above} of 24 runs ' in page([Section(analysis, records, {})])


def test_runs_without_all_arms_are_not_counted(study):
    assert told(study, **VALUES | {"same_init": (0.9, None, 0.5)}).startswith("In 1 of 2 runs (1 equal) ")
    assert told(study) == ""
    assert told(study, same_init=(0.9,), same_init_control=(0.5,)).startswith("In 1 of 1 run the student")


def test_arms_that_share_their_init_and_other_contrasts_are_named(study):
    more = Arm(name="same_init_all", about="x", control="same_init_control", teacher="trained", logits="all")
    claim = study.claims[0]
    claims = (
        claim,
        claim.model_copy(update={"treatment": "same_init_all"}),
        claim.model_copy(update={"treatment": "same_init", "control": "cross_init"}),
        claim.model_copy(update={"treatment": Difference(arm="same_init", minus="cross_init"), "control": "teacher"}),
    )
    own = study.model_copy(update={"arms": (*study.arms, more), "claims": claims})
    text = told(own, **VALUES, same_init_all=(1, 1, 1), teacher=(1, 1, 1))
    assert text == (
        "In 2 of 3 runs (1 equal) same_init scored higher than its control on trait_rate; in 3 of 3 same_init_all did; "
        "in 2 of 3 (1 equal) same_init scored higher than the student of another init on trait_rate; in 0 of 3 "
        "same_init - cross_init exceeded teacher on trait_rate."
    )


def test_a_control_that_is_a_student_itself_is_called_by_its_name(study):
    claim = study.claims[0].model_copy(update={"control": "cross_init"})
    arms = tuple(
        arm.model_copy(update={"control": "cross_init"}) if arm.name == "same_init" else arm for arm in study.arms
    )
    own = study.model_copy(update={"arms": arms, "claims": (claim,)})
    assert told(own, **VALUES) == (
        "In 2 of 3 runs (1 equal) the student of the same init scored higher than the student of another init on "
        "trait_rate."
    )


def test_of_many_claims_the_first_are_told_and_none_gives_no_sentence(study):
    many = study.model_copy(update={"claims": study.claims[:1] * (MOST + 2)})
    assert told(many, **VALUES).endswith("; 2 more claims are below.")
    assert told(study.model_copy(update={"claims": ()}), **VALUES) == ""
