"""A sheet to draw on: texts, a legend, and axes at their places. Knows no chart and no number's meaning.

Places on the sheet are CSS pixels, counted from the upper left. Colours are names of the palette.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from textwrap import wrap
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from sublearn.report.charts.marks import Mark, draw_band, draw_body, draw_boxes, draw_breaks, draw_line, draw_marks
from sublearn.report.charts.palette import light
from sublearn.report.charts.panel import Panel
from sublearn.report.charts.svg import PIXELS_PER_INCH

WIDE, NARROW = 800, 360
"""Widths of a figure for a page and for a phone."""
MARGIN, GAP = 16, 20
TWO_COLUMNS = 640
"""From this width on, two charts stand side by side."""
LINE = 18
SMALL, NORMAL, LARGE = 11.5, 13.0, 17.0
LETTER = 0.57
"""Mean width of a letter as a part of its size, in a wide font."""
TICK, BESIDE_TICK, BELOW_TICK, BELOW_TICKS = 4, 4.4, 16.2, 33.7
"""Pixels of a panel's tick, and from its place to the baselines of the texts beside it, below it, and below all."""
Ends = tuple[float, float]
"""Two places on the sheet, or the limits of an axis."""
Words = list[tuple[str, bool]]
"""Lines of text; those of a title are larger and bold, those of a note are not."""


@dataclass(frozen=True)
class Key:
    """One entry of the legend: a sign, its colour and its meaning.

    Signs are mean, hollow, point, density, interval, band and empty. A mean is a mark of this `shape`; with `line` it
    stands on a line, whole or of these dashes.
    """

    sign: str
    colour: str
    text: str
    shape: str = "o"
    line: bool = False
    dashes: tuple[float, ...] | None = None

    @cached_property
    def width(self) -> float:
        """Pixels of the sign, the text and the space after it."""
        return 42 + text_to_path.get_text_width_height_descent(self.text, FontProperties(size=SMALL), False)[0]


class Sheet:
    """A figure of this width and height, with the legend's lines added below."""

    def __init__(self, width: float, height: float, keys: Sequence[Key] = ()) -> None:
        legend = _flow(keys, width)
        self.width, self.height = width, height + LINE * len(legend) + 8
        size = width / PIXELS_PER_INCH, self.height / PIXELS_PER_INCH
        self.figure = Figure(figsize=size, dpi=PIXELS_PER_INCH)
        self._paper = self.figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(self.height, 0))
        self._paper.axis("off")
        for i, line in enumerate(legend):
            x, y = float(MARGIN), height + LINE * i + 8
            for key in line:
                _draw_key(self._paper, key, x, y)
                self.write(x + 22, y + 4, key.text, SMALL, "muted")
                x += key.width

    def write(
        self, x: float, y: float, text: str, size: float, colour: str, side: str = "left", bold: bool = False
    ) -> None:
        """One line of text."""
        style = {"size": size, "color": light(colour), "weight": "bold" if bold else "normal", "ha": side}
        # Not by the paper's own method, which clips each text by itself.
        self.figure.text(x / self.width, 1 - y / self.height, text, va="baseline", parse_math=False, **style)

    def write_words(self, words: Words, left: float, top: float) -> float:
        """Write lines below each other; return where they end."""
        for number, (text, bold) in enumerate(words):
            size, tone = (NORMAL, "ink") if bold else (SMALL, "muted")
            self.write(left, top + 13 + LINE * number, text, size, tone, bold=bold)
        return top + LINE * len(words)

    def axes(self, across: Ends, down: Ends, x_limits: Ends, y_limits: Ends) -> Axes:
        """Axes between two places across and two places down, with the line at their lower end alone."""
        (left, right), (top, bottom) = across, down
        place = left / self.width, 1 - bottom / self.height, (right - left) / self.width, (bottom - top) / self.height
        axes = self.figure.add_axes(place, xlim=x_limits, ylim=y_limits)
        axes.patch.set_visible(False)
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.spines["bottom"].set_color(light("muted"))
        axes.tick_params(color=light("muted"), labelcolor=light("muted"), labelsize=SMALL, length=4, width=1)
        axes.tick_params(axis="y", length=0, pad=6)
        return axes

    def at(self, axes: Axes, x: float, y: float) -> Ends:
        """Where on the sheet a place of some axes is."""
        share = self.figure.transFigure.inverted().transform(axes.transData.transform((x, y)))
        return float(share[0]) * self.width, (1 - float(share[1])) * self.height

    def panel(self, across: Ends, down: Ends, up: Ends) -> Panel:
        """A panel with what `gridded` axes have; x is in pixels."""
        values, (top, bottom) = round_values(up, 5), down
        texts = [tick_text(value) for value in values]
        left = across[0] + max((width_of(text, SMALL) for text in texts), default=0.0) + 6
        ends = 0.0, across[1] - left
        panel = Panel(self.figure, (left, across[1]), down, ends, up)
        draw_breaks(panel, [ends] * len(values), [(value, value) for value in values], "line", 0.7, zorder=0.5)
        draw_line(panel, ends, (up[0], up[0]), "muted", 0.8)
        for value, text in zip(values, texts, strict=True):
            y = bottom - (value - up[0]) / (up[1] - up[0]) * (bottom - top)
            self.write(left - 6, y + BESIDE_TICK, text, SMALL, "muted", "right")
        return panel

    def mark_panel(self, panel: Panel, marks: Sequence[tuple[float, str]], name: str) -> None:
        """Marks below a panel at these places, and the name of what runs across."""
        (left, right), bottom = panel.across, panel.down[1]
        places = [left + place for place, _ in marks]
        draw_breaks(self._paper, [(x, x) for x in places], [(bottom, bottom + TICK)] * len(places), "muted", 1)
        for x, (_, text) in zip(places, marks, strict=True):
            self.write(x, bottom + BELOW_TICK, text, SMALL, "muted", "center")
        self.write((left + right) / 2, bottom + BELOW_TICKS, name, SMALL, "muted", "center")

    def gridded(self, across: Ends, down: Ends, up: Ends, x_limits: Ends | None = None) -> Axes:
        """Axes with a line for each round value that runs up, right of their texts; x is in pixels if not said."""
        values = round_values(up, 5)
        left = across[0] + max((width_of(tick_text(value), SMALL) for value in values), default=0.0) + 6
        axes = self.axes((left, across[1]), down, x_limits or (0, across[1] - left), up)
        axes.set_yticks(values, [tick_text(value) for value in values])
        draw_grid(axes, "y")
        return axes


