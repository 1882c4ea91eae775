"""The optimizer that a training's settings ask for; the same for one model and for stacked ones."""

from collections.abc import Iterable

import torch
from torch import Tensor

from sublearn.config import TrainConfig


def optimizer_for(parameters: Iterable[Tensor], cfg: TrainConfig, fused: bool = False) -> torch.optim.Optimizer:
    """Adam or SGD with the settings' rate, L2 penalty and momentum."""
    if cfg.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay, fused=fused or None
        )
    return torch.optim.Adam(parameters, lr=cfg.lr, weight_decay=cfg.weight_decay, fused=fused or None)
