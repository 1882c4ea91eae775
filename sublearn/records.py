"""One measured value, or the reason why there is none. Knows neither torch nor where records are kept."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sublearn.seeds import LARGEST_SEED

LARGEST_VALUE = 1e12
"""No trait's score lies further from zero: beyond it a model has diverged, and squares of sums would overflow."""
Number = Annotated[float, Field(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]
"""A float that a record could hold: the bound of what is read back and drawn."""
LARGEST_N = 10**12
LONGEST_NAME, LONGEST_REASON = 200, 1_000
"""Letters."""
Status = Literal["ok", "diverged", "unmeasured"]


@dataclass(frozen=True)
class Problem:
    """Why a run has no value, and of which kind that is."""

    status: Literal["diverged", "unmeasured"]
    reason: str


class Record(BaseModel):
    """One row: what `trait` scored for one `seed` of one `arm`, over `n` examples.

    A record is either "ok" with a value, or has no value and says why: unmeasured is not zero.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    study: str = Field(max_length=LONGEST_NAME)
    arm: str = Field(max_length=LONGEST_NAME)
    seed: int = Field(ge=0, le=LARGEST_SEED)
    trait: str = Field(max_length=LONGEST_NAME)
    value: Number | None
    n: int = Field(ge=0, le=LARGEST_N)
    status: Status = "ok"
    reason: str | None = Field(default=None, max_length=LONGEST_REASON)

    @model_validator(mode="after")
    def _value_or_reason(self) -> Self:
        if (self.status == "ok") != (self.value is not None):
            raise ValueError(f"status '{self.status}' does not go with the value {self.value}")
        if self.status != "ok" and not self.reason:
            raise ValueError(f"status '{self.status}' needs a reason")
        return self

    @classmethod
    def of(
        cls, study: str, arm: str, seed: int, trait: str, score: float, n: int, problem: Problem | None = None
    ) -> Self:
        """The record of a score over n examples; of a problem, if there is one or the score is out of bounds."""
        if problem is None and not abs(score) <= LARGEST_VALUE:
            beyond = f", beyond {LARGEST_VALUE:g}" if math.isfinite(score) else ""
            problem = Problem("diverged", f"{trait} is {score:g}{beyond}")
        if problem is None:
            return cls(study=study, arm=arm, seed=seed, trait=trait, value=score, n=n)
        gone = {"value": None, "n": 0, "status": problem.status, "reason": problem.reason}
        return cls.model_validate({"study": study, "arm": arm, "seed": seed, "trait": trait, **gone})
