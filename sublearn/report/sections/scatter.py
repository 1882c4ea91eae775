"""Alignment at the start against transfer at the end, every run a point."""

from typing import Any

from sublearn.report.charts.sheet import NARROW
from sublearn.report.charts.trace import alignment_figure
from sublearn.report.sections.given import Aligned
from sublearn.report.template import twins

CAPTION = (
    "Each point is one run, its shape the perturbation of the student's init; a mark in the colour of text is the mean "
    "under one of them. To the right: how far the negative gradient of the student's first batch "
    "points in the direction of the teacher's displacement (a cosine); the optimizer's step may be another. Up: the "
    "transfer that it ended with."
)


def view(given: Aligned, key: str) -> dict[str, Any] | None:
    """The scatter; left out where no single runs were kept, as by version 0.1."""
    if not any(scale.cosines for scale in given.found.rows):
        return None
    pictures = alignment_figure(given.found), alignment_figure(given.found, NARROW)
    return {"figures": [{**twins(*pictures, f"{key}-scatter"), "title": "Every run", "caption": CAPTION}]}
