"""Draws how a comparison came out in each run: a bar a run, in the order of size. Knows values and words alone.

Of each comparison the words stand above its bars; all have one scale. Lengths are CSS pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from sublearn.report.charts.marks import draw_breaks, draw_line
from sublearn.report.charts.panel import Panel
from sublearn.report.charts.sheet import (
    LINE,
    MARGIN,
    SMALL,
    Sheet,
    Words,
    limits,
    round_values,
    tick_text,
    title_and_notes,
    width_of,
)

PLOT, LOW, MANY = 96, 56, 4
"""Height of the bars, and where there are more comparisons than so many."""
FOOT, GAP = 24, 16
TWO_COLUMNS = 640
"""From this width on, two comparisons stand side by side."""
MOST_BARS = 240
"""Of more runs than this only so many are drawn, evenly out of all in their order."""
WIDEST = 9.0


@dataclass(frozen=True)
class Tally:
    """The differences of one comparison, with its words, and the colour of those above zero."""

    title: str
    note: str
    colour: str
    differences: NDArray[np.float64]

    @property
    def shown(self) -> NDArray[np.float64]:
        """What is drawn: the differences from the largest down, evenly chosen where they are many."""
        ordered = np.sort(self.differences)[::-1]
        n = len(ordered)
        if n <= MOST_BARS:
            return ordered
        return ordered[np.floor((np.arange(MOST_BARS) + 0.5) * n / MOST_BARS).astype(int)]


def draw_tallies(tallies: Sequence[Tally], below: str, width: float) -> Figure:
    """The comparisons, two side by side where there is room; `below` names what runs across."""
    columns = 2 if width >= TWO_COLUMNS and len(tallies) > 1 else 1
    own, plot = width / columns, PLOT if len(tallies) <= MANY else LOW
    rows = [tallies[start : start + columns] for start in range(0, len(tallies), columns)]
    heads = [max(len(_words(one, own)) for one in row) * LINE + 10 for row in rows]
    up = _limits(tallies)
    sheet = Sheet(width, sum(head + plot + GAP for head in heads) + FOOT)
    top = 0.0
    for start, row, head in zip(range(0, len(tallies), columns), rows, heads, strict=True):
        for column, one in enumerate(row):
            _draw_tally(sheet, one, (column * own, (column + 1) * own), (top, top + head, top + head + plot), up)
            if start + column >= len(tallies) - columns:
                sheet.write((column + 0.5) * own, top + head + plot + 18, below, SMALL, "muted", "center")
        top += head + plot + GAP
    return sheet.figure


def _words(one: Tally, width: float) -> Words:
    return title_and_notes(one.title, [one.note], width)


def _limits(tallies: Sequence[Tally]) -> tuple[float, float]:
    found = np.concatenate([[0.0], *(one.differences for one in tallies)])
    return limits([float(found.min()), float(found.max())])


def _draw_tally(
    sheet: Sheet, one: Tally, across: tuple[float, float], down: tuple[float, float, float], up: tuple[float, float]
) -> None:
    """Its words from the first place down, its bars from the second to the third."""
    sheet.write_words(_words(one, across[1] - across[0]), across[0] + MARGIN, down[0])
    values = sorted({0.0, *round_values(up, 3)})
    texts = [f"{'+' if value > 0 else ''}{tick_text(value)}" for value in values]
    left = across[0] + MARGIN + max(width_of(text, SMALL) for text in texts) + 6
    ends, height = (left, across[1] - MARGIN), down[2] - down[1]
    panel = Panel(sheet.figure, ends, down[1:], (0, ends[1] - ends[0]), up)
    for value, text in zip(values, texts, strict=True):
        y = down[2] - (value - up[0]) / (up[1] - up[0]) * height
        sheet.write(left - 6, y + 4.4, text, SMALL, "muted", "right")
        draw_line(panel, panel.get_xlim(), (value, value), "muted" if value == 0 else "line", 1 if value == 0 else 0.7)
    _draw_bars(panel, one)


def _draw_bars(panel: Panel, one: Tally) -> None:
    """A bar a run, from zero; a stroke on the line where there is no difference."""
    shown = one.shown
    if not len(shown):
        return
    room = panel.get_xlim()[1]
    pitch = min(room / len(shown), 3 * WIDEST)
    places = (np.arange(len(shown)) + 0.5) * pitch
    thick = min(WIDEST, pitch * (0.7 if pitch > 3 else 1.05))
    for chosen, colour in ((shown > 0, one.colour), (shown < 0, "control")):
        x, y = places[chosen], shown[chosen]
        if len(x):
            draw_breaks(panel, [(at, at) for at in x], [(0.0, value) for value in y], colour, thick)
    equal = places[shown == 0]
    if len(equal):
        half = min(WIDEST, pitch) / 2
        draw_breaks(panel, [(at - half, at + half) for at in equal], [(0.0, 0.0)] * len(equal), "control", 3)
