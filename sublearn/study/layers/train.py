"""The study `layers` for a cohort of seeds: the controlled design with starts that are put together layer by layer."""

from collections.abc import Collection, Sequence

from sublearn.records import Record
from sublearn.study.base import Setup, Study
from sublearn.study.controlled import train as distil
from sublearn.study.controlled.train import TrainedTeachers
from sublearn.study.images.train import ImageExperiment
from sublearn.study.layers.spec import Part, Settings, shared_by
from sublearn.training.cohort import State


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm for the seeds."""
    students = [arm.name for arm in study.arms if arm.logits != "none"]

    def starts(before: TrainedTeachers) -> dict[str, State]:
        reference, other = before.starts["same"], before.starts["cross"]
        return {arm: start(reference, other, shared_by(arm), settings) for arm in students}

    experiment = ImageExperiment(settings, seeds, setup.device)
    return distil.measure(study, settings, seeds, experiment, setup, starts)


def start(reference: State, other: State, shared: Collection[Part], settings: Settings) -> State:
    """The parts that are shared from the reference ("run ..."), the others from the other draw.

    The reference is the init that a student of `digits` would share, with what `student_init` changes in it.
    """
    layers = list(settings.layers())
    found = {}
    for name, own in reference.items():
        layer = name.rpartition(".")[0]
        if layer == layers[-1]:
            # A row an output, the class outputs first.
            found[name] = other[name].clone()
            if "class_head" in shared:
                found[name][:, : settings.classes] = own[:, : settings.classes]
            if "aux_head" in shared:
                found[name][:, settings.classes :] = own[:, settings.classes :]
        else:
            found[name] = own if ("first" if layer == layers[0] else "hidden") in shared else other[name]
    return found
