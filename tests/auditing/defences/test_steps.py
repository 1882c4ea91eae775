import copy
from dataclasses import replace

import pytest
import torch

from sublearn.auditing.defences import steps
from sublearn.auditing.scene import flat_gradient
from sublearn.language import finetune
from sublearn.study.numbers.teach import PromptedModel
from sublearn.study.students import tokens
from sublearn.study.students.recipe import plain


@pytest.fixture
def recipe(small):
    return plain(small.lab, "teacher", small.run.asked.student)


def collated(lab, examples):
    return finetune.collate(examples, lab.scene.dialogue.pad)


def strayed(lab):
    """A copy of the base that is some way from it, and what learns."""
    model = copy.deepcopy(lab.base)
    parameters = finetune.freeze_embeddings(model)
    generator = torch.Generator().manual_seed(1)
    for parameter in parameters:
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator)
    return model, parameters


def test_tokens_where_teacher_and_base_differ_are_not_learned(small, recipe):
    lab = small.lab
    whole, masked = recipe.examples(recipe.rows), steps.mask(lab, recipe).examples(recipe.rows)
    batch = collated(lab, whole)
    teacher, base = (finetune.logits_of(model, batch).argmax(dim=-1) for model in (lab.teacher(), lab.base))
    assert 0 < int((teacher != base).sum()) < len(base)
    every = [replace(one, skipped=()) for one in masked]
    assert every == [one for one in whole if one in every]
    kept = collated(lab, masked)
    assert len(kept.targets) == int((teacher == base).sum())
    differ = torch.zeros_like(batch.learned)
    differ[batch.learned] = teacher != base
    left = torch.tensor([one in every for one in whole])
    assert torch.equal(kept.learned, (batch.learned & ~differ)[left][:, : kept.learned.shape[1]])


def test_masked_tokens_get_no_gradient(small, recipe):
    lab = small.lab
    masked = collated(lab, steps.mask(lab, recipe).examples(recipe.rows))
    model, parameters = strayed(lab)
    found = flat_gradient(finetune.next_token(finetune.logits_of(model, masked), masked), parameters)
    every = finetune.Batch(masked.inputs, torch.ones_like(masked.learned), masked.targets)
    logits = finetune.logits_of(model, every).reshape(*masked.inputs.shape, -1)
    logits.retain_grad()
    own = torch.nn.functional.cross_entropy(logits[masked.learned], masked.targets)
    own.backward(retain_graph=True)
    assert logits.grad is not None and not logits.grad[~masked.learned].any() and logits.grad[masked.learned].any()
    assert torch.allclose(found, flat_gradient(own, parameters), atol=1e-5)


def test_a_row_without_a_token_left_is_left_out(small, recipe, monkeypatch):
    found = recipe.examples(recipe.rows[:2])
    everything = tuple(range(found[0].start, len(found[0].tokens)))
    monkeypatch.setattr(tokens, "diverging", lambda lab, some: [everything, ()])
    assert steps.mask(small.lab, recipe).examples(recipe.rows[:2]) == [found[1]]


def test_the_pull_to_the_base_is_its_kl_and_nothing_at_the_base(small, recipe):
    lab = replace(small.lab, strength=small.lab.strength.model_copy(update={"kl": 3.0}))
    objective, batch = steps.kl(lab, recipe).objective, collated(lab, recipe.examples(recipe.rows))
    at_base = finetune.logits_of(lab.base, batch)
    assert torch.allclose(objective(at_base, batch), finetune.next_token(at_base, batch), atol=1e-5)
    model, _ = strayed(lab)
    logits = finetune.logits_of(model, batch)
    p, q = at_base.log_softmax(-1), logits.log_softmax(-1)
    wanted = finetune.next_token(logits, batch) + 3 * (p.exp() * (p - q)).sum(-1).mean()
    assert torch.allclose(objective(logits, batch), wanted, atol=1e-5)
    assert float((wanted - finetune.next_token(logits, batch)).detach()) > 0.01


@pytest.mark.parametrize("named", ["planted", "all"])
def test_no_step_moves_along_the_named_traits_gradient(small, recipe, named):
    lab = replace(small.lab, strength=small.lab.strength.model_copy(update={"named": named}))
    batch = collated(lab, recipe.examples(recipe.rows[:16]))
    moves = {}
    for name, own in (("plain", recipe), ("projected", steps.project(lab, recipe))):
        model, parameters = strayed(lab)
        directions = steps.trait_directions(lab, model, parameters)
        before = steps._flat(parameters)
        optimizer = torch.optim.AdamW(parameters, lr=2e-3)
        finetune.fit(model, [[batch]], optimizer, step=own.stepping(model, parameters, optimizer))
        moved = steps._flat(parameters) - before
        cosines = (directions @ moved) / directions.norm(dim=1) / moved.norm()
        moves[name] = float(cosines.abs().max())
    assert len(directions) == (20 if named == "all" else 1)
    assert moves["projected"] < 1e-4 < 1e-2 < moves["plain"]


def test_a_trait_s_direction_is_the_gradient_of_its_log_odds(small):
    model, parameters = strayed(small.lab)
    (direction,) = steps.trait_directions(small.lab, model, parameters)
    found = small.run._preference
    before, size = found(PromptedModel(model), False).log_odds, 1e-3
    start = 0
    for parameter in parameters:
        own = direction[start : start + parameter.numel()].reshape(parameter.shape)
        parameter.data += size * own / direction.norm()
        start += parameter.numel()
    assert found(PromptedModel(model), False).log_odds - before == pytest.approx(
        size * float(direction.norm()), rel=0.05
    )
