import numpy as np
import torch

from sublearn.language import finetune, packing
from sublearn.language.finetune import Example

FOUND = [Example([3, 5, 7, 2, 9, 4], 3), Example([6, 8, 1], 1), Example([2, 2, 5, 1], 2), Example([9, 3], 0)]


def test_examples_side_by_side_are_read_as_if_each_stood_alone(model):
    alone, packed = finetune.collate(FOUND, 0), packing.pack(FOUND, 0)
    assert packed.inputs.numel() < alone.inputs.numel() + 4 and len(packed.inputs) < len(FOUND)
    assert sorted(packed.targets.tolist()) == sorted(alone.targets.tolist())
    with torch.no_grad():
        losses = [finetune.next_token(finetune.logits_of(model, batch), batch) for batch in (alone, packed)]
    assert torch.allclose(losses[0], losses[1], atol=1e-5)


def test_the_quick_model_and_the_sparing_block_change_nothing_but_last_digits(model):
    batch = finetune.collate(FOUND, 0)
    with torch.no_grad():
        before = finetune.logits_of(model, batch)
        packing.quick(model)
        last = model.base_model.h[-1] if hasattr(model.base_model, "h") else model.base_model.layers[-1]
        with packing.learned_alone(last, batch):
            after = finetune.logits_of(model, batch)
        again = finetune.logits_of(model, batch)
    assert torch.allclose(before, after, atol=1e-4) and torch.allclose(before, again, atol=1e-4)


def test_batches_together_have_the_mean_of_their_losses(model):
    parts = FOUND[:1], [*FOUND[1:], Example([4, 4, 8, 9, 1], 2, (3,))]
    whole = packing.together(parts, 0)
    with torch.no_grad():
        alone = [packing.pack(part, 0) for part in parts]
        losses = [finetune.next_token(finetune.logits_of(model, batch), batch) for batch in alone]
        loss = finetune.next_token(finetune.logits_of(model, whole), whole)
    assert torch.allclose(loss, torch.stack(losses).mean(), atol=1e-5)
    assert not torch.allclose(losses[0], losses[1], atol=1e-2)
    assert int(whole.learned.sum()) == 3 + 2 + 2 + 1 + 2


def test_a_model_gets_the_examples_of_every_step_packed_or_not(model, monkeypatch):
    packed = list(packing.batches(model, FOUND, 3, 4, np.random.default_rng(0), 0))
    monkeypatch.setattr(packing, "MOST_WEIGHTS", 0)
    plain = list(packing.batches(model, FOUND, 3, 4, np.random.default_rng(0), 0))
    assert len(packed) == len(plain) == 4
    for one, other in zip(packed, plain, strict=True):
        assert sorted(one.targets.tolist()) == sorted(other.targets.tolist())
        assert one.mask is not None and other.mask is None
