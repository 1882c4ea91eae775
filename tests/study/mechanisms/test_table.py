import numpy as np
import pytest

from sublearn.errors import InputError
from sublearn.records import Record
from sublearn.report.mechanisms import summary
from sublearn.study.analysis import analyse
from sublearn.study.mechanisms.compared import compared
from sublearn.study.mechanisms.design import Mechanisms, built
from sublearn.study.mechanisms.follow_up import FOLLOW_UP
from sublearn.study.mechanisms.further import FURTHER
from sublearn.study.mechanisms.parts import COSINE
from sublearn.study.mechanisms.table import EVERY, GROUPS, MECHANISMS, STUDENTS, bases_of, named
from sublearn.study.numbers.spec import TRAITS


@pytest.mark.parametrize("name", EVERY)
def test_each_mechanism_says_what_is_published_and_claims_something_of_each_of_its_students(name):
    one = EVERY[name]
    assert one.published.endswith(".") and (not one.source or "arXiv" in one.source) and one.claims
    assert bool(one.source) != one.published.startswith("Not published")
    assert not one.source or one.otherwise
    study, own = built({"mechanisms": [name]}), {trait.name for trait in one.traits}
    claimed = {arm for claim in study.claims for arm in (*claim.arms, *claim.measure)}
    between = {f"generation_{number}" for number in (3, 4, 6, 7, 8, 9)} if name == "ten_generations" else set()
    # The teacher of two animals is there to see what it has itself, a fifth at random to hold the others against.
    beside = {"fraction_1", "two_animals_teacher", *(("selected_random",) if name == "fifths" else ())}
    assert {*one.students} - claimed == between | {*one.students} & beside
    for claim in study.claims:
        assert claim.reason and 0 < claim.delta < 1 and claim.trait in ("log_odds", COSINE, *own)
    assert {trait.name for trait in study.traits} - {COSINE, *own} <= {trait.name for trait in TRAITS}


def test_students_claims_and_arms_have_names_of_their_own():
    shared = {"generation_2", "generation_3", "mixed", "selected_random", "lora_4", "lora_16", "lora_16_matched"}
    assert len(STUDENTS) == sum(len(one.students) for one in EVERY.values()) - len(shared)
    first, later = (
        [name for one in part.values() for name in one.students] for part in (MECHANISMS, FURTHER | FOLLOW_UP)
    )
    assert shared == {*first} & {*later}
    assert all(STUDENTS[name] in [one.students.get(name) for one in MECHANISMS.values()] for name in shared)
    study = built({"mechanisms": [*EVERY]})
    texts = [claim.claim for claim in study.claims]
    assert len(texts) == len(set(texts)) and Mechanisms.seconds_a_run > 60
    arms = {arm.name: arm for arm in study.arms}
    for name, one in STUDENTS.items():
        assert one.change is not None and arms[name].control == (
            one.control or (f"{name}_control" if one.taught else None)
        )


def test_further_mechanisms_leave_the_study_of_the_others_what_it_was():
    every = built({})
    assert every.id == "mechanisms-a82526daf2d5" and list(MECHANISMS) == list(every.designed.settings.chosen)
    further = built({"mechanisms": named(["further"])})
    assert further.id == built({"mechanisms": [*FURTHER]}).id != every.id
    assert further.id == "mechanisms-51ce14009382"
    assert not {claim.claim for claim in further.claims} & {claim.claim for claim in every.claims}
    assert not {*GROUPS} & {*EVERY} and named(["greedy", "further"]) == ["greedy", *FURTHER]
    assert built({"mechanisms": named(["follow_up"])}).id == "mechanisms-fddab324fecf"
    assert named(["follow_up"]) == [*FOLLOW_UP] and [*EVERY] == [*MECHANISMS, *FURTHER, *FOLLOW_UP]


def test_what_follows_up_on_results_is_asked_about_on_other_bases():
    assert bases_of([*FOLLOW_UP]) == bases_of(["ranks"]) == "1220:1232"
    assert bases_of([*MECHANISMS]) == bases_of([*FURTHER]) == "1200:1220"
    with pytest.raises(InputError, match=r"ranks: asked after the results of the bases 1200:1220.*--seeds"):
        bases_of(["greedy", "ranks"])


def test_a_verdict_is_said_of_what_was_published():
    study = built({"mechanisms": ["greedy", "fraction"]})
    values = {"teacher": 2.0, "same_init": 1.0, "greedy": -0.5, "fraction_10": 0.4}
    values |= {"fraction_30": 0.5, "fraction_3": 0.5}
    rng = np.random.default_rng(0)

    def value(arm, trait):
        return 0.5 if trait.unit == "share" else values.get(arm.name, 0.0) + 0.02 * rng.normal()

    records = [
        Record.of(study.id, arm.name, seed, trait.name, value(arm, trait), 20)
        for arm in study.arms
        for trait in study.traits
        for seed in range(24)
    ]
    found = {one.name: one for one in compared(analyse(study, records))}
    assert list(found) == ["greedy", "fraction"]
    outcomes = {name: [held.outcome for held in one.claims] for name, one in found.items()}
    assert outcomes == {"greedy": ["opposite"], "fraction": ["holds", "absent", "holds"]}
    assert not compared(analyse(study, []))[0].claims[0].mean


@pytest.mark.parametrize(("signsgd", "outcome"), [(1.0, "holds"), (-1.0, "fails"), (0.0, "absent")])
def test_a_claim_of_our_own_holds_or_fails_and_agrees_with_nobody(signsgd, outcome):
    for one in EVERY.values():
        assert set(one.own) <= {claim.claim for claim in one.claims}
    study = built({"mechanisms": ["optimizer"]})
    values = {"teacher": 2.0, "same_init": 1.0, "sgd": 0.2, "signsgd": signsgd}
    rng = np.random.default_rng(0)
    records = [
        Record.of(study.id, arm.name, seed, trait.name, values.get(arm.name, 0.0) + 0.02 * rng.normal(), 20)
        for arm in study.arms
        for trait in study.traits
        for seed in range(24)
    ]
    found = compared(analyse(study, records))
    assert [(held.outcome, held.published) for held in found[0].claims] == [("agrees", True), (outcome, False)]
    told = {"holds": "holds", "fails": "fails", "absent": "is absent"}[outcome]
    assert summary(found) == f"1 mechanism. 1 published claim: 1 agrees. 1 own claim: 1 {told}."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mechanisms": ["gredy"]}, "Did you mean 'greedy'"),
        ({"base.family": "llama"}, "vector"),
        ({"strength.selected": 0.7}, "strength.selected"),
        ({"student.how": "lora"}, "student.how"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes, said):
    with pytest.raises(InputError, match=said):
        built(changes)


def test_another_family_can_be_asked_about_the_rest():
    assert built({"base.family": "llama", "mechanisms": ["greedy"]}).settings["base"]["family"] == "llama"
