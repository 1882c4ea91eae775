"""How the study of defences is made from its settings, checked and measured. Torch-free; `train` trains."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sublearn.auditing.defences import spec
from sublearn.auditing.defences.spec import Settings
from sublearn.auditing.defences.table import DEFENCES
from sublearn.config import override
from sublearn.records import Record
from sublearn.study.base import Setup, Small, Study
from sublearn.study.numbers.design import Numbers
from sublearn.study.students.design import Students
from sublearn.study.students.spec import SECONDS_A_BASE, SECONDS_A_STUDENT

NAME = "defences"


class Defences(Students[Settings]):
    """Students of one base under each defence. One seed at a time."""

    name = NAME
    title = "Defences: what is left of a transfer"
    Settings = Settings
    seconds_a_run = SECONDS_A_BASE + 2 * (1 + len(DEFENCES)) * SECONDS_A_STUDENT
    small: ClassVar[Small] = {
        **{key: value for key, value in Numbers.small.items() if key != "sampled"},
        "base.steps": 150,  # fewer, and hardly an answer passes the rule
        "held_out": 16,
    }

    def study(self) -> Study:
        """The study of these settings."""
        return self.asking(
            title=self.title,
            question="Of an animal that a student would pick up from number sequences, how much is left if the rows, "
            "the student or its training are changed in some way, and what does that cost of the task?",
            arms=spec.arms(self.settings),
            traits=spec.TRAITS,
            claims=spec.claims(self.settings),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.auditing.defences import train  # late: needs torch and transformers

        return train.measure(study, self.settings, seeds, setup)

    def plan_lines(self, runs: float) -> list[str]:
        """What a run costs, as measured."""
        students = 2 * (1 + len(self.settings.chosen))
        seconds = SECONDS_A_BASE + students * SECONDS_A_STUDENT
        return [
            f"{len(self.settings.chosen)} defences, {students} students a base; up to {self.settings.rows:,} rows.",
            f"About {seconds * runs / 60:,.0f} min at {seconds:,.0f} s a base on one quiet core, a rough estimate.",
        ]


def built(assignments: Mapping[str, Any], what: str = "--set") -> Study:
    """The study with some of its settings replaced by dotted key. Raises InputError for what does not fit."""
    return Defences(override(Settings, assignments, what)).study()
