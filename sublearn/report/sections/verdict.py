"""The verdict on each claim, in words first, all in one box, and the intervals that decide."""

from typing import Any

from sublearn.report.charts.figures import claims_figure
from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.report.sections.given import Section
from sublearn.report.template import twins
from sublearn.report.wording import LEADS, contrast_text, expectation, looks_text
from sublearn.study.base import Claim
from sublearn.study.verdicts import Finding

CAPTION = (
    "The mean difference over all runs with the interval that decides. Zero is no difference; the grey band is delta, "
    "within which differences count as none."
)


def view(given: Section, key: str) -> dict[str, Any]:
    """Each claim with its verdict, the reason, what exactly was claimed, and how often it was looked at."""
    study, findings = given.analysis.study, given.analysis.findings
    verdicts = [
        {
            "verdict": finding.verdict,
            "lead": LEADS[finding.verdict],
            "claim": finding.claim.strip().removesuffix("."),
            "because": finding.because,
            "claimed": _claimed(claim, finding),
            "reason": finding.reason.strip().removesuffix("."),
        }
        for claim, finding in zip(study.claims, findings, strict=True)
    ]
    figures = [_claims(given, key)] if any(finding.low is not None for finding in findings) else []
    looks = looks_text(given.analysis.earlier)
    return {"verdicts": verdicts, "figures": figures, "after": given.after, "looks": looks}


def _claims(given: Section, key: str) -> dict[str, Any]:
    wide, narrow = (claims_figure(given.analysis, given.records, width) for width in (WIDE, NARROW))
    return {**twins(wide, narrow, f"{key}-claims"), "title": "The claims", "caption": CAPTION}


def _claimed(claim: Claim, finding: Finding) -> str:
    """What exactly the claim says."""
    return f"{contrast_text(claim.treatment, claim.control)} on {claim.trait} {expectation(claim, finding)}"
