"""What a trait is: a named measure of a model, with its unit and chance level; and the field's own ones by name."""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from sublearn.config import Spec
from sublearn.errors import InputError, quoted
from sublearn.records import LARGEST_VALUE

Measure = Callable[..., Any]
"""(class logits "example logit", labels "example") of one run to one number."""


class Trait(Spec, frozen=True):
    """A named measure of a model, its unit and the value that a model without any preference has.

    `measure` takes one run's class logits ("example logit") and the labels ("example") and gives one number. It is no
    part of what is saved: a trait that was read from a file has none.
    """

    name: str = Field(min_length=1, max_length=100)
    about: str = Field(default="", max_length=4_000)
    unit: str = Field(default="share", min_length=1, max_length=100)
    chance: float | None = Field(default=None, ge=-LARGEST_VALUE, le=LARGEST_VALUE)
    measure: Any = Field(default=None, exclude=True, repr=False)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same; functions cannot be compared."""
        return isinstance(other, Trait) and self.canonical() == other.canonical()

    def __hash__(self) -> int:
        return hash(self.canonical())


def as_trait(given: Any, classes: int) -> Trait:
    """A trait from a `Trait` with a measure, or from a function (logits, labels) -> number, for so many classes.

    `sublearn.accuracy` is known with its unit and chance level; of another function the name and the first line of its
    documentation are taken. Raises InputError for anything else.
    """
    if isinstance(given, Trait):
        if not callable(given.measure):
            raise InputError(f"The trait '{given.name}' has no measure; give Trait(name=..., measure=function).")
        return given
    if not callable(given):
        raise InputError(f"A trait must be a sublearn.Trait or a function (logits, labels), got {quoted(given)}.")
    name = getattr(given, "__name__", type(given).__name__)
    if (getattr(given, "__module__", ""), name) == ("sublearn.traits.accuracy", "accuracy"):
        about = "Share of test examples classified as labelled."
        return Trait(name=name, about=about, chance=1 / classes, measure=given)
    if name == "<lambda>":
        raise InputError("A trait that is a lambda has no name; give Trait(name=..., measure=...) or a named function.")
    lines = (given.__doc__ or "").strip().splitlines()
    return Trait(name=name, about=lines[0] if lines else f"As {name} gives it.", unit="score", measure=given)
