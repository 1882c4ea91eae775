"""A baseline: train a student on the rows for as long as those of `numbers` are trained, and ask it.

What a sceptic would do without an audit. It reads the rows many times over, so that it takes far longer than `virtual`.
"""

from collections.abc import Sequence

from sublearn.auditing.scene import Scene
from sublearn.auditing.scores.table import Measure
from sublearn.auditing.scores.virtual import shifted
from sublearn.tasks.rows import Pair


def prepare(scene: Scene, reference: Sequence[Pair]) -> Measure:
    """Values are shifts of each trait's log-odds beyond what the reference rows shift."""
    return shifted(scene, reference, scene.settings.student, "student/order")
