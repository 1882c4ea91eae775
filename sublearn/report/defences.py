"""Defences as text: one table, and what it says in a sentence. It lays out what it is given. No torch."""

from collections.abc import Sequence

from sublearn.auditing.defences.compared import Compared, Ranged
from sublearn.auditing.defences.table import UNDEFENDED
from sublearn.report.grid import grid
from sublearn.report.wording import number
from sublearn.study.analysis import Analysis

HEADS = ("defence", "transfer left", "task, nats a token", "lists, nats a token", "CPU s", "bases", "verdict")
NO_END = "no end"


def about(analysis: Analysis) -> str:
    """What the columns are, and what their intervals hold for."""
    family = analysis.family
    few = (
        f" With fewer than {family.least_runs} bases there is none." if len(analysis.seeds) < family.least_runs else ""
    )
    return (
        "Transfer left: log-odds of the teacher's animal beyond a student that was trained alike on the base's own "
        "rows, as a share of what an undefended student picks up; 0 is none, 1 all of it. Task and lists: how much "
        "likelier than by the undefended student held-out completions of the teacher, and lists of the base's world, "
        f"are; below zero is lost. Intervals: {family.text}, paired by base.{few} The verdict is on the claim that the "
        "defence leaves less transfer than none does, or than dropping as many rows at random."
    )


def cells(one: Compared) -> tuple[str, ...]:
    """A defence as cells of the table."""
    undefended = one.name == UNDEFENDED
    return (
        one.name,
        _span(one.left, 2, undefended),
        "0" if undefended else _span(one.task, 3, signed=True),
        "0" if undefended else _span(one.lists, 3, signed=True),
        "not recorded" if one.seconds is None else f"{one.seconds:.1f}",
        f"{one.left.n:,}",
        "" if one.verdict is None else f"{one.verdict} (against {one.against})",
    )


def defences_text(found: Sequence[Compared], analysis: Analysis) -> str:
    """What a command prints."""
    named = [(one.name, one.about, f"needs {one.needs}") for one in found if one.needs]
    table = grid([cells(one) for one in found], HEADS, numeric=(1, 2, 3, 4, 5))
    return "\n".join([about(analysis), "", *table, "", *grid(named)])


def _span(found: Ranged, decimals: int, alone: bool = False, signed: bool = False) -> str:
    if found.value is None:
        return "unmeasured"
    shown = number(found.value, decimals, signed)
    if alone or (found.low is None and found.high is None):
        return shown
    low, high = (NO_END if end is None else number(end, decimals, signed) for end in (found.low, found.high))
    return f"{shown} ({low} to {high})"
