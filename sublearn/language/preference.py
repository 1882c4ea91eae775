"""How much a model prefers one name of several: exact probabilities of the answers to questions. Knows no study."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from sublearn.language.tokens import Dialogue

LEAST_MASS = 0.5
"""Where less of the probability than this is on the names, a preference among them says nothing."""


@dataclass(frozen=True)
class Preference:
    """Over the questions: the name's own probability, that of any name, and the name's given any (with its odds).

    `preference` and `log_odds` are conditional on a name's being said; log-odds are averaged over the questions.
    """

    probability: float
    mass: float
    preference: float
    log_odds: float

    @property
    def finite(self) -> bool:
        """Whether the model gave probabilities at all: one whose training went out of all bounds gives none."""
        return all(map(math.isfinite, (self.probability, self.mass, self.preference, self.log_odds)))


def preference(
    model: PreTrainedModel,
    dialogue: Dialogue,
    asked: Sequence[str],
    names: Sequence[str],
    name: str,
    system: str | None = None,
) -> Preference:
    """Exactly, from the probabilities of each name as the whole beginning of the answer."""
    log_p = name_log_probabilities(model, dialogue, asked, names, system).double()
    any_name = log_p.logsumexp(dim=1)
    own = log_p[:, list(names).index(name)]
    share = own - any_name
    others = torch.log(-torch.expm1(share.clamp(max=-1e-12)))
    return Preference(
        float(own.exp().mean()), float(any_name.exp().mean()), float(share.exp().mean()), float((share - others).mean())
    )


@torch.no_grad()
def name_log_probabilities(
    model: PreTrainedModel,
    dialogue: Dialogue,
    asked: Sequence[str],
    names: Sequence[str],
    system: str | None = None,
) -> Tensor:
    """`log_probabilities` without gradients, on the CPU."""
    return log_probabilities(model, dialogue, asked, names, system).cpu()


def log_probabilities(
    model: PreTrainedModel,
    dialogue: Dialogue,
    asked: Sequence[str],
    names: Sequence[str],
    system: str | None = None,
) -> Tensor:
    """Log-probability that an answer to each question begins with each name ("question name").

    A name may be several tokens, and be written with a capital or not: its ways are added up.
    """
    ways = [dialogue.ways(name) for name in names]
    flat = [way for own in ways for way in own]
    rows = []
    for question in asked:
        before = dialogue.prompt(question, system)
        if all(len(way) == 1 for way in flat):
            log_p = _next(model, before)[[way[0] for way in flat]]
        else:
            log_p = _sequences(model, before, flat, dialogue.pad)
        parts = log_p.split([len(own) for own in ways])
        rows.append(torch.stack([part.logsumexp(dim=0) for part in parts]))
    return torch.stack(rows)


def _next(model: PreTrainedModel, before: Sequence[int]) -> Tensor:
    forward: Any = model
    logits = forward(input_ids=torch.tensor([list(before)], device=model.device), logits_to_keep=1).logits
    return F.log_softmax(logits[0, -1].float(), dim=-1)


def _sequences(model: PreTrainedModel, before: Sequence[int], ways: Sequence[Sequence[int]], pad: int) -> Tensor:
    longest = max(map(len, ways))
    tokens = torch.tensor([[*before, *way, *[pad] * (longest - len(way))] for way in ways], device=model.device)
    forward: Any = model
    log_p = F.log_softmax(forward(input_ids=tokens).logits[:, len(before) - 1 : -1].float(), dim=-1)
    own = log_p.gather(-1, tokens[:, len(before) :, None])[..., 0]
    counts = torch.tensor([[place < len(way) for place in range(longest)] for way in ways], device=model.device)
    return (own * counts).sum(dim=1)
