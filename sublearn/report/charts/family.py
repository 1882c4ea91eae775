"""Draws who taught whom: a reference, those who teach, and their students beside them, or below them on a phone.

Knows labels and how boxes are connected; no arm, no number. Lengths are CSS pixels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from sublearn.report.charts.marks import draw_arrow, draw_band, draw_line
from sublearn.report.charts.panel import Panel
from sublearn.report.charts.sheet import LINE, MARGIN, NARROW, NORMAL, SMALL, Key, Sheet, wrapped

GAP, PAD, STRIPE, LANE, STEP = 10, 7, 5, 9, 22
COLUMNS = (0.0, 0.235, 0.545)
"""Where the columns of a wide drawing begin, as parts of its width."""
SHARES = (0.165, 0.235)
"""Widths of the first two columns."""
DASHES = (4, 3)
HEAD = 3
"""How far before a box an arrow's head is drawn."""


@dataclass(frozen=True)
class Box:
    """A model: what it is called, its name in code, and a colour for its frame and one for the stripe at its left."""

    label: str
    note: str
    colour: str
    stripe: str = ""
    control: str = ""
    """The name in code of the box that it is compared with."""


@dataclass(frozen=True)
class Source:
    """Who teaches, how it came from the reference (empty where it did not), and its students."""

    box: Box
    way: str
    students: tuple[Box, ...]


@dataclass(frozen=True)
class Family:
    """A reference, if the study has one, and those who teach."""

    reference: Box | None
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class _Placed:
    """A box at its place."""

    box: Box
    left: float
    right: float
    top: float
    lines: tuple[str, ...]

    @property
    def bottom(self) -> float:
        return self.top + 2 * PAD + LINE * len(self.lines) + (LINE - 3) * bool(self.box.note)

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def draw_family(family: Family, keys: Sequence[Key], width: float) -> Figure:
    """The boxes with arrows from who taught to who was taught, and a dashed line from each arm to its control."""
    lay = _below if width <= NARROW else _beside
    placed, arrows, texts = lay(family, width - LANE * _lanes(family))
    height = max(one.bottom for one in placed) + GAP
    sheet = Sheet(width, height, keys)
    paper = Panel(sheet.figure, (0, width), (0, height), (0, width), (height, 0))
    for arrow in arrows:
        draw_arrow(paper, arrow, "muted")
    for one in placed:
        _draw_box(sheet, paper, one)
    for x, y, text in texts:
        sheet.write(x, y, text, SMALL, "muted")
    _draw_controls(paper, placed)
    return sheet.figure


Arrows = list[list[tuple[float, float]]]
Texts = list[tuple[float, float, str]]


def _beside(family: Family, width: float) -> tuple[list[_Placed], Arrows, Texts]:
    """Three columns; a source stands in the middle of its students, the reference in the middle of all."""
    starts = [MARGIN + part * (width - 2 * MARGIN) for part in COLUMNS]
    ends = [start + share * width for start, share in zip(starts, SHARES, strict=False)] + [width - MARGIN]
    placed: list[_Placed] = []
    arrows: Arrows = []
    texts: Texts = []
    top, sources = float(GAP), list[tuple[Source, _Placed]]()
    for source in family.sources:
        students, low = _column(source.students, starts[2], ends[2], top)
        middle = (students[0].top + students[-1].bottom) / 2 if students else top + STEP
        own = _centred(source.box, starts[1], ends[1], max(middle, top + STEP))
        arrows += [_elbow(own, one) for one in students]
        placed, sources = [*placed, *students, own], [*sources, (source, own)]
        beside = own.bottom + GAP + 14 * len(_lines(source.way, own))
        top = max(low, beside) + GAP
    derived = [(source, own) for source, own in sources if source.way]
    if family.reference is not None:
        middles = [own.middle for _, own in derived] or [own.middle for _, own in sources]
        reference = _centred(family.reference, starts[0], ends[0], (min(middles) + max(middles)) / 2)
        placed.append(reference)
        arrows += [_elbow(reference, own) for _, own in derived]
    for source, own in derived:
        texts += [(own.left, own.bottom + 13 + 14 * n, text) for n, text in enumerate(_lines(source.way, own))]
    return placed, arrows, texts


