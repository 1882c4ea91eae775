"""Draws charts: means with their intervals over one axis, a chart beside or below the other. Knows no study.

Words stand above, so that one drawing fits a wide page and a phone alike. Along the axis, lengths are CSS pixels.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sublearn.report.charts.marks import DOTS, Canvas, Mark, draw_band, draw_line, draw_marks, draw_ribbon
from sublearn.report.charts.palette import light
from sublearn.report.charts.sheet import (
    GAP,
    LINE,
    MARGIN,
    SMALL,
    TWO_COLUMNS,
    Key,
    Sheet,
    limits,
    mark_across,
    title_and_notes,
    width_in_pixels,
    width_of,
)

PLOT = 150
AXIS = 44
DODGE = 7
"""Pixels between marks at one place, at most."""
NUMBER = (int, float)


@dataclass(frozen=True)
class Scale:
    """Pixels of a value between two of them."""

    limits: tuple[float, float]
    left: float
    right: float

    def px(self, value: float) -> float:
        low, high = self.limits
        return self.left + (value - low) / (high - low) * (self.right - self.left)


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

    @property
    def said(self) -> str:
        """What stands below the axis."""
        return f"{self.label} (log scale)" if self.geometric and not self.from_zero else self.label

    def place(self, value: Any) -> float:
        """Where a value lies, in units of its own."""
        if not self.numeric:
            return float(self.values.index(value))
        if self.from_zero:
            return math.log1p(value)
        return math.log10(value) if self.geometric else float(value)

    def scale(self, width: float, lines: int) -> Scale:
        """Where values lie on so many pixels, with room for the marks of so many lines at either end."""
        edge = 12 + DODGE * lines / 2
        places = sorted({self.place(value) for value in self.values}) or [0.0]
        ends = (places[0], places[-1]) if len(places) > 1 else (places[0] - 1, places[0] + 1)
        return Scale(ends, edge, width - edge)

    def apart(self, scale: Scale, lines: int) -> float:
        """The pixels between the marks of neighbouring lines, which keep two places apart."""
        at = sorted({scale.px(self.place(value)) for value in self.values})
        room = min((after - before for before, after in pairwise(at)), default=60.0)
        return min(DODGE, 0.6 * room / max(1, lines))

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
    """One line of a chart: a mark at each of some values of the axis. With `ribbon` all intervals are one band."""

    name: str
    colour: str
    values: tuple[Any, ...]
    marks: tuple[Mark, ...]
    dashes: tuple[float, ...] | None = None
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

    def limits(self) -> tuple[float, float]:
        """What the chart spans upwards."""
        marks = [mark for one in self.series for mark in one.marks]
        level = [] if self.level is None else [self.level - (self.band or 0), self.level + (self.band or 0)]
        means = [mark.mean for mark in marks if mark.mean is not None]
        return limits([*level, *means], [end for mark in marks for end in mark.ends], self.share)


def draw_charts(charts: Sequence[Chart], across: Across, keys: Sequence[Key], width: float) -> Figure:
    """The charts, two side by side where there is room, with the legend below."""
    columns = 2 if width >= TWO_COLUMNS and len(charts) > 1 else 1
    own = (width - GAP * (columns - 1)) / columns
    rows = [charts[start : start + columns] for start in range(0, len(charts), columns)]
    heads = [max(LINE * len(title_and_notes(one.title, [one.note], own)) for one in row) + 8 for row in rows]
    sheet = Sheet(width, sum(head + PLOT + AXIS + GAP for head in heads), keys)
    top = 0.0
    for row, head in zip(rows, heads, strict=True):
        for column, chart in enumerate(row):
            _draw_chart(sheet, chart, across, column * (own + GAP), top, own, head)
        top += head + PLOT + AXIS + GAP
    return sheet.figure


def draw_on(axes: Axes, chart: Chart, across: Across) -> None:
    """The chart on given axes, whose limits and marks are set anew, with a legend of its lines."""
    axes.set(
        xlim=(0, width_in_pixels(axes)), ylim=chart.limits(), xlabel=across.said, ylabel=chart.note, title=chart.title
    )
    for text in (axes.title, axes.xaxis.label, axes.yaxis.label):
        text.set_parse_math(False)  # a study's own words are no formula
    mark_across(axes, _draw_lines(axes, chart, across))
    signs = {one.name: one for one in reversed(chart.series) if one.marks and one.marks[0].shape}
    handles = [_handle(one) for one in reversed(signs.values())]
    for text in axes.legend(handles=handles, fontsize="small").get_texts() if handles else ():
        text.set_parse_math(False)


def _handle(one: Series) -> Line2D:
    face = light(one.colour if one.marks[0].filled else "paper")
    return Line2D([], [], color=light(one.colour), marker=one.marks[0].shape, mfc=face, label=one.name)


def _draw_chart(sheet: Sheet, chart: Chart, across: Across, left: float, top: float, width: float, head: float) -> None:
    sheet.write_words(title_and_notes(chart.title, [chart.note], width), left + MARGIN, top)
    panel = sheet.panel((left + MARGIN, left + width - MARGIN), (top + head, top + head + PLOT), chart.limits())
    sheet.mark_panel(panel, _draw_lines(panel, chart, across), across.said)


def _draw_lines(axes: Canvas, chart: Chart, across: Across) -> list[tuple[float, str]]:
    """Draw what is between the limits; the marks that belong below."""
    ends, ribbons = axes.get_xlim(), any(one.ribbon for one in chart.series)
    lines = 1 if ribbons else len(chart.series)
    scale = across.scale(ends[1], lines)
    if chart.level is not None:
        low, high = axes.get_ylim()
        if chart.band:
            upper, lower = min(chart.level + chart.band, high), max(chart.level - chart.band, low)
            draw_band(axes, ends, (upper, lower), "control")
        draw_line(axes, ends, [chart.level] * 2, "muted", 1, DOTS)
    apart = across.apart(scale, lines)
    marks: list[Mark] = []
    places: list[float] = []
    for number, one in enumerate(chart.series):
        aside = 0 if one.ribbon else (number - (len(chart.series) - 1) / 2) * apart
        own, at = _draw_series(axes, one, across, scale, aside)
        marks, places = marks + own, places + at
    draw_marks(axes, marks, places, upright=True, size=6 if ribbons else 7)
    return across.marks(scale)


def _draw_series(
    axes: Canvas, one: Series, across: Across, scale: Scale, aside: float
) -> tuple[list[Mark], list[float]]:
    """Draw the line; its marks that are still to be drawn, and their places."""
    measured = [pair for pair in zip(one.values, one.marks, strict=True) if pair[1].mean is not None]
    measured.sort(key=lambda pair: across.place(pair[0]))
    places = [scale.px(across.place(value)) + aside for value, _ in measured]
    marks = [mark for _, mark in measured]
    if one.ribbon:
        draw_ribbon(axes, marks, places, one.colour)
        marks = [replace(mark, low=None, high=None) for mark in marks]
    if across.numeric:  # between names nothing lies
        draw_line(axes, places, [mark.mean or 0.0 for mark in marks], one.colour, 1.3, one.dashes)
    return marks, places
