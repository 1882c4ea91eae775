"""Figures of a trace: the students' way in weight space, and alignment against transfer. They draw what is given."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sublearn.execution.tracing import AlignmentFile, TraceMean
from sublearn.report.charts import lines, scatter
from sublearn.report.charts.lines import Across, Chart, Series, draw_charts
from sublearn.report.charts.marks import DASHES, SHAPES, Mark
from sublearn.report.charts.paths import Place, Way, draw_paths
from sublearn.report.charts.scatter import Cloud, draw_scatter
from sublearn.report.charts.sheet import WIDE, Key
from sublearn.report.charts.svg import svg_text
from sublearn.report.trace import NO_LABELS, correlation_text
from sublearn.report.wording import capital, plain
from sublearn.study.controlled.points import TracePoint

PANELS = {
    "cosine": ("Direction", "cosine of the update and the teacher's displacement", 0.0),
    "distance_share": ("Distance to the teacher", "as a share of that at the start", 1.0),
    "soft_trait": ("Change of the soft trait", "dashed: to first order at the start", 0.0),
}
"""Quantity to title, note and the value that nothing moves from."""
TRACE_LABEL = f"{'; '.join(', '.join(panel[:2]) for panel in PANELS.values())}; over the student's steps."
PLANE = "along the teacher's displacement, as a share of it", "in all other directions, as a share of the same"
SIDES = "along", "aside"
SOFT = "change of the soft trait, over its control's"
Look = tuple[str, bool, str]
"""Colour of an arm's marks, whether they are filled, and their shape."""
Names = Mapping[str, str]
"""What arms are called, by their names in code."""
ALIGNED = "alignment (a cosine) of the first gradient", "transfer, the trait over its control's"


def trace_figure(rows: Sequence[TraceMean], width: float = WIDE, names: Names = NO_LABELS) -> str:
    """`draw_trace` as SVG text."""
    return svg_text(draw_trace(rows, width, names), TRACE_LABEL)


def draw_trace(rows: Sequence[TraceMean], width: float = WIDE, names: Names = NO_LABELS) -> Figure:
    """One chart a quantity over the student's steps, a line an arm with its 95% interval, called by `names`."""
    rows, arms = _overall(rows)
    charts = [_chart(rows, quantity, arms, names) for quantity in PANELS]
    keys = [
        Key("mean" if filled else "hollow", colour, _called(arm, names), shape, line=True)
        for arm, (colour, filled, shape) in arms.items()
    ]
    return draw_charts(charts, _steps(rows), [*keys, Key("band", "control", "95% interval")], width)


def draw_direction(axes: Axes, rows: Sequence[TraceMean], names: Names = NO_LABELS) -> None:
    """The chart of each arm's direction on given axes."""
    rows, arms = _overall(rows)
    lines.draw_on(axes, _chart(rows, "cosine", arms, names), _steps(rows))


def _overall(rows: Sequence[TraceMean]) -> tuple[list[TraceMean], dict[str, Look]]:
    """The rows of all layers together, and how each arm's marks look."""
    rows = [row for row in rows if not row.layer]
    return rows, {arm: _look(arm, number) for number, arm in enumerate(dict.fromkeys(row.arm for row in rows))}


def _steps(rows: Sequence[TraceMean]) -> Across:
    return Across("student's step", tuple(sorted({row.step for row in rows})), from_zero=True)


def _called(arm: str, names: Names) -> str:
    return plain(capital(names[arm])) if arm in names else plain(arm)


def _look(arm: str, number: int) -> Look:
    control = arm.endswith("control")
    return "control" if control else "cross" if arm.startswith("cross") else "same", not control, SHAPES[number % 4]


def _chart(rows: Sequence[TraceMean], quantity: str, arms: Mapping[str, Look], names: Names) -> Chart:
    title, note, level = PANELS[quantity]
    series = [_series(rows, quantity, arm, _called(arm, names), look) for arm, look in arms.items()]
    if quantity == "soft_trait":
        series += [
            _series(rows, "predicted", arm, _called(arm, names), (look[0], True, "")) for arm, look in arms.items()
        ]
    return Chart(title, note, tuple(series), level)


def _series(rows: Sequence[TraceMean], quantity: str, arm: str, name: str, look: Look) -> Series:
    """An arm's line; one without marks is beside another one, whose intervals are enough."""
    colour, filled, shape = look
    own = sorted((row for row in rows if (row.arm, row.quantity) == (arm, quantity)), key=lambda row: row.step)
    if quantity == "cosine":
        own = [row for row in own if row.step]  # before the first step nothing has moved in any direction
    marks = [Mark.of(row.estimate, colour, filled, shape) for row in own]
    marks = marks if shape else [replace(mark, low=None, high=None) for mark in marks]
    steps = tuple(row.step for row in own)
    return Series(name, colour, steps, tuple(marks), None if shape else DASHES[1], ribbon=True)


def plane_figure(rows: Sequence[TraceMean], width: float = WIDE, names: Names = NO_LABELS) -> str:
    """`draw_plane` as SVG text."""
    return svg_text(draw_plane(rows, width, names), plane_label(rows, names))


