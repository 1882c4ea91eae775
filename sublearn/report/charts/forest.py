"""Published figures and ours on one axis, with intervals: a forest plot. It draws what it is given."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sublearn.execution.replication import Comparison, Span
from sublearn.report.charts.marks import Mark
from sublearn.report.charts.rows import Panel, PanelRow, draw, draw_on
from sublearn.report.charts.sheet import NARROW, WIDE, Ends, Key, limits
from sublearn.report.charts.svg import svg_text
from sublearn.report.wording import plain
from sublearn.study.agreement import Verdict
from sublearn.study.published import TITLES

COLUMN = 330
"""Width of the names on a wide page."""
LOOKS: dict[Verdict, tuple[str, bool, str]] = {
    "agrees": ("supported", True, "o"),
    "differs": ("refuted", True, "s"),
    "cannot tell": ("inconclusive", False, "o"),
    "undetermined": ("inconclusive", False, "s"),
}
"""Colour of our marks by verdict, whether they are filled, and their shape."""
THEIRS = ("ink", True, "D")


def forest_figure(rows: Sequence[Comparison], width: float = WIDE) -> str:
    """`draw_forest` as SVG text."""
    return svg_text(draw_forest(rows, width), forest_label(rows))


def forest_label(rows: Sequence[Comparison]) -> str:
    """What the figure shows, in words."""
    drawn = [row for row in rows if row.measured]
    said = "; ".join(f"{plain(row.name)}: theirs {row.theirs}, ours {row.ours}, {row.verdict}" for row in drawn)
    return f"Published figures and ours: {said}."


def draw_forest(rows: Sequence[Comparison], width: float = WIDE) -> Figure:
    """Each published figure above ours, in the colour and shape of the verdict; one panel a table."""
    drawn = [row for row in rows if row.measured]
    beside = COLUMN if width > NARROW else 0
    tables = groupby(drawn, lambda row: plain(row.name.partition("/")[0]))
    span = _limits(drawn)
    panels = [_panel(_table(letter), list(own), span, beside) for letter, own in tables]
    keys = [_key("published", THEIRS)]
    keys += [_key(f"ours, {v}", look) for v, look in LOOKS.items() if any(row.verdict == v for row in drawn)]
    return draw(panels, [*keys, Key("interval", "muted", "95% interval")], width)


def draw_forest_on(axes: Axes, rows: Sequence[Comparison]) -> None:
    """The same on given axes, all tables below each other."""
    drawn = [row for row in rows if row.measured]
    draw_on(axes, _panel("published (diamonds) and ours, 95% intervals", drawn, _limits(drawn), 0))


def _table(letter: str) -> str:
    return f"accuracy, table {letter}" + (f": {TITLES[letter]}" if letter in TITLES else "")


def _panel(axis: str, rows: Sequence[Comparison], span: Ends, beside: float) -> Panel:
    return Panel(axis, tuple(line for row in rows for line in _lines(row)), span, runs=False, beside=beside)


def _limits(rows: Sequence[Comparison]) -> Ends:
    spans = [span for row in rows for span in (*row.measured, *([row.published] if row.published else []))]
    ends = [end for span in spans for end in (span.low, span.high) if end is not None]
    return limits([0.0, 1.0, *(span.mean for span in spans)], ends, share=True, edge=0.02)


def _lines(row: Comparison) -> Iterator[PanelRow]:
    """A figure's row; a trend has one more for each value of its setting, a search for each setting that was tried."""
    theirs = (_mark(row.published, THEIRS),) if row.published else ()
    ours = [_mark(span, LOOKS[row.verdict]) for span in row.measured]
    words = plain(row.name), plain(row.what), ""
    if len(ours) == 1:
        yield PanelRow(*words, (*theirs, *ours))
        return
    yield PanelRow(*words, theirs)
    word = "tried:" if row.readings else "at"
    for span, one in zip(row.measured, ours, strict=True):
        yield PanelRow("", f"{word} {plain(span.label)}", "", (one,))


def _mark(span: Span, look: tuple[str, bool, str]) -> Mark:
    return Mark(span.mean, span.low, span.high, *look)


def _key(text: str, look: tuple[str, bool, str]) -> Key:
    colour, filled, shape = look
    return Key("mean" if filled else "hollow", colour, text, shape)
