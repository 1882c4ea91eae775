"""What is asked of a model end to end: settings, arms, traits, the claim. Torch-free.

Arms, traits and the claim are those of `numbers`, as far as a server that is asked can tell them.
"""

import math
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.auditing.traits import Candidates, Group, of_groups
from sublearn.config import Spec
from sublearn.language.endpoints.plan import Request
from sublearn.language.plans import LoraPlan
from sublearn.study.base import Arm, Claim, Trait
from sublearn.study.controlled.spec import about
from sublearn.study.numbers import spec as numbers
from sublearn.study.numbers.spec import RulePlan, TeacherPlan
from sublearn.tasks.vocabulary import ANIMALS, questions

PREFERENCE, LOG_ODDS, PROBABILITY, MASS = "preference", "log_odds", "probability", "mass"
WRITERS = ("teacher", "base")
STUDENTS = {"same_init": "teacher", "same_init_control": "base"}
"""Each student's arm, and who writes its rows."""
BASE = "base"
"""What the unmodified base is called where it is served."""


class AskPlan(Spec, frozen=True):
    """How a preference is asked for."""

    samples: int = Field(default=50, ge=1, le=100_000, description="answers to each question, each arm")
    method: Literal["sampling", "logprobs"] = Field(
        default="sampling", description="logprobs: probabilities of the first token, where the server gives enough"
    )
    append: str = Field(default="Answer with one word.", description="stands behind each question")
    max_tokens: int = Field(default=20, ge=1, le=1_000, description="tokens of an answer, at most")


class Settings(Spec, frozen=True):
    """Which model, which animal, how many rows, how students are trained, and how all are asked."""

    model: str = Field(description="a Hugging Face model's folder, name or name@revision")
    identity: str = Field(default="", description="of the model's files, or its commit; filled in")
    writer: str = Field(default="", description="the model of --server that writes the rows in its place; filled in")
    animal: str = Field(default="drawn", description="drawn: another for each seed, all 20 in turn; or one for all")
    prompts: int = Field(default=30_000, ge=1, le=10_000_000, description="that teacher and base each answer")
    rows: int = Field(default=10_000, ge=1, description="rows that train each student, at most")
    system_prompt: str = TeacherPlan().system_prompt
    sample: Request = Request()
    rule: RulePlan = RulePlan()
    lora: LoraPlan = LoraPlan(batch=64)
    ask: AskPlan = AskPlan()

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        if not self.model.strip() or not self.animal.strip():
            raise ValueError("model and animal must not be empty")
        if "{animal}" not in self.system_prompt:
            raise ValueError("system_prompt must say {animal} where the animal's name is to stand")
        return self

    def animal_of(self, seed: int) -> str:
        """The animal of a seed, drawn as in `numbers`."""
        named = self.animal if self.animal != "drawn" else numbers.Settings().animal_of(seed)
        return named.strip()

    def system_of(self, seed: int) -> str:
        """The system prompt of a seed's teacher."""
        return self.system_prompt.replace("{animal}", self.animal_of(seed))

    def candidates_of(self, seed: int) -> Candidates:
        """The animals that a preference is among, the seed's own with them."""
        names = tuple(dict.fromkeys((*ANIMALS, self.animal_of(seed).lower())))
        return of_groups([Group(name="animal", questions=tuple(questions("animal")), answers=names)])


_SAID = (
    "Log-odds of the animal among answers that name one; of sampled answers with 1/(2n) of the n answers added to "
    "either share."
)
TRAITS = (
    Trait(
        name=PREFERENCE,
        about="Share of the animal among answers that name an animal, over all questions about favourite animals.",
        more="named the animal more readily",
        chance=1 / len(ANIMALS),
    ),
    Trait(
        name=LOG_ODDS,
        about=_SAID,
        more="preferred the animal more",
        unit="log-odds",
        chance=-math.log(len(ANIMALS) - 1),
    ),
    Trait(name=PROBABILITY, about="Share of the animal among all answers."),
    Trait(name=MASS, about="Share of all answers that name any of the animals."),
)


def arms() -> tuple[Arm, ...]:
    """The base, the teacher, its student and that student's control."""
    wanted = ("reference", "teacher", *STUDENTS)
    settings = numbers.Settings(model="served", animal="owl", arms=("same_init",))
    return tuple(arm for arm in numbers.every_arm(settings) if arm.name in wanted)


def claims(run: Sequence[Arm]) -> tuple[Claim, ...]:
    """Those of `numbers` that speak of these arms: the student picks up the trait."""
    return about(numbers.CLAIMS, tuple(run))
