import copy
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from sublearn.language import finetune
from sublearn.study.mechanisms import learning
from sublearn.study.mechanisms.lab import Tokens
from sublearn.study.mechanisms.learning import NotReached, SignSGD
from sublearn.study.students.recipe import trained


def batch_of(small, recipe):
    return finetune.collate(recipe.examples(recipe.rows), small.lab.dialogue.pad)


def flat(model):
    """All weights of a model."""
    return torch.cat([one.detach().flatten() for one in model.parameters()])


def count(small, recipe):
    return len(batch_of(small, recipe).targets)


def tokens_of(small, which, learn):
    return learning.tokens_of(small.lab, small.recipe(), which, learn)


def test_divergence_tokens_alone_are_learned_or_left_out(small):
    every, diverging = count(small, small.recipe()), sum(map(len, small.lab.tokens("teacher").diverging))
    assert 0 < diverging < every / 2
    assert count(small, tokens_of(small, "diverging", False)) == every - diverging
    only = tokens_of(small, "diverging", True)
    batch = batch_of(small, only)
    teacher, base = (finetune.logits_of(model, batch).argmax(dim=-1) for model in (small.lab.teacher(), small.lab.base))
    assert len(batch.targets) == diverging and bool((teacher != base).all())


def test_tokens_that_are_left_out_carry_no_gradient(small):
    batch = batch_of(small, tokens_of(small, "diverging", True))
    every = finetune.Batch(batch.inputs, torch.ones_like(batch.learned), batch.targets)
    logits = finetune.logits_of(small.recipe().start(), every).reshape(*batch.inputs.shape, -1)
    logits = logits.detach().requires_grad_(True)
    finetune.next_token(logits[batch.learned], batch).backward()
    assert logits.grad is not None and not logits.grad[~batch.learned].any() and logits.grad[batch.learned].any()


def test_as_many_others_are_drawn_and_none_that_diverges(small):
    diverging = sum(map(len, small.lab.tokens("teacher").diverging))
    every = count(small, small.recipe())
    assert count(small, tokens_of(small, "random", True)) == diverging
    assert count(small, tokens_of(small, "random", False)) == every - diverging
    batch = batch_of(small, tokens_of(small, "random", True))
    teacher, base = (finetune.logits_of(model, batch).argmax(dim=-1) for model in (small.lab.teacher(), small.lab.base))
    assert bool((teacher == base).all())


def test_both_kinds_can_be_of_the_same_ranks():
    rng = np.random.default_rng(0)
    learned, ranks = [np.arange(1, 11)] * 40, rng.integers(0, 30, 400)
    found = Tokens(learned, [tuple(range(1, 4))] * 40, ranks)
    kinds = np.floor(np.log2(ranks + 1)).astype(int).reshape(40, 10)
    few, others, some = (
        learning.chosen_of(found, which, np.random.default_rng(1))
        for which in ("diverging_matched", "matched", "random")
    )

    def counts(chosen):
        return np.bincount([kinds[row, place - 1] for row, own in enumerate(chosen) for place in own], minlength=5)

    least = np.minimum(
        np.bincount(kinds[:, :3].flatten(), minlength=5), np.bincount(kinds[:, 3:].flatten(), minlength=5)
    )
    assert np.array_equal(counts(few), least) and np.array_equal(counts(others), least) and least.sum() > 50
    assert all(place < 4 for own in few for place in own) and all(place > 3 for own in others for place in own)
    assert others == learning.chosen_of(found, "matched", np.random.default_rng(1))
    assert counts(some).sum() == 120 and all(place > 3 for own in some for place in own)


@pytest.mark.parametrize(("rank", "scaled"), [(1, False), (4, False), (1, True), (32, True)])
def test_rank_is_rank(small, rank, scaled):
    student = trained(learning.lora(small.lab, small.recipe(), rank, scaled), small.lab)
    base, moved = dict(small.lab.base.named_parameters()), 0
    for name, one in student.named_parameters():
        change = (one - base[name]).detach()
        if change.any():
            moved += 1
            assert torch.linalg.matrix_rank(change, rtol=1e-4) <= rank
    assert moved >= 4


def test_a_scaled_step_is_as_large_at_rank_4(small):
    plan = small.run.asked.student.model_copy(update={"steps": 2})
    recipe = replace(small.recipe(), plan=plan)
    students = [trained(learning.lora(small.lab, recipe, 4, scaled), small.lab) for scaled in (False, True)]
    assert torch.equal(*map(flat, students))


def test_embeddings_are_tuned_too(small):
    base = dict(small.lab.base.named_parameters())
    for recipe, moves in ((learning.embeddings(small.lab, small.recipe()), True), (small.recipe(), False)):
        student = dict(trained(recipe, small.lab).named_parameters())
        for name in (name for name in base if "wte" in name or "wpe" in name):
            assert torch.equal(student[name], base[name]) != moves


def test_an_update_of_signsgd_is_a_sign():
    weight = torch.nn.Parameter(torch.zeros(4))
    weight.grad = torch.tensor([3.0, -1e-9, 0.0, 0.5])
    SignSGD([weight], lr=0.1).step()
    assert torch.allclose(weight, torch.tensor([-0.1, 0.1, 0.0, -0.1]))


