"""Every paired difference, those of the claims marked."""

from typing import Any

from sublearn.report.sections.given import Section
from sublearn.report.wording import contrast_label, contrast_text, effect_text, interval_text, p_text, point_text, units


def view(given: Section, key: str) -> dict[str, Any]:
    """The paired differences by trait."""
    analysis = given.analysis
    claimed = {(claim.treatment, claim.control, claim.trait) for claim in analysis.study.claims}
    groups = []
    for trait in given.traits:
        rows = [
            {
                "label": contrast_label(row.treatment, row.control, analysis.study, given.labels),
                "name": contrast_text(row.treatment, row.control),
                "cells": (
                    point_text(row.contrast),
                    interval_text(row.contrast),
                    units(row.contrast).removesuffix(" runs").removesuffix(" run"),
                    p_text(row.contrast.p),
                    effect_text(row.contrast.effect_size),
                ),
                "claimed": (row.treatment, row.control, row.trait) in claimed,
            }
            for row in analysis.contrasts
            if row.trait == trait.name
        ]
        groups.append({"head": f"{trait.name} ({trait.unit})", "rows": rows, "first": trait == given.trait})
    methods = "; ".join(dict.fromkeys(row.contrast.method for row in analysis.contrasts))
    shown = [group for group in groups if group["rows"]]
    return {"key": key, "groups": shown, "methods": methods, "level": analysis.family.text}
