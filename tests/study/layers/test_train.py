import pytest
import torch

from sublearn.errors import InputError
from sublearn.study.base import Setup
from sublearn.study.controlled.train import TrainedTeachers
from sublearn.study.layers import train
from sublearn.study.layers.design import Layers
from sublearn.study.layers.spec import SHARED, Settings, shared_by
from sublearn.study.table import build

SETTINGS = Settings(width=5, depth=3)
FEATURES, OUTPUTS = 64, 20


def state(value: float) -> dict[str, torch.Tensor]:
    sizes = [FEATURES, 5, 5, 5, OUTPUTS]
    layers = zip(SETTINGS.layers(), sizes, sizes[1:], strict=False)
    return {f"{name}.{own}": torch.full((2, after, *more), value) for name, before, after in layers
            for own, more in (("weight", (before,)), ("bias", ()))}  # fmt: skip


def test_what_is_shared_comes_from_the_reference_and_nothing_else():
    own, other = state(1.0), state(2.0)
    found = {name: train.start(own, other, parts, SETTINGS) for name, (_, parts) in SHARED.items()}
    shares = {name: {layer: (start[f"{layer}.weight"] == 1).float().mean().item() for layer in SETTINGS.layers()}
              for name, start in found.items()}  # fmt: skip
    assert {name: list(share.values()) for name, share in shares.items()} == {
        "all": [1, 1, 1, 1],
        "head": [0, 0, 0, 1],
        "body": [1, 1, 1, 0],
        "aux_head": [0, 0, 0, 0.5],
        "class_head": [0, 0, 0, 0.5],
        "first": [1, 0, 0, 0],
        "hidden": [0, 1, 1, 0],
    }
    last = list(SETTINGS.layers())[-1]
    for name, rows in (("class_head", slice(0, 10)), ("aux_head", slice(10, 20))):
        for part in (f"{last}.weight", f"{last}.bias"):
            assert bool((found[name][part][:, rows] == 1).all())
    assert all(bool((tensor == 1).all()) for tensor in own.values())
    assert all(bool((tensor == 2).all()) for tensor in other.values())


def test_students_start_where_their_arms_say(monkeypatch):
    study = build("layers", Layers.small)
    starts = {}

    def noted(study, settings, seeds, experiment, setup, others):
        drawn = experiment.initial("reference/init"), experiment.initial("cross/init")
        before = TrainedTeachers(drawn[0], dict(zip(("same", "cross"), drawn, strict=True)), {})
        starts.update(others(before))
        return []

    monkeypatch.setattr(train.distil, "measure", noted)
    assert train.measure(study, study.designed.settings, [0, 1], Setup()) == []
    students = {arm.name for arm in study.arms if arm.logits != "none"}
    assert set(starts) == students and shared_by("shared_first_control") == ("first",)
    for name in ("head", "first"):
        both = starts[f"shared_{name}"], starts[f"shared_{name}_control"]
        assert all(torch.equal(one, both[1][key]) for key, one in both[0].items())
    assert not torch.equal(starts["shared_head"]["layers.0.weight"], starts["shared_first"]["layers.0.weight"])


def test_one_layer_has_no_parts():
    with pytest.raises(InputError, match="depth 1"):
        build("layers", {"depth": 1})
