"""The head of a language model and its cross-entropy in one: logits are made, used and left, some tokens at a time.

Of a tiny model's training step the logits of all words are the largest values by far, and most of the time that they
take goes into moving them. Both gradients are worked out where the logits are there.
"""

from typing import Any

import torch
from torch import Tensor

TOKENS = 256
"""At a time: their logits of a thousand words stay in a processor's cache."""


def cross_entropy(hidden: Tensor, words: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy of `hidden` ("token width") times `words` ("word width") to the targets, or weighted sum."""
    if weights is None:
        weights = hidden.new_full((len(hidden),), 1 / max(len(hidden), 1))
    found = _CrossEntropy.apply(hidden, words, targets, weights)
    assert isinstance(found, Tensor)
    return found


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, words: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        for_hidden = torch.empty_like(hidden)
        for_words = torch.zeros_like(words) if ctx.needs_input_grad[1] else None
        loss = hidden.new_zeros(())
        parts = zip(
            *(one.split(TOKENS) for one in (hidden, targets[:, None], weights[:, None], for_hidden)), strict=True
        )
        for some, own, weight, gradient in parts:
            logits = some @ words.T
            p = logits.softmax(dim=-1)
            # The largest probability is 1 over the sum that the softmax divides by.
            log_sum = logits.amax(dim=-1, keepdim=True) - p.amax(dim=-1, keepdim=True).log()
            loss += ((log_sum - logits.gather(1, own)) * weight).sum()
            slopes = p.scatter_add_(1, own, p.new_full(own.shape, -1.0)).mul_(weight)
            torch.mm(slopes, words, out=gradient)
            if for_words is not None:
                for_words.addmm_(slopes.T, some)
        ctx.save_for_backward(for_hidden, for_words)
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        (loss,) = gradients
        for_hidden, for_words = ctx.saved_tensors
        return loss * for_hidden, None if for_words is None else loss * for_words, None, None
