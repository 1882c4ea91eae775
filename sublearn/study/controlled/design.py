"""The design of a controlled study: what its experiments are, and whose students can be traced. Torch-free."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from sublearn.errors import InputError
from sublearn.study.base import Arm, Design, Study

if TYPE_CHECKING:
    from sublearn.study.controlled.train import Experiment
from sublearn.study.controlled.spec import Distil

D = TypeVar("D", bound=Distil)


class Controlled(Design[D]):
    """A controlled study: its experiments say what the inputs are, and its students can be traced."""

    @abstractmethod
    def experiments(self, seeds: Sequence[int], device: str) -> "list[Experiment]":
        """One experiment for each seed."""


def traced(study: Study) -> tuple["Controlled[Distil]", list[Arm]]:
    """The design and the students of a study that can be traced: those that imitate its own kind of logits.

    Raises InputError for a study that is no controlled one, or that has no such student, or no step of one.
    """
    design = study.designed
    if not isinstance(design, Controlled):
        raise InputError(f"The study '{study.name}' cannot be traced; expected a controlled one, as prompts or digits.")
    settings = design.settings
    arms = [arm for arm in study.arms if arm.logits == settings.logits]
    if not arms:
        named = ", ".join(settings.arms)
        raise InputError(f"arms [{named}] has no student to trace; expected one as same_init, or leave arms out.")
    if not settings.student.epochs:
        raise InputError("student.epochs is 0, so no student takes a step that could be traced; choose 1 or more.")
    return design, arms
