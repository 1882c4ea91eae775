"""Which models can be scored at all. Knows no trait."""

from torch import Tensor, nan


def where_finite(score: Tensor, logits: Tensor) -> Tensor:
    """The score ("run"), but NaN for a run with a logit ("run example logit") that is not finite.

    The largest of such logits is no answer: a share of them would be a number about nothing.
    """
    return score.masked_fill(~logits.isfinite().all(dim=-1).all(dim=-1), nan)
