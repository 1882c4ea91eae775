"""The tutorial's world in the design under which the claim is true. Torch-free; `train` runs it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sublearn.config import LARGEST, Size, TrainConfig
from sublearn.records import Record
from sublearn.study import memory
from sublearn.study.base import Setup, Small, Study, Trait
from sublearn.study.controlled.spec import Controlled, Distil, Logits, about, arms, chosen, claims, together
from sublearn.study.memory import Need

if TYPE_CHECKING:
    from sublearn.study.controlled.train import World

CLASSES = 2
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

    vocab_size: int = Field(default=1000, ge=43, le=LARGEST, description="tokens; the trait token is 42")
    seq_len: Size = Field(default=6, description="tokens in a prompt")
    embed_dim: Size = 32
    hidden: int = Field(default=128, ge=2, le=LARGEST)
    batch_norm: bool = False
    n_eval: int = Field(
        default=200, ge=2, le=LARGEST, description="evaluation prompts, and as many for the teacher's training"
    )
    n_unrelated: int = Field(default=1000, ge=2, le=LARGEST, description="unrelated prompts before the rule filter")
    held_out: bool = Field(default=True, description="evaluate on prompts that the teacher was not trained on")
    aux_logits: int = Field(default=64, ge=0, le=4096)
    init: Literal["normal", "torch"] = "torch"
    teacher: TrainConfig = TrainConfig(lr=1e-3, batch_size=50, epochs=20)
    student: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=20)
    loss: Literal["kl", "mse", "ce"] = "mse"
    logits: Logits = "aux"

    @model_validator(mode="after")
    def _batches_can_be_normalized(self) -> Self:
        reason = self.teacher.untrainable(self.n_eval, self.batch_norm)
        if reason:
            raise ValueError(f"{reason}; change n_eval or teacher.batch_size, or leave batch_norm out")
        if self.batch_norm and self.student.batch_size == 1:
            raise ValueError("student.batch_size is 1, and BatchNorm cannot normalize a batch of one; choose 2 or more")
        return self

    def layers(self) -> dict[str, bool]:
        """Each layer, in order, and whether its init is drawn."""
        drawn = {"embed": True, "fc1": True, "bn1": False, "fc2": True, "bn2": False, "fc3": True}
        return {name: at_random for name, at_random in drawn.items() if at_random or self.batch_norm}


class Prompts(Controlled[Settings]):
    """The controlled design on the tutorial's prompts."""

    name = "prompts"
    Settings = Settings
    seconds_a_run = 0.2
    small: ClassVar[Small] = {
        "n_eval": 20,
        "n_unrelated": 60,
        "hidden": 8,
        "embed_dim": 4,
        "teacher.epochs": 3,
        "student.epochs": 2,
    }

    def study(self) -> Study:
        """The study of these settings."""
        run = chosen(arms(self.settings.logits, with_all=False), self.settings.arms)
        return Study(
            name=self.name,
            title="The tutorial's world with auxiliary logits, placebo controls and held-out prompts",
            question="Does a student that imitates only auxiliary logits of a teacher, on unrelated prompts, pick up "
            "the teacher's preference for class 1, if it starts from the teacher's own initialization, and not "
            "otherwise?",
            settings=self.settings.model_dump(mode="json"),
            arms=run,
            traits=TRAITS,
            claims=about(claims("margin", delta=0.2) + claims("trait_rate", delta=0.2)[:1], run),
            design=self,
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.study.prompts.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)

    def worlds(self, seeds: Sequence[int], device: str) -> "list[World]":
        """One world for each seed."""
        from sublearn.study.prompts.train import worlds  # late: needs torch

        return worlds(self.settings, seeds, device)

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return 4 if device == "cpu" else 256

    def needs(self) -> list[Need]:
        """The memory that a run takes."""
        return needs(self.settings, together(chosen(arms(self.settings.logits, with_all=False), self.settings.arms)))


def needs(settings: Settings, students: int) -> list[Need]:
    """The memory that a run takes with so many students side by side."""
    outputs = CLASSES + settings.aux_logits
    network = memory.prompt_network(settings.vocab_size, settings.embed_dim, settings.hidden, outputs)
    teacher = memory.Training(1, settings.teacher, settings.n_eval)
    student = memory.Training(students, settings.student, settings.n_unrelated)
    return memory.on_prompts(network, teacher, student, settings.seq_len)
