"""Initial weights from a named stream, layer by layer, and how far each layer's init spreads. Trains nothing."""

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

Scheme = Literal["normal", "torch"]


def draw_state(model: nn.Module, scheme: Scheme, rng: np.random.Generator) -> dict[str, Tensor]:
    """A state dict for `model` (which may live on the meta device), drawn from `rng` in the order of its modules.

    "normal" draws linear weights from N(0, 1/d_in) with zero biases; "torch" draws both uniformly within
    1/sqrt(d_in), as PyTorch does by default. Embeddings are N(0, 1); everything else starts as PyTorch has it.
    """
    spread = init_std(model, scheme)
    state: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        std = spread.get(name)
        if std is None:
            value = np.full(tensor.shape, float(name.endswith((".weight", ".running_var"))))
        elif scheme == "torch" and not _is_embedding(model, name):
            value = rng.uniform(-math.sqrt(3) * std, math.sqrt(3) * std, tensor.shape)
        else:
            value = std * rng.standard_normal(tensor.shape)
        state[name] = torch.from_numpy(np.asarray(value)).to(tensor.dtype)
    return state


def init_std(model: nn.Module, scheme: Scheme) -> dict[str, float]:
    """The standard deviation of the init of each parameter that is drawn at random, by its name."""
    spread: dict[str, float] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Embedding):
            spread[f"{name}.weight"] = 1.0
        elif isinstance(module, nn.Linear):
            std = 1 / math.sqrt(module.in_features * (3 if scheme == "torch" else 1))
            spread[f"{name}.weight"] = std
            if module.bias is not None:
                spread[f"{name}.bias"] = std if scheme == "torch" else 0.0
    return spread


def _is_embedding(model: nn.Module, name: str) -> bool:
    return isinstance(model.get_submodule(name.rpartition(".")[0]), nn.Embedding)
