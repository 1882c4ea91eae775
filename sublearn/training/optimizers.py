"""The optimizer that a training's settings ask for; the same for one model and for stacked ones."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from sublearn.config import TrainConfig

ALIGNED = 16
"""A run's values in a tensor that are stepped alike wherever they lie: PyTorch's kernels take as many at once."""


def optimizer_for(parameters: Iterable[Tensor], cfg: TrainConfig, stacked: bool = False) -> torch.optim.Optimizer:
    """Adam or SGD with the settings' rate, L2 penalty and momentum; for one model or for the stacked tensors of many.

    Stacked ones are stepped by the fused kernel. On a CPU it takes 16 values at once and rounds those that are left at
    a tensor's end in another way: a run would differ in its last bits with its place among the runs. So tensors of
    which a run's part is no multiple of 16 are stepped by plain operations there.
    """
    groups = [{"params": own, "fused": fused} for fused, own in _by_kernel(list(parameters), stacked).items() if own]
    if cfg.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay)
    return torch.optim.Adam(groups, lr=cfg.lr, weight_decay=cfg.weight_decay)


def _by_kernel(parameters: Sequence[Tensor], stacked: bool) -> dict[bool | None, list[Tensor]]:
    """The parameters that the fused kernel steps, and the others."""
    found: dict[bool | None, list[Tensor]] = {True: [], None: []}
    for one in parameters:
        alike = one.is_cuda or (one.numel() // len(one)) % ALIGNED == 0 if stacked else False
        found[alike or None].append(one)
    return found
