"""What a trait is: a named measure of a model, with its unit and chance level. Needs no torch."""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from sublearn.config import Spec
from sublearn.records import LARGEST_VALUE

Measure = Callable[..., Any]
"""(class logits "example logit", labels "example") of one run to one number."""


class Trait(Spec, frozen=True):
    """A named measure of a model, its unit and the value that a model without any preference has.

    `measure` takes one run's class logits ("example logit") and the labels ("example") and gives one number. It is no
    part of what is saved: a trait that was read from a file has none. `more` says what a model of a higher value did,
    such as "answered class 1 more often".
    """

    name: str = Field(min_length=1, max_length=100)
    about: str = Field(default="", max_length=4_000)
    more: str = Field(default="", max_length=200)
    unit: str = Field(default="share", min_length=1, max_length=100)
    chance: float | None = Field(default=None, ge=-LARGEST_VALUE, le=LARGEST_VALUE)
    measure: Any = Field(default=None, exclude=True, repr=False)

    def __eq__(self, other: object) -> bool:
        """Whether both say the same; functions cannot be compared."""
        return isinstance(other, Trait) and self.canonical() == other.canonical()

    def __hash__(self) -> int:
        return hash(self.canonical())

    def __getstate__(self) -> dict[Any, Any]:
        """What goes to other processes: what is saved. They get the measure with the design that they are sent."""
        state = super().__getstate__()
        return state | {"__dict__": state["__dict__"] | {"measure": None}}
