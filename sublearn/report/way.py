"""The students' way in weight space as a figure and a table, and alignment against transfer. No torch.

It draws what it is given.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sublearn.report.charts import DASHES, SHAPES, Across, Chart, Series, draw_charts
from sublearn.report.figures import WIDE
from sublearn.report.grid import grid
from sublearn.report.scatter import Cloud, draw_scatter
from sublearn.report.sheet import Key
from sublearn.report.svg import svg_text
from sublearn.report.wording import plain
from sublearn.stats import Estimate

PANELS = {
    "cosine": ("Direction", "cosine of the update and the teacher's displacement", 0.0),
    "distance_share": ("Distance to the teacher", "as a share of that at the start", 1.0),
    "soft_trait": ("Change of the soft trait", "dashed: to first order at the start", 0.0),
}
"""Quantity to title, note and the value that nothing moves from."""


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
    last = max(row.step for row in overall)
    shown = [
        (plain(row.arm), plain(row.quantity), str(row.step), str(row.estimate))
        for row in sorted(overall, key=lambda row: (row.arm, row.quantity, row.step))
        if row.step == last or row.quantity.startswith("initial")
    ]
    heads = ("arm", "quantity", "step", "mean ± half-width of the 95% interval")
    return "\n".join(grid(shown, heads, numeric=(2,), indent=0))


def way_figure(rows: Sequence[Row], width: float = WIDE) -> str:
    """SVG: one chart a quantity over the student's steps, one line an arm with its 95% interval."""
    rows = [row for row in rows if not row.layer]
    arms = {arm: _look(arm, number) for number, arm in enumerate(dict.fromkeys(row.arm for row in rows))}
    steps = tuple(sorted({row.step for row in rows}))
    charts = [_chart(rows, quantity, arms) for quantity in PANELS]
    keys = [
        Key("mean" if filled else "hollow", colour, plain(arm), shape, line=True)
        for arm, (colour, shape, filled) in arms.items()
    ]
    signs = [Key("band", "control", "95% interval")]
    figure = draw_charts(charts, Across("student's step", steps, from_zero=True), [*keys, *signs], width)
    return svg_text(figure, f"{'; '.join(', '.join(PANELS[name][:2]) for name in PANELS)}; over the student's steps.")


def _look(arm: str, number: int) -> tuple[str, str, bool]:
    """Colour and shape of an arm's marks, and whether they are filled."""
    control = arm.endswith("control")
    return "control" if control else "cross" if arm.startswith("cross") else "same", SHAPES[number % 4], not control


def _chart(rows: Sequence[Row], quantity: str, arms: dict[str, tuple[str, str, bool]]) -> Chart:
    title, note, level = PANELS[quantity]
    lines = [_series(rows, quantity, arm, *look) for arm, look in arms.items()]
    if quantity == "soft_trait":
        lines += [_series(rows, "predicted", arm, colour, "", True) for arm, (colour, _, _) in arms.items()]
    return Chart(title, note, tuple(lines), level)


def _series(rows: Sequence[Row], quantity: str, arm: str, colour: str, shape: str, filled: bool) -> Series:
    own = sorted((row for row in rows if (row.arm, row.quantity) == (arm, quantity)), key=lambda row: row.step)
    found = [row.estimate for row in own]
    return Series(
        arm,
        colour,
        tuple(row.step for row in own),
        tuple(one.mean for one in found),
        # A line without marks is beside another one, whose intervals are enough.
        tuple(one.low if shape else None for one in found),
        tuple(one.high if shape else None for one in found),
        shape,
        filled,
        dashes=None if shape else DASHES[1],
        ribbon=True,
    )


def alignment_figure(clouds: Sequence[Cloud], said: str, width: float = WIDE) -> str:
    """SVG: alignment at the start (to the right) against transfer (up), every run a point, a cloud for each scale.

    `said` is what the correlation came to, in words.
    """
    labels = (
        "cosine of the first batch's descent and the teacher's displacement",
        "transfer, the trait over its control's",
    )
    note = f"{said}. Each point is one run; a diamond is the mean of a perturbation of the student's init, named by it"
    figure = draw_scatter(clouds, labels, "Alignment at the start and transfer", note, width)
    return svg_text(figure, f"{labels[0]} against {labels[1]}. {note}.")
