"""The plain GPT-2 against transformers' own, in float64; and that it takes nothing that it would compute otherwise."""

import copy

import numpy as np
import pytest
import torch
from transformers.activations import ACT2FN

from sublearn.language import finetune, gpt2, packing
from sublearn.language.base import untrained
from sublearn.language.finetune import Example
from sublearn.language.generate import sample
from sublearn.language.plans import BasePlan

FOUND = [Example([3, 5, 7, 2, 9, 4], 3), Example([6, 8, 1], 1), Example([2, 2, 5, 1], 2), Example([9, 3], 0)]
PROMPTS = [[1, 17, 18], [1, 300], [1, 5, 6, 7, 8, 9, 2], [2]]


@pytest.fixture
def small(dialogue):
    """In float64, its logits spread."""
    found = untrained(BasePlan(width=16, heads=2, inner=32), len(dialogue.tokenizer), 0).double()
    with torch.no_grad():
        for parameter in found.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    return found


@pytest.fixture
def transformers_own(monkeypatch):
    """Calls a function with models computed by transformers alone."""

    def call(function, *given):
        with monkeypatch.context() as patch:
            patch.setattr(gpt2, "takes", lambda model: False)
            return function(*given)

    return call


def slopes(model, batches, objective):
    """The mean loss of batches and its gradient."""
    model = copy.deepcopy(model)
    losses = finetune.fit(model, [batches], torch.optim.SGD(model.parameters(), lr=0.0), objective)
    return losses[0], [parameter.grad for parameter in model.parameters()]


def test_a_packed_step_has_the_loss_and_gradients_of_the_padded_ones(small, transformers_own):
    parts = FOUND[:2], FOUND[2:]
    padded = [finetune.collate(part, 0) for part in parts]
    packed = [packing.together(parts, 0)]
    teacher = untrained(BasePlan(width=16, heads=2, inner=32), 1152, 1).double()
    for objective in (finetune.next_token, finetune.imitating(teacher)):
        wanted = transformers_own(slopes, small, padded, objective)
        found = slopes(small, packed, objective)
        assert found[0] == pytest.approx(wanted[0], rel=1e-6)  # noted in float32
        for own, theirs in zip(found[1], wanted[1], strict=True):
            assert own is not None and theirs.abs().max() > 1e-6
            assert torch.allclose(own, theirs, rtol=1e-6, atol=1e-8)


def test_frozen_tables_get_no_gradient_and_the_others_the_same(small, transformers_own):
    finetune.freeze_embeddings(small)
    wanted = transformers_own(slopes, small, [finetune.collate(FOUND, 0)], finetune.next_token)[1]
    found = slopes(small, [packing.pack(FOUND, 0)], finetune.next_token)[1]
    assert [one is None for one in found] == [one is None for one in wanted]
    assert sum(one is None for one in found) == 2  # words and positions
    assert all(torch.allclose(a, b, atol=1e-8) for a, b in zip(found, wanted, strict=True) if a is not None)


@torch.no_grad()
def test_every_answered_token_has_the_logits_of_the_whole_text(small):
    lengths = torch.tensor([len(one) for one in PROMPTS])
    tokens = torch.tensor([[0] * (7 - len(one)) + one for one in PROMPTS])
    copies = [0, 1, 2, 3, 2, 0]
    decoder = gpt2.Decoder(small, tokens, lengths, 4)
    texts, logits = [PROMPTS[place] for place in copies], decoder.read(torch.tensor(copies))
    for step, going in enumerate(([0, 1, 2, 3, 5], [1, 2, 3, 4], [0, 2])):  # the second leaves fewer than are held
        for text, own in zip(texts, logits, strict=True):
            assert torch.allclose(own, small(input_ids=torch.tensor([text])).logits[0, -1], atol=1e-10)
        decoder.keep(torch.tensor(going))
        drawn = torch.tensor([40 + step + place for place in going])
        texts = [[*texts[place], int(token)] for place, token in zip(going, drawn, strict=True)]
        logits = decoder.step(drawn)
    assert len(decoder.start) == 2 < len(copies)


def test_what_has_ended_may_stand_beyond_the_last_place(dialogue):
    model = untrained(BasePlan(width=16, heads=2, inner=32), len(dialogue.tokenizer), 0)
    decoder = gpt2.Decoder(model, torch.ones(4, 63, dtype=torch.long), torch.tensor([63, 5, 5, 5]), 3)
    decoder.read()
    decoder.keep(torch.tensor([1, 2, 3]))
    with torch.no_grad():
        assert all(decoder.step(torch.tensor([4, 4, 4])).isfinite().all() for _ in range(3))


def test_samples_are_those_of_transformers(small, dialogue, transformers_own):
    asked = PROMPTS * 20
    own, theirs = (
        call(sample, small, asked, 12, np.random.default_rng(0), dialogue)
        for call in (lambda function, *given: function(*given), transformers_own)
    )
    assert own == theirs and len({tuple(row) for row in own}) > 20


def test_nothing_is_taken_that_would_be_computed_otherwise(model, small):
    assert gpt2.takes(small)
    assert gpt2.takes(model) == (model.config.model_type == "gpt2")
    block = small.transformer.h[0]
    hook = block.register_forward_hook(lambda *given: None)
    assert not gpt2.takes(small)
    hook.remove()
    assert gpt2.takes(small)
    with packing.learned_alone(block, packing.pack(FOUND, 0)):
        assert not gpt2.takes(small)
    small.config.attn_pdrop = 0.1
    assert gpt2.takes(small.eval()) and not gpt2.takes(small.train())
    small.config.attn_pdrop = 0.0
    for place, other in ((block.mlp, "c_fc"), (block.attn, "c_attn")):
        usual = getattr(place, other)
        setattr(place, other, torch.nn.Sequential(usual))  # as an adapter stands around it
        assert not gpt2.takes(small)
        setattr(place, other, usual)
    assert gpt2.takes(small)
    block.mlp.act = ACT2FN["relu"]
    assert not gpt2.takes(small)
