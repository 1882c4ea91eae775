"""Traces as text: the students' way in weight space, and alignment against transfer. No torch."""

from collections.abc import Mapping, Sequence

from sublearn.errors import plain
from sublearn.execution.tracing import AlignmentFile, TraceMean
from sublearn.report.grid import grid
from sublearn.report.tables import arms_table
from sublearn.report.wording import capital
from sublearn.stats import Estimate

NO_LABELS: Mapping[str, str] = {}
THEOREM = (
    "Theorem 1 of Cloud et al. (2025) is about one small enough step of the teacher and of the student from a shared "
    "init. Here both take many, so that the theorem does not say what must come out."
)

QUANTITIES = {
    "cosine": "Direction: cosine of the update and the teacher's displacement",
    "along": "Way along the teacher's displacement, as a share of it",
    "aside": "Way in all other directions, as a share of the same",
    "distance_share": "Distance to the teacher, as a share of that at the start",
    "distance": "Distance to the teacher's weights",
    "initial_cosine": "Alignment at the start: cosine of the first negative gradient and the displacement",
    "initial_product": "The inner product of the same",
    "soft_trait": "Change of the soft trait",
    "predicted": "Change of the soft trait, to first order at the start",
}
"""A quantity of a trace in words, in the order of its table; others are traits."""


def trace_table(rows: Sequence[TraceMean], labels: Mapping[str, str] = NO_LABELS) -> str:
    """Plain text: what arms are called, their quantities at the last step, and the alignment at the start."""
    traced = {row.arm for row in rows}
    names = arms_table({arm: capital(plain(label)) for arm, label in labels.items() if arm in traced})
    shown = [(plain(row.arm), plain(row.quantity), str(row.step), str(row.estimate)) for row in at_the_end(rows)]
    heads = ("arm", "quantity", "step", "mean (95% interval)")
    table = "\n".join(grid(shown, heads, numeric=(2,), indent=0))
    return f"{names}\n\n{table}" if names else table


def trace_sentence(rows: Sequence[TraceMean], labels: Mapping[str, str] = NO_LABELS) -> str:
    """One plain sentence: which way each student's weights have moved; empty where no cosine was kept."""
    found = [(row.arm, row.estimate.mean) for row in at_the_end(rows) if row.quantity == "cosine"]
    measured = sorted(((mean, arm) for arm, mean in found if mean is not None), reverse=True)
    said = [f"{mean:.2f} for {_within(arm, labels)}" for mean, arm in measured]
    if not said:
        return ""
    last = max(row.step for row in rows)
    return (
        f"After {last:,} steps the cosine of the student's update and the teacher's displacement, 1 for the same way "
        f"and 0 for an unrelated one, is {', '.join(said)}."
    )


def _within(arm: str, labels: Mapping[str, str]) -> str:
    """An arm within a sentence."""
    return f"the {plain(labels[arm])}" if arm in labels else plain(arm)


def alignment_sentence(found: AlignmentFile) -> str:
    """Whether more alignment goes with more transfer, over all scales of the noise and within them, in plain words."""
    parts = [_correlation_sentence(found.spearman, "Over all scales of the noise")]
    if found.of_scale is not None and found.of_scale.mean is not None:
        parts.append(f"How little noise there is goes with the transfer by itself: {_correlation(found.of_scale)}.")
    if found.within is not None:
        parts.append(_correlation_sentence(found.within, "Among runs with the same noise"))
    return " ".join(parts)


def _correlation_sentence(spearman: Estimate, where: str) -> str:
    said = f"{where} {{}}: {_correlation(spearman)}."
    if spearman.low is not None and spearman.high is not None and spearman.low * spearman.high > 0:
        way = "larger" if spearman.low > 0 else "smaller"
        return said.format(f"the transfer was the {way}, the better the first gradient was aligned")
    return said.format("it cannot be said whether the transfer grows with alignment")


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
    """The rank correlations with their intervals, or why there are none, and of how many runs."""
    few, runs = found.spearman.n, found.runs or found.spearman.n
    lost = f"; {runs - few} with values that are not finite left out" if few < runs else ""
    parts = [f"Spearman {_correlation(found.spearman)} ({len(found.rows)} scales x {few} runs{lost})"]
    parts += [f"within scales {_correlation(found.within)}"] if found.within else []
    parts += [f"of the scale alone {_correlation(found.of_scale)}"] if found.of_scale else []
    return "; ".join(parts)


def _correlation(spearman: Estimate) -> str:
    if spearman.mean is None:
        return "undefined: too few values, or all of them alike"
    if spearman.low is None:
        return f"{spearman.mean:.2f}"
    return f"{spearman.mean:.2f}, 95% interval {spearman.low:.2f} to {spearman.high:.2f}"


def _mean_text(estimate: Estimate) -> str:
    return "not finite" if estimate.mean is None else f"{estimate.mean:+.3f}"
