"""The verdict on each claim, in words first."""

from typing import Any

from sublearn.report.sections.given import Section
from sublearn.report.wording import LEADS, contrast_text, expectation


def view(given: Section, key: str) -> dict[str, Any]:
    """Each claim with its verdict, the reason, and what exactly was claimed."""
    del key
    study, findings = given.analysis.study, given.analysis.findings
    verdicts = [
        {
            "verdict": finding.verdict,
            "lead": LEADS[finding.verdict],
            "claim": finding.claim.strip().removesuffix("."),
            "because": finding.because,
            "claimed": f"{contrast_text(claim.treatment, claim.control)} on {claim.trait} {expectation(claim)}",
        }
        for claim, finding in zip(study.claims, findings, strict=True)
    ]
    return {"verdicts": verdicts, "after": given.after}
