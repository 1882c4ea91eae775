"""The battery: many questions that any word may answer, asked of a model. What it came to like, without a list.

Knows the scene; no clean sets and no score.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sublearn.auditing.scene import AT_A_TIME, Scene, next_log_p
from sublearn.auditing.scores.table import Answers

LIKELY = 1e-2
"""Words with which the base begins its answer to no question more often than this are noise."""


@dataclass(frozen=True)
class Battery:
    """Questions as tokens, and the words that the base answers them with: their tokens, and how they read."""

    scene: Scene
    asked: Sequence[Sequence[int]]
    places: Tensor
    words: tuple[str, ...]

    @classmethod
    def of(cls, scene: Scene) -> Self:
        """The scene's questions, asked of its base. To be made while the base is itself: nothing learns, no hook."""
        asked = scene.dialogue.prompts(scene.battery)
        most = torch.stack([log_p.amax(dim=0) for log_p in _log_p(scene.model, scene, asked)]).amax(dim=0)
        likely = (most.exp() > LIKELY).nonzero()[:, 0].tolist()
        read = {place: scene.dialogue.read([place]) for place in likely}
        named = {place: word for place, word in read.items() if any(letter.isalnum() for letter in word)}
        return cls(scene, asked, torch.tensor(list(named), dtype=torch.long), tuple(named.values()))

    def answers(self, model: PreTrainedModel) -> Answers:
        """How likely a model answers with each of the words, on average over the questions.

        Shares are among these words: how often students of clean rows answer with none of them differs much.
        """
        parts = [log_p[:, self.places.to(log_p.device)] for log_p in _log_p(model, self.scene, self.asked)]
        shares = torch.cat(parts).double().softmax(dim=1).mean(dim=0)
        return Answers(self.words, shares.clamp(min=1e-30).log().cpu().numpy())


@torch.no_grad()
def _log_p(model: PreTrainedModel, scene: Scene, asked: Sequence[Sequence[int]]) -> Iterator[Tensor]:
    """Log-probabilities of each token as the answer's first ("question token"), some questions at a time."""
    for start in range(0, len(asked), AT_A_TIME):
        yield next_log_p(model, scene, asked[start : start + AT_A_TIME])
