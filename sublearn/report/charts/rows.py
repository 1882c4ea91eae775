"""Draws rows of points with their mean and interval. Knows pixels and colours; studies and records it never sees.

All lengths are CSS pixels, counted from the upper left. A row has its words above and its marks below, so that one
drawing fits a wide page and a phone alike.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sublearn.report.charts.sheet import (
    HAIRLINE,
    LARGE,
    LINE,
    MARGIN,
    NORMAL,
    SMALL,
    Key,
    Scale,
    body,
    box,
    draw_legend,
    flow,
    line,
    mark,
    new_sheet,
    rule,
    width_of,
    wrapped,
    write,
)
from sublearn.report.charts.svg import POINTS

SWARM = 28
BAR = 10
GAP = 18
AXIS = 46
MOST_POINTS = 2_000
"""With a row of more runs than this, all rows of a figure are drawn as densities."""
CELLS = 256
SMOOTH = 2.0
"""Cells of an axis, and the standard deviation, in cells, by which a density is smoothed."""


@dataclass(frozen=True)
class Row:
    """One line of a panel: words, one point a run, and their mean with its interval."""

    label: str
    note: str
    value: str
    colour: str
    filled: bool
    points: NDArray[np.float64]
    mean: float | None
    low: float | None
    high: float | None
    band: float | None = None


@dataclass(frozen=True)
class Panel:
    """Rows on one axis, with a line at `origin` that all of them are read against and that their bars start from."""

    axis: str
    rows: tuple[Row, ...]
    limits: tuple[float, float]
    origin: float
    origin_label: str


def draw(panels: Sequence[Panel], keys: Sequence[Key], width: float, title: str = "") -> Figure:
    """The panels under each other, with the title above and the legend below."""
    head = wrapped(title, width, LARGE)
    legend = flow(keys, width)
    top = 24 * len(head) + (8 if head else 0)
    heights = [_panel_height(panel, width) for panel in panels]
    height = top + sum(heights) + LINE * len(legend) + 8
    figure, sheet = new_sheet(width, height)
    for i, words in enumerate(head):
        write(sheet, MARGIN, 22 + 24 * i, words, LARGE, "ink", bold=True)
    counts = (len(row.points) for panel in panels for row in panel.rows)
    draw_runs = _draw_density if crowded(counts) else _draw_points
    for panel, size in zip(panels, heights, strict=True):
        _draw_panel(sheet, panel, top, top + size - AXIS, width, draw_runs)
        top += size
    draw_legend(sheet, legend, top)
    return figure


def crowded(counts: Iterable[int]) -> bool:
    """Whether one of a figure's rows has more runs than can be told apart as points."""
    return max(counts, default=0) > MOST_POINTS


