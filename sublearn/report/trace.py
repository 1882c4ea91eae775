"""Traces as text: the students' way in weight space, and alignment against transfer. No torch."""

from collections.abc import Sequence

from sublearn.errors import plain
from sublearn.execution.tracing import AlignmentFile, TraceMean
from sublearn.report.grid import grid
from sublearn.stats import Estimate


def trace_table(rows: Sequence[TraceMean]) -> str:
    """Plain text: each arm's quantities at the last step, and the alignment at the start."""
    shown = [(plain(row.arm), plain(row.quantity), str(row.step), str(row.estimate)) for row in at_the_end(rows)]
    heads = ("arm", "quantity", "step", "mean ± half-width of the 95% interval")
    return "\n".join(grid(shown, heads, numeric=(2,), indent=0))


def trace_told(rows: Sequence[TraceMean]) -> str:
    """One plain sentence: which way each student's weights have moved; empty where no cosine was kept."""
    found = [(row.arm, row.estimate.mean) for row in at_the_end(rows) if row.quantity == "cosine"]
    measured = sorted(((mean, arm) for arm, mean in found if mean is not None), reverse=True)
    said = [f"{mean:.2f} for {plain(arm)}" for mean, arm in measured]
    if not said:
        return ""
    last = max(row.step for row in rows)
    return (
        f"After {last:,} steps the cosine of the student's update and the teacher's displacement, 1 for the same way "
        f"and 0 for an unrelated one, is {', '.join(said)}."
    )


def alignment_told(found: AlignmentFile) -> str:
    """One plain sentence: whether more alignment goes with more transfer."""
    spearman = found.spearman
    if spearman.low is not None and spearman.high is not None and spearman.low * spearman.high > 0:
        way = "larger" if spearman.low > 0 else "smaller"
        return f"The better the first update was aligned, the {way} the transfer was: {correlation_text(found)}."
    return f"Whether the transfer grows with alignment cannot be told from these runs: {correlation_text(found)}."


def at_the_end(rows: Sequence[TraceMean]) -> list[TraceMean]:
    """Each arm's quantities over all layers at the last step, and its alignment at the start."""
    overall = [row for row in rows if not row.layer]
    last = max(row.step for row in overall)
    shown = [row for row in overall if row.step == last or row.quantity.startswith("initial")]
    return sorted(shown, key=lambda row: (row.arm, row.quantity, row.step))


def alignment_table(found: AlignmentFile) -> str:
    """Plain text: alignment and transfer at each scale, and their correlation."""
    cells = [(f"{row.perturb:g}", _mean_text(row.initial_cosine), _mean_text(row.transfer)) for row in found.rows]
    lines = grid(cells, ("perturb", "initial cosine", "transfer"), numeric=(0, 1, 2), indent=0)
    return "\n".join([*lines, correlation_text(found)])


def correlation_text(found: AlignmentFile) -> str:
    """The correlation with its interval, or why there is none, and of how many runs."""
    spearman = found.spearman
    few, runs = spearman.n, found.runs or spearman.n
    lost = f"; {runs - few} with values that are not finite left out" if few < runs else ""
    said = "undefined: too few values, or all of them alike" if spearman.mean is None else f"{spearman.mean:.2f}"
    if spearman.mean is not None and spearman.low is not None:
        said += f", 95% interval {spearman.low:.2f} to {spearman.high:.2f}"
    return f"Spearman {said} ({len(found.rows)} scales x {few} runs{lost})"


def _mean_text(estimate: Estimate) -> str:
    return "not finite" if estimate.mean is None else f"{estimate.mean:+.3f}"
