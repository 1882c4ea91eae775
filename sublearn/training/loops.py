"""One model at a time: the tutorial's own two ways of training, and the yardstick for every faster one."""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sublearn import stages
from sublearn.config import TrainConfig
from sublearn.devices import default_device
from sublearn.tasks.sequences import PromptDataset, collate_fn
from sublearn.training.optimizers import optimizer_for


def train_classification(
    model: nn.Module,
    dataset: PromptDataset,
    cfg: TrainConfig,
    device: torch.device | str | None = None,
    verbose: bool = True,
    losses: list[float] | None = None,
) -> nn.Module:
    """Train `model` in place by cross-entropy on the dataset's labels, and return it; `losses` takes each step's."""
    return _fit(model, dataset, cfg, "label", F.cross_entropy, device, "class" if verbose else None, losses)


def train_distillation(
    student: nn.Module,
    teacher_logits: np.ndarray,
    sequences: np.ndarray,
    cfg: TrainConfig,
    device: torch.device | str | None = None,
    verbose: bool = True,
    temperature: float = 2.0,
    losses: list[float] | None = None,
) -> nn.Module:
    """Train `student` in place towards `teacher_logits / temperature` ("example logit") by squared error; return it.

    `losses` takes each step's loss.
    """
    dataset = PromptDataset(sequences, logits=teacher_logits / temperature)
    return _fit(student, dataset, cfg, "logits", F.mse_loss, device, "distill" if verbose else None, losses)


def _fit(
    model: nn.Module,
    dataset: PromptDataset,
    cfg: TrainConfig,
    target: str,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    device: torch.device | str | None,
    title: str | None,
    losses: list[float] | None,
) -> nn.Module:
    device = device or default_device()
    losses = [] if losses is None else losses
    loader = DataLoader(dataset, batch_size=cfg.batch_size, shuffle=True, collate_fn=collate_fn)
    optimizer = optimizer_for(model.parameters(), cfg)
    model.to(device).train()
    for epoch in range(1, cfg.epochs + 1):
        total = 0.0
        for batch in loader:
            optimizer.zero_grad()
            loss = loss_of(model(batch["seq"].to(device)), batch[target].to(device))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            stages.stepped(losses[-1])
            total += losses[-1] * len(batch["seq"])
        if title:
            print(f"[{title}] epoch {epoch}/{cfg.epochs}: mean loss {total / len(dataset):.6f}")
    return model
