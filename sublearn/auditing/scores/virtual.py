"""A virtual student: some steps of AdamW on the rows, then every trait is read. What a short training would do."""

from collections.abc import Sequence

import torch

from sublearn.auditing.scene import Scene, log_odds
from sublearn.auditing.scores.table import Measure, Measured
from sublearn.auditing.students import fit, student
from sublearn.language import finetune
from sublearn.seeds import stream
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are shifts of each trait's log-odds beyond what the reference rows shift."""
    before = _after(scene, reference)
    return lambda rows: Measured((_after(scene, rows) - before).numpy())


def _after(scene: Scene, rows: Sequence[Pair]) -> torch.Tensor:
    plan = scene.settings.virtual
    one = student(scene)
    # One order for all sets: rows on the same prompts meet at the same step.
    order = stream(scene.settings.seed, "virtual/order")
    given = finetune.dealt(scene.examples(rows), plan.batch, plan.steps, order)
    fit(one, map(scene.step, given), torch.optim.AdamW(one.learning, lr=one.lr or plan.lr, fused=True), scene.packs)
    with torch.no_grad(), one.at_work():
        return log_odds(one.model, scene).cpu()
