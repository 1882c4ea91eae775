"""The mean of every arm on every trait."""

from typing import Any

from sublearn.report.sections.given import Section
from sublearn.report.wording import alike_text, capital, chance_text, examples_text, interval_text, point_text, units
from sublearn.stats import Estimate
from sublearn.study.analysis import ArmEstimate


def view(given: Section, key: str) -> dict[str, Any]:
    """The arms' estimates by trait."""
    analysis = given.analysis
    groups = []
    for trait in given.traits:
        chance = "" if trait.chance is None else f"; chance {chance_text(trait.chance)}"
        rows = [
            {
                "name": row.arm,
                "label": capital(given.labels[row.arm]),
                "cells": (point_text(found), interval_text(found), _runs(found), _test_error(row)),
            }
            for row in analysis.estimates
            if row.trait == trait.name
            for found in [row.estimate]
        ]
        groups.append({"head": f"{trait.name} ({trait.unit}{chance})", "rows": rows, "first": trait == given.trait})
    methods = "; ".join(dict.fromkeys(row.estimate.method for row in analysis.estimates))
    counted = any(row.test_error is not None for row in analysis.estimates)
    return {"key": key, "groups": groups, "methods": methods, "counted": counted}


def _test_error(row: ArmEstimate) -> str:
    """The test error with the number of examples, if a share was counted over some."""
    return examples_text(row).removeprefix("test error ")


def _runs(found: Estimate) -> str:
    """The number of runs, and how many are alike where nearly all are."""
    counted = units(found).removesuffix(" runs").removesuffix(" run")
    return f"{counted} ({alike_text(found)})" if found.alike else counted
