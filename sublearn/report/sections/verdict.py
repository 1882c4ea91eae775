"""The verdict on each claim, in words first."""

from typing import Any

from sublearn.report.sections.given import Section
from sublearn.report.wording import LEADS, contrast_text, expectation, looks_text
from sublearn.study.base import Claim
from sublearn.study.verdicts import Finding


def view(given: Section, key: str) -> dict[str, Any]:
    """Each claim with its verdict, the reason, what exactly was claimed, and how often it was looked at."""
    del key
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
    return {"verdicts": verdicts, "after": given.after, "looks": looks_text(given.analysis.earlier)}


def _claimed(claim: Claim, finding: Finding) -> str:
    """What exactly the claim says."""
    return f"{contrast_text(claim.treatment, claim.control)} on {claim.trait} {expectation(claim, finding)}"
