"""The students' way in weight space as a figure and a table. It draws what it is given; no torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from sublearn.report.svg import plain_style, plain_svg
from sublearn.stats import Estimate

PANELS = {
    "cosine": "cosine of update and\nteacher's displacement",
    "distance": "distance to the teacher,\nshare of that at the start",
    "soft_trait": "change of the soft trait\n(dashed: to first order)",
}
COLOURS = {
    "same_init": "#0072b2",
    "cross_init": "#d55e00",
    "same_init_control": "#7a7a7a",
    "cross_init_control": "#b0a18f",
}


@dataclass(frozen=True)
class Row:
    """The mean over seeds of one quantity of an arm at a step; `layer` is empty for all parameters together."""

    arm: str
    quantity: str
    layer: str
    step: int
    estimate: Estimate


def way_table(rows: Sequence[Row]) -> str:
    """Plain text: each arm's quantities at the last step, and the alignment at the start."""
    overall = [row for row in rows if not row.layer]
    last = max((row.step for row in overall), default=0)
    lines = [f"{'arm':<20}{'quantity':<18}{'step':>6}  mean ± half-width of the 95% interval"]
    for row in sorted(overall, key=lambda row: (row.arm, row.quantity, row.step)):
        if row.step == last or row.quantity.startswith("initial"):
            lines.append(f"{row.arm:<20}{row.quantity:<18}{row.step:>6}  {row.estimate}")
    return "\n".join(lines)


def way_figure(rows: Sequence[Row]) -> str:
    """SVG: one panel a quantity over the student's steps, one line an arm with its 95% interval."""
    with plain_style():
        figure = Figure(figsize=(7.5, 3 * len(PANELS)), layout="constrained")
        for axes, (quantity, label) in zip(figure.subplots(len(PANELS), sharex=True), PANELS.items(), strict=True):
            for arm in dict.fromkeys(row.arm for row in rows):
                _line(axes, rows, arm, quantity, "-")
                if quantity == "soft_trait":
                    _line(axes, rows, arm, "predicted", "--")
            axes.set_ylabel(label)
            axes.set_xscale("symlog", linthresh=1)
            axes.axhline(1 if quantity == "distance" else 0, color="#999999", linewidth=0.8)
            axes.spines[["top", "right"]].set_visible(False)
        figure.axes[0].legend(frameon=False, ncols=2)
        figure.axes[-1].set_xlabel("student's step")
        return plain_svg(figure)


def _line(axes, rows: Sequence[Row], arm: str, quantity: str, style: str) -> None:
    found = (r for r in rows if r.arm == arm and r.quantity == quantity and not r.layer and r.estimate.mean is not None)
    own = sorted(found, key=lambda r: r.step)
    steps = [row.step for row in own]
    unit = (own[0].estimate.mean or 1.0) if own and quantity == "distance" else 1.0
    means = [(row.estimate.mean or 0.0) / unit for row in own]
    colour = COLOURS.get(arm, "#444444")
    axes.plot(steps, means, style, color=colour, label=arm if style == "-" else None)
    if own and own[0].estimate.low is not None:
        lows, highs = ([(bound or 0.0) / unit for bound in side] for side in zip(*map(_bounds, own), strict=True))
        axes.fill_between(steps, lows, highs, color=colour, alpha=0.15, linewidth=0)


def _bounds(row: Row) -> tuple[float | None, float | None]:
    return row.estimate.low, row.estimate.high
