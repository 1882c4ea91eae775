"""A sheet to draw on: texts, lines, shapes, marks and a legend at given pixels. Knows no chart and no number's meaning.

All lengths are CSS pixels, counted from the upper left. Colours are names of the palette.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon
from matplotlib.textpath import text_to_path
from numpy.typing import ArrayLike, NDArray

from sublearn.report.charts.palette import light
from sublearn.report.charts.svg import DENSITY, PIXELS_PER_INCH

MARGIN = 16
LINE = 18
SMALL, NORMAL, LARGE = 11.5, 13.0, 17.0
HAIRLINE = 0.5
"""Height of a density, in pixels to either side, where so much as one run lies."""
BODY = 0.75
"""Opacity of a density."""
LETTER = 0.57
"""Mean width of a letter as a part of its size, in a wide font."""


@dataclass(frozen=True)
class Key:
    """One entry of the legend: a sign (mean, hollow, point, density, interval or band), its colour and its meaning.

    A mean is a mark of this `shape`; with `line` it stands on a line, whole or of these dashes.
    """

    sign: str
    colour: str
    text: str
    shape: str = "o"
    line: bool = False
    dashes: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Scale:
    """Where a value lies from left to right."""

    limits: tuple[float, float]
    left: float
    right: float

    def px(self, value: float) -> float:
        low, high = self.limits
        return self.left + (value - low) / (high - low) * (self.right - self.left)

    def held(self, value: float) -> float:
        return self.px(min(max(value, self.limits[0]), self.limits[1]))


def new_sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of this size, and all of it to draw on."""
    figure = Figure(figsize=(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH), dpi=PIXELS_PER_INCH)
    sheet = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    sheet.axis("off")
    return figure, sheet


def draw_legend(sheet: Axes, lines: Sequence[Sequence[Key]], top: float) -> None:
    """The legend, laid out in lines by `flow`."""
    for i, keys in enumerate(lines):
        x, y = float(MARGIN), top + LINE * i + 8
        for key in keys:
            _draw_key(sheet, key, x, y)
            write(sheet, x + 22, y + 4, key.text, SMALL, "muted")
            x += _key_width(key)


def _draw_key(sheet: Axes, key: Key, x: float, y: float) -> None:
    if key.sign == "band":
        box(sheet, x + 1, x + 15, y - 6, y + 6, key.colour, 0.16)
    elif key.sign == "density":
        places = np.linspace(-8, 8, 33)
        body(sheet, x + 8 + places, HAIRLINE + 5 * np.exp(-((places / 2.6) ** 2) / 2), y, key.colour, "")
    elif key.sign == "interval":
        rule(sheet, [x + 1, x + 15], [y, y], key.colour, 2.4)
        for end in (x + 1, x + 15):
            mark(sheet, end, y, "|", key.colour, True, 8)
    else:
        if key.line:
            rule(sheet, [x - 2, x + 18], [y, y], key.colour, 1.3, key.dashes)
        size = 4.5 if key.sign == "point" else 7 if key.line else 8.5
        mark(sheet, x + 8, y, key.shape, key.colour, key.sign != "hollow", size)


def flow(keys: Sequence[Key], width: float) -> list[list[Key]]:
    """The legend's entries in lines that are not too long."""
    lines: list[list[Key]] = [[]]
    for key in keys:
        if lines[-1] and sum(map(_key_width, [*lines[-1], key])) > width - 2 * MARGIN + 20:
            lines.append([])
        lines[-1].append(key)
    return lines


def _key_width(key: Key) -> float:
    width, _, _ = text_to_path.get_text_width_height_descent(key.text, FontProperties(size=SMALL), False)
    return 22 + width + 20


def wrapped(text: str, width: float, size: float) -> list[str]:
    return wrap(text, int((width - 2 * MARGIN) / (LETTER * size)))


def width_of(text: str, size: float) -> float:
    return LETTER * size * len(text)


def write(
    sheet: Axes, x: float, y: float, text: str, size: float, colour: str, side: str = "left", bold: bool = False
) -> None:
    weight = "bold" if bold else "normal"
    sheet.text(x, y, text, size=size, color=light(colour), ha=side, va="baseline", weight=weight, parse_math=False)


def rule(
    sheet: Axes, x: list[float], y: list[float], colour: str, width: float, dashes: tuple[float, ...] | None = None
) -> None:
    style = (0, dashes) if dashes else "-"
    line(sheet, x, y, colour, lw=width, ls=style, solid_capstyle="butt")


def box(sheet: Axes, left: float, right: float, top: float, bottom: float, colour: str, alpha: float) -> None:
    shape(sheet, [(left, top), (right, top), (right, bottom), (left, bottom)], colour, alpha)


def body(
    sheet: Axes, x: NDArray[np.float64], heights: NDArray[np.float64], middle: float, colour: str, name: str = DENSITY
) -> None:
    """A shape of these heights to either side of its middle line."""
    upper, lower = np.column_stack([x, middle - heights]), np.column_stack([x, middle + heights])
    shape(sheet, np.concatenate([upper, lower[::-1]]), colour, BODY, gid=name)


def mark(sheet: Axes, x: float, y: float, sign: str, colour: str, filled: bool, size: float) -> None:
    mark_all(sheet, [x], [y], sign, colour, filled, size)


def mark_all(sheet: Axes, x: ArrayLike, y: ArrayLike, sign: str, colour: str, filled: bool, size: float) -> None:
    """Marks of one look."""
    face = light(colour if filled else "paper")
    line(sheet, x, y, colour, marker=sign, ms=size, mfc=face, mec=light(colour), mew=1.8, ls="")


# Not by the methods of the axes, which work out anew each time where the axes would end.
def line(sheet: Axes, x: ArrayLike, y: ArrayLike, colour: str, **style: Any) -> None:
    sheet.add_artist(Line2D(np.asarray(x), np.asarray(y), color=light(colour), clip_on=False, **style))


def shape(sheet: Axes, corners: ArrayLike, colour: str, alpha: float, gid: str | None = None) -> None:
    sheet.add_artist(Polygon(corners, closed=True, color=light(colour), alpha=alpha, lw=0, gid=gid))
