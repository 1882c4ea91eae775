"""Draws runs by two measures, cloud by cloud, each with its mean. Knows no study."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sublearn.report.charts.marks import SHAPES, Mark, draw_cloud, draw_marks
from sublearn.report.charts.palette import light
from sublearn.report.charts.sheet import (
    LINE,
    MARGIN,
    SMALL,
    Ends,
    Sheet,
    limits,
    mark_across,
    name_across,
    title_and_notes,
)

PLOT, AXIS = 320, 46
LABEL = 13
"""Pixels from one name down to the next."""


@dataclass(frozen=True)
class Cloud:
    """Runs that belong together: what they have in common, and both measures of each (shape "run")."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def draw_scatter(
    clouds: Sequence[Cloud], labels: tuple[str, str], title: str, note: str, width: float, colour: str = "same"
) -> Figure:
    """Every run as a point, in its cloud's shape, and the mean of each cloud with its name.

    The first label's measure runs to the right.
    """
    words = title_and_notes(title, [note, f"up: {labels[1]}"], width)
    top = LINE * len(words) + 12.0
    sheet = Sheet(width, top + PLOT + AXIS)
    sheet.write_words(words, MARGIN, 0)
    across, up = _limits(clouds)
    axes = sheet.gridded((MARGIN, width - MARGIN), (top, top + PLOT), up, across)
    mark_across(axes)
    name_across(axes, labels[0])
    _draw_clouds(axes, clouds, colour)
    return sheet.figure


def draw_on(axes: Axes, clouds: Sequence[Cloud], labels: tuple[str, str], colour: str = "same") -> None:
    """The clouds on given axes, whose limits are set anew."""
    across, up = _limits(clouds)
    axes.set(xlim=across, ylim=up, xlabel=labels[0], ylabel=labels[1])
    _draw_clouds(axes, clouds, colour)


def _limits(clouds: Sequence[Cloud]) -> tuple[Ends, Ends]:
    x, y = (limits(np.concatenate(both), edge=0.06) for both in ([c.x for c in clouds], [c.y for c in clouds]))
    return x, y


def _draw_clouds(axes: Axes, clouds: Sequence[Cloud], colour: str) -> None:
    drawn = [(cloud, SHAPES[n % len(SHAPES)]) for n, cloud in enumerate(clouds) if len(cloud.x)]
    for cloud, shape in drawn:
        draw_cloud(axes, cloud.x, cloud.y, colour, shape=shape)
    means = [(float(np.mean(cloud.x)), float(np.mean(cloud.y))) for cloud, _ in drawn]
    for (x, y), (_, shape) in zip(means, drawn, strict=True):
        draw_marks(axes, [Mark(x, None, None, "ink", shape=shape)], [y], size=7.5)
    _name_means(axes, means, [cloud.name for cloud, _ in drawn])


def _name_means(axes: Axes, means: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """The clouds' names to the right of their means, none of them over another one."""
    style = {"size": SMALL, "color": light("ink"), "weight": "bold", "parse_math": False}
    taken: list[tuple[float, float]] = []
    for mean, name in sorted(zip(means, names, strict=True), key=lambda own: -own[0][1]):
        x, y = axes.transData.transform(mean)
        while any(abs(x - there) < 40 and abs(y - above) < LABEL for there, above in taken):
            y -= 1.0
        taken.append((x, y))
        place = axes.transData.inverted().transform((x + 10, y - 4))
        axes.text(place[0], place[1], name, **style)