def test_the_first_step_of_sgd_is_as_long_as_adamws(small):
    recipe = small.recipe()
    plan = recipe.plan.model_copy(update={"steps": 1})
    lengths = []
    for optimizer in (recipe.optimizer, lambda p, lr: learning.sgd(small.lab, recipe, p, lr)):
        student = trained(replace(recipe, optimizer=optimizer, plan=plan), small.lab)
        lengths.append(float((flat(student) - flat(small.lab.base)).norm()))
    assert lengths[1] == pytest.approx(lengths[0], rel=0.1)


@pytest.mark.parametrize("optimizer", ["sgd", "signsgd"])
def test_another_optimizer_stops_where_adamws_loss_is_reached(small, optimizer):
    rows = small.lab.rows("teacher")[: small.lab.strength.shifted]
    shown = finetune.collate(small.recipe().examples(rows), small.lab.dialogue.pad)
    wanted = learning.loss_on(small.lab.student("same_init"), shown)
    start = learning.loss_on(small.lab.base, shown)
    recipe = learning.by(small.lab, small.recipe(), optimizer)
    reached = learning.loss_on(trained(recipe, small.lab), shown)
    assert wanted < start and wanted - 0.5 * (start - wanted) < reached <= wanted


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "signsgd"])
def test_each_optimizer_stops_at_the_same_progress_and_its_control_after_as_many_steps(small, optimizer):
    lab = replace(small.lab, taken={})
    rows = lab.rows("teacher")[: lab.strength.shifted]
    shown = finetune.collate(small.recipe().examples(rows), lab.dialogue.pad)
    start, end = (learning.loss_on(model, shown) for model in (lab.base, lab.student("same_init")))
    recipe, counted = learning.progress(lab, small.recipe(), optimizer, 0.6), []
    student = trained(recipe, lab, counted.append)
    steps = lab.taken[optimizer, 0.6]
    assert steps is not None and counted == [steps] and 0 < steps < recipe.plan.steps
    fresh, plan = learning.progress(lab, small.recipe(), optimizer, 0.6), recipe.plan
    fewer = plan.model_copy(update={"steps": steps - 1})
    earlier = trained(replace(fresh, plan=fewer, finish=lambda student: None), lab)
    wanted = start - 0.6 * (start - end)
    assert learning.loss_on(student, shown) <= wanted < learning.loss_on(earlier, shown)
    control = learning.progress(lab, small.recipe("base"), optimizer, 0.6)
    assert control.plan.steps == steps and not control.enough(lab.base, 0)
    both = [one.optimizer(one.learn(one.start()), one.plan.lr) for one in (recipe, control)]
    kind = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD, "signsgd": SignSGD}[optimizer]
    assert all(type(one) is kind for one in both)
    assert both[0].param_groups[0]["lr"] == both[1].param_groups[0]["lr"] > 0
    again = replace(small.lab, taken={})  # as where a run resumes: the student was read, not trained
    assert learning.progress(again, small.recipe("base"), optimizer, 0.6).plan == control.plan
    assert again.taken == lab.taken


@pytest.mark.parametrize("way", [learning.by, partial(learning.progress, share=0.9)])
def test_a_student_that_does_not_reach_it_is_unmeasured(small, monkeypatch, way):
    lab = replace(small.lab, student=lambda name: small.lab.teacher(), taken={})
    with monkeypatch.context() as patch, pytest.raises(NotReached, match="30 steps"):
        patch.setattr(learning, "loss_on", lambda model, batch: 0.0 if model is lab.teacher() else 1.0)
        trained(way(lab, small.recipe(), "signsgd"), lab)
    assert [*lab.taken.values()] == ([] if way is learning.by else [None])
    if lab.taken:
        with pytest.raises(NotReached, match="its student did not get as far as it was to"):
            way(lab, small.recipe("base"), "signsgd")
    arm = small.run.arms["signsgd"]
    monkeypatch.setattr(small.run, "model_of", fails)
    found = small.run._measured(arm)
    assert {one.trait for one in found} == {trait.name for trait in small.run.study.traits}
    assert all(one.value is None and one.reason == "too far" for one in found)


def test_where_adamws_student_is_no_better_than_the_base_there_is_nothing_to_reach(small):
    """The base itself would be the student, or the control, of the other optimizer."""
    lab = replace(small.lab, student=lambda name: copy.deepcopy(small.lab.base), taken={})
    for who in ("teacher", "base"):
        with pytest.raises(NotReached, match="not below the base's: nothing was learned"):
            learning.by(lab, small.recipe(who), "signsgd")
    with pytest.raises(NotReached, match="not below the base's: nothing was learned"):
        learning.progress(lab, small.recipe(), "sgd", 0.9)
    with pytest.raises(NotReached, match="its student did not get as far as it was to"):
        learning.progress(lab, small.recipe("base"), "sgd", 0.9)


def fails(arm, rows):
    raise NotReached("too far")
