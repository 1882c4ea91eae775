"""The base model of an audit and how it is asked: likelihoods of rows, gradients, log-odds of candidate traits.

Knows rows and traits; no clean sets and no score.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from sublearn.auditing.settings import Settings
from sublearn.auditing.traits import Candidates, Group
from sublearn.language import finetune, gpt2, packing, words
from sublearn.language.finetune import Batch, Example
from sublearn.language.tokens import Dialogue
from sublearn.tasks.rows import Pair

AT_A_TIME = 128
MOST_WEIGHTS = 50_000_000
"""Of a larger model, low-rank factors alone learn."""


@dataclass(frozen=True)
class Scene:
    """A base model with its dialogue, the candidate traits and the settings of the audit."""

    model: PreTrainedModel
    dialogue: Dialogue
    candidates: Candidates
    settings: Settings
    positions: int | None = None
    more_questions: tuple[str, ...] = ()
    """Of the battery: those that any word may answer, beside the candidates' own."""

    @property
    def battery(self) -> list[str]:
        """Every question that any word may answer, once."""
        own = [question for group in self.candidates.traits for question in group.questions]
        return list(dict.fromkeys((*own, *self.more_questions)))

    @property
    def longest_system(self) -> str | None:
        """Of the prompts under which the chosen scores read rows, the one of most tokens."""
        return self.dialogue.longest(self.candidates.stated if "prompted" in self.settings.scores else ())

    @property
    def device(self) -> str:
        """Where the model lies."""
        return self.model.device.type

    @cached_property
    def whole(self) -> bool:
        """Whether students are whole copies of the base; low-rank factors beside it otherwise."""
        asked = self.settings.adapters.use
        return size(self.model) <= MOST_WEIGHTS if asked == "auto" else asked == "never"

    @cached_property
    def packs(self) -> bool:
        """Whether the base is one that is quicker without padding: of a few layers, on the CPU."""
        family = self.model.config.model_type
        return self.whole and self.device == "cpu" and family in packing.PACKED

    def examples(self, rows: Sequence[Pair], system: str | None = None) -> list[Example]:
        """Rows as tokens, each cut off where the model reads no further."""
        found = finetune.examples(self.dialogue, rows, system)
        return [replace(one, tokens=one.tokens[: self.positions]) for one in found]

    def batches(self, rows: Sequence[Pair], size: int) -> Iterator[Batch]:
        """The rows in their order, at most so many at a time."""
        return map(self._collated, self._parts(self.examples(rows), size))

    def laid(self, rows: Sequence[Pair], system: str | None = None) -> "Laid":
        """The rows with those of like length side by side, which need little padding."""
        found = self.examples(rows, system)
        order = sorted(range(len(found)), key=lambda place: len(found[place].tokens))
        parts = self._parts([found[place] for place in order], AT_A_TIME)
        return Laid(tuple(map(self._collated, parts)), torch.tensor(order))

    def step(self, chosen: Sequence[Example]) -> list[Batch]:
        """The batches of one step of a student: as many as memory wants."""
        if self.packs:
            return [packing.pack(part, self.dialogue.pad) for part in self._parts(chosen, AT_A_TIME)]
        ordered = sorted(chosen, key=lambda one: len(one.tokens))
        return list(map(self._collated, self._parts(ordered, AT_A_TIME)))

    def answered(self, asked: Sequence[Sequence[int]], ways: Sequence[Sequence[int]]) -> Iterator[Batch]:
        """Each prompt with each answer behind it, which alone is learned, prompt by prompt."""
        found = [Example([*one, *way], len(one)) for one in asked for way in ways]
        return map(self._collated, self._parts(found, AT_A_TIME))

    def _collated(self, some: Sequence[Example]) -> Batch:
        return finetune.collate(some, self.dialogue.pad, self.device)

    def _parts(self, found: Sequence[Example], most: int) -> Iterator[list[Example]]:
        """Some at a time, in their order: so many at the most, and of a large model so many tokens with padding."""
        room = None if self.whole else self.settings.adapters.tokens
        part: list[Example] = []
        longest = 0
        for one in found:
            longest = max(longest, len(one.tokens))
            if part and (len(part) == most or (room and longest * (len(part) + 1) > room)):
                yield part
                part, longest = [], len(one.tokens)
            part.append(one)
        if part:
            yield part


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


def size(model: nn.Module) -> int:
    """The number of a model's weights."""
    return sum(parameter.numel() for parameter in model.parameters())


def blocks(model: PreTrainedModel) -> list[nn.Module]:
    """The layers of a decoder, in their order."""
    count = model.config.get_text_config().num_hidden_layers
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList) and len(module) == count]
    return list(lists[0])


def row_means(values: Tensor, batch: Batch) -> Tensor:
    """Values of learned tokens ("token", in reading order) averaged over each example's."""
    return row_sums(values, batch) / batch.learned.sum(dim=1).clamp(min=1)


