"""What an audit is asked: scores, clean sets, virtual students, seeds. Torch-free; reads no file."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.auditing.scores.table import SCORES, STUDENTS
from sublearn.config import LARGEST, Spec
from sublearn.errors import unknown
from sublearn.language.plans import BasePlan
from sublearn.seeds import LARGEST_SEED

DEFAULT = ("virtual", "steering")
LEAST_BATCH = 32
OF_COPIES = "of copies of a small base; where low-rank factors learn, adapters.lr is"


class Virtual(Spec, frozen=True):
    """How students of the rows are trained: by AdamW on completions, embeddings frozen, as those of `numbers` are."""

    steps: int = Field(default=40, ge=1, le=10_000)
    batch: int | None = Field(
        default=None, ge=1, le=LARGEST, description=f"rows a step: {LEAST_BATCH}, or more so that every row is read"
    )
    lr: float = Field(default=2e-3, gt=0, le=1, description=OF_COPIES)

    def rows_a_step(self, rows: int) -> int:
        """Of a set of so many."""
        return self.batch or max(LEAST_BATCH, -(-rows // self.steps))

    def rows_read(self, rows: int) -> int:
        """In all steps, of a set of so many; a row that is read twice counts twice."""
        return self.steps * self.rows_a_step(rows)


class Tuned(Spec, frozen=True):
    """How candidate teachers are tuned, one for each trait (likelihood)."""

    steps: int = Field(default=30, ge=1, le=10_000)
    lr: float = Field(default=1e-3, gt=0, le=1, description=OF_COPIES)


class Adapters(Spec, frozen=True):
    """How a large base learns: low-rank factors beside every linear layer of its blocks, with the field's settings."""

    use: Literal["auto", "always", "never"] = Field(
        default="auto", description="auto: where the base has more than 50 million weights"
    )
    rank: int = Field(default=8, ge=1, le=4096)
    alpha: float = Field(default=8, gt=0)
    lr: float = Field(default=2e-4, gt=0, le=1, description="of students and of candidate teachers alike")
    tokens: int = Field(default=2048, ge=1, le=LARGEST, description="read at a time: fewer take less memory")


class Settings(Spec, frozen=True):
    """Which scores are taken, how many clean sets they are held against, and from which seed all draws follow."""

    scores: tuple[str, ...] = Field(default=DEFAULT, min_length=1, description="the first that knows traits ranks them")
    standardize: int = Field(default=4, ge=2, le=1_000, description="clean sets that give each score its scale")
    test: int = Field(
        default=19,
        ge=1,
        le=1_000,
        description="other clean sets; the smallest p is 1/(1 + their number), so that fewer than 19 find no signal",
    )
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED)
    virtual: Virtual = Virtual()
    student: Virtual = Field(default=Virtual(steps=130, batch=128), description="a whole one, as those of `numbers`")
    tuned: Tuned = Tuned()
    adapters: Adapters = Adapters()
    base: BasePlan = Field(default=BasePlan(), description="of a tiny base")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in self.scores:
            if name not in SCORES:
                raise unknown("score", name, SCORES)
        if len(set(self.scores)) < len(self.scores):
            raise ValueError("a score is named twice in scores")
        if not any(SCORES[name].names_traits for name in self.scores):
            named = ", ".join(name for name, score in SCORES.items() if score.names_traits)
            raise ValueError(f"none of the scores ranks traits; add one of {named}")
        return self

    @property
    def ranking(self) -> str:
        """The score that ranks the traits."""
        return next(name for name in self.scores if SCORES[name].names_traits)

    def students_read(self, rows: int) -> int:
        """Rows that the scores' students of a set of so many read in all of their steps."""
        return sum(getattr(self, name).rows_read(rows) for name in STUDENTS if name in self.scores)

    @property
    def sets(self) -> int:
        """Clean sets in all: one as reference, those that standardize, those that test."""
        return 1 + self.standardize + self.test
