"""The figures of a report: every run of every arm, and every claim's paired differences. Computes no statistic."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sublearn.errors import unknown
from sublearn.records import Record
from sublearn.report.charts.marks import Mark
from sublearn.report.charts.rows import Panel, PanelRow, crowded, draw, draw_on
from sublearn.report.charts.sheet import WIDE, Key, limits
from sublearn.report.charts.svg import png_bytes, svg_text
from sublearn.report.charts.tally import Tally, draw_tallies
from sublearn.report.outcome import Pair
from sublearn.report.wording import (
    alike_text,
    capital,
    chance_text,
    contrast_text,
    examples_text,
    mean_text,
    number,
    plain,
    sentence,
    units,
)
from sublearn.stats import Contrast, Estimate
from sublearn.study.analysis import Analysis, PairedContrast, Question, Values, column, differences, values_of
from sublearn.study.base import Arm, Claim, Trait
from sublearn.study.labels import labels
from sublearn.study.verdicts import Finding

NO_POINTS = np.zeros(0)
GROUPS = {
    "same": "teacher with the trait, same init",
    "cross": "teacher with the trait, other init",
    "control": "control, no teacher with the trait",
}


def outcome_figure(pairs: Sequence[Pair], width: float = WIDE) -> str:
    """What the opening sentence counts as SVG text: of each pair of arms the difference in each run."""
    tallies = [Tally(_who(pair), f"{pair.did} in {_counted(pair)}", pair.colour, pair.differences) for pair in pairs]
    trait = pairs[0].trait
    below = f"the runs, by their difference in {plain(trait.name)} ({plain(trait.unit)})"
    return svg_text(draw_tallies(tallies, below, width), outcome_label(pairs))


def outcome_label(pairs: Sequence[Pair]) -> str:
    """What that figure shows, in words."""
    said = []
    for pair in pairs:
        span = ""
        if len(pair.differences):
            low, high = (number(value, signed=True) for value in (pair.differences.min(), pair.differences.max()))
            span = f", by {low}" + (f" to {high}" if low != high else "")
        said.append(f"{_who(pair)} {pair.did} in {_counted(pair)}{span}")
    return f"The difference of two arms in each run, on {plain(pairs[0].trait.name)}: {'; '.join(said)}."


def _who(pair: Pair) -> str:
    named = pair.who.removeprefix("the ")
    return f"{named[:1].upper()}{named[1:]}" + (f" ({pair.group})" if pair.group else "")


def _counted(pair: Pair) -> str:
    return pair.counted() + (f" ({pair.equal:,} equal)" if pair.equal else "")


def arms_figure(analysis: Analysis, records: Iterable[Record], trait: str, title: str = "", width: float = WIDE) -> str:
    """One row an arm on a trait as SVG text: every run as a point, the mean with its 95% interval, the chance level."""
    figure = _arms(analysis, records, _trait(analysis, trait), title, width)
    return svg_text(figure, arms_label(analysis, trait))


def arms_png(analysis: Analysis, records: Iterable[Record], trait: str, title: str = "", width: float = WIDE) -> bytes:
    """The same as a PNG on white paper, with two image pixels for each of `width`."""
    return png_bytes(_arms(analysis, records, _trait(analysis, trait), title, width))


def contrasts_figure(analysis: Analysis, records: Iterable[Record], title: str = "", width: float = WIDE) -> str:
    """The claims' paired differences as SVG text: every pair, the mean, its 95% interval, what counts as none."""
    return svg_text(_contrasts(analysis, records, title, width), contrasts_label(analysis))


def claims_figure(analysis: Analysis, records: Iterable[Record], width: float = WIDE) -> str:
    """The claims' means as SVG text, with the interval that decides and what counts as none; without single pairs."""
    return svg_text(_contrasts(analysis, records, "", width, runs=False), contrasts_label(analysis))


