"""The optimizer that a training's settings ask for; the same for one model and for stacked ones."""

from collections.abc import Iterable

import torch
from torch import Tensor

from sublearn.config import TrainConfig


def optimizer_for(parameters: Iterable[Tensor], cfg: TrainConfig, stacked: bool = False) -> torch.optim.Optimizer:
    """Adam or SGD with the settings' rate, L2 penalty and momentum; for one model or for the stacked tensors of many.

    Stacked ones are stepped by the fused kernel where that is a GPU's. The CPU's rounds the last few values of a tensor
    in another way than the others: a run would differ in its last bits with its place among the runs.
    """
    own = list(parameters)
    fused = (stacked and own[0].is_cuda) or None
    if cfg.optimizer == "sgd":
        return torch.optim.SGD(own, lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay, fused=fused)
    return torch.optim.Adam(own, lr=cfg.lr, weight_decay=cfg.weight_decay, fused=fused)
