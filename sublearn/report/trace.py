"""A trace as text. No torch."""

from collections.abc import Sequence

from sublearn.execution.tracing import Scale, TraceMean
from sublearn.stats import Estimate


def trace_table(rows: Sequence[TraceMean]) -> str:
    """Plain text: each arm's quantities at the last step, and the alignment at the start."""
    overall = [row for row in rows if not row.layer]
    last = max(row.step for row in overall)
    lines = [f"{'arm':<20}{'quantity':<18}{'step':>6}  mean ± half-width of the 95% interval"]
    for row in sorted(overall, key=lambda row: (row.arm, row.quantity, row.step)):
        if row.step == last or row.quantity.startswith("initial"):
            lines.append(f"{row.arm:<20}{row.quantity:<18}{row.step:>6}  {row.estimate}")
    return "\n".join(lines)


def alignment_table(scales: Sequence[Scale], spearman: Estimate, runs: int | None) -> str:
    """Plain text: alignment and transfer at each scale, and their correlation over so many runs."""
    lines = [f"{row.perturb:>7g}  {_shown(row.initial_cosine):>14}  {_shown(row.transfer):>9}" for row in scales]
    few, runs = spearman.n, runs or spearman.n
    lost = f"; {runs - few} with values that are not finite left out" if few < runs else ""
    last = f"{correlation_text(spearman)} ({len(lines)} scales x {few} runs{lost})"
    return "\n".join(["perturb  initial cosine   transfer", *lines, last])


def correlation_text(spearman: Estimate) -> str:
    """The correlation with its interval, in words."""
    if spearman.mean is None:
        return "Spearman undefined: too few values, or all of them alike"
    interval = "" if spearman.low is None else f", 95% interval {spearman.low:.2f} to {spearman.high:.2f}"
    return f"Spearman {spearman.mean:.2f}{interval}"


def _shown(estimate: Estimate) -> str:
    return "not finite" if estimate.mean is None else f"{estimate.mean:+.3f}"
