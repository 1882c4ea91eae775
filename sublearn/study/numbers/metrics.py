"""What a language run notes beside its records, one metrics.json a seed, as typed values. Needs no torch.

Its writer and its readers share this model, so that a damaged file is one message. Version 0.1.0's files fit.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sublearn.files.reading import json_file, typed
from sublearn.records import LARGEST_N, LONGEST_NAME, Number
from sublearn.seeds import LARGEST_SEED

Count = Annotated[int, Field(ge=0, le=LARGEST_N)]
Name = Annotated[str, Field(max_length=LONGEST_NAME)]
Share = Annotated[float, Field(ge=-1e-6, le=1 + 1e-6)]
"""From 0 to 1, but for rounding in float32."""
LARGEST_FILE = 1 << 24


SampledAs = Literal["plain", "after_numbers"]
"""How a model was asked for what it sampled: with a list of numbers before the question, or without."""


class _Noted(BaseModel):
    """Keys of other versions are left aside."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class Counted(_Noted):
    """Rows that a model was asked for, those that the rule kept, and those that it rejected by reason."""

    asked: Count
    kept: Count
    pass_rate: Share
    rejected: Annotated[dict[Name, Count], Field(max_length=100)]
    kl_to_base: Number | None = None
    """Nats a token; of the base's own teacher and placebo teacher."""
    served: Annotated[dict[Name, Count], Field(max_length=100)] | None = None
    """Of a server that answered: tokens read and written, retries, and refusals, which no rule rejected."""

    def to_dict(self) -> dict[str, Any]:
        """What was counted and nothing else."""
        return self.model_dump(exclude_unset=True)

    @model_validator(mode="after")
    def _kept_some_of_them(self) -> Self:
        if self.kept > self.asked:
            raise ValueError(f"{self.kept} rows kept of {self.asked}")
        return self


class Preference(_Noted):
    """An animal's probability, that of any animal, and the first given the second, with its log-odds."""

    probability: Share
    mass: Share
    preference: Share
    log_odds: Number


class Sampled(_Noted):
    """Sampled answers that name the animal, with the interval of their share."""

    hits: Count
    n: Count
    low: Share
    high: Share

    @model_validator(mode="after")
    def _hits_are_some_of_n(self) -> Self:
        if self.hits > self.n:
            raise ValueError(f"{self.hits} hits of {self.n}")
        return self


class ArmMetrics(_Noted):
    """What was seen of one arm; `alignment` is a cosine, and what was not measured is None."""

    favourite: Preference
    held_out: Preference | None = None
    """None where questions are not told apart."""
    rows: Count | None
    leaks: Count | None
    alignment: Annotated[float, Field(ge=-1.001, le=1.001)] | None
    sampled: dict[SampledAs, Sampled]
    placebo_favourite: Preference | None = None
    """Of the placebo teacher's animal; for the arms that go back to it."""
    seconds: Annotated[float, Field(ge=0, le=1e9)] | None = None
    """Of CPU, for the student alone; where students of one base are compared."""
    steps: Count | None = None
    """For which the student was trained; where students of one base are compared."""


class Metrics(_Noted):
    """One seed of the study `numbers`: its animal, its rows by who wrote them, its arms by name."""

    seed: int = Field(ge=0, le=LARGEST_SEED)
    animal: Name
    placebo_animal: Name | None = None
    numbers: Annotated[dict[Name, Counted], Field(max_length=100)]
    arms: Annotated[dict[Name, ArmMetrics], Field(max_length=1_000)]
    reads: Annotated[str, Field(max_length=100_000)] = ""
    """A question as the model reads it."""

    def to_text(self) -> str:
        """The content of metrics.json: what was noted and nothing else."""
        return self.model_dump_json(indent=2, exclude_unset=True) + "\n"


def read_metrics(path: Path) -> Metrics:
    """The metrics of one seed. Raises InputError with the file's name for what does not fit."""
    return typed(Metrics, json_file(path, "the metrics", LARGEST_FILE), str(path))
