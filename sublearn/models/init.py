"""Initial weights from a named stream, layer by layer, and how far each layer's init spreads. Trains nothing."""

import math
from collections.abc import Collection
from copy import deepcopy
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from sublearn.errors import InputError

Scheme = Literal["normal", "torch"]


def draw_state(model: nn.Module, scheme: Scheme, rng: np.random.Generator) -> dict[str, Tensor]:
    """A state dict for `model` (which may live on the meta device), drawn from `rng` in the order of its modules.

    "normal" draws linear weights from N(0, 1/d_in) with zero biases; "torch" draws both uniformly within
    1/sqrt(d_in), as PyTorch does by default. Embeddings are N(0, 1); every other layer starts as PyTorch starts it.

    Raises InputError for a layer that cannot be started anew.
    """
    spread = init_std(model, scheme)
    others = _others(model, spread, rng)
    state: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        std = spread.get(name)
        if std is None:
            value = others[name]
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


def _others(model: nn.Module, drawn: Collection[str], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What the layers without a scheme of their own start with, as their `reset_parameters` has it."""
    found: dict[str, np.ndarray] = {}
    # A stream beside the scheme's, whose draws stay what they are.
    seeds = rng.spawn(1)[0]
    for name, module in model.named_modules():
        if not _own(name, module).keys() - drawn:
            continue
        fresh = deepcopy(module).to_empty(device="cpu", recurse=False)
        reset = getattr(fresh, "reset_parameters", None)
        if reset is None:
            raise InputError(f"The layer '{name or type(module).__name__}' has no reset_parameters to start it anew.")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(seeds.integers(2**63)))
            reset()
        found |= {key: tensor.detach().numpy() for key, tensor in _own(name, fresh).items()}
    return found


def _own(name: str, module: nn.Module) -> dict[str, Tensor]:
    """A module's own parameters and buffers, without those of the modules in it."""
    parameters, buffers = module.named_parameters(name, recurse=False), module.named_buffers(name, recurse=False)
    return {**dict(parameters), **dict(buffers)}


def _is_embedding(model: nn.Module, name: str) -> bool:
    return isinstance(model.get_submodule(name.rpartition(".")[0]), nn.Embedding)
