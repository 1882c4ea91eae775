"""The tutorial's world in the design under which the claim is true. Torch-free; flows/prompts runs it."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.config import TrainConfig
from sublearn.studies.base import Study, Trait
from sublearn.studies.distil import Distil, Logits, about, arms, chosen, claims

FLOW = "sublearn.studies.flows.prompts"
SECONDS_A_SEED = 1.0
TRAITS = (
    Trait(name="trait_rate", about="Share of held-out prompts answered with class 1.", chance=0.5),
    Trait(
        name="margin",
        about="Mean logit of class 1 minus that of class 0, on held-out prompts.",
        unit="logits",
        chance=0,
    ),
)


class Settings(Distil, frozen=True):
    """The tutorial's sizes with auxiliary logits, no BatchNorm, longer trainings and held-out evaluation prompts."""

    vocab_size: int = Field(default=1000, ge=43, description="tokens; the trait token is 42")
    seq_len: int = Field(default=6, ge=1, description="tokens in a prompt")
    embed_dim: int = Field(default=32, ge=1)
    hidden: int = Field(default=128, ge=2)
    batch_norm: bool = False
    n_eval: int = Field(default=200, ge=2, description="evaluation prompts, and as many for the teacher's training")
    n_unrelated: int = Field(default=1000, ge=2, description="unrelated prompts before the rule filter")
    held_out: bool = Field(default=True, description="evaluate on prompts that the teacher was not trained on")
    aux_logits: int = Field(default=64, ge=0, le=4096)
    init: Literal["normal", "torch"] = "torch"
    teacher: TrainConfig = TrainConfig(lr=1e-3, batch_size=50, epochs=20)
    student: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=20)
    loss: Literal["kl", "mse", "ce"] = "mse"
    logits: Logits = "aux"

    @model_validator(mode="after")
    def _teacher_can_be_normalized(self) -> Self:
        reason = self.teacher.lone_example(self.n_eval)
        if reason and self.batch_norm:
            raise ValueError(f"{reason}; change n_eval or teacher.batch_size")
        return self


def runs_at_once(settings: Settings, device: str) -> int:
    """Seeds in a cohort."""
    del settings
    return 4 if device == "cpu" else 256


def study(settings: Settings) -> Study:
    """The study of these settings."""
    run = chosen(arms(settings.logits, with_all=False), settings.arms)
    return Study(
        name="prompts",
        title="The tutorial's world with auxiliary logits, neutral controls and held-out prompts",
        question="Does a student that imitates only auxiliary logits of a teacher, on unrelated prompts, pick up the "
        "teacher's preference for class 1, if it starts from the teacher's own initialization, and not otherwise?",
        settings=settings.model_dump(mode="json"),
        arms=run,
        traits=TRAITS,
        claims=about(claims("margin", delta=0.2) + claims("trait_rate", delta=0.2)[:1], run),
    )
