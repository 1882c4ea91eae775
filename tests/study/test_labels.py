import pytest

from sublearn.study.base import Arm, Study
from sublearn.study.labels import is_student, labels
from sublearn.study.table import STUDIES, build
from sublearn.traits.trait import Trait


def study(*arms: Arm) -> Study:
    return Study(name="s", title="", question="", settings={}, arms=arms, traits=(Trait(name="t"),), claims=())


def arm(name: str, teacher="none", logits="none", **more) -> Arm:
    return Arm.model_validate({"name": name, "about": "", "teacher": teacher, "logits": logits} | more)


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_of_the_house_has_a_label_and_every_trait_of_a_claim_says_what_more_of_it_is(name):
    study = build(name)
    found = labels(study)
    assert all(arm.label for arm in study.arms) and len(set(found.values())) == len(found)
    traits = {trait.name: trait for trait in study.traits}
    assert all(traits[claim.trait].more for claim in study.claims)
    assert not any(label.startswith(("the ", "a ", "an ")) or label != label.strip() for label in found.values())


def test_arms_without_a_label_are_called_by_their_teacher_and_init_and_else_by_their_name():
    control = {"control": "plain_control"}
    found = labels(
        study(
            arm("my_reference"),
            arm("same", "trained", "aux", **control),
            arm("cross", "trained", "aux", init="cross", **control),
            arm("plain_control", "placebo", "aux"),
            arm("old_control", "neutral", "aux"),
            arm("read", "trained", "text", **control),
        )
    )
    assert found == {
        "my_reference": "my reference",
        "same": "student of the same init",
        "cross": "student of another init",
        "plain_control": "student of the same init, placebo teacher",
        "old_control": "student of the same init, untrained teacher",
        "read": "student of the same base",
    }


def test_no_two_arms_have_one_label():
    control = {"control": "c"}
    found = labels(
        study(
            arm("c", "placebo", "aux"),
            arm("a", "trained", "aux", **control),
            arm("b_all", "trained", "all", **control),
            arm("b_more", "trained", "all", **control),
            arm("one", label="twin"),
            arm("two", label="twin"),
            arm("in_first", label="third", group="first"),
            arm("in_second", label="third", group="second"),
            arm("x_y", label=""),
            arm("x y", label=""),
        )
    )
    assert len(set(found.values())) == len(found)
    assert found["a"] == "student of the same init, auxiliary logits" and found["b_all"] == "b all"
    assert found["in_first"] == "third (first)" and found["one"] == "one" and found["x_y"] == "x_y"


def test_a_label_is_no_part_of_what_is_asked():
    bare = [arm.model_copy(update={"label": "", "group": "", "source": ""}) for arm in build("ladder").arms]
    traits = tuple(trait.model_copy(update={"more": ""}) for trait in build("ladder").traits)
    assert build("ladder").model_copy(update={"arms": tuple(bare), "traits": traits}).id == build("ladder").id
    assert is_student(arm("s", "placebo", "text")) and not is_student(arm("t", "trained", control="s"))
