"""An analysis as plain text for a terminal. Knows the wording of numbers; computes none of them and needs no torch."""

from collections.abc import Iterable, Mapping
from textwrap import wrap

from sublearn.records import Record
from sublearn.report.grid import grid
from sublearn.report.wording import (
    called,
    contrast_text,
    examples_text,
    looks_text,
    plain,
    says_more,
    seeds_text,
    sentence,
)
from sublearn.study.analysis import Analysis

WIDTH = 100


def result_text(analysis: Analysis) -> str:
    """Everything that is printed of an analysis: what its arms are called, estimates, differences and verdicts."""
    tables = (
        arms_table(called(analysis.study)),
        estimates_table(analysis),
        contrasts_table(analysis),
        verdict_lines(analysis),
    )
    return "\n\n".join(filter(None, tables)) + "\n"


def arms_table(labels: Mapping[str, str]) -> str:
    """What arms are called, by their names in code, a line each; those whose name says as much are left out."""
    lines = grid((plain(name), label) for name, label in labels.items() if says_more(label, name))
    return "\n".join(["Arms", *lines]) if lines else ""


def estimates_table(analysis: Analysis) -> str:
    """Every arm's estimate on every trait, a line each with n, unit and method, and what could not be measured."""
    lines: list[str] = []
    for trait in analysis.study.traits:
        lines += _head(f"{plain(trait.name)} ({plain(trait.unit)}): {plain(trait.about)}")
        lines += grid(
            (plain(row.arm), sentence(row.estimate, trait.unit, trait.chance, examples_text(row)))
            for row in analysis.estimates
            if row.trait == trait.name
        )
    return "\n".join([*lines, *_unmeasured_lines(analysis.unmeasured)])


def contrasts_table(analysis: Analysis) -> str:
    """Every paired difference with its interval for the family, sign-flip p and effect size, a line each."""
    if not analysis.contrasts:
        return "No arm has a control: there is nothing to compare."
    traits = {trait.name: trait for trait in analysis.study.traits}
    names = [contrast_text(row.treatment, row.control) for row in analysis.contrasts]
    lines = [
        f"Paired differences, seed by seed (CI: {analysis.family.text}; p by sign flips, for one difference alone)"
    ]
    for trait in traits:
        lines += [f"  {plain(trait)} ({plain(traits[trait].unit)})"]
        shown = [
            (name, sentence(row.contrast, traits[trait].unit))
            for name, row in zip(names, analysis.contrasts, strict=True)
            if row.trait == trait
        ]
        lines += grid(shown, indent=4)
    return "\n".join(lines)


def verdict_lines(analysis: Analysis) -> str:
    """Every claim with its verdict in capitals, and the reason under it."""
    if not analysis.findings:
        return "The study makes no claim."
    rows = (
        (finding.verdict.upper(), f"{plain(finding.claim)}\n{plain(finding.because)}") for finding in analysis.findings
    )
    reasons = dict.fromkeys(plain(finding.reason) for finding in analysis.findings if finding.reason)
    after = [*(f"On delta: {reason}." for reason in reasons), looks_text(analysis.earlier)]
    return "\n".join([*grid(rows, indent=0, width=WIDTH), *(line for text in after for line in wrap(text, WIDTH))])


def grouped(records: Iterable[Record]) -> dict[tuple[str, str, str, str], list[int]]:
    """Seeds of unmeasured records by arm, trait, status and reason."""
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for record in records:
        key = (record.arm, record.trait, record.status, record.reason or "")
        groups.setdefault(key, []).append(record.seed)
    return groups


def _unmeasured_lines(records: Iterable[Record]) -> list[str]:
    groups = grouped(records)
    head = ["Unmeasured (not counted above, and not zero)"] if groups else []
    return head + [
        f"  {plain(arm)}, {plain(trait)}: {status}, {plain(reason)} "
        f"({'seed' if len(seeds) == 1 else f'{len(seeds)} seeds:'} {seeds_text(seeds)})"
        for (arm, trait, status, reason), seeds in groups.items()
    ]


def _head(text: str) -> list[str]:
    return wrap(text, WIDTH, subsequent_indent="  ")
