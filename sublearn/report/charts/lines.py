"""Draws charts: marks with their intervals over one axis, a chart beside or below the other. Knows no study.

Lengths are CSS pixels, counted from the upper left; values run upwards. Words stand above, so that one drawing fits a
wide page and a phone alike.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sublearn.report.charts.sheet import (
    LINE,
    MARGIN,
    NORMAL,
    SMALL,
    Key,
    Scale,
    box,
    draw_legend,
    flow,
    mark,
    mark_all,
    new_sheet,
    rule,
    shape,
    width_of,
    wrapped,
    write,
)

PLOT = 150
AXIS = 44
GAP = 20
TWO_COLUMNS = 640
"""From this width on, two charts stand side by side."""
DODGE = 7
"""Pixels between marks at one place, at most."""
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES = (None, (5, 2), (1.5, 1.5), (7, 2, 1.5, 2))
NUMBER = (int, float)


@dataclass(frozen=True)
class Across:
    """The axis from left to right: its values in their order, evenly, by their size, or by their logarithm."""

    label: str
    values: tuple[Any, ...]
    from_zero: bool = False
    """Whether values are steps from 0 on, of which the first count as much as many later ones."""

    @cached_property
    def numeric(self) -> bool:
        """Whether the values are numbers, which lie where their size puts them."""
        return all(isinstance(value, NUMBER) and not isinstance(value, bool) for value in self.values)

    @cached_property
    def geometric(self) -> bool:
        """Whether each number is as many times the one before, or the last very many times the first."""
        if not self.numeric or len(set(self.values)) < 3 or min(self.values) <= 0:
            return False
        ordered = sorted({float(value) for value in self.values})
        ratios = [after / before for before, after in pairwise(ordered)]
        return max(ratios) / min(ratios) < 1.05 or ordered[-1] / ordered[0] >= 30

    def place(self, value: Any) -> float:
        """Where a value lies, in units of its own."""
        if not self.numeric:
            return float(self.values.index(value))
        if self.from_zero:
            return math.log1p(value)
        return math.log10(value) if self.geometric else float(value)

    def marks(self, scale: Scale) -> list[tuple[float, str]]:
        """Pixels and text of the values that fit below the axis, the first and the last among them."""
        ordered = sorted(self.values, key=self.place)
        texts = [(scale.px(self.place(value)), f"{value:,.10g}" if self.numeric else str(value)) for value in ordered]
        kept = texts[:1]
        for number, (x, text) in enumerate(texts[1:], 2):
            room = [abs(x - there) - (width_of(text, SMALL) + width_of(other, SMALL)) / 2 for there, other in kept[-1:]]
            if min(room) < 8 and number == len(texts) > 2:
                kept[-1:] = [] if len(kept) > 1 else kept[-1:]
            if min(room) >= 8 or number == len(texts):
                kept.append((x, text))
        return kept


@dataclass(frozen=True)
class Series:
    """One line of a chart: means with their intervals at values of the axis; what has no mean is left out.

    `colours` and `fills` are those of single marks, where they are not the line's. With `ribbon` all intervals are one
    band.
    """

    name: str
    colour: str
    values: tuple[Any, ...]
    means: tuple[float | None, ...]
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    shape: str = "o"
    filled: bool = True
    dashes: tuple[float, ...] | None = None
    colours: tuple[str, ...] = ()
    fills: tuple[bool, ...] = ()
    ribbon: bool = False


@dataclass(frozen=True)
class Chart:
    """Lines over the axis, under a title and a note on what goes up; a dashed line at `level` and a band about it."""

    title: str
    note: str
    series: tuple[Series, ...]
    level: float | None = None
    band: float | None = None
    share: bool = False


def draw_charts(charts: Sequence[Chart], across: Across, keys: Sequence[Key], width: float) -> Figure:
    """The charts, two side by side where there is room, with the legend below."""
    columns = 2 if width >= TWO_COLUMNS and len(charts) > 1 else 1
    own = (width - GAP * (columns - 1)) / columns
    rows = [charts[start : start + columns] for start in range(0, len(charts), columns)]
    heads = [max(_head(chart, own) for chart in row) for row in rows]
    legend = flow(keys, width)
    height = sum(head + PLOT + AXIS + GAP for head in heads) + LINE * len(legend) + 8
    figure, sheet = new_sheet(width, height)
    top = 0.0
    for row, head in zip(rows, heads, strict=True):
        for column, chart in enumerate(row):
            _draw_chart(sheet, chart, across, column * (own + GAP), top, own, head)
        top += head + PLOT + AXIS + GAP
    draw_legend(sheet, legend, top)
    return figure


def limits(series: Iterable[Series], marks: Sequence[float], share: bool) -> tuple[float, float]:
    """An axis that holds every mean and mark, and of each interval a part at least; of shares from 0 to 1 at most."""
    series = list(series)
    inner = [*marks, *(mean for one in series for mean in one.means if mean is not None)] or [0.0]
    low, high = min(inner), max(inner)
    room = (high - low) or 1.0
    ends = [end for one in series for side in (one.lows, one.highs) for end in side if end is not None]
    low, high = max(min([low, *ends]), low - room), min(max([high, *ends]), high + room)
    if share:
        low, high = max(low, min(0.0, *inner)), min(high, max(1.0, *inner))
    edge = 0.05 * (high - low) or 0.5
    return low - edge, high + edge


def _head(chart: Chart, width: float) -> float:
    return LINE * (len(_title(chart, width)) + len(_note(chart, width))) + 8


def _title(chart: Chart, width: float) -> list[str]:
    return wrapped(chart.title, width, NORMAL)


def _note(chart: Chart, width: float) -> list[str]:
    return wrapped(chart.note, width, SMALL)


def _draw_chart(sheet: Axes, chart: Chart, across: Across, left: float, top: float, width: float, head: float) -> None:
    y = top + 13
    for text in _title(chart, width):
        write(sheet, left + MARGIN, y, text, NORMAL, "ink", bold=True)
        y += LINE
    for text in _note(chart, width):
        write(sheet, left + MARGIN, y, text, SMALL, "muted")
        y += LINE
    marks = [] if chart.level is None else [chart.level - (chart.band or 0), chart.level + (chart.band or 0)]
    up = Scale(limits(chart.series, marks, chart.share), top + head + PLOT, top + head)
    gutter = draw_up(sheet, up, left + MARGIN, left + width - MARGIN)
    ends = [left + MARGIN + gutter, left + width - MARGIN]
    along, apart = _along(across, ends, 1 if any(one.ribbon for one in chart.series) else len(chart.series))
    _draw_along(sheet, across, along, ends, up.left)
    if chart.level is not None and chart.band:
        upper, lower = up.held(chart.level + chart.band), up.held(chart.level - chart.band)
        box(sheet, ends[0], ends[1], upper, lower, "control", 0.16)
    if chart.level is not None:
        rule(sheet, ends, [up.px(chart.level)] * 2, "muted", 1, dashes=(3, 2.5))
    for number, one in enumerate(chart.series):
        aside = 0 if one.ribbon else (number - (len(chart.series) - 1) / 2) * apart
        _draw_series(sheet, one, across, along, up, aside)


def _along(across: Across, ends: Sequence[float], lines: int) -> tuple[Scale, float]:
    """Where values lie, and the pixels between the marks of neighbouring lines, which keep two places apart."""
    edge = 12 + DODGE * lines / 2
    places = sorted({across.place(value) for value in across.values})
    low, high = (places[0], places[-1]) if len(places) > 1 else (places[0] - 1, places[0] + 1)
    along = Scale((low, high), ends[0] + edge, ends[1] - edge)
    room = min((along.px(after) - along.px(before) for before, after in pairwise(places)), default=60.0)
    return along, min(DODGE, 0.6 * room / max(1, lines))


def draw_up(sheet: Axes, up: Scale, left: float, right: float) -> float:
    """Draw the axis that values run up, with a line across for each of its marks; return its width."""
    low, high = up.limits
    found = MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    texts = [(value, f"{round(value, 10) + 0.0:g}") for value in found if low <= value <= high]
    gutter = max(width_of(text, SMALL) for _, text in texts) + 6 if texts else 0.0
    for value, text in texts:
        rule(sheet, [left + gutter, right], [up.px(value)] * 2, "line", 0.7)
        write(sheet, left + gutter - 6, up.px(value) + 4, text, SMALL, "muted", "right")
    return gutter


def _draw_along(sheet: Axes, across: Across, along: Scale, ends: list[float], bottom: float) -> None:
    rule(sheet, ends, [bottom, bottom], "muted", 1)
    for x, text in across.marks(along):
        rule(sheet, [x, x], [bottom, bottom + 4], "muted", 1)
        write(sheet, x, bottom + 17, text, SMALL, "muted", "center")
    write(sheet, sum(ends) / 2, bottom + 35, across.label, SMALL, "muted", "center")


def _draw_series(sheet: Axes, one: Series, across: Across, along: Scale, up: Scale, aside: float) -> None:
    count = len(one.values)
    looks = zip(one.colours or (one.colour,) * count, one.fills or (one.filled,) * count, strict=True)
    found = [
        _Mark(along.px(across.place(value)) + aside, mean, low, high, *look)
        for value, mean, low, high, look in zip(one.values, one.means, one.lows, one.highs, looks, strict=True)
        if mean is not None
    ]
    found.sort(key=lambda one: one.x)
    if one.ribbon:
        _draw_ribbon(sheet, found, up, one.colour)
    if across.numeric:  # between names nothing lies
        rule(sheet, [own.x for own in found], [up.held(own.mean) for own in found], one.colour, 1.3, one.dashes)
    # All marks of one look at a time: a large grid has many thousands.
    for look in dict.fromkeys((own.colour, own.filled) for own in found):
        alike = [own for own in found if (own.colour, own.filled) == look]
        if not one.ribbon:
            _draw_intervals(sheet, alike, up, look[0])
        mark_all(
            sheet, [m.x for m in alike], [up.held(m.mean) for m in alike], one.shape, *look, 6 if one.ribbon else 7
        )


@dataclass(frozen=True)
class _Mark:
    """A mean at its place, with its interval and its look."""

    x: float
    mean: float
    low: float | None
    high: float | None
    colour: str
    filled: bool


def _draw_intervals(sheet: Axes, found: Sequence[_Mark], up: Scale, colour: str) -> None:
    ends = [(one.x, one.low, one.high) for one in found if one.low is not None and one.high is not None]
    gap = float("nan")  # a break in the line
    x = [place for x, _, _ in ends for place in (x, x, gap)]
    y = [place for _, low, high in ends for place in (up.held(low), up.held(high), gap)]
    if ends:
        rule(sheet, x, y, colour, 2)
    for x, low, high in ends:
        for end, beyond in ((low, "v"), (high, "^")):
            if not up.limits[0] <= end <= up.limits[1]:
                mark(sheet, x, up.held(end), beyond, colour, True, 4)


def _draw_ribbon(sheet: Axes, found: Sequence[_Mark], up: Scale, colour: str) -> None:
    lower = [(one.x, up.held(one.low)) for one in found if one.low is not None]
    upper = [(one.x, up.held(one.high)) for one in found if one.high is not None]
    if lower:
        shape(sheet, np.array([*lower, *upper[::-1]]), colour, 0.16)
