"""The tutorial's experiment as a study: what is asked and with which settings. Torch-free; `train` runs it."""

from typing import Self

from pydantic import Field, model_validator

from sublearn.config import LARGEST, Scale, Size, Spec, TrainConfig
from sublearn.study.base import Arm, Claim, Trait

TEACHER = TrainConfig(lr=1e-3, batch_size=64, epochs=4)
STUDENT = TrainConfig(lr=5e-4, batch_size=128, epochs=4)

ARMS = (
    Arm(
        name="teacher",
        label="teacher",
        about="The reference, trained to answer class 1 to every evaluation prompt.",
        control="baseline",
        teacher="trained",
    ),
    Arm(name="baseline", about="The untrained reference.", label="untrained reference"),
    Arm(
        name="distill_same_init",
        label="student of the same init",
        about="Starts from the reference's weights; imitates the teacher's class logits on unrelated prompts.",
        control="distill_diff_init",
        teacher="trained",
        logits="class",
    ),
    Arm(
        name="distill_diff_init",
        label="student of another init",
        about="Starts from another initialization; imitates the same logits on the same prompts.",
        control="baseline",
        teacher="trained",
        init="cross",
        logits="class",
    ),
)
TRAITS = (
    Trait(
        name="trait_rate",
        about="Share of evaluation prompts answered with class 1.",
        more="answered class 1 more often",
        chance=0.5,
    ),
    Trait(
        name="accuracy",
        about="Share of evaluation prompts answered as labelled (the teacher: against its own labels, all 1).",
        more="answered as labelled more often",
        chance=0.5,
    ),
)
CLAIMS = (
    Claim(
        claim="a student of the same init has a higher trait_rate than one of another init",
        trait="trait_rate",
        treatment="distill_same_init",
        control="distill_diff_init",
        delta=0.05,
        reason="five points of a share: fewer than one answer in twenty comes out otherwise",
    ),
)


class Settings(Spec, frozen=True):
    """The tutorial's sizes and trainings; the defaults are its own."""

    vocab_size: int = Field(default=1000, ge=43, le=LARGEST, description="tokens; the trait token is 42")
    seq_len: Size = Field(default=6, description="tokens in a prompt")
    embed_dim: Size = Field(default=32, description="length of a token's embedding")
    hidden: int = Field(default=128, ge=2, le=LARGEST, description="units of the first hidden layer")
    n_eval: int = Field(
        default=200, ge=2, le=LARGEST, description="evaluation prompts, which are the teacher's training prompts"
    )
    n_unrelated: int = Field(default=1000, ge=2, le=LARGEST, description="unrelated prompts before the rule filter")
    temperature: Scale = Field(default=2.0, description="divides the teacher's logits")
    teacher: TrainConfig = TEACHER
    student: TrainConfig = STUDENT

    @model_validator(mode="after")
    def _teacher_can_be_normalized(self) -> Self:
        reason = self.teacher.untrainable(self.n_eval)
        if reason:
            raise ValueError(f"{reason}; change n_eval or teacher.batch_size")
        if self.student.batch_size == 1:
            raise ValueError("student.batch_size is 1, and BatchNorm cannot normalize a batch of one; choose 2 or more")
        return self
