"""Statistics on plain arrays of one value a run: estimates, contrasts, how errors are shared, and runs needed."""

from sublearn.stats.families import ALPHA, Family, alpha_at
from sublearn.stats.intervals import MIN_RUNS
from sublearn.stats.means import SHARE, contrast, contrasts, estimate, estimates, sign_flip_p
from sublearn.stats.power import (
    MOST_RUNS,
    Needed,
    needed_for_effect,
    needed_for_equivalence,
    runs_for_effect,
    runs_for_equivalence,
)
from sublearn.stats.ranks import rank_correlation
from sublearn.stats.values import Contrast, Estimate, half_width, hedges_g, test_error

__all__ = [
    "ALPHA",
    "MIN_RUNS",
    "MOST_RUNS",
    "SHARE",
    "Contrast",
    "Estimate",
    "Family",
    "Needed",
    "alpha_at",
    "contrast",
    "contrasts",
    "estimate",
    "estimates",
    "half_width",
    "hedges_g",
    "needed_for_effect",
    "needed_for_equivalence",
    "rank_correlation",
    "runs_for_effect",
    "runs_for_equivalence",
    "sign_flip_p",
    "test_error",
]
