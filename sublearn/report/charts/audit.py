"""Candidate traits of an audit, each with its shift and the interval of clean sets. It draws what it is given."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sublearn.auditing.calibration import LEVEL
from sublearn.auditing.found import AuditFile, TraitFound
from sublearn.errors import plain
from sublearn.report.audit import noun, value_text
from sublearn.report.charts.marks import Mark
from sublearn.report.charts.rows import Panel, PanelRow, draw, draw_on
from sublearn.report.charts.sheet import NARROW, WIDE, Key, limits
from sublearn.report.charts.svg import svg_text

SHOWN = 12
COLUMN = 200
"""Width of the names on a wide page."""
LOOKS = {True: ("supported", True, "o"), False: ("inconclusive", False, "o")}


def audit_figure(found: AuditFile, width: float = WIDE) -> str:
    """`draw_audit` as SVG text."""
    return svg_text(draw_audit(found, width), audit_label(found))


def audit_label(found: AuditFile) -> str:
    """What the figure shows, in words."""
    said = "; ".join(f"{plain(one.trait)} {value_text(one.score, found.unit)}" for one in found.traits[:SHOWN])
    what = "Predicted shift" if found.trains else "Score"
    return f"{what} of candidate traits in {found.unit}, by {found.ranking}: {said}."


def draw_audit(found: AuditFile, width: float = WIDE) -> Figure:
    """The traits that rank highest, with their shifts and intervals; filled where p is small enough."""
    named = f"named: p at most {LEVEL} over all traits"
    keys = [Key("mean", "supported", named), Key("hollow", "inconclusive", "not named")]
    panel = _panel(found, COLUMN if width > NARROW else 0)
    return draw([panel], [*keys, Key("interval", "muted", "95% of clean sets, around it")], width)


def draw_audit_on(axes: Axes, found: AuditFile) -> None:
    """The same on given axes."""
    draw_on(axes, _panel(found, 0))


def _panel(found: AuditFile, beside: float) -> Panel:
    shown: Sequence[TraitFound] = found.traits[:SHOWN]
    named = set(found.named)
    rows = tuple(
        PanelRow(plain(one.trait), "", "", (Mark(one.score, one.low, one.high, *LOOKS[one in named]),)) for one in shown
    )
    span = limits(
        [0.0, *(one.score for one in shown)], [end for one in shown for end in (one.low, one.high)], edge=0.02
    )
    return Panel(f"{noun(found)} in {found.unit} ({found.ranking})", rows, span, origin=0.0, runs=False, beside=beside)
