"""How the study of mechanisms is made from its settings, checked and measured. Torch-free; `train` trains."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from sublearn.config import override
from sublearn.records import Record
from sublearn.study.base import Setup, Small, Study
from sublearn.study.mechanisms import spec
from sublearn.study.mechanisms.spec import Settings
from sublearn.study.numbers.design import Numbers
from sublearn.study.students.design import Students

NAME = "mechanisms"


class Mechanisms(Students[Settings]):
    """Students of one base that differ in one thing each. One seed at a time."""

    name = NAME
    title = "Published mechanisms in language models"
    Settings = Settings
    seconds_a_run = spec.seconds(Settings())
    small: ClassVar[Small] = {
        **{key: value for key, value in Numbers.small.items() if key != "sampled"},
        "base.steps": 150,  # fewer, and hardly an answer passes the rule
        "strength.shifted": 32,
    }

    def study(self) -> Study:
        """The study of these settings."""
        return self.asking(
            title=self.title,
            question="What is published on why and when a student picks up an animal from number sequences: does it "
            "hold in the tiny world too?",
            arms=spec.arms(self.settings),
            traits=spec.traits(self.settings),
            claims=spec.claims(self.settings),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.study.mechanisms import train  # late: needs torch and transformers

        return train.measure(study, self.settings, seeds, setup)

    def plan_lines(self, runs: float) -> list[str]:
        """What a run costs, roughly."""
        count = sum(arm.logits != "none" for arm in spec.arms(self.settings))
        seconds = spec.seconds(self.settings)
        return [
            f"{len(self.settings.chosen)} mechanisms, {count} students a base; up to {self.settings.rows:,} rows.",
            f"About {seconds * runs / 60:,.0f} min at {seconds:,.0f} s a base on one quiet core, a rough estimate.",
        ]


def built(assignments: Mapping[str, Any], what: str = "--set") -> Study:
    """The study with some of its settings replaced by dotted key. Raises InputError for what does not fit."""
    return Mechanisms(override(Settings, assignments, what)).study()