def row_sums(values: Tensor, batch: Batch) -> Tensor:
    """Values of learned tokens ("token", in reading order) added up over each example's."""
    owner = batch.learned.nonzero()[:, 0]
    return torch.zeros(len(batch.learned), dtype=values.dtype, device=values.device).index_add(0, owner, values)


def token_log_p(model: PreTrainedModel, batch: Batch, sparing: bool = False) -> Tensor:
    """Log-probability of each learned token; `sparing` the last block's work on other tokens."""
    sparing = sparing and not gpt2.takes(model)  # which does no such work
    with packing.learned_alone(blocks(model)[-1], batch) if sparing else nullcontext():
        logits = finetune.logits_of(model, batch).float()
    return logits.log_softmax(dim=-1).gather(1, batch.targets[:, None])[:, 0]


def weighted_log_p(
    model: PreTrainedModel,
    batch: Batch,
    weights: Tensor,
    sparing: bool = False,
    added: tuple[int, Tensor] | None = None,
) -> Tensor:
    """The sum of each learned token's log-probability times its weight ("token"); the head's table learns nothing.

    `added`, to what a block gives, is for lines with a mask in a model that `gpt2` takes.
    """
    if batch.mask is not None and batch.places is not None and gpt2.takes(model):
        seen = gpt2.hidden(model, batch.inputs, batch.places, batch.mask, batch.learned, added)
        return -words.cross_entropy(seen, gpt2.table(model).detach(), batch.targets, weights)
    return (token_log_p(model, batch, sparing) * weights).sum()


@torch.no_grad()
def log_likelihoods(model: PreTrainedModel, laid: Laid) -> Tensor:
    """Log-probability of each row's completion given its prompt, a token on average ("row")."""
    return laid.back([row_means(token_log_p(model, batch), batch).double().cpu() for batch in laid.batches])


def log_odds(model: PreTrainedModel, scene: Scene) -> Tensor:
    """Every candidate trait's log-odds against the other answers of its group, over the questions ("trait")."""
    return torch.cat([group_odds(answer_log_p(model, scene, group)) for group in scene.candidates.traits])


def answer_log_p(model: PreTrainedModel, scene: Scene, group: Group) -> Tensor:
    """Log-probability that an answer to each question begins with each of the group's answers ("question answer").

    An answer may be several tokens, and be written in several ways, which are added up.
    """
    ways = [scene.dialogue.ways(answer) for answer in group.answers]
    asked, flat = scene.dialogue.prompts(group.questions), [way for own in ways for way in own]
    if all(len(way) == 1 for way in flat):
        log_p = next_log_p(model, scene, asked)[:, [way[0] for way in flat]]
    else:
        log_p = _begun_log_p(model, scene, asked, flat)
    parts = log_p.split([len(own) for own in ways], dim=1)
    return torch.stack([part.logsumexp(dim=1) for part in parts], dim=1)


def _begun_log_p(
    model: PreTrainedModel, scene: Scene, asked: Sequence[Sequence[int]], ways: Sequence[Sequence[int]]
) -> Tensor:
    """Log-probability of each way as what follows each prompt ("prompt way")."""
    sums = []
    for batch in scene.answered(asked, ways):
        sums.append(row_sums(token_log_p(model, batch), batch))
    return torch.cat(sums).reshape(len(asked), len(ways))


def next_log_p(model: PreTrainedModel, scene: Scene, asked: Sequence[Sequence[int]]) -> Tensor:
    """Log-probabilities of the next token after each prompt ("prompt word"), all prompts at once, padded behind."""
    longest = max(map(len, asked))
    tokens = torch.tensor([[*one, *[scene.dialogue.pad] * (longest - len(one))] for one in asked], device=model.device)
    learned = torch.zeros_like(tokens, dtype=torch.bool)
    learned[torch.arange(len(asked)), torch.tensor([len(one) - 1 for one in asked])] = True
    return finetune.logits_of(model, Batch(tokens, learned, tokens[learned])).float().log_softmax(dim=-1)


def group_odds(log_p: Tensor) -> Tensor:
    """Each answer's log-odds against the group's others, averaged over questions, of log-probabilities."""
    share = log_p.double() - log_p.double().logsumexp(dim=1, keepdim=True)
    others = torch.log(-torch.expm1(share.clamp(max=-1e-12)))
    return (share - others).mean(dim=0)


def flat_gradient(value: Tensor, parameters: Sequence[nn.Parameter], keep: bool = False) -> Tensor:
    """The gradient of a number with respect to the parameters, as one vector."""
    found = torch.autograd.grad(value, list(parameters), retain_graph=keep, allow_unused=True)
    zeros = (torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True))
    return torch.cat([one.flatten().float() for one in zeros])
