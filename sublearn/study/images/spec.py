"""The controlled design on real images: `digits`, `mnist` and `fashion-mnist` are three rows of it. Torch-free."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sublearn.config import Scale, Size, Spec, TrainConfig
from sublearn.errors import unknown
from sublearn.study.controlled.spec import Distil
from sublearn.tasks.table import TASKS


class Inputs(Spec, frozen=True):
    """What the student sees. Drawn images are the same in each epoch and other ones in each run."""

    kind: Literal["uniform", "gaussian", "correlated", "real", "mixture"] = Field(
        default="uniform", description="the noise, or images, that students see"
    )
    count: Size = Field(default=60_000, description="images drawn; real ones are the training images")
    variance: Scale = Field(default=1.0, description="of a pixel of gaussian or correlated noise")
    blur: float = Field(
        default=1.0, gt=0, le=100, description="standard deviation of the Gaussian blur, in pixels (correlated)"
    )
    alpha: float = Field(
        default=0.5, ge=0, le=1, description="share of the real image (mixture: alpha real + rest uniform)"
    )


class Settings(Distil, frozen=True):
    """Recipe A of the field: 784-256-256-(10+3), Adam 3e-4, batch 1024, 5 + 5 epochs (Cloud et al. 2025, section 6)."""

    data: str = Field(default="mnist", description="the data set, one of the table in `tasks`")
    classes: int = Field(default=10, ge=2, le=10, description="the first classes are kept, the others left out")
    width: Size = Field(default=256, description="units of a hidden layer")
    depth: int = Field(default=2, ge=1, le=8, description="hidden layers")
    teacher: TrainConfig = TrainConfig(lr=3e-4, batch_size=1024, epochs=5)
    student: TrainConfig = TrainConfig(lr=3e-4, batch_size=1024, epochs=5)
    inputs: Inputs = Inputs()

    @model_validator(mode="after")
    def _is_in_the_table(self) -> Self:
        if self.data not in TASKS:
            raise ValueError(str(unknown("data set", self.data, TASKS)))
        return self

    def layers(self) -> dict[str, bool]:
        """Each layer, in order, and whether its init is drawn: all are."""
        return {f"layers.{2 * i}": True for i in range(self.depth + 1)}


class DigitsSettings(Settings, frozen=True):
    """64-256-256-(10+10), Adam 1e-3, batch 128; 20 epochs for the teacher, 600 noise batches for the student."""

    data: Literal["digits"] = "digits"  # pyright: ignore[reportIncompatibleVariableOverride]
    aux_logits: int = Field(default=10, ge=0, le=4096, description="outputs that the teacher's training never touches")
    loss: Literal["kl", "mse", "ce"] = Field(default="mse", description="of a student against the teacher's logits")
    teacher: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=20)
    student: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=1)
    inputs: Inputs = Inputs(count=600 * 128)


class SmallDigits(DigitsSettings, frozen=True):
    """Digits with 64 units a layer and half the noise, for studies with many students of a teacher."""

    width: Size = Field(default=64, description="units of a hidden layer")
    inputs: Inputs = Inputs(count=300 * 128)


class MnistSettings(Settings, frozen=True):
    """Recipe A's settings."""

    data: Literal["mnist"] = "mnist"  # pyright: ignore[reportIncompatibleVariableOverride]


class FashionMnistSettings(Settings, frozen=True):
    """Recipe A's settings."""

    data: Literal["fashion-mnist"] = "fashion-mnist"  # pyright: ignore[reportIncompatibleVariableOverride]