def plane_label(rows: Sequence[TraceMean], names: Names = NO_LABELS) -> str:
    """What the figure of the ways shows, in words: where each arm ends."""
    said = [f"{way.name} {way.x[-1]:.2f} along and {way.y[-1]:.2f} aside" for way in _ways(rows, names)]
    return f"{PLANE[0]} and {PLANE[1]}, by arm. At the last step: {'; '.join(said)}."


def draw_plane(rows: Sequence[TraceMean], width: float = WIDE, names: Names = NO_LABELS) -> Figure:
    """Each arm's mean way: along the teacher's displacement to the right, in all other directions up."""
    ways = _ways(rows, names)
    keys = [Key("mean" if one.filled else "hollow", one.colour, one.name, one.shape, line=True) for one in ways]
    return draw_paths(ways, [Place("start", 0, 0), Place("teacher", 1, 0)], PLANE, keys, width)


def has_plane(rows: Sequence[TraceMean]) -> bool:
    """Whether the ways were recorded; an earlier version did not."""
    return any(way.x for way in _ways(rows))


def _ways(rows: Sequence[TraceMean], names: Names = NO_LABELS) -> list[Way]:
    rows, arms = _overall(rows)
    ways = []
    for arm, (colour, filled, shape) in arms.items():
        along, aside = (
            {row.step: row.estimate.mean for row in rows if (row.arm, row.quantity) == (arm, of)} for of in SIDES
        )
        found = [(along[step], aside[step]) for step in sorted(along) if step in aside]
        measured = [(x, y) for x, y in found if x is not None and y is not None]
        if measured:
            x, y = ([pair[side] for pair in measured] for side in (0, 1))
            ways.append(Way(_called(arm, names), x, y, colour, shape, filled))
    return ways


def starts_figure(points: Sequence[TracePoint], width: float = WIDE, names: Names = NO_LABELS) -> str:
    """`draw_starts` as SVG text."""
    return svg_text(draw_starts(points, width, names), starts_label(points, names))


def starts_label(points: Sequence[TracePoint], names: Names = NO_LABELS) -> str:
    """What the figure of the starts shows, in words."""
    clouds = [one for one in _starts(points, names) if len(one.x)]
    means = [f"{one.name} {np.mean(one.x):.2f} and {np.mean(one.y):.2f}" for one in clouds]
    return f"{ALIGNED[0]} against {SOFT}, by run. Means: {'; '.join(means)}."


def draw_starts(points: Sequence[TracePoint], width: float = WIDE, names: Names = NO_LABELS) -> Figure:
    """Alignment at the start (to the right) against what the student took on (up), every run a point, by arm."""
    return draw_scatter(_starts(points, names), (ALIGNED[0], SOFT), "", "", width)


def has_starts(points: Sequence[TracePoint]) -> bool:
    """Whether there is a run with an alignment at the start, and a control to hold its trait against."""
    return any(len(cloud.x) for cloud in _starts(points))


def _starts(points: Sequence[TracePoint], names: Names = NO_LABELS) -> list[Cloud]:
    """Each arm that has a control, with both measures of each of its runs."""
    arms = dict.fromkeys(point.arm for point in points)
    clouds = []
    for arm in (one for one in arms if f"{one}_control" in arms):
        cosines = ends(points, "initial_cosine", arm)
        gained, control = (ends(points, "soft_trait", name) for name in (arm, f"{arm}_control"))
        both = [(cosines[seed], gained[seed] - control[seed]) for seed in cosines if seed in gained and seed in control]
        clouds.append(Cloud(_called(arm, names), *np.array(both).reshape(-1, 2).T, colour=_look(arm, 0)[0]))
    return clouds


def ends(points: Sequence[TracePoint], quantity: str, arm: str) -> dict[int, float]:
    """A quantity's last value of each seed, where it is finite."""
    own = sorted((p for p in points if (p.quantity, p.arm, p.layer) == (quantity, arm, None)), key=lambda p: p.step)
    last = {point.seed: point.value for point in own}
    return {seed: value for seed, value in last.items() if value is not None}


def alignment_figure(found: AlignmentFile, width: float = WIDE) -> str:
    """`draw_alignment` as SVG text."""
    return svg_text(draw_alignment(found, width), alignment_label(found))


def alignment_label(found: AlignmentFile) -> str:
    """What the figure of the alignment shows, in words."""
    return f"{ALIGNED[0]} against {ALIGNED[1]}, by run. {correlation_text(found)}."


def draw_alignment(found: AlignmentFile, width: float = WIDE) -> Figure:
    """Alignment at the start (to the right) against transfer (up), every run a point, a cloud for each scale."""
    return draw_scatter(_clouds(found), ALIGNED, "Alignment at the start and transfer", correlation_text(found), width)


def draw_runs(axes: Axes, found: AlignmentFile) -> None:
    """The same on given axes."""
    scatter.draw_on(axes, _clouds(found), ALIGNED)


def _clouds(found: AlignmentFile) -> list[Cloud]:
    return [Cloud(f"perturbation {scale.perturb:g}", *_finite(scale.cosines, scale.transfers)) for scale in found.rows]


def _finite(*columns: Sequence[float | None]) -> NDArray[np.float64]:
    """The runs whose values are all there, shape "measure run"."""
    found = np.array(columns, dtype=float)
    return found[:, np.isfinite(found).all(axis=0)]
