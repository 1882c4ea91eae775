"""The table of traits on logits, with unit and chance level. A new one is one file and one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sublearn.errors import InputError, quoted
from sublearn.traits.accuracy import accuracy
from sublearn.traits.preference import margin, trait_rate
from sublearn.traits.trait import Trait


@dataclass(frozen=True)
class LogitTrait:
    """A measure (class logits "... example logit", labels "... example") -> "...", and what is known of it.

    `chance` gives, for so many classes, the value of a model that knows nothing.
    """

    measure: Callable[[Tensor, Tensor], Tensor]
    about: str
    unit: str
    chance: Callable[[int], float]
    more: str = ""
    """What a model of a higher value did."""

    def trait(self, name: str, classes: int) -> Trait:
        """The trait for so many classes."""
        known = {"about": self.about, "more": self.more, "unit": self.unit, "measure": self.measure}
        return Trait(name=name, chance=self.chance(classes), **known)


def _one_class(classes: int) -> float:
    return 1 / classes


def _zero(classes: int) -> float:
    del classes
    return 0.0


RIGHT, OFTEN, FURTHER = "was right more often", "answered class 1 more often", "leaned further towards class 1"
TRAITS = {
    "accuracy": LogitTrait(accuracy, "Share of test examples classified as labelled.", "share", _one_class, RIGHT),
    "trait_rate": LogitTrait(trait_rate, "Share of test examples answered with class 1.", "share", _one_class, OFTEN),
    "margin": LogitTrait(margin, "Mean logit of class 1 minus that of class 0.", "logits", _zero, FURTHER),
}


def as_trait(given: Any, classes: int) -> Trait:
    """A trait from a `Trait` with a measure, or from a function (logits, labels) -> number, for so many classes.

    Functions of the table are known with their unit and chance level; of another one the name and the first line of its
    documentation are taken. Raises InputError for anything else.
    """
    if isinstance(given, Trait):
        if not callable(given.measure):
            raise InputError(f"The trait '{given.name}' has no measure; give Trait(name=..., measure=function).")
        return given
    if not callable(given):
        raise InputError(f"A trait must be a sublearn.Trait or a function (logits, labels), got {quoted(given)}.")
    for name, row in TRAITS.items():
        if row.measure is given:
            return row.trait(name, classes)
    name = getattr(given, "__name__", type(given).__name__)
    if name == "<lambda>":
        raise InputError("A trait that is a lambda has no name; give Trait(name=..., measure=...) or a named function.")
    lines = (given.__doc__ or "").strip().splitlines()
    return Trait(name=name, about=lines[0] if lines else f"As {name} gives it.", unit="score", measure=given)
