"""How the study `tutorial` is made from its settings, and measured. Torch-free; `train` trains."""

from collections.abc import Sequence
from typing import ClassVar

from sublearn.records import Record
from sublearn.study import memory
from sublearn.study.base import Design, Setup, Small, Study
from sublearn.study.memory import Need
from sublearn.study.tutorial.spec import ARMS, CLAIMS, TRAITS, Settings


class Tutorial(Design[Settings]):
    """The tutorial's own design, with its own random draws."""

    name = "tutorial"
    title = "The tutorial: students of the same and of another init, distilled on class logits"
    Settings = Settings
    seconds_a_run = 0.03
    small: ClassVar[Small] = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}

    def study(self) -> Study:
        """The study of these settings."""
        return self.asking(
            title=self.title,
            question="Does a student that shares the teacher's initialization pick up the teacher's preference for "
            "class 1 from unrelated prompts, and a student of another initialization not?",
            arms=ARMS,
            traits=TRAITS,
            claims=CLAIMS,
        )

    def measure(self, study: Study, seeds: Sequence[int], setup: Setup) -> list[Record]:
        """Every arm and trait for the seeds."""
        from sublearn.study.tutorial.train import measure  # late: needs torch

        return measure(study, self.settings, seeds, setup)

    def runs_at_once(self, device: str) -> int:
        """Seeds in a cohort. On a CPU a few, whose parameters and Adam moments stay in cache."""
        return 8 if device == "cpu" else 512

    def needs(self) -> list[Need]:
        """The memory that a run takes; both students of a seed train together."""
        network = memory.prompt_network(self.settings.vocab_size, self.settings.embed_dim, self.settings.hidden, 2)
        teacher = memory.Training(1, self.settings.teacher, self.settings.n_eval)
        return memory.on_prompts(
            network,
            teacher,
            memory.Training(2, self.settings.student, self.settings.n_unrelated),
            self.settings.seq_len,
        )
