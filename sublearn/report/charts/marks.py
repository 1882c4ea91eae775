"""How runs, means, intervals, bands and densities are drawn, on any axes. Knows no study and no layout.

Runs and means lie along x at one height; with `upright` along y. Colours are names of the palette.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon
from matplotlib.path import Path
from numpy.typing import ArrayLike, NDArray

from sublearn.report.charts.palette import light
from sublearn.report.charts.svg import DENSITY, POINTS
from sublearn.stats import Contrast, Estimate

SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
DASHES = (None, (5, 2), (1.5, 1.5), (7, 2, 1.5, 2))
DOTS = (3, 2.5)
"""Dashes of a line that values are read against, such as chance."""
CELLS = 256
SMOOTH = 2.0
"""Cells of an axis, and the standard deviation, in cells, by which a density is smoothed."""
HAIRLINE = 1 / 28
"""Height of a density, as a part of its highest, where so much as one run lies."""


class Canvas(Protocol):
    """What marks are drawn on: axes, or a panel of a sheet."""

    def get_xlim(self) -> tuple[float, float]:
        """The limits from left to right."""
        ...

    def get_ylim(self) -> tuple[float, float]:
        """The limits upwards."""
        ...

    def add_artist(self, a: Artist, /) -> Any:
        """Put something there."""
        ...


@dataclass(frozen=True)
class Mark:
    """A mean with its interval, either of which may be missing, and its look."""

    mean: float | None
    low: float | None
    high: float | None
    colour: str
    filled: bool = True
    shape: str = "o"

    @classmethod
    def of(cls, found: Estimate | Contrast, colour: str, filled: bool = True, shape: str = "o") -> Self:
        """A mark for what was found."""
        return cls(found.mean, found.low, found.high, colour, filled, shape)

    @property
    def ends(self) -> tuple[float, ...]:
        """Both ends of the interval, if there is one."""
        return () if self.low is None or self.high is None else (self.low, self.high)


def draw_marks(
    axes: Canvas, marks: Sequence[Mark], places: Sequence[float], upright: bool = False, size: float = 8.5
) -> None:
    """Means and intervals at these places; what lies beyond the axes is drawn at their edge, an interval with an arrow.

    All of one look are one artist: a large grid has many thousands.
    """
    low, high = sorted(axes.get_ylim() if upright else axes.get_xlim())
    pairs = list(zip(marks, places, strict=True))
    for colour in dict.fromkeys(mark.colour for mark in marks):
        own = [(mark.ends, place) for mark, place in pairs if mark.colour == colour and mark.ends]
        _draw_intervals(axes, own, colour, (low, high), upright)
    for look in dict.fromkeys((mark.shape, mark.colour, mark.filled) for mark in marks):
        own = [(mark.mean, at) for mark, at in pairs if (mark.shape, mark.colour, mark.filled) == look]
        found = np.array([(mean, at) for mean, at in own if mean is not None]).reshape(-1, 2)
        _draw_signs(axes, np.clip(found[:, 0], low, high), found[:, 1], look, size, upright)


def _draw_intervals(
    axes: Canvas,
    found: Sequence[tuple[tuple[float, ...], float]],
    colour: str,
    limits: tuple[float, float],
    upright: bool,
) -> None:
    if not found:
        return
    ends, places = np.array([ends for ends, _ in found]), np.array([place for _, place in found])
    held = np.clip(ends, limits[0], limits[1])
    gaps = np.full(len(found), np.nan)  # breaks in the line
    along, beside = np.column_stack([held, gaps]).ravel(), np.repeat(places, 3)
    draw_line(axes, *((beside, along) if upright else (along, beside)), colour, 2 if upright else 2.4)
    inside = ends == held
    if not upright:  # upright marks stand too close for caps
        _draw_signs(axes, held[inside], np.column_stack([places, places])[inside], ("|", colour, True), 8, upright)
    for side, arrow in enumerate("v^" if upright else "<>"):
        out = ~inside[:, side]
        _draw_signs(axes, held[out, side], places[out], (arrow, colour, True), 4 if upright else 6, upright)


def _draw_signs(
    axes: Canvas, along: ArrayLike, beside: ArrayLike, look: tuple[str, str, bool], size: float, upright: bool
) -> None:
    shape, colour, filled = look
    if np.size(along):
        x, y = (beside, along) if upright else (along, beside)
        face = light(colour if filled else "paper")
        _add_line(axes, x, y, colour, marker=shape, ms=size, mfc=face, mec=light(colour), mew=1.8, ls="")


def draw_line(
    axes: Canvas, x: ArrayLike, y: ArrayLike, colour: str, width: float, dashes: tuple[float, ...] | None = None
) -> None:
    """A line, whole or dashed."""
    _add_line(axes, x, y, colour, lw=width, ls=(0, dashes) if dashes else "-", solid_capstyle="butt")


def draw_arrow(axes: Canvas, way: Sequence[tuple[float, float]], colour: str) -> None:
    """A thin way over these places, left to right or right to left at its end, with a head there."""
    x, y = zip(*way, strict=True)
    draw_line(axes, x, y, colour, 1)
    shape = ">" if x[-1] > x[-2] else "<"
    _add_line(axes, x[-1:], y[-1:], colour, marker=shape, ms=5, mew=0, ls="")


def draw_breaks(
    axes: Canvas,
    x: Sequence[tuple[float, float]],
    y: Sequence[tuple[float, float]],
    colour: str,
    width: float,
    **more: Any,
) -> None:
    """Strokes between two places each, as one line with breaks."""
    along, up = ([place for start, end in ends for place in (start, end, math.nan)] for ends in (x, y))
    _add_line(axes, along, up, colour, lw=width, solid_capstyle="butt", **more)


def draw_band(axes: Canvas, x: tuple[float, float], y: tuple[float, float], colour: str, alpha: float = 0.16) -> None:
    """A faint rectangle."""
    (left, right), (top, bottom) = x, y
    _add_shape(axes, [(left, top), (right, top), (right, bottom), (left, bottom)], colour, alpha)


def draw_boxes(axes: Canvas, boxes: Sequence[tuple[float, float, float, float]], colour: str, alpha: float) -> None:
    """Rectangles of one colour, each from (x, y) to (x, y), as one artist; without opacity their outlines."""
    corners = [[(a, b), (c, b), (c, d), (a, d), (a, b)] for a, b, c, d in boxes]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(boxes)
    path = Path(np.reshape(corners, (-1, 2)), codes)
    if alpha:
        axes.add_artist(PathPatch(path, color=light(colour), alpha=alpha, lw=0, clip_on=False))
    else:
        axes.add_artist(PathPatch(path, ec=light(colour), fc="none", lw=0.7, ls=(0, DOTS), clip_on=False))


def draw_ribbon(axes: Canvas, marks: Sequence[Mark], places: Sequence[float], colour: str) -> None:
    """The faint space between the ends of upright intervals."""
    found = [(place, *mark.ends) for mark, place in zip(marks, places, strict=True) if mark.ends]
    if found:
        x, lower, upper = np.array(found).T
        ends = np.clip([lower, upper], *axes.get_ylim())
        _add_shape(axes, np.column_stack([np.append(x, x[::-1]), np.append(ends[0], ends[1][::-1])]), colour, 0.16)


def draw_body(
    axes: Axes, x: NDArray[np.float64], heights: NDArray[np.float64], middle: float, colour: str, name: str = DENSITY
) -> None:
    """A shape of these heights to either side of its middle line."""
    upper, lower = np.column_stack([x, middle - heights]), np.column_stack([x, middle + heights])
    _add_shape(axes, np.concatenate([upper, lower[::-1]]), colour, 0.75, gid=name)


def draw_points(axes: Axes, values: NDArray[np.float64], middle: float, room: float, colour: str) -> None:
    """A point for each run, parted up and down within `room` of the middle line."""
    size, alpha = size_and_alpha(len(values))
    across, down = _points_a_unit(axes)
    offsets = swarm(np.asarray(values) * across, max(size, 3.0), (room * down - size / 2) / size)
    draw_cloud(axes, values, middle + offsets * (room - size / 2 / down), colour, size, alpha)


def draw_cloud(
    axes: Axes, x: ArrayLike, y: ArrayLike, colour: str, size: float = 6, alpha: float = 0.6, shape: str = "o"
) -> None:
    """A point for each run."""
    _add_line(axes, x, y, colour, ls="", marker=shape, ms=size, mew=0, alpha=alpha, gid=POINTS)


def draw_density(axes: Axes, values: NDArray[np.float64], middle: float, room: float, colour: str) -> None:
    """A shape that is the higher the more runs lie at a place."""
    low, high = axes.get_xlim()
    heights = density((values - low) / (high - low)) * room
    seen = np.flatnonzero(heights)
    if len(seen):
        some = slice(seen[0], seen[-1] + 1)
        draw_body(axes, np.linspace(low, high, CELLS + 1)[some], heights[some], middle, colour)


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
    # Smoothing must not show runs where there can be none, as at a share above 1.
    near = np.convolve(counts > 0, np.ones(3), mode="same") > 0
    within = np.logical_or.accumulate(near) & np.logical_or.accumulate(near[::-1])[::-1]
    return np.where(within & (heights >= HAIRLINE), heights, np.where(counts > 0, HAIRLINE, 0))


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


def _points_a_unit(axes: Axes) -> tuple[float, float]:
    """How many points of 1/72 inch one unit of x and one of y take."""
    box, inch = axes.get_window_extent(), axes.figure.dpi
    spans = (abs(np.subtract(*limits)) for limits in (axes.get_xlim(), axes.get_ylim()))
    across, down = (72 * size / inch / span for size, span in zip((box.width, box.height), spans, strict=True))
    return float(across), float(down)


# Not by the methods of the axes, which work out anew each time where the axes would end.
def _add_line(axes: Canvas, x: ArrayLike, y: ArrayLike, colour: str, **style: Any) -> None:
    axes.add_artist(Line2D(np.asarray(x), np.asarray(y), color=light(colour), clip_on=False, **style))


def _add_shape(axes: Canvas, corners: ArrayLike, colour: str, alpha: float, **more: Any) -> None:
    axes.add_artist(Polygon(corners, closed=True, color=light(colour), alpha=alpha, lw=0, clip_on=False, **more))
