"""A trace as text. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from sublearn.stats import Estimate


@dataclass(frozen=True)
class Row:
    """The mean over seeds of one quantity of an arm at a step; `layer` is empty for all parameters together."""

    arm: str
    quantity: str
    layer: str
    step: int
    estimate: Estimate


def trace_table(rows: Sequence[Row]) -> str:
    """Plain text: each arm's quantities at the last step, and the alignment at the start."""
    overall = [row for row in rows if not row.layer]
    last = max(row.step for row in overall)
    lines = [f"{'arm':<20}{'quantity':<18}{'step':>6}  mean ± half-width of the 95% interval"]
    for row in sorted(overall, key=lambda row: (row.arm, row.quantity, row.step)):
        if row.step == last or row.quantity.startswith("initial"):
            lines.append(f"{row.arm:<20}{row.quantity:<18}{row.step:>6}  {row.estimate}")
    return "\n".join(lines)
