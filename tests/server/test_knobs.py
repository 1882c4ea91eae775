import pytest

from sublearn.config import assignments, dotted
from sublearn.errors import InputError
from sublearn.server.knobs import FIRST, knobs, studies
from sublearn.server.orders import Order
from sublearn.study.table import STUDIES, build


def test_every_study_is_offered_the_quick_ones_first():
    names = [study["name"] for study in studies()]
    assert names[:4] == list(FIRST) and set(names) == set(STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_every_setting_is_a_knob_whose_default_changes_nothing(name):
    settings = dotted(build(name).settings)
    own = {knob.key: knob for knob in knobs(name)}
    assert set(own) == set(settings)
    typed = assignments(tuple(f"{key}={knob.default}" for key, knob in own.items() if knob.default))
    assert build(name, typed) == build(name)
    assert any(knob.main for knob in own.values()) and len(own) > sum(knob.main for knob in own.values())


@pytest.mark.parametrize("name", STUDIES)
def test_bounds_and_choices_are_those_of_the_settings(name):
    for knob in knobs(name):
        wrong = [] if knob.low is None else [knob.low - 1]
        wrong += [] if knob.high is None else [knob.high + 1]
        wrong += ["no such choice"] if knob.choices else []
        for value in wrong:
            with pytest.raises(InputError, match="--set"):
                build(name, {knob.key: value})


def test_an_order_is_the_command_that_it_names(tmp_path):
    order = Order(study="prompts", settings={"aux_logits": "8", "arms": "[same_init]"}, runs=3)
    command = order.command(tmp_path / "a b")
    assert (
        command
        == f"sublearn run prompts --set aux_logits=8 --set 'arms=[same_init]' --seeds 0:3 --out '{tmp_path}/a b'"
    )
    assert order.asked() == build("prompts", {"aux_logits": 8, "arms": ["same_init"]})