def contrasts_png(analysis: Analysis, records: Iterable[Record], title: str = "", width: float = WIDE) -> bytes:
    """The same as a PNG on white paper, with two image pixels for each of `width`."""
    return png_bytes(_contrasts(analysis, records, title, width))


def arms_label(analysis: Analysis, trait: str) -> str:
    """What the figure of the arms shows, in words."""
    measured = _trait(analysis, trait)
    rows = [row for row in analysis.estimates if row.trait == trait]
    names = labels(analysis.study)
    said = [
        f"{plain(names[row.arm])} {sentence(row.estimate, measured.unit, measured.chance, examples_text(row))}"
        for row in rows
    ]
    return f"{plain(trait)} by arm: {'; '.join(said)}."


def contrasts_label(analysis: Analysis) -> str:
    """What the figure of the claims shows, in words."""
    said = [
        f"{contrast_text(claim.treatment, claim.control)} on {plain(claim.trait)}: {sentence(found)}, {finding.verdict}"
        for claim, found, finding in _judged(analysis)
    ]
    return f"Paired differences of the claims: {'; '.join(said) or 'none'}."


def arms_crowded(analysis: Analysis, trait: str) -> bool:
    """Whether the figure of the arms shows a density and not every run as a point."""
    return crowded(row.estimate.n for row in analysis.estimates if row.trait == trait)


def contrasts_crowded(analysis: Analysis) -> bool:
    """Whether the figure of the claims shows a density and not every pair as a point."""
    return crowded(contrast.n for _, contrast, _ in _judged(analysis))


def result_figures(analysis: Analysis, records: Iterable[Record]) -> dict[str, tuple[Figure, str]]:
    """Every figure of a result by name, with what it shows in words: the arms on each trait, and the claims."""
    drawn = {
        trait.name: (_arms(analysis, records, trait, "", WIDE), arms_label(analysis, trait.name))
        for trait in analysis.study.traits
    }
    claims = (_contrasts(analysis, records, "", WIDE), contrasts_label(analysis))
    return drawn | ({"contrasts": claims} if analysis.study.claims else {})


def draw_result(axes: Axes, analysis: Analysis, records: Iterable[Record], trait: str | None = None) -> None:
    """Draw a trait's arms on given axes: every run as a point, the mean with its 95% interval, a dashed line at chance.

    Without a name the trait is that of the first claim, or else the study's first.
    """
    study = analysis.study
    chosen = trait or (study.claims[0].trait if study.claims else study.traits[0].name)
    draw_on(axes, _arms_panel(analysis, records, _trait(analysis, chosen)))


def _arms(analysis: Analysis, records: Iterable[Record], trait: Trait, title: str, width: float) -> Figure:
    groups = list(dict.fromkeys(group(arm) for arm in analysis.study.arms))
    keys = [Key("hollow" if name == "control" else "mean", name, GROUPS[name]) for name in GROUPS if name in groups]
    signs = [_runs_key(arms_crowded(analysis, trait.name), "run", "runs"), Key("interval", "muted", "95% interval")]
    return draw([_arms_panel(analysis, records, trait)], [*keys, *signs], width, plain(title))


def _arms_panel(analysis: Analysis, records: Iterable[Record], trait: Trait) -> Panel:
    values = values_of(records)
    estimates = {row.arm: row.estimate for row in analysis.estimates if row.trait == trait.name}
    names = labels(analysis.study)
    rows = tuple(_arm_row(arm, names[arm.name], trait, estimates[arm.name], values) for arm in analysis.study.arms)
    origin = 0.0 if trait.chance is None else trait.chance
    label = "zero" if trait.chance is None else f"chance {chance_text(trait.chance)}"
    axis = f"{plain(trait.name)} ({plain(trait.unit)})"
    return Panel(axis, rows, _limits(rows, [origin], share=trait.unit == "share"), origin, label)


