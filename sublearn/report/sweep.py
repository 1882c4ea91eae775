"""A sweep as text: how its claims fare at each combination of settings. No torch."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Protocol

from sublearn.errors import LONGEST_QUOTE, plain
from sublearn.report.grid import grid
from sublearn.report.tables import arms_table
from sublearn.report.wording import capital, contrast_label, contrast_text, mean_text, units
from sublearn.study.analysis import Analysis
from sublearn.study.labels import labels

MOST_CLAIMS = 4
"""More claims than this are not told of in a sentence."""


class Point(Protocol):
    """One combination of a sweep: the swept settings' values, what its records show, and why it failed if it did."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The values of the grid's keys."""
        ...

    @property
    def name(self) -> str:
        """Its settings, as in "student.lr = 0.1, hidden = 8"."""
        ...

    @property
    def analysis(self) -> Analysis:
        """What its records show."""
        ...

    @property
    def failure(self) -> str | None:
        """Why it failed, if it did."""
        ...

    @property
    def page(self) -> str:
        """Where its own page lies, or else its run directory, as seen from the sweep's folder."""
        ...


@dataclass(frozen=True)
class Cell:
    """One combination of the grid, and what there is of it."""

    settings: Mapping[str, Any]
    point: Point | None

    @property
    def name(self) -> str:
        """Its settings in words."""
        return named(self.settings)

    @property
    def has_runs(self) -> bool:
        """Whether any run of it has been recorded."""
        return self.point is not None and bool(self.point.analysis.seeds)


def cells_of(points: Sequence[Point], manifest: Mapping[str, Any]) -> list[Cell]:
    """Every combination of the grid in its order; of a sweep whose manifest has no ids of studies, those with records.

    A value that no record has yet is as it was typed.
    """
    values, ids = manifest["grid"], manifest.get("studies") or ()
    there = {point.analysis.study.id: point for point in points}
    if len(ids) != math.prod(map(len, values.values())) or not set(there) <= set(ids):
        return [Cell(point.settings, point) for point in points]
    places = list(product(*(range(len(given)) for given in values.values())))
    typed = {
        (key, place): there[own].settings[key]
        for own, combination in zip(ids, places, strict=True)
        if own in there
        for key, place in zip(values, combination, strict=True)
    }
    return [
        Cell(
            {key: typed.get((key, at), _read(values[key][at])) for key, at in zip(values, combination, strict=True)},
            there.get(own),
        )
        for own, combination in zip(ids, places, strict=True)
    ]


def _read(value: Any) -> Any:
    """A value as it was typed, or the number that it says."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def named(settings: Mapping[str, Any]) -> str:
    """Settings in words, as in "student.lr = 0.1, hidden = 8"."""
    return ", ".join(f"{plain(key, LONGEST_QUOTE)} = {plain(value, LONGEST_QUOTE)}" for key, value in settings.items())


def sweep_sentences(points: Sequence[Point]) -> list[str]:
    """In how many combinations each claim came out how, a plain sentence each; none where nothing is claimed."""
    counts: dict[str, Counter[str]] = {}
    for point in points:
        for finding in point.analysis.findings if point.analysis.seeds else ():
            counts.setdefault(finding.claim, Counter())[finding.verdict] += 1
    said = []
    for claim, verdicts in islice(counts.items(), MOST_CLAIMS):
        (most, many), *others = verdicts.most_common()
        first = f"{most} in {many:,} of {verdicts.total():,} combination{'' if verdicts.total() == 1 else 's'}"
        rest = "".join(f", {verdict} in {count:,}" for verdict, count in others)
        text = plain(claim).strip().removesuffix(".")
        said.append(f"{text[:1].upper()}{text[1:]}: {first}{rest}.")
    more = len(counts) - MOST_CLAIMS
    return [*said, *([f"{more} more claims are below."] if more > 0 else [])]


def sweep_table(points: Sequence[Point]) -> str:
    """Plain text: what arms are called; and for each combination, the contrast and the verdict of each claim."""
    names = labels_in(points)
    claims = [claims_of(point, names) for point in points]
    keys = ("difference", "trait", "value", "verdict")
    shown = iter(grid([claim[key] for key in keys] for of_point in claims for claim in of_point))  # once: it takes 1 ms
    lines = []
    for point, of_point in zip(points, claims, strict=True):
        lines.append(point.name)
        if point.failure:
            lines.append(f"  FAILED  {point.failure}")
        lines += islice(shown, len(of_point))
    table = "\n".join(lines) if lines else "No records yet."
    head = arms_table({name: capital(plain(label)) for name, label in names.items()})
    return f"{head}\n\n{table}" if head else table


def labels_in(points: Sequence[Point]) -> dict[str, str]:
    """What the arms of all points are called, by their names."""
    found: dict[str, str] = {}
    for point in points:
        study = point.analysis.study
        if any(arm.name not in found for arm in study.arms):
            found = {**labels(study), **found}
    return found


def claims_of(point: Point, names: Mapping[str, str]) -> list[dict[str, str]]:
    """For each claim: its words, the difference by its arms' names and labels, trait, value with n, and verdict.

    `names` are what the arms are called.
    """
    contrasts = {(row.treatment, row.control, row.trait): row.contrast for row in point.analysis.contrasts}
    cells = []
    study = point.analysis.study
    for claim, finding in zip(study.claims, point.analysis.findings, strict=True):
        found = contrasts[claim.treatment, claim.control, claim.trait]
        cells.append(
            {
                "claim": claim.claim,
                "difference": contrast_text(claim.treatment, claim.control),
                "label": contrast_label(claim.treatment, claim.control, study, names),
                "trait": claim.trait,
                "value": f"{mean_text(found)} ({units(found)})",
                "verdict": finding.verdict,
            }
        )
    return cells
