"""The benchmark of audits as text: each figure with its interval, its bases and its goal. No torch."""

from collections import Counter

from sublearn.auditing.benchmark.found import BenchmarkFile, Figure
from sublearn.report.grid import grid

HEADS = ("figure", "value", "95% interval", "bases", "goal")


def goals_sentence(found: BenchmarkFile) -> str:
    """How many goals are reached, and what intervals say of them."""
    judged = [one for one in found.figures if one.goal is not None]
    if not judged:
        return "Nothing was measured that has a goal."
    below, said = [one.what for one in judged if not one.reached], Counter(one.verdict for one in judged)
    told = (
        f"Estimates reach {len(judged) - len(below)} of {len(judged)} goals; by intervals {said['met']} met, "
        f"{said['missed']} missed, {said['open']} open."
    )
    return f"{told} Not reached: {', '.join(below)}." if below else told


def bases_sentence(found: BenchmarkFile) -> str:
    """What the figures rest on."""
    return f"{found.sets:,} sets of {len(found.seeds):,} base{'' if len(found.seeds) == 1 else 's'} were measured."


def figure_cells(one: Figure) -> tuple[str, ...]:
    """A figure as cells of a table."""
    interval = "" if one.low is None or one.high is None else f"{one.low:.2f} to {one.high:.2f}"
    return one.what, f"{one.value:.2f}{f' {one.unit}' if one.unit else ''}", interval, f"{one.n:,}", goal(one)


def goal(one: Figure) -> str:
    """A figure's goal, whether the value reaches it and what its interval says; empty without one."""
    if one.goal is None:
        return ""
    reached = "reached" if one.reached else "not reached"
    return f"at {'most' if one.most else 'least'} {one.goal:g}: {reached} (interval: {one.verdict})"


def benchmark_text(found: BenchmarkFile) -> str:
    """What a command prints."""
    rows = [figure_cells(one) for one in found.figures]
    return "\n".join([bases_sentence(found), goals_sentence(found), "", *grid(rows, HEADS, numeric=(1, 2, 3))])
