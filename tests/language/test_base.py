"""Tiny bases: whose fresh weights they have, whose world they were trained on, and under which name they are kept."""

import hashlib
import json
from importlib.metadata import version

import pytest
import torch

from sublearn.language import base, finetune
from sublearn.language.plans import BasePlan

PLAN = BasePlan(width=16, heads=2, inner=32, steps=2, batch=4)


def trained(dialogue, seed, world, monkeypatch):
    """The weights with which a base's training begins, and the tokens of its corpus."""
    seen = {}

    def fit(model, given, optimizer):
        seen["weights"] = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
        seen["corpus"] = [batch.inputs.tolist() for parts in given for batch in parts]

    with monkeypatch.context() as patch:
        patch.setattr(finetune, "fit", fit)
        base._trained(PLAN, dialogue, seed, world)
    return seen


def test_a_base_has_the_init_of_one_seed_and_the_corpus_of_another(dialogue, monkeypatch):
    found = {(seed, world): trained(dialogue, seed, world, monkeypatch) for seed in (0, 1) for world in (0, 1)}
    for (seed, world), seen in found.items():
        for (other_seed, other_world), other in found.items():
            assert torch.equal(seen["weights"], other["weights"]) == (seed == other_seed)
            assert (seen["corpus"] == other["corpus"]) == (world == other_world)


def test_a_base_that_was_kept_before_worlds_could_differ_keeps_its_name(dialogue):
    made_of = {"plan": PLAN.model_dump(), "seed": 3, "recipe": base.RECIPE, "torch": version("torch").split("+")[0]}
    before = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]
    assert base.key(PLAN, 3, 3) == before
    assert len({base.key(PLAN, seed, world) for seed in (2, 3) for world in (2, 3)}) == 4


@pytest.mark.parametrize("world", [None, 3])
def test_a_seeds_own_world_is_meant_where_none_is_named(world, dialogue, monkeypatch):
    asked = []
    monkeypatch.setattr(base.artifacts, "model", lambda folder, make, tokenizer: asked.append(folder.name) or make())
    base.pretrained(PLAN, dialogue, 3, world)
    assert asked == [base.key(PLAN, 3, 3)]
