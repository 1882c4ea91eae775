"""Draws runs by two measures, cloud by cloud, each with its mean. Knows no study."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sublearn.report.charts.marks import Mark, draw_cloud, draw_marks
from sublearn.report.charts.palette import light
from sublearn.report.charts.sheet import (
    LINE,
    MARGIN,
    SMALL,
    gridded,
    limits,
    name_across,
    new_sheet,
    title_and_notes,
    write_words,
)

PLOT, AXIS = 320, 46


@dataclass(frozen=True)
class Cloud:
    """Runs that belong together: what they have in common, and both measures of each (shape "run")."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


def draw_scatter(
    clouds: Sequence[Cloud], labels: tuple[str, str], title: str, note: str, width: float, colour: str = "same"
) -> Figure:
    """Every run as a point and the mean of each cloud with its name; the first label's measure runs to the right."""
    words = title_and_notes(title, [note, f"up: {labels[1]}"], width)
    top = LINE * len(words) + 12.0
    figure, sheet = new_sheet(width, top + PLOT + AXIS)
    write_words(sheet, words, MARGIN, 0)
    across, up = (limits(np.concatenate(both), edge=0.06) for both in ([c.x for c in clouds], [c.y for c in clouds]))
    axes = gridded(sheet, (MARGIN, width - MARGIN), (top, top + PLOT), up, across)
    name_across(axes, labels[0])
    for cloud in clouds:
        if len(cloud.x):
            _draw_cloud(axes, cloud, colour)
    return figure


def _draw_cloud(axes: Axes, cloud: Cloud, colour: str) -> None:
    draw_cloud(axes, cloud.x, cloud.y, colour)
    x, y = float(np.mean(cloud.x)), float(np.mean(cloud.y))
    draw_marks(axes, [Mark(x, None, None, "ink", shape="D")], [y], size=6)
    style = {"size": SMALL, "color": light("ink"), "weight": "bold", "parse_math": False}
    axes.annotate(cloud.name, (x, y), (9, 7), textcoords="offset points", **style)
