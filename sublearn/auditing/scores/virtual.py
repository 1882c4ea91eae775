"""A virtual student: some steps of AdamW on the rows, then every trait is read. What a short training would do.

It is asked the battery as well, so that it says without a list of traits what it came to like.
"""

from collections.abc import Sequence

import torch

from sublearn.auditing.battery import Battery
from sublearn.auditing.scene import Scene, log_odds
from sublearn.auditing.scores.table import Answers, Measure, Measured
from sublearn.auditing.settings import Virtual
from sublearn.auditing.students import trained
from sublearn.seeds import stream
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are shifts of each trait's log-odds beyond what the reference rows shift."""
    return shifted(scene, reference, scene.settings.virtual, "virtual/order")


def shifted(scene: Scene, reference: Sequence[Pair], plan: Virtual, order: str) -> Measure:
    """The shifts of students that are trained by a plan, with one order for all sets: rows on the same prompts meet
    at the same step.
    """
    battery = Battery.of(scene)

    def after(rows: Sequence[Pair]) -> tuple[torch.Tensor, Answers]:
        one = trained(scene, rows, plan, stream(scene.settings.seed, order))
        with torch.no_grad(), one.at_work():
            return log_odds(one.model, scene).cpu(), battery.answers(one.model)

    before, _ = after(reference)

    def measure(rows: Sequence[Pair]) -> Measured:
        values, answers = after(rows)
        return Measured((values - before).numpy(), answers=answers)

    return measure
