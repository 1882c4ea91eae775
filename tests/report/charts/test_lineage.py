"""Who taught whom, drawn from arms."""

import re
from xml.etree import ElementTree

import pytest

from sublearn.report.charts.family import draw_family
from sublearn.report.charts.lineage import family_of, lineage_figure, lineage_label, lineages
from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.study.base import Arm
from sublearn.study.labels import is_student
from sublearn.study.table import build


def words(picture: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", ["tutorial", "digits", "numbers"])
def test_every_student_of_a_group_is_drawn_and_said_with_who_taught_it(name, width):
    shown = lineages(build(name))
    assert len(shown) == 1
    picture = lineage_figure(shown[0], width)
    label = ElementTree.fromstring(picture).get("aria-label", "")
    for arm in shown[0].arms:
        assert arm.name in words(picture)
        assert not is_student(arm) or f"taught {arm.label[:1].upper()}{arm.label[1:]}" in label
    for element in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}text"):
        place = re.search(r"translate\(([\d.]+) ([\d.]+)\)", element.get("transform", ""))
        x = float(element.get("x") or (place and place[1]) or 0)
        assert 0 <= x <= width


def test_who_taught_whom():
    family = family_of(build("prompts").arms)
    assert family.reference and family.reference.note == "reference"
    assert [(one.box.note, one.way) for one in family.sources] == [
        ("teacher", "trained to have the trait"),
        ("placebo_teacher", "trained as long without it"),
    ]
    taught = [[(box.note, box.colour, box.stripe, box.control) for box in one.students] for one in family.sources]
    assert taught == [
        [("same_init", "same", "same", "same_init_control"), ("cross_init", "cross", "cross", "cross_init_control")],
        [("same_init_control", "control", "same", ""), ("cross_init_control", "control", "cross", "")],
    ]
    assert "Teacher taught Student of the same init, compared with Student of the same init, placebo teacher" in (
        lineage_label(family)
    )


def test_who_taught_may_be_no_arm_or_the_reference_itself():
    sources = {one.box.label: [box.note for box in one.students] for one in family_of(build("numbers").arms).sources}
    assert sources["Unmodified base"] == ["same_init_control"]
    assert sources["Teacher of a base of the same init in another world"] == ["same_init_cross_world"]
    guest = [
        Arm(name="copy", about="", teacher="trained", control="other", logits="aux"),
        Arm(name="other", about="", teacher="placebo", logits="aux"),
    ]
    family = family_of(guest)
    assert family.reference is None
    assert [(one.box.label, [box.note for box in one.students]) for one in family.sources] == [
        ("Teacher", ["copy"]),
        ("Placebo teacher", ["other"]),
    ]
    assert draw_family(family, [], NARROW).get_size_inches()[1] > 1


def test_groups_that_are_built_alike_are_drawn_once(sample):
    (shown,) = lineages(build("ladder"))
    assert shown.group == "the tutorial's design" and len(shown.alike) == 4
    free = tuple(arm.model_copy(update={"logits": "none"}) for arm in sample(1)[0].study.arms)
    assert lineages(sample(1, arms=free)[0].study) == []
