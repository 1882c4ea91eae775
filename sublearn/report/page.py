"""One self-contained page on one or several analyses. It lays out what it is given; it computes and writes nothing.

Texts of studies, records and manifests go through the template's escaping; only figures go in as they are.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from sublearn.config import dotted
from sublearn.records import Record
from sublearn.report import svg
from sublearn.report.figures import NARROW, arms_crowded, arms_figure, contrasts_crowded, contrasts_figure
from sublearn.report.kept import Table
from sublearn.report.palette import PALETTE
from sublearn.report.tables import grouped
from sublearn.report.template import template
from sublearn.report.wording import (
    LEADS,
    chance_text,
    contrast_text,
    effect_text,
    expectation,
    interval_text,
    mean_text,
    p_text,
    plain,
    runs,
    seeds_text,
)
from sublearn.stats import Contrast, Estimate
from sublearn.study.analysis import Analysis
from sublearn.study.base import Arm

POINTS = "Each point is one run"
DENSITY = "Too many runs for points: the shapes show how densely they lie, each row to its own height"
PAIRS = "Each point is the difference within one seed"
PAIRS_DENSITY = (
    "Too many runs for points: the shapes show how densely the differences within a seed lie, each row to its own "
    "height"
)
TEACHERS = {
    "trained": "trained",
    "placebo": "placebo",
    "untrained": "untrained",
    "neutral": "untrained",
    "none": "none",
}
INITS = {"same": "same", "cross": "other"}
LOGITS = {
    "none": "nothing",
    "class": "class logits",
    "aux": "auxiliary logits",
    "all": "all logits",
    "text": "sampled text",
}


@dataclass(frozen=True)
class Section:
    """What one section of a page shows: an analysis, its records, and the manifest that says how they were made.

    Of the manifest, `versions`, `runtime` and `command` are shown; what is missing is said to be not recorded.
    """

    analysis: Analysis
    records: Sequence[Record]
    manifest: Mapping[str, Any]
    tables: Sequence[Table] = ()

    @cached_property
    def arms(self) -> Mapping[str, str]:
        """The figure of the arms on each trait as SVG text, as wide as a page."""
        traits = self.analysis.study.traits
        return {trait.name: arms_figure(self.analysis, self.records, trait.name) for trait in traits}

    @cached_property
    def contrasts(self) -> str:
        """The figure of the claims as SVG text, as wide as a page."""
        return contrasts_figure(self.analysis, self.records)


def page(sections: Sequence[Section]) -> str:
    """The sections as one HTML page with style, figures and tables inside. It loads nothing and runs nothing."""
    views = [_view(section, f"s{number}") for number, section in enumerate(sections, 1)]
    return template("page.html.j2").render(sections=views, palette=PALETTE, figure_css=Markup(svg.css()))


def _view(section: Section, key: str) -> dict[str, Any]:
    """Everything that the template prints of a section, as text."""
    analysis, study, manifest = section.analysis, section.analysis.study, section.manifest
    return {
        "key": key,
        "study": study,
        "runs": runs(len(analysis.seeds)),
        "seeds": _seeds(analysis.seeds),
        "verdicts": _verdicts(analysis),
        "tally": _tally(analysis),
        "figures": list(_figures(section, key)),
        "contrasts": _contrasts(analysis),
        "contrast_methods": _methods([row.contrast.method for row in analysis.contrasts]),
        "estimates": _estimates(analysis),
        "estimate_methods": _methods([row.estimate.method for row in analysis.estimates]),
        "beyond_a_share": _beyond_a_share(analysis),
        "unmeasured": _unmeasured(analysis.unmeasured),
        "unmeasured_count": f"{len(analysis.unmeasured):,}",
        "record_count": f"{len(section.records):,}",
        "tables": section.tables,
        "settings": [(name, _shown(value)) for name, value in dotted(study.settings).items()],
        "arms": [_arm(arm) for arm in study.arms],
        "made": [(name, _shown(value)) for name, value in dict(manifest.get("runtime") or {}).items()],
        "versions": [(name, _shown(value)) for name, value in dict(manifest.get("versions") or {}).items()],
        "command": manifest.get("command") or "",
    }


def _verdicts(analysis: Analysis) -> list[dict[str, str]]:
    return [
        {
            "verdict": finding.verdict,
            "lead": LEADS[finding.verdict],
            "claim": finding.claim.strip().removesuffix("."),
            "because": finding.because,
            "claimed": f"{contrast_text(claim.treatment, claim.control)} on {claim.trait} {expectation(claim)}",
        }
        for claim, finding in zip(analysis.study.claims, analysis.findings, strict=True)
    ]


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'' if len(seeds) == 1 else 's'} {seeds_text(seeds) or 'none'}"


def _tally(analysis: Analysis) -> list[tuple[str, str]]:
    """Each verdict that was reached, with how often if more than once."""
    counts = Counter(finding.verdict for finding in analysis.findings)
    return [(verdict, verdict if count == 1 else f"{count} {verdict}") for verdict, count in counts.items()]


def _figures(section: Section, key: str) -> Iterator[dict[str, Any]]:
    analysis, records = section.analysis, section.records
    for number, trait in enumerate(analysis.study.traits, 1):
        narrow = arms_figure(analysis, records, trait.name, width=NARROW)
        shown = DENSITY if arms_crowded(analysis, trait.name) else POINTS
        chance = f" The dashed line is chance, {chance_text(trait.chance)}." if trait.chance is not None else ""
        caption = f"{trait.about} {shown}; the bar ends at the mean.{chance}"
        yield _figure(section.arms[trait.name], narrow, f"{key}-arms{number}", trait.name, caption)
    if analysis.study.claims:
        narrow = contrasts_figure(analysis, records, width=NARROW)
        shown = PAIRS_DENSITY if contrasts_crowded(analysis) else PAIRS
        caption = f"{shown}. Zero is no difference; differences in the grey band count as none."
        yield _figure(section.contrasts, narrow, f"{key}-claims", "The claims", caption)


def _figure(wide: str, narrow: str, key: str, title: str, caption: str) -> dict[str, Any]:
    # The markup is our own: every text in it was escaped by the XML writer.
    shown = map(Markup, svg.inline_twins(wide, narrow, key))
    return {**dict(zip(("wide", "narrow"), shown, strict=True)), "title": title, "caption": caption}


def _contrasts(analysis: Analysis) -> list[dict[str, Any]]:
    """The paired differences by trait, those of the claims marked."""
    claimed = {(claim.treatment, claim.control, claim.trait) for claim in analysis.study.claims}
    groups = []
    for trait in analysis.study.traits:
        rows = [
            {
                "name": contrast_text(row.treatment, row.control),
                **_numbers(row.contrast),
                "p": p_text(row.contrast.p),
                "effect": effect_text(row.contrast.effect_size),
                "claimed": (row.treatment, row.control, row.trait) in claimed,
            }
            for row in analysis.contrasts
            if row.trait == trait.name
        ]
        groups.append({"head": f"{trait.name} ({trait.unit})", "rows": rows})
    return [group for group in groups if group["rows"]]


def _estimates(analysis: Analysis) -> list[dict[str, Any]]:
    """The arms' estimates by trait."""
    groups = []
    for trait in analysis.study.traits:
        chance = "" if trait.chance is None else f"; chance {chance_text(trait.chance)}"
        found = [row for row in analysis.estimates if row.trait == trait.name]
        rows = [{"name": row.arm, **_numbers(row.estimate)} for row in found]
        groups.append({"head": f"{trait.name} ({trait.unit}{chance})", "rows": rows})
    return groups


