"""Draws heat maps: a tile for each row and column, the deeper in colour the further its value lies from zero.

Knows no study. Colour tells the value, a sign the rest; where there is room the value stands there too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from sublearn.report.charts.marks import Canvas, Mark, draw_boxes, draw_marks
from sublearn.report.charts.panel import Panel
from sublearn.report.charts.sheet import GAP, LINE, MARGIN, SMALL, TWO_COLUMNS, Key, Sheet, title_and_notes, width_of
from sublearn.report.wording import number

HEIGHTS = ((12, 26), (30, 20))
"""Heights of a tile for at most so many rows; of more than these, the last."""
FLAT = 14
LEAST, MOST, STEPS = 0.08, 0.5, 6
"""Opacity of a value next to zero and of the largest, and the steps between: text must stay readable on it."""
SIGN, BESIDE = 12, 20
"""A tile as wide as this has its sign, and what beside a value the sign takes."""
VALUES = 150
"""A map of more tiles than this has signs and no values, which nobody could take in; each text takes time, too."""
NARROWEST = 24
"""Where tiles would be narrower than this beside another map, maps stand below each other."""
LONGEST = 0.36
"""The most that the names of rows take of a map's width."""
ROOM = 3


@dataclass(frozen=True)
class Tile:
    """One cell: its value, None where there is none, and its sign; `empty` where nothing was measured yet."""

    value: float | None = None
    shape: str = "o"
    filled: bool = True
    empty: bool = False


@dataclass(frozen=True)
class Heatmap:
    """Tiles under a title, row by row, with what the rows and the columns are."""

    title: str
    note: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    tiles: tuple[tuple[Tile, ...], ...]
    deepest: float = 0.0
    """How far from zero the deepest colour is."""

    @property
    def largest(self) -> float:
        """How far from zero a value lies at most."""
        return max((abs(tile.value) for row in self.tiles for tile in row if tile.value is not None), default=0.0)

    @property
    def tall(self) -> float:
        """Pixels of a row."""
        return next((height for rows, height in HEIGHTS if len(self.rows) <= rows), FLAT)


def draw_maps(maps: Sequence[Heatmap], down: str, across: str, keys: Sequence[Key], width: float) -> Figure:
    """The maps, two side by side where there is room, with the legend below. All have the same rows and columns."""
    left = min(max(width_of(name, SMALL) for one in maps for name in one.rows) + 8, LONGEST * width)
    half = (width - GAP) / 2
    columns = 2 if _fit_beside(maps, half - left, width) else 1
    own = (width - GAP * (columns - 1)) / columns
    rows = [maps[start : start + columns] for start in range(0, len(maps), columns)]
    heads = [max(LINE * len(title_and_notes(one.title, [one.note], own)) for one in row) + LINE for row in rows]
    bodies = [one.tall * len(one.rows) + 2 * LINE + GAP for one, *_ in rows]
    sheet, top = Sheet(width, sum(heads) + sum(bodies), keys), 0.0
    for row, head, body in zip(rows, heads, bodies, strict=True):
        for column, one in enumerate(row):
            _draw_map(sheet, one, (down, across), (column * (own + GAP), top), (own, head, left))
        top += head + body
    return sheet.figure


def _fit_beside(maps: Sequence[Heatmap], room: float, width: float) -> bool:
    return width >= TWO_COLUMNS and len(maps) > 1 and room / len(maps[0].columns) >= NARROWEST


def _draw_map(
    sheet: Sheet, one: Heatmap, axes: tuple[str, str], corner: tuple[float, float], sizes: tuple[float, float, float]
) -> None:
    (down, across), (x, y), (width, head, beside) = axes, corner, sizes
    sheet.write_words(title_and_notes(one.title, [one.note], width), x + MARGIN, y)
    left, right, top = x + MARGIN + beside, x + width - MARGIN, y + head
    tall, wide = one.tall, (right - left) / len(one.columns)
    bottom = top + tall * len(one.rows)
    sheet.write(x + MARGIN, top - 5, _cut(down, right - x - MARGIN), SMALL, "muted")
    every = math.ceil((FLAT - 1) / tall)
    for number_, name in enumerate(one.rows):
        if number_ % every == 0:
            sheet.write(left - 8, top + tall * (number_ + 0.5) + 4, _cut(name, beside), SMALL, "ink", "right")
    widest = max(width_of(name, SMALL) for name in one.columns) + 6
    step = max(1, math.ceil(widest / wide))
    for place, name in list(enumerate(one.columns))[::step]:
        sheet.write(left + wide * (place + 0.5), bottom + 14, _cut(name, wide * step), SMALL, "ink", "center")
    sheet.write((left + right) / 2, bottom + 14 + LINE, across, SMALL, "muted", "center")
    panel = Panel(sheet.figure, (left, right), (top, bottom), (0, right - left), (bottom - top, 0))
    texts = [[_value(tile) for tile in row] for row in one.tiles]
    longest = max(width_of(text, SMALL) for row in texts for text in row)
    said = longest + BESIDE <= wide and len(one.rows) * len(one.columns) <= VALUES
    _draw_tiles(panel, one, wide, tall, said)
    for down_, row in enumerate(one.tiles):
        for place, tile in enumerate(row):
            text, aside = (texts[down_][place], BESIDE / 2 - 4) if tile.value is not None else (_absent(tile), 0)
            if said and width_of(text, SMALL) <= wide:
                at = left + wide * (place + 0.5) + aside, top + tall * (down_ + 0.5) + 4
                sheet.write(*at, text, SMALL, "muted" if tile.value is None else "ink", "center")


def _value(tile: Tile) -> str:
    return "" if tile.value is None else number(tile.value, 2, signed=True)


def _absent(tile: Tile) -> str:
    return "no runs" if tile.empty else "none"


def _draw_tiles(axes: Canvas, one: Heatmap, wide: float, tall: float, said: bool) -> None:
    """The tiles and their signs, of this size each, from the upper left down."""
    boxes: dict[tuple[str, float], list[tuple[float, float, float, float]]] = {}
    marks, places = list[Mark](), list[float]()
    for row, tiles in enumerate(one.tiles):
        for column, tile in enumerate(tiles):
            box = wide * column + 1, tall * row + 1, wide * (column + 1) - 1, tall * (row + 1) - 1
            boxes.setdefault(_tone(tile, one.deepest), []).append(box)
            if tile.value is not None and wide >= SIGN:
                middle = wide * (column + 0.5) - (BESIDE * said)
                marks.append(Mark(middle, None, None, "ink", tile.filled, tile.shape))
                places.append(tall * (row + 0.5))
    for (colour, alpha), own in boxes.items():
        draw_boxes(axes, own, colour, alpha)
    draw_marks(axes, marks, places, size=5.5)


def _tone(tile: Tile, largest: float) -> tuple[str, float]:
    """Colour and opacity of a tile; without opacity it is an outline."""
    if tile.value is None:
        return "muted", 0.0
    step = math.ceil(STEPS * (abs(tile.value) / largest)) if largest else 0
    return "same" if tile.value >= 0 else "cross", LEAST + (MOST - LEAST) * step / STEPS


def _cut(text: str, room: float) -> str:
    """A text that fits, or its beginning."""
    fitting = int((room - ROOM) / width_of("m", SMALL))
    return text if len(text) <= fitting else f"{text[: max(fitting - 1, 1)]}…"
