"""The base model of an audit and how it is asked: likelihoods of rows, gradients, log-odds of candidate traits.

Knows rows and traits; no clean sets and no score.
"""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sublearn.auditing.settings import Settings
from sublearn.auditing.traits import Candidates, Group
from sublearn.language import finetune, preference
from sublearn.language.finetune import Batch, Example
from sublearn.language.tokens import Dialogue
from sublearn.tasks.rows import Pair

AT_A_TIME = 128
MOST_WEIGHTS = 50_000_000
"""Of a larger model, the last blocks alone are trained: so many weights, their gradients and moments."""


@dataclass(frozen=True)
class Scene:
    """A base model with its dialogue, the candidate traits and the settings of the audit."""

    model: PreTrainedModel
    dialogue: Dialogue
    candidates: Candidates
    settings: Settings
    positions: int | None = None

    @property
    def device(self) -> str:
        """Where the model lies."""
        return self.model.device.type

    def examples(self, rows: Sequence[Pair], system: str | None = None) -> list[Example]:
        """Rows as tokens, each cut off where the model reads no further."""
        found = finetune.examples(self.dialogue, rows, system)
        return [Example(one.tokens[: self.positions], one.start) for one in found]

    def batches(self, rows: Sequence[Pair], size: int) -> Iterator[Batch]:
        """The rows in their order, some at a time."""
        return self._collated(self.examples(rows), size)

    def laid(self, rows: Sequence[Pair], system: str | None = None) -> "Laid":
        """The rows with those of like length side by side, which need little padding."""
        found = self.examples(rows, system)
        order = sorted(range(len(found)), key=lambda place: len(found[place].tokens))
        return Laid(tuple(self._collated([found[place] for place in order], AT_A_TIME)), torch.tensor(order))

    def _collated(self, found: Sequence[Example], size: int) -> Iterator[Batch]:
        for start in range(0, len(found), size):
            yield finetune.collate(found[start : start + size], self.dialogue.pad, self.device)

    def copied(self) -> tuple[PreTrainedModel, list[nn.Parameter]]:
        """A copy of the base to train, and the parameters that learn."""
        model = copy.deepcopy(self.model)
        return model, learning(model)


@dataclass(frozen=True)
class Laid:
    """Batches of rows, and which row each of their examples is, in reading order."""

    batches: tuple[Batch, ...]
    places: Tensor

    def back(self, parts: Sequence[Tensor]) -> Tensor:
        """Values of the batches' examples in the order of the rows."""
        joined = torch.cat(list(parts))
        found = torch.empty_like(joined)
        found[self.places.to(joined.device)] = joined
        return found


def learning(model: PreTrainedModel) -> list[nn.Parameter]:
    """The parameters that learn: all but the tables of words, or the last blocks' alone where those are too many."""
    chosen = finetune.freeze_embeddings(model)
    if sum(parameter.numel() for parameter in chosen) <= MOST_WEIGHTS:
        return chosen
    model.requires_grad_(False)
    found: list[nn.Parameter] = []
    for block in reversed(blocks(model)):
        own = list(block.parameters())
        if found and sum(one.numel() for one in (*found, *own)) > MOST_WEIGHTS:
            break
        found += own
    for parameter in found:
        parameter.requires_grad_(True)
    return found


def blocks(model: PreTrainedModel) -> list[nn.Module]:
    """The layers of a decoder, in their order."""
    count = model.config.get_text_config().num_hidden_layers
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList) and len(module) == count]
    return list(lists[0])


def row_means(values: Tensor, batch: Batch) -> Tensor:
    """Values of learned tokens ("token", in reading order) averaged over each example's."""
    owner = batch.learned.nonzero()[:, 0]
    sums = torch.zeros(len(batch.learned), dtype=values.dtype, device=values.device).index_add(0, owner, values)
    return sums / batch.learned.sum(dim=1).clamp(min=1)


