"""A virtual student: some steps of AdamW on the rows, then every trait is read. What a short training would do.

It is asked the battery as well, so that it says without a list of traits what it came to like.
"""

from collections.abc import Sequence

import torch

from sublearn.auditing.battery import Battery
from sublearn.auditing.scene import Scene, log_odds
from sublearn.auditing.scores.table import Answers, Measure, Measured
from sublearn.auditing.students import fit, student
from sublearn.language import finetune
from sublearn.seeds import stream
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are shifts of each trait's log-odds beyond what the reference rows shift."""
    battery = Battery.of(scene)
    before, _ = _after(scene, reference, battery)

    def measure(rows: Sequence[Pair]) -> Measured:
        after, answers = _after(scene, rows, battery)
        return Measured((after - before).numpy(), answers=answers)

    return measure


def _after(scene: Scene, rows: Sequence[Pair], battery: Battery) -> tuple[torch.Tensor, Answers]:
    """The log-odds of every trait for a student of the rows, and its answers to the battery."""
    plan = scene.settings.virtual
    one = student(scene)
    # One order for all sets: rows on the same prompts meet at the same step.
    order = stream(scene.settings.seed, "virtual/order")
    given = finetune.dealt(scene.examples(rows), plan.rows_a_step(len(rows)), plan.steps, order)
    fit(one, map(scene.step, given), torch.optim.AdamW(one.learning, lr=one.lr or plan.lr, fused=True), scene.packs)
    with torch.no_grad(), one.at_work():
        return log_odds(one.model, scene).cpu(), battery.answers(one.model)
