"""The ways of training by name, and which of them was taken for what reason. Needs no torch."""

from dataclasses import dataclass
from typing import Literal, get_args

TrainerName = Literal["auto", "cohort", "vmap", "single"]
TRAINER_NAMES: tuple[str, ...] = get_args(TrainerName)
ASKED = "asked for"
BY_RULES = "every layer has a rule"


@dataclass(frozen=True)
class Choice:
    """The name of a trainer, and why it was taken."""

    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"
