import json

import pytest

from sublearn.errors import InputError
from sublearn.records import Record
from sublearn.study.analysis import analyse
from sublearn.study.base import Arm, Claim, Study, Trait
from sublearn.study.contrast import Difference, contrast_text

NAMES = ("a - b", "a", "b", "c")
CLAIM = Claim(
    claim="more",
    trait="t",
    treatment=Difference(arm="a - b", minus="c"),
    control=Difference(arm="a", minus="b"),
    delta=1,
)
STUDY = Study(
    name="s",
    title="",
    question="",
    settings={},
    arms=tuple(Arm(name=name, about="") for name in NAMES),
    traits=(Trait(name="t", unit="nats"),),
    claims=(CLAIM, CLAIM.model_copy(update={"claim": "one arm", "treatment": "a - b", "control": "c"})),
)


def test_a_difference_is_saved_as_a_value_and_comes_back():
    written = json.loads(STUDY.model_dump_json())
    assert written["claims"][0]["treatment"] == {"arm": "a - b", "minus": "c"}
    assert written["claims"][1]["treatment"] == "a - b"
    assert Study.model_validate(written) == STUDY


def test_names_may_hold_whatever_stands_between_arms_in_a_text():
    values = dict(zip(NAMES, (1.0, 20.0, 300.0, 4000.0), strict=True))
    rows = [
        Record(study=STUDY.id, arm=arm, seed=seed, trait="t", value=value, n=1)
        for arm, value in values.items()
        for seed in range(3)
    ]
    found = analyse(STUDY, rows)
    assert [row.contrast.mean for row in found.contrasts] == [1 - 4000 - (20 - 300), 1 - 4000]
    told = [(row["treatment"], row["control"]) for row in found.to_dict()["contrasts"]]
    assert told == [("a - b - c", "a - b"), ("a - b", "c")]


def test_a_contrast_in_words():
    assert contrast_text("a", "b") == "a - b"
    assert contrast_text(CLAIM.treatment, CLAIM.control) == "(a - b - c) - (a - b)"


@pytest.mark.parametrize(
    "side", [{"arm": "a"}, {"arm": "a", "minus": "b", "plus": "c"}, {"arm": "a", "minus": 1}, ["a"]]
)
def test_a_side_is_an_arm_or_a_difference_of_two(side):
    with pytest.raises(InputError):
        Claim(claim="", trait="t", treatment=side, control="b", delta=1)
