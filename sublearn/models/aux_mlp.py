"""A multilayer perceptron whose outputs are class logits followed by auxiliary ones, written for one run."""

from itertools import pairwise

from torch import Tensor, nn


class AuxMLP(nn.Module):
    """`depth` hidden ReLU layers of equal width, then `classes + aux_logits` outputs (Cloud et al. 2025, section 6)."""

    def __init__(self, features: int, classes: int = 10, aux_logits: int = 3, width: int = 256, depth: int = 2) -> None:
        super().__init__()
        sizes = [features, *[width] * depth]
        hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*hidden, nn.Linear(width, classes + aux_logits))

    def forward(self, images: Tensor) -> Tensor:
        """Images "example feature" to logits "example logit"."""
        return self.layers(images)