def _numbers(result: Estimate | Contrast) -> dict[str, str]:
    return {"mean": mean_text(result), "interval": interval_text(result), "n": f"{result.n:,}"}


def _beyond_a_share(analysis: Analysis) -> bool:
    """Whether the interval of a share reaches below 0 or above 1."""
    shares = {trait.name for trait in analysis.study.traits if trait.unit == "share"}
    estimates = [row.estimate for row in analysis.estimates if row.trait in shares]
    return any((found.low or 0) < 0 or (found.high or 0) > 1 for found in estimates)


def _unmeasured(records: Sequence[Record]) -> list[dict[str, str]]:
    return [
        {"arm": arm, "trait": trait, "status": status, "reason": reason, "seeds": seeds_text(seeds)}
        for (arm, trait, status, reason), seeds in grouped(records).items()
    ]


def _arm(arm: Arm) -> dict[str, str]:
    return {
        "name": arm.name,
        "about": arm.about,
        "control": arm.control or "none, a control",
        "teacher": TEACHERS[arm.teacher],
        "init": INITS[arm.init],
        "logits": LOGITS[arm.logits],
    }


def _methods(methods: Sequence[str]) -> str:
    return "; ".join(dict.fromkeys(methods))


def _shown(value: Any) -> str:
    return "not set" if value is None else plain(value)
