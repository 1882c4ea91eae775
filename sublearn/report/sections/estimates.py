"""The mean of every arm on every trait."""

from typing import Any

from sublearn.report.sections.given import Section
from sublearn.report.wording import chance_text, interval_text, mean_text
from sublearn.study.analysis import Analysis


def view(given: Section, key: str) -> dict[str, Any]:
    """The arms' estimates by trait."""
    analysis = given.analysis
    groups = []
    for trait in analysis.study.traits:
        chance = "" if trait.chance is None else f"; chance {chance_text(trait.chance)}"
        rows = [
            {"name": row.arm, "cells": (mean_text(found), interval_text(found), f"{found.n:,}")}
            for row in analysis.estimates
            if row.trait == trait.name
            for found in [row.estimate]
        ]
        groups.append({"head": f"{trait.name} ({trait.unit}{chance})", "rows": rows})
    methods = "; ".join(dict.fromkeys(row.estimate.method for row in analysis.estimates))
    return {"key": key, "groups": groups, "methods": methods, "beyond_a_share": _beyond_a_share(analysis)}


def _beyond_a_share(analysis: Analysis) -> bool:
    """Whether the interval of a share reaches below 0 or above 1."""
    shares = {trait.name for trait in analysis.study.traits if trait.unit == "share"}
    estimates = [row.estimate for row in analysis.estimates if row.trait in shares]
    return any((found.low or 0) < 0 or (found.high or 0) > 1 for found in estimates)
