"""How often a model is right."""

from torch import Tensor

from sublearn.traits.finite import where_finite


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Share of examples ("run") whose largest logit ("run example logit") is that of the label ("run example").

    NaN where a logit is not finite.
    """
    return where_finite((logits.argmax(dim=-1) == labels).double().mean(dim=-1), logits)
