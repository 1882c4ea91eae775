"""The benchmark of audits: each share, area and correlation with its interval. It draws what it is given."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sublearn.auditing.benchmark import found
from sublearn.auditing.benchmark.found import BenchmarkFile
from sublearn.report.benchmark import goal
from sublearn.report.charts.marks import Mark
from sublearn.report.charts.rows import Panel, PanelRow, draw, draw_on
from sublearn.report.charts.sheet import NARROW, WIDE, Key
from sublearn.report.charts.svg import svg_text
from sublearn.report.wording import number

COLUMN = 330
"""Width of the names on a wide page."""
LOOKS = {
    "met": ("supported", True, "o"),
    "missed": ("refuted", False, "s"),
    "open": ("inconclusive", False, "o"),
    None: ("inconclusive", True, "D"),
}
"""Of a figure whose goal its interval meets, misses or leaves open, or that has none."""


def drawn(told: BenchmarkFile) -> Sequence[found.Figure]:
    """The audit's figures between 0 and 1, or of which 1 is the most, that have an interval; not those of one score."""
    return [one for one in told.figures if not one.unit and not one.score and one.low is not None]


def benchmark_figure(told: BenchmarkFile, width: float = WIDE) -> str:
    """`draw_benchmark` as SVG text."""
    return svg_text(draw_benchmark(told, width), benchmark_label(told))


def benchmark_label(told: BenchmarkFile) -> str:
    """What the figure shows, in words."""
    said = "; ".join(f"{one.what} {number(one.value)}" for one in drawn(told))
    return f"What audits find where the answer is known: {said}."


def draw_benchmark(told: BenchmarkFile, width: float = WIDE) -> Figure:
    """A row a figure; its look says whether its interval meets its goal."""
    said = {"met": "goal met", "missed": "goal missed", "open": "goal open", None: "no goal"}
    there = {one.verdict for one in drawn(told)}
    looks = [(text, *LOOKS[met]) for met, text in said.items() if met in there]
    keys = [Key("mean" if filled else "hollow", colour, text, shape) for text, colour, filled, shape in looks]
    panel = _panel(told, COLUMN if width > NARROW else 0)
    return draw([panel], [*keys, Key("interval", "muted", "95% interval over bases")], width)


def draw_benchmark_on(axes: Axes, told: BenchmarkFile) -> None:
    """The same on given axes."""
    draw_on(axes, _panel(told, 0))


def _panel(told: BenchmarkFile, beside: float) -> Panel:
    rows = tuple(PanelRow(one.what, goal(one), "", (_mark(one),)) for one in drawn(told))
    least = min([0.0, *(one.low for one in drawn(told) if one.low is not None)])
    return Panel("share, area or correlation", rows, (least - 0.02, 1.02), runs=False, beside=beside)


def _mark(one: found.Figure) -> Mark:
    return Mark(one.value, one.low, one.high, *LOOKS[one.verdict])
