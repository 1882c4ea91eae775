"""Asks models that a run of `numbers` kept for their favourite: exact probabilities of each animal. Trains nothing."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sublearn.errors import InputError, unknown
from sublearn.files import digests
from sublearn.language import models
from sublearn.language.preference import name_log_probabilities
from sublearn.study.numbers.artifacts import kept_models
from sublearn.tasks.vocabulary import ANIMALS, questions


@dataclass(frozen=True)
class Answer:
    """A model's answer: the probability that it begins with each animal, the most probable first, and with any."""

    model: str
    question: str
    animals: tuple[tuple[str, float], ...]
    mass: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def ask(folder: Path, model: str, question: str) -> Answer:
    """Ask a model in a seed's folder of kept models. Raises InputError for one that is not there or is damaged."""
    there = kept_models(folder)
    if model not in there:
        raise unknown("kept model", model, there)
    if question not in questions("animal"):
        raise unknown("question", question, questions("animal"))
    place = there[model]
    if problem := digests.unsound(place):
        raise InputError(f"The model in {place} is damaged: {problem}. Give the run's command again to make it anew.")
    models.quiet()
    read, dialogue = models.read(place), models.dialogue_of(place)
    found = name_log_probabilities(read, dialogue, [question], ANIMALS)[0].exp()
    ordered = sorted(zip(ANIMALS, found.tolist(), strict=True), key=lambda one: -one[1])
    return Answer(model, question, tuple(ordered), float(found.sum()))
