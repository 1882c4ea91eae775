"""Draws rows of runs with their means and intervals, on a sheet or on given axes. Knows no study and no records.

On a sheet a row has its words above and its marks below, so that one drawing fits a wide page and a phone alike; a
panel can also have the words to the left. Down the axes, lengths are CSS pixels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sublearn.report.charts.marks import DOTS, Mark, draw_band, draw_density, draw_line, draw_marks, draw_points
from sublearn.report.charts.sheet import (
    LARGE,
    LINE,
    MARGIN,
    NORMAL,
    SMALL,
    Key,
    Sheet,
    Words,
    draw_grid,
    mark_across,
    name_across,
    title_and_notes,
    width_of,
    wrapped,
)

SWARM, BAR, GAP = 28, 10, 18
"""Heights of a row's runs, of each of its means, and of the space below it."""
AXIS = 46
MOST_POINTS = 2_000
"""With a row of more runs than this, all rows of a figure are drawn as densities."""


@dataclass(frozen=True)
class PanelRow:
    """One line of a panel: words, one point a run in the colour of the first mark, and means with their intervals.

    Within `band` of the panel's origin is what counts as none.
    """

    label: str
    note: str
    value: str
    marks: tuple[Mark, ...]
    points: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    band: float | None = None


@dataclass(frozen=True)
class Panel:
    """Rows on one axis, with a line at `origin`, if there is one, that they are read against and bars start from.

    Without `runs` there is no room for points; `beside` is the width of a column of words to the left of the marks.
    """

    axis: str
    rows: tuple[PanelRow, ...]
    limits: tuple[float, float]
    origin: float | None = None
    origin_label: str = ""
    runs: bool = True
    beside: float = 0.0

    def height(self, row: PanelRow) -> float:
        """Height of a row's marks; a row without any has none."""
        if not len(row.points) and all(mark.mean is None for mark in row.marks):
            return 0.0
        return SWARM * self.runs + BAR * len(row.marks)

    def words(self, row: PanelRow, width: float) -> Words:
        """A row's lines of words but for its value."""
        return title_and_notes(row.label, [row.note], self.beside or width)

    def needs(self, row: PanelRow, width: float) -> tuple[float, float]:
        """Height of a row's words above its marks, and of the row."""
        words = LINE * (len(self.words(row, width)) + self.value_apart(row, width))
        if self.beside:
            return 0.0, max(words, self.height(row)) + GAP / 2
        return words, words + self.height(row) + GAP

    def value_apart(self, row: PanelRow, width: float) -> bool:
        """Whether a row's value does not fit beside the last line of its words."""
        if not row.value:
            return False
        text, bold = (self.words(row, width) or [("", False)])[-1]
        taken = width_of(text, NORMAL if bold else SMALL) + width_of(row.value, SMALL)
        return not text or taken + 20 > (self.beside or width) - 2 * MARGIN


def draw(panels: Sequence[Panel], keys: Sequence[Key], width: float, title: str = "") -> Figure:
    """The panels under each other, with the title above and the legend below."""
    head = wrapped(title, width, LARGE)
    top = 24.0 * len(head) + (8 if head else 0)
    heights = [_panel_height(panel, width) for panel in panels]
    sheet = Sheet(width, top + sum(heights), keys)
    for i, words in enumerate(head):
        sheet.write(MARGIN, 22 + 24 * i, words, LARGE, "ink", bold=True)
    dense = crowded(len(row.points) for panel in panels for row in panel.rows)
    for panel, size in zip(panels, heights, strict=True):
        _draw_panel(sheet, panel, top, top + size - AXIS, dense)
        top += size
    return sheet.figure


def draw_on(axes: Axes, panel: Panel) -> None:
    """The panel's rows on given axes, their names at the axis; limits and marks of the axes are set anew."""
    pitch = [panel.height(row) + GAP for row in panel.rows]
    starts = np.cumsum([0.0, *pitch])
    axes.set(xlim=panel.limits, ylim=(max(starts[-1], GAP), 0.0))
    axes.set_yticks(starts[:-1] + np.array(pitch) / 2, [row.label or row.note for row in panel.rows], parse_math=False)
    axes.set_xlabel(panel.axis, parse_math=False)
    dense = crowded(len(row.points) for row in panel.rows)
    for row, start in zip(panel.rows, starts, strict=False):
        _draw_row(axes, panel, row, float(start) + GAP / 2, dense)


def crowded(counts: Iterable[int]) -> bool:
    """Whether one of a figure's rows has more runs than can be told apart as points."""
    return max(counts, default=0) > MOST_POINTS


def _panel_height(panel: Panel, width: float) -> float:
    return LINE + 2 + sum(panel.needs(row, width)[1] for row in panel.rows) + AXIS


def _draw_panel(sheet: Sheet, panel: Panel, top: float, bottom: float, dense: bool) -> None:
    across = (MARGIN + panel.beside, sheet.width - MARGIN)
    axes = sheet.axes(across, (top, bottom), panel.limits, (bottom - top, 0))
    axes.yaxis.set_visible(False)
    mark_across(axes)
    name_across(axes, panel.axis)
    if panel.beside:
        draw_grid(axes, "x")
    if panel.origin is not None:
        half = width_of(panel.origin_label, SMALL) / 2
        x = np.clip(np.interp(panel.origin, panel.limits, across), across[0] + half, across[1] - half)
        sheet.write(float(x), top + 13, panel.origin_label, SMALL, "muted", "center")
    y = float(LINE + 2)
    for row in panel.rows:
        words, needed = panel.needs(row, sheet.width)
        end = sheet.write_words(panel.words(row, sheet.width), MARGIN, top + y)
        end += LINE * panel.value_apart(row, sheet.width) - 5
        sheet.write((panel.beside or sheet.width) - MARGIN, end, row.value, SMALL, "ink", "right")
        _draw_row(axes, panel, row, y + words, dense)
        y += needed


def _draw_row(axes: Axes, panel: Panel, row: PanelRow, y: float, dense: bool) -> None:
    """A row's marks from `y` on; the line at the origin stops at each row's words, so that it crosses none."""
    if not panel.height(row):
        return
    end = y + panel.height(row) + 8
    if panel.origin is not None:
        draw_line(axes, [panel.origin] * 2, [y, end + 2], "muted", 1, DOTS)
        if row.band is not None:
            left, right = np.clip([panel.origin - row.band, panel.origin + row.band], *panel.limits)
            draw_band(axes, (left, right), (y + 2, end), "control")
    if len(row.points):
        draw_runs = draw_density if dense else draw_points
        draw_runs(axes, row.points, y + 2 + SWARM / 2, SWARM / 2, row.marks[0].colour)
    places = [y + SWARM * panel.runs + 3 + BAR * (number + 0.5) for number in range(len(row.marks))]
    if panel.origin is not None:
        for mark, place in zip(row.marks, places, strict=True):
            if mark.mean is not None:
                start, mean = np.clip(sorted((panel.origin, mark.mean)), *panel.limits)
                draw_band(axes, (start, mean), (place - BAR / 2, place + BAR / 2), mark.colour, 0.22)
    draw_marks(axes, row.marks, places)
