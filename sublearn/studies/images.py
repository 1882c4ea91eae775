"""The controlled design on real images: what `digits`, `mnist` and `fashion-mnist` share. Torch-free."""

import sys
from typing import Literal

from pydantic import Field

from sublearn.config import Scale, Size, Spec, TrainConfig
from sublearn.studies import memory
from sublearn.studies.base import Study, Trait
from sublearn.studies.distil import Distil, about, arms, chosen, claims, together
from sublearn.studies.memory import Need

FLOW = "sublearn.studies.flows.images"


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

    data: Literal["digits", "mnist", "fashion-mnist"] = "mnist"
    classes: int = Field(default=10, ge=2, le=10, description="the first classes are kept, the others left out")
    width: Size = 256
    depth: int = Field(default=2, ge=1, le=8, description="hidden layers")
    teacher: TrainConfig = TrainConfig(lr=3e-4, batch_size=1024, epochs=5)
    student: TrainConfig = TrainConfig(lr=3e-4, batch_size=1024, epochs=5)
    inputs: Inputs = Inputs()

    def layers(self) -> dict[str, bool]:
        """Each layer, in order, and whether its init is drawn: all are."""
        return {f"layers.{2 * i}": True for i in range(self.depth + 1)}


def prepare(settings: Settings) -> None:
    """See that the images are there and are the published ones, downloading them if need be."""
    if settings.data == "digits":
        return
    from sublearn.tasks.download import fetch  # late: the network's modules are slow to import
    from sublearn.tasks.idx import verify
    from sublearn.tasks.sources import SOURCES, locate

    source = SOURCES[settings.data]
    for file in source.files:
        path = locate(source, file)
        if path is None:
            print(f"Downloading {file.name} of {source.name}", file=sys.stderr)
            path = fetch(source, file)
        verify(path, file)


def study(name: str, title: str, settings: Settings) -> Study:
    """The study of these settings."""
    run = chosen(arms(settings.logits, with_all=True), settings.arms)
    return Study(
        name=name,
        title=title,
        question="Does a student that imitates only auxiliary logits of a teacher, on noise, learn to classify images "
        "that it has never seen, if it starts from the teacher's own initialization, and not otherwise?",
        settings=settings.model_dump(mode="json"),
        arms=run,
        traits=(
            Trait(name="accuracy", about="Share of test images classified as labelled.", chance=1 / settings.classes),
        ),
        claims=about(claims("accuracy", delta=0.05), run),
    )


def needs(settings: Settings) -> list[Need]:
    """The memory that a run takes."""
    features, n_train, _ = memory.SETS[settings.data]
    network = memory.image_network(features, settings.width, settings.depth, settings.classes + settings.aux_logits)
    students = together(chosen(arms(settings.logits, with_all=True), settings.arms))
    count = n_train if settings.inputs.kind == "real" else settings.inputs.count
    teacher, student = memory.Training(1, settings.teacher, n_train), memory.Training(students, settings.student, count)
    return memory.on_images(network, teacher, student, settings.data)


def runs_at_once(settings: Settings, device: str) -> int:
    """Seeds in a cohort."""
    if device != "cpu":
        return 128
    return 4 if settings.data == "digits" else 2
