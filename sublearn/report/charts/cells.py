"""A sweep's grid, combination by combination: a heat map for each claim. It draws what it is given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from matplotlib.figure import Figure

from sublearn.errors import LONGEST_QUOTE, plain
from sublearn.report.charts.heatmap import Heatmap, Tile, draw_maps
from sublearn.report.charts.sheet import WIDE, Key
from sublearn.report.charts.svg import svg_text
from sublearn.report.charts.sweep import judged, makers
from sublearn.report.sweep import Cell
from sublearn.report.wording import contrast_label, mean_text, number
from sublearn.study.base import Claim, Study
from sublearn.study.labels import labels

SIGNS: dict[str, tuple[str, bool]] = {
    "supported": ("o", True),
    "negligible": ("D", True),
    "refuted": ("s", True),
    "inconclusive": ("o", False),
}
"""A verdict's sign and whether it is filled."""
ROWS, TOLD = 40, 40
"""More rows are not drawn; more combinations are not told of in the figure's words."""


def maps_figures(cells: Sequence[Cell], widths: Sequence[float] = (WIDE,)) -> list[str]:
    """`draw_cells` in each of these widths, as SVG text."""
    drawn, label = _drawn(cells), maps_label(cells)
    return [svg_text(draw_maps(*drawn, width), label) for width in widths]


def maps_label(cells: Sequence[Cell]) -> str:
    """What the figure shows, in words: the first claim's difference in each combination."""
    claim = next(iter(_claims(cells)))
    said = (f"{cell.name}: {_said(cell, claim)}" for cell in islice(cells, TOLD))
    more = f"; and {len(cells) - TOLD:,} more" if len(cells) > TOLD else ""
    return f"Each claim's difference in each combination of the grid. {plain(claim.claim)}: {'; '.join(said)}{more}."


def draw_cells(cells: Sequence[Cell], width: float = WIDE) -> Figure:
    """Each claim's mean difference and verdict in each combination, also those without runs.

    Across runs the setting with the most values, down all combinations of the others.
    """
    return draw_maps(*_drawn(cells), width)


def _drawn(cells: Sequence[Cell]) -> tuple[list[Heatmap], str, str, list[Key]]:
    """The maps, what runs down and across, and the legend."""
    across, rows, columns = _layout(cells)
    down = ", ".join(plain(key, LONGEST_QUOTE) for key in cells[0].settings if key != across)
    placed = {(_others(cell, across), _text(cell.settings[across])): cell for cell in cells}
    maps = {claim: _map(claim, maker, placed, rows[:ROWS], columns) for claim, maker in _claims(cells).items()}
    # Of one trait the same colour is the same difference.
    deepest = {claim.trait: max(maps[one].largest for one in maps if one.trait == claim.trait) for claim in maps}
    scaled = [replace(one, deepest=deepest[claim.trait]) for claim, one in maps.items()]
    shown = [replace(one, note=f"{one.note}; deepest colour: {number(one.deepest)}") for one in scaled]
    return shown, down, plain(across, LONGEST_QUOTE), _keys(cells)


def rows_of(cells: Sequence[Cell]) -> int:
    """How many rows the map of all combinations has."""
    return len(_layout(cells)[1])


def _layout(cells: Sequence[Cell]) -> tuple[str, list[str], list[str]]:
    """The setting that runs across, the rows' names and the columns'."""
    values = {key: _ordered(cell.settings[key] for cell in cells) for key in cells[0].settings}
    across = max(values, key=lambda key: len(values[key]))
    order = {key: {_text(value): place for place, value in enumerate(own)} for key, own in values.items()}
    rows = {
        _others(cell, across): tuple(order[key][_text(cell.settings[key])] for key in values if key != across)
        for cell in cells
    }
    return across, sorted(rows, key=lambda name: rows[name]), [_text(value) for value in values[across]]


def _ordered(values: Iterator[Any]) -> list[Any]:
    """Each value once: numbers by their size, others as they come."""
    found = list({_text(value): value for value in values}.values())
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in found)
    return sorted(found) if numbers else found


def _text(value: Any) -> str:
    return f"{value:,.10g}" if isinstance(value, float) else plain(value, LONGEST_QUOTE)


def _others(cell: Cell, across: str) -> str:
    return ", ".join(_text(value) for key, value in cell.settings.items() if key != across)


def _claims(cells: Sequence[Cell]) -> dict[Claim, Study]:
    return makers([cell.point for cell in cells if cell.point])


def _map(
    claim: Claim, maker: Study, cells: Mapping[tuple[str, str], Cell], rows: Sequence[str], columns: Sequence[str]
) -> Heatmap:
    tiles = tuple(tuple(_tile(cells.get((row, column)), claim) for column in columns) for row in rows)
    words = (
        f"{contrast_label(claim.treatment, claim.control, maker, labels(maker))}, difference in {plain(claim.trait)}"
    )
    return Heatmap(plain(claim.claim), words, tuple(rows), tuple(columns), tiles)


def _tile(cell: Cell | None, claim: Claim) -> Tile:
    if cell is None or cell.point is None or not cell.has_runs:
        return Tile(empty=True)
    found, verdict, _ = judged(cell.point.analysis, claim)
    return Tile(found.mean, *SIGNS[verdict])


def _said(cell: Cell, claim: Claim) -> str:
    if cell.point is None or not cell.has_runs:
        return "no runs yet"
    found, verdict, _ = judged(cell.point.analysis, claim)
    return f"{mean_text(found)}, {verdict}"


def _keys(cells: Sequence[Cell]) -> list[Key]:
    seen = {finding.verdict for cell in cells if cell.point for finding in cell.point.analysis.findings}
    keys = [Key("band", "same", "above zero"), Key("band", "cross", "below zero")]
    keys += [
        Key("mean" if filled else "hollow", "ink", verdict, shape)
        for verdict, (shape, filled) in SIGNS.items()
        if verdict in seen
    ]
    return keys + [Key("empty", "muted", "no runs yet")] * any(not cell.has_runs for cell in cells)