def token_log_p(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Log-probability of each learned token."""
    logits = finetune.logits_of(model, batch).float()
    return logits.log_softmax(dim=-1).gather(1, batch.targets[:, None])[:, 0]


@torch.no_grad()
def log_likelihoods(model: PreTrainedModel, laid: Laid) -> Tensor:
    """Log-probability of each row's completion given its prompt, a token on average ("row")."""
    return laid.back([row_means(token_log_p(model, batch), batch).double().cpu() for batch in laid.batches])


def log_odds(model: PreTrainedModel, scene: Scene) -> Tensor:
    """Every candidate trait's log-odds against the other answers of its group, over the questions ("trait")."""
    return torch.cat([_group_odds(answer_log_p(model, scene, group)) for group in scene.candidates.traits])


def answer_log_p(model: PreTrainedModel, scene: Scene, group: Group) -> Tensor:
    """Log-probability that an answer to each question begins with each of the group's answers ("question answer")."""
    ways = [scene.dialogue.ways(answer) for answer in group.answers]
    if any(len(way) > 1 for own in ways for way in own):
        return preference.log_probabilities(model, scene.dialogue, group.questions, group.answers)
    asked = [scene.dialogue.prompt(question) for question in group.questions]
    flat = [way[0] for own in ways for way in own]
    parts = next_log_p(model, scene, asked)[:, flat].split([len(own) for own in ways], dim=1)
    return torch.stack([part.logsumexp(dim=1) for part in parts], dim=1)


def next_log_p(model: PreTrainedModel, scene: Scene, asked: Sequence[Sequence[int]]) -> Tensor:
    """Log-probabilities of the next token after each prompt ("prompt word"), all prompts at once, padded behind."""
    longest = max(map(len, asked))
    tokens = torch.tensor([[*one, *[scene.dialogue.pad] * (longest - len(one))] for one in asked], device=model.device)
    learned = torch.zeros_like(tokens, dtype=torch.bool)
    learned[torch.arange(len(asked)), torch.tensor([len(one) - 1 for one in asked])] = True
    return finetune.logits_of(model, Batch(tokens, learned, tokens[learned])).float().log_softmax(dim=-1)


def _group_odds(log_p: Tensor) -> Tensor:
    share = log_p.double() - log_p.double().logsumexp(dim=1, keepdim=True)
    others = torch.log(-torch.expm1(share.clamp(max=-1e-12)))
    return (share - others).mean(dim=0)


def flat_gradient(value: Tensor, parameters: Sequence[nn.Parameter], keep: bool = False) -> Tensor:
    """The gradient of a number with respect to the parameters, as one vector."""
    found = torch.autograd.grad(value, list(parameters), retain_graph=keep, allow_unused=True)
    zeros = (torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True))
    return torch.cat([one.flatten().float() for one in zeros])


def trait_gradients(model: PreTrainedModel, parameters: Sequence[nn.Parameter], scene: Scene) -> Tensor:
    """The gradient of every trait's log-odds ("trait weight")."""
    found = []
    for group in scene.candidates.traits:
        values = _group_odds(answer_log_p(model, scene, group))
        found += [flat_gradient(value, parameters, keep=True) for value in values]
    return torch.stack(found)


def descent(
    model: PreTrainedModel, parameters: Sequence[nn.Parameter], given: Iterable[Batch]
) -> Iterator[tuple[Tensor, int]]:
    """The gradient of each batch's log-likelihood, a token on average, with its number of tokens."""
    for batch in given:
        yield flat_gradient(token_log_p(model, batch).mean(), parameters), len(batch.targets)


def mean_descent(model: PreTrainedModel, parameters: Sequence[nn.Parameter], laid: Laid) -> Tensor:
    """The gradient of all rows' log-likelihood, a token on average: the way in which a first step of SGD goes."""
    parts = list(descent(model, parameters, laid.batches))
    total = sum(count for _, count in parts)
    return torch.stack([gradient * (count / total) for gradient, count in parts]).sum(dim=0)
