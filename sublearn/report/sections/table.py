"""The sections of each kind of page, in their order. A new section is one file with its template and one line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sublearn.report.sections import (
    against,
    artifacts,
    carriers,
    cite,
    claims,
    command,
    comparisons,
    defences,
    ends,
    estimates,
    failed,
    figures,
    forest,
    lineage,
    maps,
    meaning,
    measured,
    mechanisms,
    opening,
    picked,
    plane,
    provenance,
    published,
    scales,
    scatter,
    scored,
    signal,
    starts,
    steps,
    unmeasured,
    verdict,
)
from sublearn.report.sections.given import Aligned, Audited, Benchmarked, Replicated, Section, Swept, Traced
from sublearn.report.template import Rendered, rendered

G = TypeVar("G", contravariant=True)
View = Callable[[G, str], Mapping[str, Any] | None]


@dataclass(frozen=True)
class Block(Generic[G]):
    """One section: the name of its file and template, its heading (which may be empty), and its view of what is given.

    Ids in the view begin with the key that it is handed; None leaves the section out.
    """

    name: str
    title: str
    view: View[G]


CITE = Block("cite", "How to cite it", cite.view)
PROVENANCE = Block("command", "How it was made", command.view)
SECTIONS: tuple[Block[Section], ...] = (
    Block("opening", "", opening.view),
    Block("defences", "What each defence leaves", defences.view),
    Block("mechanisms", "What is published, and what came out", mechanisms.view),
    Block("verdict", "Verdict", verdict.view),
    Block("lineage", "Who taught whom", lineage.view),
    Block("figures", "Every arm", figures.view),
    Block("artifacts", "Also recorded", artifacts.view),
    Block("comparisons", "Comparisons", comparisons.view),
    Block("estimates", "Estimates", estimates.view),
    Block("unmeasured", "Unmeasured runs", unmeasured.view),
    Block("provenance", "How it was made", provenance.view),
    CITE,
)
SWEEP: tuple[Block[Swept], ...] = (
    Block("failed", "What failed", failed.view),
    Block("maps", "The whole grid", maps.view),
    Block("against", "Against each setting", against.view),
    Block("claims", "Every claim", claims.view),
    PROVENANCE,
    CITE,
)
REPLICATION: tuple[Block[Replicated], ...] = (
    Block("forest", "Theirs and ours", forest.view),
    Block("meaning", "What agreement can and cannot mean", meaning.view),
    Block("published", "Every figure", published.view),
    PROVENANCE,
    CITE,
)
TRACE: tuple[Block[Traced], ...] = (
    Block("plane", "The way in weight space", plane.view),
    Block("steps", "Step by step", steps.view),
    Block("starts", "Alignment at the start and the trait at the end", starts.view),
    Block("ends", "At the last step", ends.view),
    PROVENANCE,
    CITE,
)
ALIGNMENT: tuple[Block[Aligned], ...] = (
    Block("scatter", "Alignment and transfer", scatter.view),
    Block("scales", "Each perturbation", scales.view),
    PROVENANCE,
    CITE,
)
AUDIT: tuple[Block[Audited], ...] = (
    Block("signal", "Does the set carry a signal?", signal.view),
    Block("picked", "Candidate traits", picked.view),
    Block("carriers", "Which rows carry it", carriers.view),
    Block("scored", "Every score", scored.view),
    PROVENANCE,
    CITE,
)
BENCHMARK: tuple[Block[Benchmarked], ...] = (
    Block("measured", "What audits find where the answer is known", measured.view),
    PROVENANCE,
    CITE,
)
PAGES: tuple[Sequence[Block[Any]], ...] = (SECTIONS, SWEEP, REPLICATION, TRACE, ALIGNMENT, AUDIT, BENCHMARK)
"""Every kind of page."""


def sections(table: Sequence[Block[G]], given: G, key: str) -> list[Rendered]:
    """The sections of a table that have something to show."""
    views = ((block, block.view(given, key)) for block in table)
    return [rendered(block.name, block.title, view) for block, view in views if view is not None]
