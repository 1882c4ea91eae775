"""Draws ways through a plane, from a start past marks to their ends, on axes of one scale. Knows no study."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sublearn.report.charts.marks import Mark, draw_line, draw_marks
from sublearn.report.charts.sheet import (
    LINE,
    MARGIN,
    SMALL,
    Ends,
    Key,
    Sheet,
    mark_across,
    name_across,
    title_and_notes,
)

AXIS, EDGE = 46, 0.06
LEAST, MOST = 160.0, 420.0
"""Pixels up, whatever the ways span."""


@dataclass(frozen=True)
class Way:
    """One way: its places from the start on, and how its marks look."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    shape: str = "o"
    filled: bool = True


@dataclass(frozen=True)
class Place:
    """A named place of the plane."""

    name: str
    x: float
    y: float


def draw_paths(
    ways: Sequence[Way], places: Sequence[Place], labels: tuple[str, str], keys: Sequence[Key], width: float
) -> Figure:
    """The ways and the places; the first label's measure runs to the right, and both have one scale."""
    words = title_and_notes("", [f"up: {labels[1]}"], width)
    top = LINE * len(words) + 12.0
    across, up = _limits(ways, places)
    plot = float(np.clip((width - 4 * MARGIN) * (up[1] - up[0]) / (across[1] - across[0]), LEAST, MOST))
    sheet = Sheet(width, top + plot + AXIS, keys)
    sheet.write_words(words, MARGIN, 0)
    axes = sheet.gridded((MARGIN, width - MARGIN), (top, top + plot), up, across)
    inside = axes.get_window_extent()
    across, up = _one_scale(across, up, inside.width / inside.height)
    axes.remove()
    axes = sheet.gridded((MARGIN, width - MARGIN), (top, top + plot), up, across)
    mark_across(axes)
    name_across(axes, labels[0])
    for way in ways:
        draw_line(axes, way.x, way.y, way.colour, 1.6)
        marks = [Mark(x, None, None, way.colour, way.filled, way.shape) for x in way.x]
        draw_marks(axes, marks, way.y, size=6)
    for place in places:
        draw_marks(axes, [Mark(place.x, None, None, "ink", True, "*")], [place.y], size=13)
        x, y = sheet.at(axes, place.x, place.y)
        right = x > width / 2
        sheet.write(
            x + (-10 if right else 10), y - 8, place.name, SMALL, "ink", "right" if right else "left", bold=True
        )
    return sheet.figure


def _limits(ways: Sequence[Way], places: Sequence[Place]) -> tuple[Ends, Ends]:
    """What holds all of them."""
    x = np.concatenate([[place.x for place in places], *(way.x for way in ways)])
    y = np.concatenate([[place.y for place in places], *(way.y for way in ways)])
    return _wider((float(x.min()), float(x.max()))), _wider((float(y.min()), float(y.max())))


def _wider(ends: Ends, by: float = EDGE) -> Ends:
    room = by * (ends[1] - ends[0]) or 0.5
    return ends[0] - room, ends[1] + room


def _one_scale(across: Ends, up: Ends, shape: float) -> tuple[Ends, Ends]:
    """The limits, of which one pair is moved apart until a unit is as long to the right as it is up."""
    wide, tall = across[1] - across[0], up[1] - up[0]
    if wide < tall * shape:
        return _wider(across, (tall * shape / wide - 1) / 2), up
    return across, (up[0], up[0] + wide / shape)
