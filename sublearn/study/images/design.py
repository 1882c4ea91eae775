"""How the studies on images are made from their settings, and measured. Torch-free; `train` trains."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

from sublearn.records import Record
from sublearn.study import memory
from sublearn.study.base import Design, Setup, Small, Study, Trait
from sublearn.study.controlled.design import Controlled
from sublearn.study.controlled.spec import (
    FIVE_POINTS,
    SHARE_DELTA,
    about,
    arms,
    chosen,
    claims,
    together,
)
from sublearn.study.images.spec import DigitsSettings, FashionMnistSettings, MnistSettings, Settings, SmallDigits
from sublearn.study.memory import Need
from sublearn.tasks.table import TASKS

if TYPE_CHECKING:
    from sublearn.study.controlled.train import Experiment


def accuracy_on(settings: Settings) -> Trait:
    """What is measured on test images."""
    return Trait(
        name="accuracy",
        about="Share of test images classified as labelled.",
        more="was right on more images",
        chance=1 / settings.classes,
    )


def needs(settings: Settings, students: int) -> list[Need]:
    """The memory that a run takes with so many students side by side."""
    data = TASKS[settings.data]
    network = memory.image_network(
        data.features, settings.width, settings.depth, settings.classes + settings.aux_logits
    )
    count = data.train if settings.inputs.kind == "real" else settings.inputs.count
    teacher = memory.Training(1, settings.teacher, data.train)
    return memory.on_images(network, teacher, memory.Training(students, settings.student, count), settings.data)


class Images(Controlled[Settings]):
    """The controlled design on a set of images."""

    title: ClassVar[str]
    runs_on_a_cpu: ClassVar[int] = 2
    small: ClassVar[Small] = {"width": 12, "teacher.epochs": 1, "student.epochs": 1, "inputs.count": 1024}

    def study(self) -> Study:
        """The study of these settings."""
        settings = self.settings
        run = chosen(arms(settings.logits, with_all=True), settings.arms)
        return self.asking(
            title=self.title,
            question="Does a student that imitates only auxiliary logits of a teacher, on noise, learn to classify "
            "images that it has never seen, if it starts from the teacher's own initialization, and not otherwise?",
            arms=run,
            traits=(accuracy_on(settings),),
            claims=about(claims("accuracy", SHARE_DELTA, FIVE_POINTS), run),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm for the seeds."""
        from sublearn.study.images.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)

    def experiments(self, seeds: Sequence[int], device: str) -> "list[Experiment]":
        """One experiment for each seed."""
        from sublearn.study.images.train import experiments  # late: needs torch

        return experiments(self.settings, seeds, device)

    def prepare(self) -> None:
        """See that the images are there and are the published ones, downloading them if need be."""
        TASKS[self.settings.data].prepare()

    def needs(self) -> list[Need]:
        """The memory that a run takes."""
        return needs(self.settings, together(chosen(arms(self.settings.logits, with_all=True), self.settings.arms)))

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return self.runs_on_a_cpu if device == "cpu" else 128


D = TypeVar("D", bound=SmallDigits)


class OnDigits(Design[D]):
    """Many students of a teacher each, on digits."""

    small: ClassVar[Small] = Images.small

    def needs(self) -> list[Need]:
        """The memory that a run takes."""
        return needs(self.settings, together(self.study().arms))

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return 4 if device == "cpu" else 128


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
