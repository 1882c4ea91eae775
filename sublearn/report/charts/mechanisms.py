"""Claims on published mechanisms on one axis, a panel each: a forest plot. It draws what it is given."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from sublearn.report.charts.marks import Mark
from sublearn.report.charts.rows import Panel, PanelRow, draw
from sublearn.report.charts.sheet import NARROW, WIDE, Ends, Key, limits
from sublearn.report.charts.svg import svg_text
from sublearn.report.mechanisms import difference
from sublearn.report.wording import plain
from sublearn.study.mechanisms.compared import Compared, Held

COLUMN = 330
"""Width of the names on a wide page."""


def mechanisms_figure(found: Sequence[Compared], width: float = WIDE) -> str:
    """`draw_mechanisms` as SVG text."""
    return svg_text(draw_mechanisms(found, width), mechanisms_label(found))


def mechanisms_label(found: Sequence[Compared]) -> str:
    """What the figure shows, in words."""
    said = [f"{plain(held.claim)}: {difference(held)}, {held.outcome}" for one in found for held in one.claims]
    return f"Claims on published mechanisms: {'; '.join(said)}."


def draw_mechanisms(found: Sequence[Compared], width: float = WIDE) -> Figure:
    """Each claim's difference with its interval, in the colour of its verdict; a panel for each mechanism and trait."""
    beside = COLUMN if width > NARROW else 0
    panels = []
    for one in found:
        for trait in dict.fromkeys(held.trait for held in one.claims):
            own = [held for held in one.claims if held.trait == trait]
            axis = f"{plain(one.title)}: difference in {plain(trait)}"
            rows = tuple(map(_row, own))
            panels.append(Panel(axis, rows, _limits(found, trait), 0.0, "no difference", runs=False, beside=beside))
    claims = [held for one in found for held in one.claims]
    kinds = list(dict.fromkeys((held.outcome, held.verdict) for held in claims))
    keys = [Key("mean" if verdict != "inconclusive" else "hollow", verdict, outcome) for outcome, verdict in kinds]
    band = Key("band", "control", "counts as no difference")
    return draw(panels, [*keys, Key("interval", "muted", "interval that decides"), band], width)


def _row(held: Held) -> PanelRow:
    mark = Mark(held.mean, held.low, held.high, held.verdict, held.verdict != "inconclusive")
    marks = () if held.mean is None else (mark,)
    return PanelRow(plain(held.claim), plain(held.difference), held.outcome, marks, band=held.delta)


def _limits(found: Sequence[Compared], trait: str) -> Ends:
    """One axis for all that is in the same unit, so that mechanisms can be compared."""
    own = [held for one in found for held in one.claims if held.trait == trait]
    inner = [value for held in own for value in (0.0, held.mean, held.delta) if value is not None]
    ends = [end for held in own for end in (held.low, held.high) if end is not None]
    return limits(inner, ends, False, 0.02)
