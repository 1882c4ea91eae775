"""How often a model is right."""

from torch import Tensor


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of examples ("run") whose largest logit ("run example logit") is that of the label ("run example")."""
    return (logits.argmax(dim=-1) == labels).double().mean(dim=-1)
