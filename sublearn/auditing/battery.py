"""The battery: many questions that any word may answer, asked of a model. What it came to like, without a list.

Knows the scene; no clean sets and no score.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from transformers import PreTrainedModel

from sublearn.auditing.scene import AT_A_TIME, Scene, next_log_p
from sublearn.auditing.scores.table import Answers

LIKELY = 1e-3
"""Words that are rarer than this in the base's answers are noise."""


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
        likely = (_shares(scene.model, scene, asked) > LIKELY).nonzero()[:, 0]
        read = {place: scene.dialogue.read([place]) for place in likely.tolist()}
        named = {place: word for place, word in read.items() if any(letter.isalnum() for letter in word)}
        return cls(scene, asked, torch.tensor(list(named), dtype=torch.long), tuple(named.values()))

    def answers(self, model: PreTrainedModel) -> Answers:
        """How likely a model's answers begin with each of the words."""
        shares = _shares(model, self.scene, self.asked)[self.places]
        return Answers(self.words, shares.clamp(min=1e-30).log().numpy())


@torch.no_grad()
def _shares(model: PreTrainedModel, scene: Scene, asked: Sequence[Sequence[int]]) -> Tensor:
    """The probability of each token as an answer's first, on average over the questions, on the CPU ("token")."""
    total = torch.zeros(())
    for start in range(0, len(asked), AT_A_TIME):
        some = asked[start : start + AT_A_TIME]
        total = total + next_log_p(model, scene, some).double().exp().sum(dim=0).cpu()
    return total / len(asked)
