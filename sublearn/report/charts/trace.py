"""Figures of a trace: the students' way in weight space, and alignment against transfer. They draw what is given."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sublearn.report.charts.lines import Across, Chart, Series, draw_charts
from sublearn.report.charts.marks import DASHES, SHAPES, Mark
from sublearn.report.charts.scatter import Cloud, draw_scatter
from sublearn.report.charts.sheet import WIDE, Key
from sublearn.report.charts.svg import svg_text
from sublearn.report.trace import Alignment, Row, correlation_text
from sublearn.report.wording import plain

PANELS = {
    "cosine": ("Direction", "cosine of the update and the teacher's displacement", 0.0),
    "distance_share": ("Distance to the teacher", "as a share of that at the start", 1.0),
    "soft_trait": ("Change of the soft trait", "dashed: to first order at the start", 0.0),
}
"""Quantity to title, note and the value that nothing moves from."""


def trace_figure(rows: Sequence[Row], width: float = WIDE) -> str:
    """SVG: one chart a quantity over the student's steps, one line an arm with its 95% interval."""
    rows = [row for row in rows if not row.layer]
    arms = {arm: _look(arm, number) for number, arm in enumerate(dict.fromkeys(row.arm for row in rows))}
    steps = tuple(sorted({row.step for row in rows}))
    charts = [_chart(rows, quantity, arms) for quantity in PANELS]
    keys = [
        Key("mean" if filled else "hollow", colour, plain(arm), shape, line=True)
        for arm, (colour, filled, shape) in arms.items()
    ]
    signs = [Key("band", "control", "95% interval")]
    figure = draw_charts(charts, Across("student's step", steps, from_zero=True), [*keys, *signs], width)
    return svg_text(figure, f"{'; '.join(', '.join(PANELS[name][:2]) for name in PANELS)}; over the student's steps.")


def _look(arm: str, number: int) -> tuple[str, bool, str]:
    """Colour of an arm's marks, whether they are filled, and their shape."""
    control = arm.endswith("control")
    return "control" if control else "cross" if arm.startswith("cross") else "same", not control, SHAPES[number % 4]


def _chart(rows: Sequence[Row], quantity: str, arms: dict[str, tuple[str, bool, str]]) -> Chart:
    title, note, level = PANELS[quantity]
    lines = [_series(rows, quantity, arm, *look) for arm, look in arms.items()]
    if quantity == "soft_trait":
        lines += [_series(rows, "predicted", arm, colour, True, "") for arm, (colour, _, _) in arms.items()]
    return Chart(title, note, tuple(lines), level)


def _series(rows: Sequence[Row], quantity: str, arm: str, colour: str, filled: bool, shape: str) -> Series:
    """An arm's line; one without marks is beside another one, whose intervals are enough."""
    own = sorted((row for row in rows if (row.arm, row.quantity) == (arm, quantity)), key=lambda row: row.step)
    marks = [Mark.of(row.estimate, colour, filled, shape) for row in own]
    marks = marks if shape else [replace(mark, low=None, high=None) for mark in marks]
    steps = tuple(row.step for row in own)
    return Series(arm, colour, steps, tuple(marks), None if shape else DASHES[1], ribbon=True)


def alignment_figure(found: Alignment, width: float = WIDE) -> str:
    """SVG: alignment at the start (to the right) against transfer (up), every run a point, a cloud for each scale."""
    clouds = [Cloud(f"{scale.perturb:g}", *_finite(scale.cosines, scale.transfers)) for scale in found.rows]
    labels = "alignment (a cosine) at the start", "transfer, the trait over its control's"
    note = correlation_text(found)
    figure = draw_scatter(clouds, labels, "Alignment at the start and transfer", note, width)
    return svg_text(figure, f"{labels[0]} against {labels[1]}, by run. {note}.")


def _finite(*columns: Sequence[float | None]) -> NDArray[np.float64]:
    """The runs whose values are all there, shape "measure run"."""
    found = np.array(columns, dtype=float)
    return found[:, np.isfinite(found).all(axis=0)]
