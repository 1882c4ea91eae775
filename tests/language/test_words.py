"""Cross-entropy by parts against PyTorch's, in float64."""

import pytest
import torch
import torch.nn.functional as F

from sublearn.language import words

COUNT = 2 * words.TOKENS + 3


def given(frozen):
    draw = torch.Generator().manual_seed(0)
    hidden = torch.randn(COUNT, 8, generator=draw, dtype=torch.float64, requires_grad=True)
    table = torch.randn(40, 8, generator=draw, dtype=torch.float64, requires_grad=not frozen)
    return hidden, table, torch.randint(40, (COUNT,), generator=draw), torch.rand(COUNT, generator=draw).double()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_loss_and_gradients_are_pytorchs(weighted, frozen):
    hidden, table, targets, weights = given(frozen)
    each = F.cross_entropy(hidden @ table.T, targets, reduction="none")
    wanted = each @ weights if weighted else each.mean()
    found = words.cross_entropy(hidden, table, targets, weights if weighted else None)
    assert torch.allclose(found, wanted, atol=1e-12)
    learning = [hidden] if frozen else [hidden, table]
    for own, theirs in zip(*(torch.autograd.grad(3 * loss, learning) for loss in (found, wanted)), strict=True):
        assert torch.allclose(own, theirs, atol=1e-12) and theirs.abs().max() > 1e-4


def test_a_word_that_is_all_but_impossible_has_a_finite_loss():
    hidden, table = torch.ones(1, 1), torch.tensor([[0.0], [-500.0]])
    assert float(words.cross_entropy(hidden, table, torch.tensor([1]))) == pytest.approx(500.0)
