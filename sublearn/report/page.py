"""Self-contained pages: of one or several results, a sweep, a replication, a trace. They compute and write nothing.

Texts of studies, records and manifests go through the template's escaping; only figures go in as they are.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sublearn.auditing.benchmark.found import BenchmarkFile
from sublearn.auditing.found import AuditFile, FlaggedRow
from sublearn.errors import plain
from sublearn.execution.replication import Comparison, Provenance
from sublearn.execution.tracing import AlignmentFile
from sublearn.report.audit import signal_sentence
from sublearn.report.benchmark import bases_sentence, goals_sentence
from sublearn.report.mechanisms import summary as claims_summary
from sublearn.report.outcome import told
from sublearn.report.replication import FIRST_RULE, summary
from sublearn.report.sections.given import Aligned, Audited, Benchmarked, Replicated, Section, Swept, Traced
from sublearn.report.sections.table import (
    ALIGNMENT,
    AUDIT,
    BENCHMARK,
    REPLICATION,
    SECTIONS,
    SWEEP,
    TRACE,
    Block,
    sections,
)
from sublearn.report.sweep import Point, sweep_sentences
from sublearn.report.template import Part, laid_out
from sublearn.report.trace import THEOREM, alignment_sentence, trace_sentence
from sublearn.report.wording import runs, seeds_text
from sublearn.study.agreement import RULE
from sublearn.study.analysis import Analysis


def page(given: Sequence[Section]) -> str:
    """The results as one HTML page with style, figures and tables inside. It loads nothing and runs nothing."""
    parts, told = list[Part](), set[str]()
    for number, one in enumerate(given, 1):
        study = one.analysis.study.id
        # Of a study that stands on the page several times, with other runs, the arms are drawn once.
        parts.append(_part(one, f"s{number}", [row for row in SECTIONS if row.name != "lineage" or study not in told]))
        told.add(study)
    heading = "Report" if len(parts) == 1 else f"Report on {len(parts)} results"
    return laid_out(f"{parts[0].title if parts else ''} | sublearn report", heading, parts)


def _part(given: Section, key: str, table: Sequence[Block[Section]]) -> Part:
    analysis, study = given.analysis, given.analysis.study
    count = runs(len(analysis.seeds))
    seeds = f"seed{'' if len(analysis.seeds) == 1 else 's'} {seeds_text(analysis.seeds) or 'none'}"
    animal = f"{given.carried.animal} " if given.carried else ""
    lead = (
        ("runs", f"{count}, {seeds}. Study {study.id}"),
        ("question", given.before),
        ("outcome", animal + told(analysis, given.pairs)),
        ("outcome", claims_summary(given.mechanisms) if given.mechanisms else ""),
    )
    return Part(key, given.title or study.title, lead, sections(table, given, key), _tally(analysis), count)


def _tally(analysis: Analysis) -> list[tuple[str, str]]:
    """Each verdict that was reached, with how often if more than once."""
    counts = Counter(finding.verdict for finding in analysis.findings)
    return [(verdict, verdict if count == 1 else f"{count} {verdict}") for verdict, count in counts.items()]


def sweep_page(points: Sequence[Point], manifest: Mapping[str, Any]) -> str:
    """The page of a sweep; its links lead to run directories beside it."""
    title = f"Sweep of {manifest['study']}"
    question = "Each is a study of its own, in its own run directory. How do its claims fare as the settings change?"
    given = Swept(points, manifest)
    empty = sum(not cell.has_runs for cell in given.cells)
    of = f"; {empty:,} of them {'has' if empty == 1 else 'have'} no runs yet" if empty else ""
    count = f"{len(given.cells):,} combination{'' if len(given.cells) == 1 else 's'} of settings"
    outcome_ = [("outcome", text) for text in sweep_sentences(points)]
    lead = [("question", question), *outcome_, ("runs", f"{count}{of}.")]
    part = Part("sweep", _over(manifest["grid"]), lead, sections(SWEEP, given, "sweep"))
    return laid_out(f"{title} | sublearn", title, [part])


def _over(grid: Mapping[str, Any]) -> str:
    """What a sweep goes through, in words."""
    keys = [plain(key, 60) for key in grid]
    named = " and ".join(filter(None, (", ".join(keys[:-1]), *keys[-1:])))
    return f"What happens as {named} change{'' if len(keys) > 1 else 's'}"


def replication_page(rows: Sequence[Comparison], made: Provenance) -> str:
    """The page of a replication."""
    first = f"A first look with {made.quick} runs a figure; not a replication." if made.quick else ""
    old = "" if made.rule == RULE else FIRST_RULE
    lead = [("warning", first), ("warning", old), ("outcome", summary(rows, made.rule))]
    runtime = made.runtime or {"precision": made.precision}
    manifest = {"command": made.command, "versions": made.versions, "runtime": runtime}
    shown = sections(REPLICATION, Replicated(rows, manifest, made.rule, made.quick), "replication")
    part = Part("replication", "Do published figures come out again?", lead, shown)
    return laid_out("Replication | sublearn", "Published figures, run again", [part])


def trace_page(given: Traced) -> str:
    """The page of a trace."""
    question = f"Which way do the students' weights move as they learn: the way in which the teacher's moved? {THEOREM}"
    lead = [
        ("question", question),
        ("outcome", trace_sentence(given.rows, given.labels)),
        ("runs", f"Study {given.study}"),
    ]
    part = Part("trace", "The students' way in weight space", lead, sections(TRACE, given, "trace"))
    return laid_out("Trace | sublearn", "Trace", [part])


def alignment_page(found: AlignmentFile) -> str:
    """The page of alignment against transfer."""
    question = (
        "Students start from the teacher's init with more and less noise added. Is the transfer the larger, the more "
        "the negative gradient of the student's first batch points in the direction in which the teacher's weights "
        f"moved? {THEOREM}"
    )
    lead = [("question", question), ("outcome", alignment_sentence(found)), ("runs", f"Study {found.study}")]
    given = Aligned(found, {"command": found.command, "versions": found.versions})
    part = Part("alignment", "Alignment at the start and transfer", lead, sections(ALIGNMENT, given, "alignment"))
    return laid_out("Alignment | sublearn", "Trace", [part])


def audit_page(found: AuditFile, flagged: Sequence[FlaggedRow]) -> str:
    """The page of an audit."""
    question = (
        "Do these rows carry a trait that a student of this model would pick up? They are held against sets that are "
        "taken to carry none."
    )
    runs = f"{found.rows:,} rows of {found.data}, model {found.model}, seed {found.seed}"
    lead = [("question", question), ("outcome", signal_sentence(found)), ("runs", runs)]
    given = Audited(found, flagged, {"command": found.command, "versions": found.versions})
    part = Part("audit", "What is in the rows", lead, sections(AUDIT, given, "audit"))
    return laid_out("Audit | sublearn", "Audit", [part])


def benchmark_page(found: BenchmarkFile) -> str:
    """The page of a benchmark of audits."""
    question = (
        "Do audits name the trait that a teacher has, and are they silent where there is none? Every set is one whose "
        "writer is known."
    )
    lead = [("question", question), ("outcome", goals_sentence(found)), ("runs", bases_sentence(found))]
    given = Benchmarked(found, {"command": found.command, "versions": found.versions})
    part = Part("benchmark", "Audits, measured", lead, sections(BENCHMARK, given, "benchmark"))
    return laid_out("Benchmark of audits | sublearn", "Benchmark of audits", [part])