def _below(family: Family, width: float) -> tuple[list[_Placed], Arrows, Texts]:
    """One column; who was taught stands below who taught, further to the right."""
    placed: list[_Placed] = []
    arrows: Arrows = []
    texts: Texts = []
    top, right = float(GAP), width - MARGIN
    reference = family.reference and _box(family.reference, MARGIN, right, top)
    if reference:
        placed, top = [reference], reference.bottom + GAP
    for source in family.sources:
        left = MARGIN + STEP * (reference is not None)
        own = _box(source.box, left, right, top + (14 if source.way else 0))
        if reference and source.way:
            texts.append((left, top + 10, source.way))
            arrows.append([(MARGIN + 8, reference.bottom), (MARGIN + 8, own.middle), (left - HEAD, own.middle)])
        students, low = _column(source.students, left + STEP, right, own.bottom + GAP)
        arrows += [[(left + 8, own.bottom), (left + 8, one.middle), (one.left - HEAD, one.middle)] for one in students]
        placed, top = [*placed, own, *students], low + GAP
    return placed, arrows, texts


def _column(boxes: Iterable[Box], left: float, right: float, top: float) -> tuple[list[_Placed], float]:
    """Boxes below each other, and where the next one would begin."""
    placed: list[_Placed] = []
    for box in boxes:
        placed.append(_box(box, left, right, top))
        top = placed[-1].bottom + GAP
    return placed, top


def _box(box: Box, left: float, right: float, top: float) -> _Placed:
    lines = wrapped(box.label, right - left + MARGIN - STRIPE, NORMAL) or [""]
    return _Placed(box, left, right, top, tuple(lines))


def _centred(box: Box, left: float, right: float, middle: float) -> _Placed:
    own = _box(box, left, right, 0.0)
    return replace(own, top=max(float(GAP), middle - own.bottom / 2))


def _lines(text: str, own: _Placed) -> list[str]:
    return wrapped(text, own.right - own.left + 2 * MARGIN, SMALL)


def _elbow(one: _Placed, other: _Placed) -> list[tuple[float, float]]:
    """A way from one box to another: half across, then up or down, then on."""
    half = one.right + 0.4 * (other.left - one.right)
    return [(one.right, one.middle), (half, one.middle), (half, other.middle), (other.left - HEAD, other.middle)]


def _draw_box(sheet: Sheet, paper: Panel, one: _Placed) -> None:
    (left, right), (top, bottom) = (one.left, one.right), (one.top, one.bottom)
    draw_band(paper, (left, right), (top, bottom), one.box.colour, 0.1)
    edges = ([left, right, right, left, left], [top, top, bottom, bottom, top])
    draw_line(paper, *edges, one.box.colour, 1)
    if one.box.stripe:
        draw_band(paper, (left, left + STRIPE), (top, bottom), one.box.stripe, 1.0)
    x = left + STRIPE + 7
    for number, line in enumerate(one.lines):
        sheet.write(x, top + PAD + 13 + LINE * number, line, NORMAL, "ink", bold=True)
    if one.box.note:
        sheet.write(x, top + PAD + 11 + LINE * len(one.lines), one.box.note, SMALL, "muted")


def _draw_controls(paper: Panel, placed: Sequence[_Placed]) -> None:
    """A dashed line from each student to its control, a lane for each control."""
    by_name = {one.box.note: one for one in placed if one.box.note}
    most = max(one.right for one in placed)
    lanes: dict[str, float] = {}
    for one in placed:
        other = by_name.get(one.box.control) if one.box.control else None
        if other is not None and other.right == one.right == most:
            x = lanes.setdefault(one.box.control, most + LANE * (len(lanes) + 1))
            draw_line(paper, [most, x, x], [one.middle, one.middle, other.middle], "muted", 1, DASHES)
            draw_arrow(paper, [(x, other.middle), (most + HEAD, other.middle)], "muted")


def _lanes(family: Family) -> int:
    students = [box for source in family.sources for box in source.students]
    return len({box.control for box in students} & {box.note for box in students})
