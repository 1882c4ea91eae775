"""Draws runs by two measures, cloud by cloud, each with its mean. Knows no study; lengths are CSS pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sublearn.report.charts.lines import draw_up
from sublearn.report.charts.sheet import LINE, MARGIN, NORMAL, SMALL, Scale, line, mark, new_sheet, rule, wrapped, write
from sublearn.report.charts.svg import POINTS

PLOT = 320
AXIS = 46


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
    heads = [(text, True) for text in wrapped(title, width, NORMAL)]
    heads += [(text, False) for words in (note, f"up: {labels[1]}") for text in wrapped(words, width, SMALL)]
    top = LINE * len(heads) + 12.0
    figure, sheet = new_sheet(width, top + PLOT + AXIS)
    for number, (text, bold) in enumerate(heads):
        size, tone = (NORMAL, "ink") if bold else (SMALL, "muted")
        write(sheet, MARGIN, 13 + LINE * number, text, size, tone, bold=bold)
    up = Scale(_limits([cloud.y for cloud in clouds]), top + PLOT, top)
    gutter = draw_up(sheet, up, MARGIN, width - MARGIN)
    along = Scale(_limits([cloud.x for cloud in clouds]), MARGIN + gutter, width - MARGIN)
    _draw_along(sheet, along, top + PLOT, labels[0])
    for cloud in clouds:
        _draw_cloud(sheet, cloud, along, up, colour)
    return figure


def _draw_along(sheet: Axes, along: Scale, bottom: float, label: str) -> None:
    low, high = along.limits
    count = 8 if along.right > 500 else 4
    rule(sheet, [along.left, along.right], [bottom, bottom], "muted", 1)
    for value in MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high):
        if low <= value <= high:
            rule(sheet, [along.px(value)] * 2, [bottom, bottom + 4], "muted", 1)
            write(sheet, along.px(value), bottom + 17, f"{round(value, 10) + 0.0:g}", SMALL, "muted", "center")
    write(sheet, (along.left + along.right) / 2, bottom + 35, label, SMALL, "muted", "center")


def _draw_cloud(sheet: Axes, cloud: Cloud, along: Scale, up: Scale, colour: str) -> None:
    if not len(cloud.x):
        return
    x, y = [along.px(value) for value in cloud.x], [up.px(value) for value in cloud.y]
    line(sheet, x, y, colour, ls="", marker="o", ms=6, mew=0, alpha=0.6, gid=POINTS)
    middle = float(np.mean(x)), float(np.mean(y))
    mark(sheet, *middle, "D", "ink", True, 6)
    write(sheet, middle[0] + 9, middle[1] - 7, cloud.name, SMALL, "ink", bold=True)


def _limits(columns: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    every = np.concatenate([*columns, np.zeros(0 if any(len(column) for column in columns) else 1)])
    low, high = float(every.min()), float(every.max())
    edge = 0.06 * (high - low) or 0.5
    return low - edge, high + edge
