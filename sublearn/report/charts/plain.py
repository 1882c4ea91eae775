"""Sweeps, traces and replications on anybody's matplotlib axes, in the colours of the figures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from sublearn.errors import LONGEST_QUOTE, plain
from sublearn.execution.replication import Comparison
from sublearn.execution.tracing import Scale, TraceMean
from sublearn.report.charts.palette import light
from sublearn.stats import Contrast, Estimate
from sublearn.study.base import Claim

if TYPE_CHECKING:
    from sublearn.report.sweep import Point

COLOURS = ("same", "cross", "supported", "refuted", "muted")
VERDICTS = {"agrees": "supported", "differs": "refuted", "cannot tell": "inconclusive"}


def draw_differences(axes: Axes, points: Sequence["Point"], key: str) -> None:
    """Each claim's difference over the values of one setting, with its interval; a mark for each combination."""
    claims = list(dict.fromkeys(claim for point in points for claim in point.analysis.study.claims))
    for number, claim in enumerate(claims):
        found = [(_place(point.settings[key]), _difference(point, claim)) for point in points]
        _draw_estimates(axes, found, COLOURS[number % len(COLOURS)], plain(claim.claim, 80))
    axes.axhline(0, color=light("muted"), lw=1, ls=":")
    axes.set_xlabel(plain(key, LONGEST_QUOTE), parse_math=False)
    axes.set_ylabel("difference, 95% interval")
    _add_legend(axes, bool(claims))


def draw_cosines(axes: Axes, rows: Sequence[TraceMean]) -> None:
    """The cosine of each arm's update and the teacher's displacement, over the student's steps."""
    own = [row for row in rows if row.quantity == "cosine" and not row.layer]
    for number, arm in enumerate(dict.fromkeys(row.arm for row in own)):
        found = sorted((row for row in own if row.arm == arm), key=lambda row: row.step)
        pairs = [(row.step, row.estimate) for row in found]
        _draw_estimates(axes, pairs, COLOURS[number % len(COLOURS)], plain(arm), "-")
    axes.axhline(0, color=light("muted"), lw=1, ls=":")
    axes.set(xlabel="student's step", ylabel="cosine with the teacher's displacement")
    _add_legend(axes, bool(own))


def draw_scales(axes: Axes, scales: Sequence[Scale]) -> None:
    """Transfer against the alignment at the start: every run, and the mean of each perturbation."""
    for scale in scales:
        pairs = [pair for pair in zip(scale.cosines, scale.transfers, strict=True) if None not in pair]
        if pairs:
            axes.plot(*zip(*pairs, strict=True), ls="", marker="o", ms=4, alpha=0.6, color=light("same"), mew=0)
        if scale.initial_cosine.mean is not None and scale.transfer.mean is not None:
            place = scale.initial_cosine.mean, scale.transfer.mean
            axes.plot(*place, ls="", marker="D", color=light("ink"))
            axes.annotate(f"{scale.perturb:g}", place, (6, 6), textcoords="offset points")
    axes.set(xlabel="cosine at the start", ylabel="transfer")


def draw_comparisons(axes: Axes, rows: Sequence[Comparison]) -> None:
    """Each published figure that is a number (a stroke) beside ours with its interval, in its verdict's colour."""
    kept = [(row, row.published, row.measured[0]) for row in rows if len(row.measured) == 1 and row.published]
    for place, (row, theirs, ours) in enumerate(kept):
        colour = light(VERDICTS[row.verdict])
        if ours.low is not None and ours.high is not None:
            axes.plot([ours.low, ours.high], [place, place], color=colour, lw=2)
        axes.plot(ours.mean, place, ls="", marker="o", color=colour)
        axes.plot(theirs.mean, place, ls="", marker="|", ms=14, mew=2, color=light("ink"))
    names = [plain(row.name, LONGEST_QUOTE) for row, _, _ in kept]
    axes.set_yticks(range(len(kept)), names, parse_math=False)
    axes.set(xlabel="ours with its 95% interval; published: a stroke", ylim=(len(kept) - 0.5, -0.5))


def _difference(point: "Point", claim: Claim) -> Contrast | None:
    asked = claim.treatment, claim.control, claim.trait
    rows = (r.contrast for r in point.analysis.contrasts if (r.treatment, r.control, r.trait) == asked)
    return next(rows, None)


def _draw_estimates(
    axes: Axes, found: Sequence[tuple[Any, Estimate | Contrast | None]], colour: str, label: str, line: str = ""
) -> None:
    """Means with their intervals at their places; those without a mean are left out."""
    means = [(place, one, one.mean) for place, one in found if one is not None and one.mean is not None]
    below = [0.0 if one.low is None else mean - one.low for _, one, mean in means]
    above = [0.0 if one.high is None else one.high - mean for _, one, mean in means]
    places, heights = [place for place, _, _ in means], [mean for _, _, mean in means]
    axes.errorbar(places, heights, [below, above], color=light(colour), marker="o", ls=line, label=label, capsize=0)


def _add_legend(axes: Axes, any_line: bool) -> None:
    for text in axes.legend(fontsize="small").get_texts() if any_line else ():
        text.set_parse_math(False)  # a study's own words are no formula


def _place(value: Any) -> Any:
    """A setting's value on the axis: a number, or else its text."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else plain(value, LONGEST_QUOTE)
