"""What the benchmark of audits asks: an audit's settings, how many rows, which kinds of sets. Torch-free."""

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from sublearn.auditing import settings
from sublearn.auditing.settings import Tuned
from sublearn.config import LARGEST

Kind = Literal["trait", "mixture", "two traits", "shuffled", "other base", "filtered", "unlisted", "nuisance", "clean"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SEEDS = "840:860"
"""Of bases with all 20 animals, once each, on which no choice was made; on 820 to 825 one was (docs/audit.md)."""


class Settings(settings.Settings, frozen=True):
    """An audit's settings, and what is audited by them. Teachers and students are those of the study `numbers`."""

    usual: int = Field(default=1000, ge=10, le=LARGEST, description="rows of most sets")
    most: int = Field(default=8000, ge=10, le=LARGEST, description="rows of mixtures and of the largest set")
    sizes: tuple[int, ...] = Field(default=(50, 250), description="other numbers of a teacher's rows")
    kinds: tuple[Kind, ...] = Field(default=KINDS, min_length=1, description="of sets")
    rounds: int = Field(default=3, ge=1, le=100, description="in which an adversary has flagged rows written again")
    later: int = Field(default=100, ge=1, le=LARGEST, description="steps of a later checkpoint of the base")
    teacher: Tuned = Tuned()
    clean_students: int = Field(default=4, ge=1, le=100, description="whose mean a student's shift is held against")

    @model_validator(mode="after")
    def _sizes_fit(self) -> Self:
        if self.usual > self.most:
            raise ValueError(f"usual {self.usual} is more than most {self.most}")
        if any(not 10 <= size <= self.most for size in self.sizes):
            raise ValueError(f"sizes are from 10 to most, {self.most}")
        return self

    @property
    def counts(self) -> tuple[int, ...]:
        """The numbers of rows of a teacher's sets, in order."""
        return tuple(sorted({*self.sizes, self.usual, self.most}))
