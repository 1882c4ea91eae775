from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from sublearn.report.charts.lines import AXIS, PLOT, TWO_COLUMNS, Across, Chart, Scale, Series, draw_charts
from sublearn.report.charts.marks import Mark
from sublearn.report.charts.palette import PALETTE
from sublearn.report.charts.scatter import Cloud, draw_scatter
from sublearn.report.charts.sheet import NARROW, WIDE, Key
from sublearn.report.charts.svg import css, svg_text

SVG = "{http://www.w3.org/2000/svg}"


def series(values, means, half=0.1, **more) -> Series:
    return Series("line", "same", tuple(values), tuple(mark(mean, half) for mean in means), **more)


def mark(mean, half=0.1, colour="same") -> Mark:
    return Mark(None, None, None, colour) if mean is None else Mark(mean, mean - half, mean + half, colour)


def drawn(charts, across, width=WIDE, keys=()) -> ElementTree.Element:
    return ElementTree.fromstring(svg_text(draw_charts(charts, across, keys, width), "label"))


def words(root: ElementTree.Element) -> dict[str, float]:
    """Every text with its place from left to right."""
    return {"".join(text.itertext()): float(text.get("x") or place(text)) for text in root.iter(f"{SVG}text")}


def place(text: ElementTree.Element) -> str:
    return (text.get("transform") or "translate(nan").partition("(")[2].split()[0].strip(",)")


@pytest.mark.parametrize(
    ("values", "geometric"),
    [
        ((4, 16, 64), True),
        ((2, 10, 50), True),
        ((1e-4, 1e-3, 3e-3), True),
        ((1, 2, 3, 10), False),
        ((0, 16, 64), False),
        ((4, 16), False),
        (("4", "16", "64"), False),
        ((True, False), False),
    ],
)
def test_a_geometric_grid_gets_even_steps(values, geometric):
    across = Across("x", values)
    assert across.geometric == geometric
    places = np.array([across.place(value) for value in values])
    if geometric and values != (1e-4, 1e-3, 3e-3):
        assert np.allclose(np.diff(places), np.diff(places)[0])


def test_steps_from_zero_begin_with_the_first_one_and_grow():
    across = Across("step", (0, 1, 10, 100), from_zero=True)
    gaps = np.diff([across.place(value) for value in across.values])
    assert across.place(0) == 0 and gaps.min() > 0.5 and gaps.max() < 2.5


def test_marks_that_would_meet_are_left_out_but_for_the_first_and_the_last():
    across = Across("x", tuple(range(0, 1000, 10)))
    marks = across.marks(Scale((0, 990), 20, 320))
    assert marks[0] == (20, "0") and marks[-1] == (320, "990") and 3 < len(marks) < 20
    assert min(after - before for (before, _), (after, _) in pairwise(marks)) > 15
    assert [text for _, text in Across("x", (0, 100, 101)).marks(Scale((0, 101), 0, 300))] == ["0", "101"]
    assert [text for _, text in Across("x", (5,)).marks(Scale((4, 6), 0, 300))] == ["5"]


def limits_of(*lines, **more) -> tuple[float, float]:
    return Chart("c", "", lines, **more).limits()


def test_limits_hold_means_and_marks_and_a_part_of_wide_intervals():
    assert limits_of(series((1, 2), (0.0, 1.0), half=100)) == pytest.approx((-1.15, 2.15))
    low, high = limits_of(series((1, 2), (0.4, 0.6)), level=-0.5, share=True)
    assert low < -0.5 and 0.7 <= high <= 1.1
    assert limits_of(series((1, 2), (0.9, 0.95), half=0.3), share=True)[1] < 1.06
    assert limits_of() == (-0.5, 0.5)


