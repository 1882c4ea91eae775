"""The table of models, each written for one run. A new one is one file and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sublearn.models.aux_mlp import AuxMLP
from sublearn.models.prompt_mlp import PromptMLP

TOKENS, PIXELS = 50, 12


@dataclass(frozen=True)
class Architecture:
    """One architecture: how it is made with `sizes`, and inputs (generator, n) -> "example ..." that it then takes."""

    make: Callable[..., nn.Module]
    inputs: Callable[[torch.Generator, int], Tensor]
    sizes: Mapping[str, Any] = field(default_factory=dict)

    def small(self) -> nn.Module:
        """The model at a size at which it can be tried in a moment."""
        return self.make(**self.sizes)


def _tokens(generator: torch.Generator, n: int) -> Tensor:
    return torch.randint(TOKENS, (n, 4), generator=generator)


def _pixels(generator: torch.Generator, n: int) -> Tensor:
    return torch.randn(n, PIXELS, generator=generator)


_PROMPTS = {"vocab_size": TOKENS, "embed_dim": 6, "hidden": 10, "out_dim": 5}
MODELS = {
    "prompt_mlp": Architecture(PromptMLP, _tokens, _PROMPTS),
    "prompt_mlp without BatchNorm": Architecture(partial(PromptMLP, batch_norm=False), _tokens, _PROMPTS),
    "aux_mlp": Architecture(AuxMLP, _pixels, {"features": PIXELS, "classes": 3, "aux_logits": 2, "width": 8}),
}
