import re

import numpy as np
import pytest

from sublearn.records import Record
from sublearn.report.outcome import MOST, outcome, pairs_of
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
        "In 2 of 3 runs (1 equal) the student of the same init scored higher on trait_rate than its control; in 1 of 3 "
        "the student of another init did."
    )


def test_all_none_and_equal_are_said_as_such(study):
    own = {"same_init": (0.9, 0.8), "same_init_control": (0.5, 0.5), "cross_init_control": (0.5, 0.5)}
    both = "In both runs the student of the same init scored higher on trait_rate than its control; "
    assert told(study, **own, cross_init=(0.4, 0.3)) == f"{both}no student of another init did."
    assert told(study, **own, cross_init=(0.5, 0.3)) == f"{both}no student of another init did (1 equal)."
    assert told(study, **own, cross_init=(0.4, None)) == f"{both}no student of another init did in the one run."
    assert told(study, **own) == f"{both}the student of another init cannot be counted, for no run has both values."
    many = {arm: 4 * values for arm, values in own.items()}
    assert told(study, **many, cross_init=8 * (0.6,)).endswith("control; in all 8 the student of another init did.")


def test_one_run_is_said_as_such(study):
    one = {"same_init_control": (0.5,), "cross_init": (0.6,), "cross_init_control": (0.5,)}
    did = "the student of the same init scored higher on trait_rate than its control"
    other = "in the one run the student of another init did."
    assert told(study, **one, same_init=(0.9,)) == f"In the one run {did}; {other}"
    assert told(study, **one, same_init=(0.1,)) == f"No {did[4:]} in the one run; {other}"


def test_a_trait_says_what_more_of_it_is_and_a_share_is_told_before_another_unit(study):
    traits = tuple(trait.model_copy(update={"more": f"had more {trait.name}"}) for trait in study.traits)
    claims = tuple(claim.model_copy(update={"trait": trait.name}) for trait in traits[::-1] for claim in study.claims)
    own = study.model_copy(update={"traits": traits, "claims": claims})
    assert "the student of the same init had more trait_rate than its control" in told(own, **VALUES)


def test_arms_of_several_groups_are_told_together(study):
    def of(group):
        def renamed(name):
            return name and f"{group}_{name}"

        return [
            arm.model_copy(update={"name": renamed(arm.name), "control": renamed(arm.control), "group": group})
            for arm in study.arms
        ]

    groups = ("first", "second", "third")
    claims = [
        study.claims[0].model_copy(update={"treatment": f"{group}_same_init", "control": f"{group}_same_init_control"})
        for group in groups
    ]
    own = study.model_copy(
        update={"arms": tuple(arm for group in groups for arm in of(group)), "claims": tuple(claims)}
    )
    values = {f"{group}_same_init_control": (0.5, 0.5, 0.5) for group in groups}
    more = {"second_same_init": (0.9, 0.9, 0.9), "third_same_init": (0.9, 0.9, 0.9)}
    assert told(own, **values, **more, first_same_init=(0.9, 0.5, 0.4)) == (
        "The student of the same init scored higher on trait_rate than its control in 1 of 3 runs (1 equal; first) and "
        "in all 3 (in each of the others)."
    )


def test_students_of_language_models_are_named_by_their_base(study):
    arms = tuple(arm.model_copy(update={"logits": "text"}) if arm.logits != "none" else arm for arm in study.arms)
    text = told(study.model_copy(update={"arms": arms}), **VALUES)
    assert text.startswith(
        "In 2 of 3 runs (1 equal) the student of the same base scored higher on trait_rate than its control"
    )
    assert "the student of another base" in text
    assert "init" not in text


def test_counts_are_those_of_positive_differences(sample):
    analysis, records = sample(24)
    values = {
        arm: np.array([r.value for r in records if (r.arm, r.trait) == (arm, "trait_rate")])
        for arm in ("same_init", "same_init_control")
    }
    above = int(np.sum(values["same_init"] > values["same_init_control"]))
    assert above == 24 and outcome(analysis, records).startswith("In all 24 runs ")
    html = re.sub("</?button[^>]*>", "", page([Section(analysis, records, {})]))
    assert f'<p class="outcome">{outcome(analysis, records)}</p>' in html
    pairs = pairs_of(analysis, records)
    assert pairs[0].differences == pytest.approx(values["same_init"] - values["same_init_control"])
    for pair in pairs:
        assert pair.above + pair.equal + int(np.sum(pair.differences < 0)) == 24


def test_runs_without_all_arms_are_not_counted(study):
    assert told(study, **VALUES | {"same_init": (0.9, None, 0.5)}).startswith("In 1 of 2 runs (1 equal) ")
    assert told(study) == "There are no runs yet."
    assert told(study, same_init=(0.9,), same_init_control=(0.5,)).startswith("In the one run the student")


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
        "In 2 of 3 runs (1 equal) the student of the same init, auxiliary logits scored higher on trait_rate than its "
        "control; in all 3 the student of the same init, all logits did; in 2 of 3 (1 equal) the student of the same "
        "init, auxiliary logits scored higher on trait_rate than the student of another init; no difference (same_init "
        "- cross_init) - teacher was above zero on trait_rate."
    )


def test_a_control_that_is_a_student_itself_is_called_by_its_name(study):
    claim = study.claims[0].model_copy(update={"control": "cross_init"})
    arms = tuple(
        arm.model_copy(update={"control": "cross_init"}) if arm.name == "same_init" else arm for arm in study.arms
    )
    own = study.model_copy(update={"arms": arms, "claims": (claim,)})
    assert told(own, **VALUES) == (
        "In 2 of 3 runs (1 equal) the student of the same init scored higher on trait_rate than the student of another "
        "init."
    )


def test_of_many_comparisons_the_first_are_told(study):
    arms = [arm.model_copy(update={"label": arm.name}) for arm in study.arms]
    more = [arms[1].model_copy(update={"name": f"more{n}", "label": f"arm {n}"}) for n in range(MOST + 1)]
    claims = [study.claims[0].model_copy(update={"treatment": arm.name}) for arm in more]
    many = study.model_copy(update={"arms": (*arms, *more), "claims": tuple(claims)})
    text = told(many, **VALUES, **{arm.name: (1, 1, 1) for arm in more})
    assert text.count(" did") == MOST - 1 and text.endswith("; 1 more comparison is below.")


def test_without_claims_students_are_held_against_their_controls_and_without_controls_it_is_said(study):
    assert told(study.model_copy(update={"claims": ()}), **VALUES) == told(study, **VALUES)
    free = tuple(arm.model_copy(update={"control": None}) for arm in study.arms)
    assert (
        told(study.model_copy(update={"claims": (), "arms": free}), **VALUES) == "3 runs of 5 arms; none is compared."
    )


def test_an_arm_that_nothing_is_known_of_is_called_by_its_name(sample):
    study = sample(1)[0].study
    assert told(study, **VALUES).endswith("; in 1 of 3 the arm cross_init did.")
