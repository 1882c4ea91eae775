"""How the study `layers` is made from its settings, and measured. Torch-free; `train` trains."""

from collections.abc import Sequence

from sublearn.records import Record
from sublearn.study.base import Setup, Study
from sublearn.study.controlled.spec import about, chosen
from sublearn.study.images.design import OnDigits, accuracy_on
from sublearn.study.layers.spec import CLAIMS, Settings, every_arm


class Layers(OnDigits[Settings]):
    """Students that share one part of the teacher's init each, on digits."""

    name = "layers"
    title = "Which layers of an init have to be shared (digits)"
    Settings = Settings
    seconds_a_run = 3.0

    def study(self) -> Study:
        """The study of these settings."""
        run = chosen(every_arm(self.settings), self.settings.arms)
        return self.asking(
            title=self.title,
            question="Which layers of the teacher's init must a student share to pick up what the teacher has learned?",
            arms=run,
            traits=(accuracy_on(self.settings),),
            claims=about(CLAIMS, run),
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm for the seeds."""
        from sublearn.study.layers.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)
