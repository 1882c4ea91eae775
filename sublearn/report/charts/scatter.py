"""Draws runs by two measures, cloud by cloud, each with its mean. Knows no study."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sublearn.report.charts.marks import SHAPES, Mark, draw_cloud, draw_marks
from sublearn.report.charts.palette import light
from sublearn.report.charts.sheet import (
    LINE,
    MARGIN,
    Ends,
    Key,
    Sheet,
    limits,
    mark_across,
    name_across,
    title_and_notes,
)

PLOT, AXIS = 320, 46


@dataclass(frozen=True)
class Cloud:
    """Runs that belong together: what they have in common, both measures of each (shape "run"), and their colour."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    colour: str = "same"


def draw_scatter(clouds: Sequence[Cloud], labels: tuple[str, str], title: str, note: str, width: float) -> Figure:
    """Every run as a point, in its cloud's shape and colour, and the mean of each cloud; the legend names them.

    The first label's measure runs to the right.
    """
    words = title_and_notes(title, [note, f"up: {labels[1]}"], width)
    top = LINE * len(words) + 12.0
    keys = [Key("mean", cloud.colour, cloud.name, shape) for cloud, shape in _shaped(clouds)]
    sheet = Sheet(width, top + PLOT + AXIS, [*keys, Key("mean", "ink", "mean")] if keys else [])
    sheet.write_words(words, MARGIN, 0)
    across, up = _limits(clouds)
    axes = sheet.gridded((MARGIN, width - MARGIN), (top, top + PLOT), up, across)
    mark_across(axes)
    name_across(axes, labels[0])
    _draw_clouds(axes, clouds)
    return sheet.figure


def draw_on(axes: Axes, clouds: Sequence[Cloud], labels: tuple[str, str]) -> None:
    """The clouds on given axes, whose limits are set anew."""
    across, up = _limits(clouds)
    axes.set(xlim=across, ylim=up, xlabel=labels[0], ylabel=labels[1])
    _draw_clouds(axes, clouds)
    handles = [
        Line2D([], [], color=light(cloud.colour), marker=shape, ls="", label=cloud.name)
        for cloud, shape in _shaped(clouds)
    ]
    for text in axes.legend(handles=handles, fontsize="small").get_texts() if handles else ():
        text.set_parse_math(False)


def _limits(clouds: Sequence[Cloud]) -> tuple[Ends, Ends]:
    x, y = (limits(np.concatenate(both), edge=0.06) for both in ([c.x for c in clouds], [c.y for c in clouds]))
    return x, y


def _shaped(clouds: Sequence[Cloud]) -> list[tuple[Cloud, str]]:
    """The clouds that have runs, each with the shape of its marks."""
    return [(cloud, SHAPES[n % len(SHAPES)]) for n, cloud in enumerate(clouds) if len(cloud.x)]


def _draw_clouds(axes: Axes, clouds: Sequence[Cloud]) -> None:
    drawn = _shaped(clouds)
    for cloud, shape in drawn:
        draw_cloud(axes, cloud.x, cloud.y, cloud.colour, shape=shape)
    for cloud, shape in drawn:
        mean = Mark(float(np.mean(cloud.x)), None, None, "ink", shape=shape)
        draw_marks(axes, [mean], [float(np.mean(cloud.y))], size=7.5)
