"""How the study `ladder` is made from its settings, and measured. Torch-free; `train` trains."""

from collections.abc import Sequence
from typing import ClassVar

from sublearn.records import Record
from sublearn.study.base import Design, Setup, Small, Study
from sublearn.study.ladder.spec import (
    RUNGS,
    STUDENTS,
    Settings,
    rung_arms,
    rung_claim,
    rung_settings,
    uncontrolled_claim,
)
from sublearn.study.memory import Need, largest
from sublearn.study.prompts import spec as prompts
from sublearn.study.prompts.design import Prompts


class Ladder(Design[Settings]):
    """Every rung, each by the controlled design on prompts with that rung's settings."""

    name = "ladder"
    title = "From the tutorial's design to the controlled one, one change a rung"
    Settings = Settings
    seconds_a_run = 0.7
    small: ClassVar[Small] = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4, "aux_logits": 8}

    def study(self) -> Study:
        """The study of these settings: a teacher and two students a rung, with placebo controls, and a claim."""
        return self.asking(
            title=self.title,
            question="Which change of the tutorial's design makes the claim visible: the imitated logits, BatchNorm, "
            "the length of training, or held-out prompts? And what does the tutorial's own comparison, without "
            "controls, show?",
            arms=tuple(arm for rung in RUNGS for arm in rung_arms(rung)),
            traits=prompts.TRAITS,
            claims=(uncontrolled_claim(), *map(rung_claim, RUNGS)),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm of every rung for the seeds."""
        from sublearn.study.ladder.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort."""
        return Prompts(rung_settings(self.settings, "held_out")).runs_at_once(device)

    def needs(self) -> list[Need]:
        """The memory that a run takes: that of its largest rung, with all its students."""
        return largest([prompts.needs(rung_settings(self.settings, rung), students=len(STUDENTS)) for rung in RUNGS])
