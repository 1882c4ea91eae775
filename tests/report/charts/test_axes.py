"""Figures on anybody's axes: the same marks as on pages."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sublearn.report.charts.forest import LOOKS, draw_forest_on
from sublearn.report.charts.marks import SHAPES
from sublearn.report.charts.palette import light
from sublearn.report.charts.sweep import draw_claims
from sublearn.report.charts.trace import ALIGNED, draw_direction, draw_runs
from tests.report import samples

HOSTILE = "$x_$ <b>"


@pytest.fixture
def axes() -> Axes:
    """As a notebook has them."""
    return Figure(figsize=(6, 4)).add_subplot()


def drawn(axes: Axes) -> str:
    """Draw them; return the legend's words."""
    axes.figure.canvas.draw()
    legend = axes.get_legend()
    return "|".join(text.get_text() for text in legend.get_texts()) if legend else ""


def marks(axes: Axes, shape: str) -> np.ndarray:
    """Heights of all marks of a shape."""
    lines = [line.get_ydata() for line in axes.lines if line.get_marker() == shape]
    return np.concatenate([*lines, []]).astype(float)


def test_each_claim_of_a_sweep_has_a_line_in_a_shape_of_its_own(axes, points):
    some = points(aux=[4, 16, 64], lr=[0.1, 0.2])
    draw_claims(axes, some, "aux")
    claims = some[0].analysis.study.claims
    assert drawn(axes) == "|".join(claim.claim for claim in claims) and axes.get_xlabel() == "aux (log scale)"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["4", "16", "64"]
    for claim, shape in zip(claims, SHAPES, strict=False):
        means = [
            row.contrast.mean
            for point in some
            for row in point.analysis.contrasts
            if (row.treatment, row.control, row.trait) == (claim.treatment, claim.control, claim.trait)
        ]
        assert sorted(marks(axes, shape)) == pytest.approx(sorted(means))


def test_the_direction_of_a_trace_has_a_line_an_arm(axes):
    draw_direction(axes, samples.trace_rows())
    assert set(drawn(axes).split("|")) == set(samples.ARMS) and axes.get_title() == "Direction"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "10", "140"]


def test_every_finite_run_of_an_alignment_is_a_point(axes):
    draw_runs(axes, samples.alignment())
    drawn(axes)
    points = [line for line in axes.lines if line.get_gid() == "points"]
    assert [len(line.get_xdata()) for line in points] == [2, 2, 2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ALIGNED
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [f"perturbation {scale}" for scale in ("0", "0.2", "1")]


def test_a_replication_has_theirs_and_ours_with_their_names(axes):
    draw_forest_on(axes, samples.comparisons())
    drawn(axes)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[:3] == ["A/same_init", "A/teacher", "C/variance"]
    assert names[5:] == ["at inputs.variance = 4", "D/MSE", "tried: init torch", "tried: init normal"]
    colours = {line.get_markeredgecolor() for line in axes.lines if line.get_marker() in "os"}
    assert colours == {light(colour) for colour, _, _ in LOOKS.values()}


def test_nothing_is_drawn_of_nothing(axes):
    draw_forest_on(axes, [])
    draw_claims(axes, [], "aux")
    draw_direction(axes, [row for row in samples.trace_rows() if row.quantity != "cosine"])
    drawn(axes)


def test_words_of_others_are_no_formula(axes, points):
    draw_claims(axes, points(**{HOSTILE: [HOSTILE, "b"]}), HOSTILE)
    drawn(axes)
    assert axes.get_xlabel() == HOSTILE and not axes.xaxis.label.get_parse_math()
