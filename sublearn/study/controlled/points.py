"""One measurement on a student's trajectory in weight space. Torch-free; `trace` makes it."""

from sublearn.config import Spec


class TracePoint(Spec, frozen=True):
    """One quantity of one arm and seed after `step` student steps; `layer` is None for all parameters together.

    cosine: of the student's update and the teacher's displacement; along: how far the update leads in that direction,
    and aside: how far in all others, both as shares of the displacement's length; distance: to the teacher's weights;
    distance_share: that as a share of the one at the start; predicted: change of the soft trait to first order at the
    start; soft_trait: its change as it is; a trait's own name: its value; initial_cosine and initial_product:
    of the first batch's negative gradient and the displacement.
    The value is None where it is not finite, as for a student that diverged.
    """

    arm: str
    seed: int
    step: int
    quantity: str
    layer: str | None = None
    value: float | None
