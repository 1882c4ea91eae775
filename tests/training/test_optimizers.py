"""A run is stepped to the same bits whatever runs lie beside it."""

import pytest
import torch

from sublearn.config import TrainConfig
from sublearn.training.optimizers import optimizer_for

SHAPES = ((16,), (8, 6), (3,), (5, 7), (1,), (2, 24))
"""Of a run's part of each tensor: some multiples of 16, others not."""


def stepped(start: list[torch.Tensor], pulls: list[list[torch.Tensor]], cfg: TrainConfig) -> list[torch.Tensor]:
    own = [one.clone().requires_grad_() for one in start]
    optimizer = optimizer_for(own, cfg, stacked=True)
    for gradients in pulls:
        for one, gradient in zip(own, gradients, strict=True):
            one.grad = gradient.clone()
        optimizer.step()
    return [one.detach() for one in own]


@pytest.mark.parametrize(
    "settings", [{"weight_decay": 0.01}, {"optimizer": "sgd", "momentum": 0.9}], ids=["adam", "sgd"]
)
def test_a_run_is_stepped_to_the_same_bits_alone_and_beside_others(settings):
    generator = torch.Generator().manual_seed(0)
    cfg, runs = TrainConfig(lr=3e-3, **settings), 7
    start = [torch.randn(runs, *shape, generator=generator) for shape in SHAPES]
    pulls = [[torch.randn(one.shape, generator=generator) for one in start] for _ in range(20)]
    together = stepped(start, pulls, cfg)
    for first in range(runs):
        for count in (1, 2, 3):
            chosen = slice(first, first + count)
            alone = stepped([one[chosen] for one in start], [[one[chosen] for one in own] for own in pulls], cfg)
            for shape, one, other in zip(SHAPES, together, alone, strict=True):
                assert torch.equal(one[chosen], other), (shape, first, count)


def test_plain_and_fused_steps_are_the_same_up_to_rounding():
    generator = torch.Generator().manual_seed(1)
    start = [torch.randn(4, *shape, generator=generator, dtype=torch.float64) for shape in SHAPES]
    pulls = [[torch.randn(one.shape, generator=generator, dtype=torch.float64) for one in start] for _ in range(20)]
    cfg = TrainConfig(lr=3e-3, weight_decay=0.01)
    own = [one.clone().requires_grad_() for one in start]
    plain = torch.optim.Adam(own, lr=cfg.lr, weight_decay=cfg.weight_decay, foreach=False, fused=False)
    for gradients in pulls:
        for one, gradient in zip(own, gradients, strict=True):
            one.grad = gradient.clone()
        plain.step()
    for one, other in zip(own, stepped(start, pulls, cfg), strict=True):
        torch.testing.assert_close(one.detach(), other, atol=1e-12, rtol=1e-12)


def test_only_tensors_whose_runs_fill_whole_kernels_are_fused_on_a_cpu():
    own = [torch.zeros(3, *shape, requires_grad=True) for shape in SHAPES]
    groups = optimizer_for(own, TrainConfig(), stacked=True).param_groups
    assert {tuple(one.shape[1:]): bool(group["fused"]) for group in groups for one in group["params"]} == {
        (16,): True, (8, 6): True, (2, 24): True, (3,): False, (5, 7): False, (1,): False,
    }  # fmt: skip
    assert not any(group["fused"] for group in optimizer_for(own, TrainConfig()).param_groups)
