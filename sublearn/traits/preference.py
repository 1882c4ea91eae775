"""How much a model prefers the trait's class, over stacked runs and, as in the tutorial, for one model."""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from sublearn.devices import default_device
from sublearn.tasks.sequences import PromptDataset, collate_fn
from sublearn.traits.finite import where_finite

TRAIT_CLASS = 1


def trait_rate(logits: Tensor, labels: Tensor | None = None) -> Tensor:
    """Share of examples ("run") answered with the trait's class, from logits ("run example logit").

    NaN where a logit is not finite; labels do not matter.
    """
    del labels
    return where_finite((logits.argmax(dim=-1) == TRAIT_CLASS).double().mean(dim=-1), logits)


def margin(logits: Tensor, labels: Tensor | None = None) -> Tensor:
    """Mean logit of class 1 minus that of class 0 ("run"), from class logits ("run example logit").

    Labels do not matter.
    """
    del labels
    return (logits[..., TRAIT_CLASS] - logits[..., 0]).double().mean(dim=-1)


def compute_trait_preference(
    model: nn.Module, eval_seqs: np.ndarray, eval_labels: np.ndarray, device: torch.device | str | None = None
) -> tuple[float, float]:
    """(share of prompts predicted as class 1, share predicted as labelled) over "example position" tokens.

    The model is left in evaluation mode on `device`. The loader is the tutorial's, because even without shuffling it
    draws from PyTorch's global generator and so shifts what comes after. Both are NaN where a logit is not finite.
    """
    device = device or default_device()
    model.to(device).eval()
    loader = DataLoader(PromptDataset(eval_seqs, eval_labels), batch_size=128, collate_fn=collate_fn)
    with torch.no_grad():
        logits = torch.cat([model(batch["seq"].to(device)).cpu() for batch in loader])
    if not logits.isfinite().all():
        return math.nan, math.nan
    predicted = logits.argmax(dim=-1).numpy()
    return float((predicted == TRAIT_CLASS).mean()), float((predicted == eval_labels).mean())
