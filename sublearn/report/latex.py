"""A table as LaTeX. Knows the text of its cells; no study, no number."""

from collections.abc import Mapping, Sequence
from typing import Any

from sublearn.errors import plain

OURS = "% made by sublearn\n"
SIGNS = {"±": "\\pm", "\u2212": "-"}
"""Signs that LaTeX itself has no letter for."""


def booktabs(rows: Sequence[Mapping[str, Any]], caption: str) -> str:
    """Rows as a table of the package booktabs; every text in it is escaped. The caption stands above as a comment."""
    import pandas as pd  # late: slow to load

    frame = pd.DataFrame([{plain(head): _cell(value) for head, value in row.items()} for row in rows])
    text = frame.to_latex(index=False, escape=True, na_rep="")
    for sign, command in SIGNS.items():
        text = text.replace(sign, f"\\ensuremath{{{command}}}")
    return f"{OURS}% {plain(caption)}\n{text}"


def _cell(value: Any) -> str:
    return "" if value is None else plain(value)