def density(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The density at each border between the cells of an axis, 1 at its highest; 0 where none can be seen.

    `shares` are the points' places from 0 (the axis's start) to 1 (its end). A point counts for the two borders that it
    lies between, the more for the nearer one, so that round values make no pattern; then all is smoothed. Where so much
    as one point lies a hairline is left.
    """
    left = np.clip(np.floor(shares * CELLS).astype(int), 0, CELLS - 1)
    part = shares * CELLS - left
    counts = np.bincount(left, 1 - part, CELLS + 1) + np.bincount(left + 1, part, CELLS + 1)
    reach = np.arange(-np.ceil(3 * SMOOTH), np.ceil(3 * SMOOTH) + 1)
    smoothed = np.convolve(counts, np.exp(-((reach / SMOOTH) ** 2) / 2), mode="same")
    heights = smoothed / (smoothed.max() or 1)
    hairline = HAIRLINE / (SWARM / 2)
    # Smoothing must not show runs where there can be none, as at a share above 1.
    near = np.convolve(counts > 0, np.ones(3), mode="same") > 0
    within = np.logical_or.accumulate(near) & np.logical_or.accumulate(near[::-1])[::-1]
    return np.where(within & (heights >= hairline), heights, np.where(counts > 0, hairline, 0))


def swarm(places: NDArray[np.float64], width: float, fitting: float) -> NDArray[np.float64]:
    """Offsets from -1 to 1 that part points in the same column of `width`, to either side in turn, in their order.

    `fitting` is how many points fit beside the first without overlap. The spacing is that of the crowded columns, so
    that a swarm's outline shows its density; a pile that is far larger than the other columns is squeezed by itself.
    """
    columns = np.floor(places / width).astype(int)
    ranks = np.zeros(len(places))
    for column in np.unique(columns):
        here = np.flatnonzero(columns == column)
        order = np.arange(len(here))
        ranks[here] = np.where(order % 2 == 0, 1, -1) * ((order + 1) // 2)
    heights = {column: np.abs(ranks[columns == column]).max() for column in np.unique(columns)}
    usual = max(np.quantile(list(heights.values()), 0.9), fitting, 1) if heights else 1
    return np.array([rank / max(usual, heights[column]) for rank, column in zip(ranks, columns, strict=True)])


def size_and_alpha(n: int) -> tuple[float, float]:
    """Diameter and opacity of one of n points: few are large and solid, thousands small and faint."""
    n = max(n, 1)
    return float(np.clip(8 * n**-0.16, 2.4, 7)), float(np.clip(2.8 * n**-0.3, 0.2, 0.85))


_DrawRuns = Callable[[Axes, Row, Scale, float], None]


def _panel_height(panel: Panel, width: float) -> float:
    words = sum(LINE * len(_words(row, width)) for row in panel.rows)
    return LINE + 2 + words + len(panel.rows) * (SWARM + BAR + GAP) + AXIS


def _draw_panel(sheet: Axes, panel: Panel, top: float, bottom: float, width: float, draw_runs: _DrawRuns) -> None:
    scale = Scale(panel.limits, MARGIN, width - MARGIN)
    _draw_axis(sheet, panel, scale, bottom)
    _write_origin(sheet, panel, scale, top + 13)
    y, x = top + LINE + 2, scale.px(panel.origin)
    for row in panel.rows:
        y = _draw_words(sheet, row, y, width)
        # The line stops at each row's words, so that it crosses none.
        rule(sheet, [x, x], [y, y + SWARM + BAR + 10], "muted", 1, dashes=(3, 2.5))
        if row.band is not None:
            left, right = scale.held(panel.origin - row.band), scale.held(panel.origin + row.band)
            box(sheet, left, right, y + 2, y + SWARM + BAR + 8, "control", 0.16)
        draw_runs(sheet, row, scale, y + SWARM / 2 + 2)
        _draw_mean(sheet, row, panel.origin, scale, y + SWARM + BAR / 2 + 3)
        y += SWARM + BAR + GAP


def _draw_axis(sheet: Axes, panel: Panel, scale: Scale, bottom: float) -> None:
    count = 10 if scale.right > 500 else 5
    ticks = MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(*panel.limits)
    shown = [tick for tick in ticks if panel.limits[0] <= tick <= panel.limits[1]]
    rule(sheet, [scale.left, scale.right], [bottom, bottom], "line", 1)
    for tick in shown:
        rule(sheet, [scale.px(tick)] * 2, [bottom, bottom + 4], "line", 1)
        write(sheet, scale.px(tick), bottom + 17, f"{round(tick, 10) + 0.0:g}", SMALL, "muted", "center")
    write(sheet, (scale.left + scale.right) / 2, bottom + 35, panel.axis, SMALL, "muted", "center")


def _write_origin(sheet: Axes, panel: Panel, scale: Scale, y: float) -> None:
    half = width_of(panel.origin_label, SMALL) / 2
    x = min(max(scale.px(panel.origin), scale.left + half), scale.right - half)
    write(sheet, x, y, panel.origin_label, SMALL, "muted", "center")


def _words(row: Row, width: float) -> list[tuple[str, str]]:
    """The row's lines of words, each a text on the left and one on the right; the last one holds the value."""
    lines = [(line, "label") for line in wrapped(row.label, width, NORMAL)]
    lines += [(line, "note") for line in wrapped(row.note, width, SMALL)]
    last, kind = lines[-1] if lines else ("", "note")
    if width_of(last, NORMAL if kind == "label" else SMALL) + width_of(row.value, SMALL) + 20 > width - 2 * MARGIN:
        lines.append(("", "value"))
    return lines


def _draw_words(sheet: Axes, row: Row, y: float, width: float) -> float:
    lines = _words(row, width)
    for i, (text, kind) in enumerate(lines):
        bold = kind == "label"
        write(sheet, MARGIN, y + 13 + LINE * i, text, NORMAL if bold else SMALL, "ink" if bold else "muted", bold=bold)
    y += LINE * len(lines)
    write(sheet, width - MARGIN, y - 5, row.value, SMALL, "ink", "right")
    return y


def _draw_points(sheet: Axes, row: Row, scale: Scale, middle: float) -> None:
    size, alpha = size_and_alpha(len(row.points))
    places = np.array([scale.px(value) for value in row.points])
    room = (SWARM - size) / 2
    offsets = swarm(places, max(size, 3.0), room / size) * room
    line(sheet, places, middle + offsets, row.colour, ls="", marker="o", ms=size, mew=0, alpha=alpha, gid=POINTS)


def _draw_density(sheet: Axes, row: Row, scale: Scale, middle: float) -> None:
    """A shape that is the higher the more runs lie at a place."""
    low, high = scale.limits
    heights = density((row.points - low) / (high - low)) * SWARM / 2
    seen = np.flatnonzero(heights)
    if len(seen):
        some = slice(seen[0], seen[-1] + 1)
        borders = np.linspace(scale.left, scale.right, CELLS + 1)[some]
        body(sheet, borders.round(1), heights[some].round(1), middle, row.colour)


def _draw_mean(sheet: Axes, row: Row, origin: float, scale: Scale, y: float) -> None:
    if row.mean is None:
        return
    start, mean = sorted((scale.held(origin), scale.held(row.mean)))
    box(sheet, start, mean, y - BAR / 2, y + BAR / 2, row.colour, 0.22)
    if row.low is not None and row.high is not None:
        rule(sheet, [scale.held(row.low), scale.held(row.high)], [y, y], row.colour, 2.4)
        for end, beyond in ((row.low, "<"), (row.high, ">")):
            inside = scale.limits[0] <= end <= scale.limits[1]
            mark(sheet, scale.held(end), y, "|" if inside else beyond, row.colour, True, 8 if inside else 6)
    mark(sheet, scale.held(row.mean), y, "o", row.colour, row.filled, 8.5)
