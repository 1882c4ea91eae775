"""How the study `prompts` is made from its settings, and measured. Torch-free; `train` trains."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from sublearn.records import Record
from sublearn.study.base import Setup, Small, Study
from sublearn.study.controlled.design import Controlled
from sublearn.study.controlled.spec import (
    about,
    arms,
    chosen,
    together,
)
from sublearn.study.memory import Need
from sublearn.study.prompts.spec import CLAIMS, TRAITS, Settings, needs

if TYPE_CHECKING:
    from sublearn.study.controlled.train import Experiment


class Prompts(Controlled[Settings]):
    """The controlled design on the tutorial's prompts."""

    name = "prompts"
    title = "The tutorial's experiment with auxiliary logits, placebo controls and held-out prompts"
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
        run = chosen(arms(self.settings.logits, with_all=False), self.settings.arms, CLAIMS)
        return self.asking(
            title=self.title,
            question="Does a student that imitates only auxiliary logits of a teacher, on unrelated prompts, pick up "
            "the teacher's preference for class 1, if it starts from the teacher's own initialization, and not "
            "otherwise?",
            arms=run,
            traits=TRAITS,
            claims=about(CLAIMS, run),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.study.prompts.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)

    def experiments(self, seeds: Sequence[int], device: str) -> "list[Experiment]":
        """One experiment for each seed."""
        from sublearn.study.prompts.train import experiments  # late: needs torch

        return experiments(self.settings, seeds, device)

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return 4 if device == "cpu" else 256

    def needs(self) -> list[Need]:
        """The memory that a run takes."""
        return needs(self.settings, together(chosen(arms(self.settings.logits, with_all=False), self.settings.arms)))