def _arm_row(arm: Arm, label: str, trait: Trait, estimate: Estimate, values: Values) -> PanelRow:
    points, colour = column(values, arm.name, trait.name).values, group(arm)
    mark = Mark.of(estimate, colour, colour != "control")
    return PanelRow(capital(plain(label)), plain(arm.name), _value(estimate), (mark,), points)


def group(arm: Arm) -> str:
    """Whether the arm is a control, or else whether it starts from the reference's weights."""
    return arm.init if arm.teacher == "trained" else "control"


def _contrasts(analysis: Analysis, records: Iterable[Record], title: str, width: float, runs: bool = True) -> Figure:
    values, judged = values_of(records), _judged(analysis)
    panels = []
    for trait in analysis.study.traits:
        rows = tuple(_claim_row(*found, values) for found in judged if found[0].trait == trait.name)
        if rows:
            bands = [row.band or 0.0 for row in rows]
            inner = [0.0, max(bands), -max(bands)]
            if not runs:
                rows = tuple(replace(row, points=NO_POINTS) for row in rows)
                inner += [mark.mean for row in rows for mark in row.marks if mark.mean is not None]
            limits = _limits(rows, inner, share=False)
            axis = f"difference in {plain(trait.name)} ({plain(trait.unit)})"
            panels.append(Panel(axis, rows, limits, 0.0, "no difference", runs))
    verdicts = list(dict.fromkeys(finding.verdict for _, _, finding in judged))
    keys = [Key("mean" if verdict != "inconclusive" else "hollow", verdict, verdict) for verdict in verdicts]
    signs = [_runs_key(contrasts_crowded(analysis), "pair of runs", "pairs of runs")] if runs else []
    signs.append(Key("interval", "muted", f"interval, {analysis.family.text}"))
    band = Key("band", "control", "counts as no difference")
    return draw(panels, [*keys, *signs, band] if judged else [], width, plain(title))


def _claim_row(claim: Claim, contrast: Contrast, finding: Finding, values: Values) -> PanelRow:
    points = differences(values, claim.treatment, claim.control, claim.trait)
    note = contrast_text(claim.treatment, claim.control)
    mark = Mark.of(contrast, finding.verdict, finding.verdict != "inconclusive")
    return PanelRow(plain(claim.claim), note, f"{_value(contrast)}, {finding.verdict}", (mark,), points, finding.delta)


def _runs_key(dense: bool, one: str, many: str) -> Key:
    return Key("density", "muted", f"density of the {many}") if dense else Key("point", "muted", f"one {one}")


def _judged(analysis: Analysis) -> list[tuple[Claim, Contrast, Finding]]:
    """Every claim with its contrast and its finding."""
    contrasts = {_question(row): row.contrast for row in analysis.contrasts}
    return [
        (claim, contrasts[claim.treatment, claim.control, claim.trait], finding)
        for claim, finding in zip(analysis.study.claims, analysis.findings, strict=True)
    ]


def _question(row: PairedContrast) -> Question:
    return row.treatment, row.control, row.trait


def _value(result: Estimate | Contrast) -> str:
    undefined = "interval undefined, " if result.low is None and result.n else ""
    return f"{mean_text(result)} ({undefined}{alike_text(result) or units(result)})"


def _limits(rows: Iterable[PanelRow], inner: list[float], share: bool) -> tuple[float, float]:
    """An axis from 0 to 1 for shares; else one that holds every point, and of each interval a part at least."""
    rows = list(rows)
    spans = [(row.points.min(), row.points.max()) for row in rows if len(row.points)]
    inner = [*inner, *((0.0, 1.0) if share else ()), *np.ravel(spans)]
    ends = [end for row in rows for mark in row.marks for end in mark.ends]
    return limits(inner, ends, share, 0.02)


def _trait(analysis: Analysis, name: str) -> Trait:
    traits = {trait.name: trait for trait in analysis.study.traits}
    if name not in traits:
        raise unknown("trait", name, traits)
    return traits[name]