def draw_grid(axes: Axes, axis: Literal["x", "y"]) -> None:
    """A faint line at each mark of an axis."""
    axes.grid(axis=axis, color=light("line"), lw=0.7)
    axes.set_axisbelow(True)


def name_across(axes: Axes, text: str) -> None:
    """Say what runs across."""
    axes.set_xlabel(text, size=SMALL, color=light("muted"), parse_math=False, labelpad=6)


def mark_across(axes: Axes, marks: Sequence[tuple[float, str]] | None = None) -> None:
    """Marks below the axes at these places, or else at round values."""
    if marks is None:
        count = 10 if width_in_pixels(axes) > 480 else 5
        marks = [(value, tick_text(value)) for value in round_values(axes.get_xlim(), count)]
    axes.set_xticks([place for place, _ in marks], [said for _, said in marks], parse_math=False)


def width_in_pixels(axes: Axes) -> float:
    return axes.get_window_extent().width * PIXELS_PER_INCH / axes.figure.dpi


def round_values(limits: Ends, count: int) -> list[float]:
    """This many round values within limits, or a few less."""
    found = MaxNLocator(nbins=count, steps=[1, 2, 2.5, 5, 10]).tick_values(*limits)
    return [float(value) for value in found if limits[0] <= value <= limits[1]]


def tick_text(value: float) -> str:
    return f"{round(value, 10) + 0.0:g}"


def limits(inner: Iterable[float], ends: Iterable[float] = (), share: bool = False, edge: float = 0.05) -> Ends:
    """Limits that hold all `inner` values and of intervals, which end at `ends`, a part at least; of shares 0 to 1.

    The interval of two or three runs can be many times wider than they lie apart; it ends in an arrow there.
    """
    inner, ends = np.array([*inner] or [0.0]), [*ends]
    least, most = float(inner.min()), float(inner.max())
    room = (most - least) or 1.0
    low, high = max(min([least, *ends]), least - room), min(max([most, *ends]), most + room)
    if share:
        low, high = max(low, min(0.0, least)), min(high, max(1.0, most))
    beyond = edge * (high - low) or 0.5
    return low - beyond, high + beyond


def title_and_notes(title: str, notes: Iterable[str], width: float) -> Words:
    """A title and the notes below it in lines of this width."""
    lines = [(line, True) for line in wrapped(title, width, NORMAL)]
    return lines + [(line, False) for note in notes for line in wrapped(note, width, SMALL)]


def wrapped(text: str, width: float, size: float) -> list[str]:
    return wrap(text, max(1, int((width - 2 * MARGIN) / (LETTER * size))))


def width_of(text: str, size: float) -> float:
    return LETTER * size * len(text)


def _draw_key(paper: Axes, key: Key, x: float, y: float) -> None:
    if key.sign == "band":
        draw_band(paper, (x + 1, x + 15), (y - 6, y + 6), key.colour)
    elif key.sign == "empty":
        draw_boxes(paper, [(x + 1, y - 6, x + 15, y + 6)], key.colour, 0)
    elif key.sign == "density":
        places = np.linspace(-8, 8, 33)
        draw_body(paper, x + 8 + places, 0.5 + 5 * np.exp(-((places / 2.6) ** 2) / 2), y, key.colour, "")
    elif key.sign == "interval":
        draw_marks(paper, [Mark(None, x + 1, x + 15, key.colour)], [y])
    else:
        if key.line:
            draw_line(paper, [x - 2, x + 18], [y, y], key.colour, 1.3, key.dashes)
        size = 4.5 if key.sign == "point" else 7 if key.line else 8.5
        draw_marks(paper, [Mark(x + 8, None, None, key.colour, key.sign != "hollow", key.shape)], [y], size=size)


def _flow(keys: Sequence[Key], width: float) -> list[list[Key]]:
    """The legend's entries in lines that are not too long."""
    lines: list[list[Key]] = []
    for key in keys:
        if not lines or sum(one.width for one in [*lines[-1], key]) > width - 2 * MARGIN + 20:
            lines.append([])
        lines[-1].append(key)
    return lines
