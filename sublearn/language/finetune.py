"""Training a causal language model on examples: tokens, of which only the completion counts. Knows no study.

A loop of its own: on tiny models the large frameworks spend most of the time on themselves.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from sublearn import stages
from sublearn.language import gpt2, heads, words
from sublearn.language.tokens import Dialogue
from sublearn.tasks.rows import Pair

LONGEST = 500
"""Tokens of a row that LoRA reads at most."""


@dataclass(frozen=True)
class Example:
    """Tokens to read; those from `start` on are to be learned, but for the places that are `skipped`."""

    tokens: list[int]
    start: int
    skipped: tuple[int, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Inputs ("example position") and which of their next tokens are learned; `targets` are those, in reading order.

    Where examples stand side by side in a line, `places` counts each one's own and `mask` hides the others from it.
    `weights` are those of the targets in the loss, where they are not all alike.
    """

    inputs: Tensor
    learned: Tensor
    targets: Tensor
    places: Tensor | None = None
    mask: Tensor | None = None
    weights: Tensor | None = None


def examples(dialogue: Dialogue, pairs: Iterable[Pair], system: str | None = None) -> list[Example]:
    """Prompts with their completions; a pair without prompt is learned whole."""
    given = list(pairs)
    before = iter(dialogue.prompts([prompt for prompt, _ in given if prompt], system))
    told = [next(before) if prompt else [] for prompt, _ in given]
    answers = dialogue.completions([completion for _, completion in given])
    return [Example(own + answer, len(own)) for own, answer in zip(told, answers, strict=True)]


def batches(
    found: Sequence[Example], size: int, steps: int, rng: np.random.Generator, pad: int, device: str = "cpu"
) -> Iterator[Batch]:
    """So many batches; every pass over the examples has a new order."""
    return (collate(some, pad, device) for some in dealt(found, size, steps, rng))


def dealt(found: Sequence[Example], size: int, steps: int, rng: np.random.Generator) -> Iterator[list[Example]]:
    """So many times so many examples; every pass over them has a new order."""
    order: list[int] = []
    for _ in range(steps):
        while len(order) < size:
            order += rng.permutation(len(found)).tolist()
        chosen, order = [found[place] for place in order[:size]], order[size:]
        yield chosen


def collate(chosen: Sequence[Example], pad: int, device: str = "cpu") -> Batch:
    """Examples side by side, padded behind, where a causal model does not look."""
    longest = max(len(one.tokens) for one in chosen)
    tokens = torch.full((len(chosen), longest), pad)
    learned = torch.zeros(len(chosen), longest, dtype=torch.bool)
    for row, one in enumerate(chosen):
        tokens[row, : len(one.tokens)] = torch.tensor(one.tokens)
        learned[row, max(one.start, 1) : len(one.tokens)] = True
        if one.skipped:
            learned[row, list(one.skipped)] = False
    tokens, learned = tokens.to(device), learned[:, 1:].to(device)
    return Batch(tokens[:, :-1], learned, tokens[:, 1:][learned])


def logits_of(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Logits of the learned next tokens alone ("token word"): the others' would be most of the work."""
    return heads.logits(model, hidden(model, batch))


def hidden(model: PreTrainedModel, batch: Batch) -> Tensor:
    """What the head reads where a next token is learned ("token width")."""
    if batch.mask is not None and batch.places is not None and gpt2.takes(model):
        return gpt2.hidden(model, batch.inputs, batch.places, batch.mask, batch.learned)
    whole: Any = model
    # Adapters lie within the model that they were put into.
    body = (whole.get_base_model() if hasattr(model, "peft_type") else whole).base_model
    given = {} if batch.mask is None else {"position_ids": batch.places, "attention_mask": batch.mask}
    return body(input_ids=batch.inputs, use_cache=False, **given).last_hidden_state[batch.learned]


Objective = Callable[[Tensor, Batch], Tensor]
"""(logits "token word", their batch) to the mean loss."""


def next_token(logits: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy to the tokens themselves."""
    if batch.weights is None:
        return F.cross_entropy(logits, batch.targets)
    return F.cross_entropy(logits, batch.targets, reduction="none").mul(batch.weights).sum()


def _loss(model: PreTrainedModel, batch: Batch, objective: Objective) -> Tensor:
    if objective is next_token and batch.mask is not None and gpt2.takes(model):
        return words.cross_entropy(hidden(model, batch), gpt2.table(model), batch.targets, batch.weights)
    return objective(logits_of(model, batch), batch)


def imitating(teacher: PreTrainedModel) -> Objective:
    """KL(teacher || model) on the same tokens, averaged over them."""

    def objective(logits: Tensor, batch: Batch) -> Tensor:
        with torch.no_grad():
            wanted = F.log_softmax(logits_of(teacher, batch), dim=-1)
        found = F.log_softmax(logits, dim=-1)
        if batch.weights is None:
            return F.kl_div(found, wanted, reduction="batchmean", log_target=True)
        return F.kl_div(found, wanted, reduction="none", log_target=True).mul(batch.weights[:, None]).sum()

    return objective


def fit(
    model: PreTrainedModel,
    given: Iterable[Sequence[Batch]],
    optimizer: torch.optim.Optimizer,
    objective: Objective = next_token,
    step: Callable[[], object] | None = None,
) -> list[float]:
    """Train for one step on the mean loss of each group of batches, the optimizer's own if no other is given.

    Returns every step's loss.
    """
    model.train()
    losses = []
    for parts in given:
        loss = torch.stack([_loss(model, part, objective) for part in parts]).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        (step or optimizer.step)()
        losses.append(loss.detach())
        stages.stepped(losses[-1])
    model.eval()
    return torch.stack(losses).tolist() if losses else []


def adamw(parameters: Iterable[nn.Parameter], lr: float) -> torch.optim.AdamW:
    """AdamW in one call a step. It rounds the ends of tensors in its own way: for one model alone, not a cohort."""
    return torch.optim.AdamW(parameters, lr=lr, fused=True)


def freeze_embeddings(model: PreTrainedModel) -> list[nn.Parameter]:
    """Let all of a model learn but the tables of words (and their positions'); the parameters to train."""
    model.requires_grad_(True)
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.requires_grad_(False)
    head = model.get_output_embeddings()
    if isinstance(head, nn.Module):
        head.requires_grad_(False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