def test_charts_stand_side_by_side_on_a_wide_page_and_below_each_other_on_a_phone():
    charts = [Chart(f"chart {i}", "note", (series((1, 2), (0.1, 0.2)),)) for i in range(3)]
    wide, narrow = (draw_charts(charts, Across("x", (1, 2)), (), width) for width in (WIDE, NARROW))
    assert WIDE >= TWO_COLUMNS > NARROW
    height = [figure.get_figheight() * 72 for figure in (wide, narrow)]
    assert 2 * (PLOT + AXIS) < height[0] < 3 * (PLOT + AXIS) < height[1]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_chart_has_its_words_in_a_size_that_can_be_read(width):
    charts = [Chart(f"chart {i}", "up", (series((4, 16, 64), (0.1, 0.2, None)),), 0.0, 0.05) for i in range(2)]
    root = drawn(charts, Across("aux_logits", (4, 16, 64)), width, [Key("mean", "same", "an arm", "s", line=True)])
    said = words(root)
    assert {"chart 0", "chart 1", "up", "aux_logits (log scale)", "4", "16", "64", "an arm"} <= set(said)
    sizes = [
        float(text.get("style", "").partition("font-size: ")[2].partition("px")[0]) for text in root.iter(f"{SVG}text")
    ]
    assert min(sizes) >= 11
    _, _, *box = (float(part) for part in root.get("viewBox", "").split())
    assert box[0] == width


def test_marks_of_several_lines_at_one_place_stand_beside_each_other_within_the_chart():
    lines = tuple(series((1, 2), (0.5, 0.5)) for _ in range(8))
    root = drawn([Chart("c", "", lines)], Across("x", (1, 2)), NARROW)
    places = [float(use.get("x", "")) for use in root.iterfind(f".//{SVG}g[@class='fill-same stroke-same']/{SVG}use")]
    assert len(places) == len({round(x) for x in places}) == 2 * 8
    assert min(places) > 20 and max(places) < NARROW - 16


def test_every_colour_is_a_class_so_that_the_figure_is_dark_in_the_dark():
    judged = Series("line", "muted", (1, 2), (mark(0.5, colour="supported"), mark(0.6, colour="refuted")))
    chart = Chart(
        "c",
        "",
        (judged, series((1, 2), (1, 2), ribbon=True)),
        0.0,
        0.1,
    )
    text = svg_text(draw_charts([chart], Across("x", (1, 2)), [], WIDE), "label")
    body = text.replace(css(), "")
    assert "#" not in body.replace('href="#', "")
    assert all(
        f"{part}-{name}" in body for part, name in (("stroke", "same"), ("fill", "supported"), ("fill", "refuted"))
    )
    assert set(PALETTE) >= {"same", "supported", "refuted"}


def test_an_interval_beyond_the_chart_ends_in_an_arrow():
    plain, cut = (
        len(
            list(
                drawn([Chart("c", "", (series((1, 2), (0.0, 1.0), half=half),))], Across("x", (1, 2))).iter(f"{SVG}use")
            )
        )
        for half in (0.1, 50)
    )
    assert cut == plain + 4


def test_names_are_not_joined_by_a_line_and_numbers_are():
    def lines(values) -> int:
        root = drawn([Chart("c", "", (series(values, (0.1, 0.2)),))], Across("x", values))
        return sum(
            "stroke-same" in (path.get("class") or "") for path in root.iter(f"{SVG}path") if "use" not in path.tag
        )

    assert lines((1, 2)) == lines(("a", "b")) + 1


def test_hostile_names_are_drawn_as_text():
    name = "$x_$ <script>"
    said = words(drawn([Chart(name, name, (series((name, "b"), (0.1, 0.2)),))], Across(name, (name, "b"))))
    assert name in said


def test_a_scatter_shows_every_run_and_names_each_cloud():
    clouds = [
        Cloud("0.2", np.array([0.1, 0.2, 0.3]), np.array([1.0, 2.0, 3.0])),
        Cloud("none", np.array([]), np.array([])),
    ]
    root = ElementTree.fromstring(
        svg_text(draw_scatter(clouds, ("to the right", "up"), "Title", "Note", WIDE), "label")
    )
    assert {"to the right", "up: up", "Title", "Note", "0.2"} <= set(words(root)) and "none" not in words(root)
    points = [
        use for group in root.iter(f"{SVG}g") if group.get("class") == "points" for use in group.iter(f"{SVG}use")
    ]
    assert len(points) == 3
    rising = [(float(use.get("x", "")), -float(use.get("y", ""))) for use in points]
    assert rising == sorted(rising)
