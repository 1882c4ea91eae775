"""The controlled design on real images: `digits`, `mnist` and `fashion-mnist` are three rows of it. Torch-free."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sublearn.config import Scale, Size, Spec, TrainConfig
from sublearn.errors import unknown
from sublearn.records import Record
from sublearn.study import memory
from sublearn.study.base import Setup, Small, Study, Trait
from sublearn.study.controlled.spec import Controlled, Distil, about, arms, chosen, claims, together
from sublearn.study.memory import Need
from sublearn.tasks.table import TASKS

if TYPE_CHECKING:
    from sublearn.study.controlled.train import World


class Inputs(Spec, frozen=True):
    """What the student sees. Drawn images are the same in each epoch and other ones in each run."""

    kind: Literal["uniform", "gaussian", "correlated", "real", "mixture"] = "uniform"
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
    width: Size = 256
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
    aux_logits: int = Field(default=10, ge=0, le=4096)
    loss: Literal["kl", "mse", "ce"] = "mse"
    teacher: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=20)
    student: TrainConfig = TrainConfig(lr=1e-3, batch_size=128, epochs=1)
    inputs: Inputs = Inputs(count=600 * 128)


class MnistSettings(Settings, frozen=True):
    """Recipe A's settings."""

    data: Literal["mnist"] = "mnist"  # pyright: ignore[reportIncompatibleVariableOverride]


class FashionMnistSettings(Settings, frozen=True):
    """Recipe A's settings."""

    data: Literal["fashion-mnist"] = "fashion-mnist"  # pyright: ignore[reportIncompatibleVariableOverride]


class Images(Controlled[Settings]):
    """The controlled design on a set of images."""

    title: ClassVar[str]
    runs_on_a_cpu: ClassVar[int] = 2
    small: ClassVar[Small] = {"width": 12, "teacher.epochs": 1, "student.epochs": 1, "inputs.count": 1024}

    def study(self) -> Study:
        """The study of these settings."""
        settings = self.settings
        run = chosen(arms(settings.logits, with_all=True), settings.arms)
        return Study(
            name=self.name,
            title=self.title,
            question="Does a student that imitates only auxiliary logits of a teacher, on noise, learn to classify "
            "images that it has never seen, if it starts from the teacher's own initialization, and not otherwise?",
            settings=settings.model_dump(mode="json"),
            arms=run,
            traits=(
                Trait(
                    name="accuracy", about="Share of test images classified as labelled.", chance=1 / settings.classes
                ),
            ),
            claims=about(claims("accuracy", delta=0.05), run),
            design=self,
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm for the seeds."""
        from sublearn.study.images.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)

    def worlds(self, seeds: Sequence[int], device: str) -> "list[World]":
        """One world for each seed."""
        from sublearn.study.images.train import worlds  # late: needs torch

        return worlds(self.settings, seeds, device)

    def prepare(self) -> None:
        """See that the images are there and are the published ones, downloading them if need be."""
        TASKS[self.settings.data].prepare()

    def needs(self) -> list[Need]:
        """The memory that a run takes."""
        settings = self.settings
        data = TASKS[settings.data]
        network = memory.image_network(
            data.features, settings.width, settings.depth, settings.classes + settings.aux_logits
        )
        students = together(chosen(arms(settings.logits, with_all=True), settings.arms))
        count = data.train if settings.inputs.kind == "real" else settings.inputs.count
        teacher = memory.Training(1, settings.teacher, data.train)
        return memory.on_images(network, teacher, memory.Training(students, settings.student, count), settings.data)

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return self.runs_on_a_cpu if device == "cpu" else 128


class Digits(Images):
    """scikit-learn's embedded 8x8 digits: real data, no download."""

    name, Settings, seconds_a_run = "digits", DigitsSettings, 4.0
    title = "Handwritten digits (8x8, embedded): a classifier caught from noise"
    runs_on_a_cpu = 4


class Mnist(Images):
    """MNIST by recipe A of the field (Cloud et al. 2025, section 6)."""

    name, Settings, seconds_a_run = "mnist", MnistSettings, 40.0
    title = "MNIST: a classifier caught from noise"


class FashionMnist(Images):
    """Fashion-MNIST by the same recipe."""

    name, Settings, seconds_a_run = "fashion-mnist", FashionMnistSettings, 40.0
    title = "Fashion-MNIST: a classifier caught from noise"
