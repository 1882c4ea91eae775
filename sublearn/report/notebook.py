"""A result in a notebook: what came out, one figure, a small table. It lays out what it is given."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from markupsafe import Markup

from sublearn.report.charts.svg import css, inline
from sublearn.report.template import piece

MOST_ROWS = 12
"""More rows of a table than this are counted and not shown."""


def notebook_html(title: str, lines: Sequence[tuple[str, str]], svg: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The lines (a verdict and its sentence each), the figure and the first rows as a piece of HTML.

    Texts are escaped by the template; only the figure, which is our own, goes in as it is.
    """
    # Two figures of one notebook must not share the names of their parts.
    prefix = "s" + sha256(svg.encode()).hexdigest()[:8]
    view = {
        "title": title,
        "lines": lines,
        "figure": Markup(inline(svg, prefix)) if svg else "",
        "figure_css": Markup(css()),
        "heads": list(rows[0]) if rows else [],
        "rows": [list(row.values()) for row in rows[:MOST_ROWS]],
        "more": max(0, len(rows) - MOST_ROWS),
    }
    return piece("notebook", view)
