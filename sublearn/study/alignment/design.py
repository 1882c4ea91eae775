"""How the study `alignment` is made from its settings, and measured. Torch-free; `train` trains."""

from collections.abc import Sequence

from sublearn.errors import InputError
from sublearn.records import Record
from sublearn.study.alignment.spec import CLAIMS, Settings, every_arm, traits
from sublearn.study.base import Setup, Study
from sublearn.study.controlled.spec import about, chosen
from sublearn.study.images.design import OnDigits, accuracy_on
from sublearn.training.choice import Choice


class Alignment(OnDigits[Settings]):
    """Students whose gradients lose what they have in common with the trait's, on digits."""

    name = "alignment"
    title = "Alignment of gradients that persists, and its projection (digits)"
    Settings = Settings
    seconds_a_run = 4.0

    def study(self) -> Study:
        """The study of these settings."""
        run = chosen(every_arm(self.settings), self.settings.arms)
        return self.asking(
            title=self.title,
            question="Does a step of distillation keep pointing towards the trait, and is that what the student picks "
            "the trait up by?",
            arms=run,
            traits=(accuracy_on(self.settings), *traits(self.settings)),
            claims=about(CLAIMS, run),
        )

    def trainer(self, wanted: str) -> Choice:
        """Stacked runs. Raises InputError for another trainer."""
        if wanted not in ("auto", "cohort"):
            raise InputError(f"trainer {wanted}: gradients are changed in stacked runs alone; choose auto or cohort.")
        return super().trainer(wanted)

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm for the seeds."""
        from sublearn.study.alignment.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)
