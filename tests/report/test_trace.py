from dataclasses import replace
from xml.etree import ElementTree

import pytest

from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.report.charts.svg import css
from sublearn.report.charts.trace import (
    PANELS,
    alignment_figure,
    draw_plane,
    ends,
    plane_figure,
    starts_figure,
    trace_figure,
)
from sublearn.report.page import alignment_page, trace_page
from sublearn.report.sections.given import Traced
from sublearn.report.trace import alignment_sentence, trace_sentence, trace_table
from sublearn.stats import Estimate
from tests.report.samples import ARMS, LABELS, MADE, QUANTITIES, alignment, trace_points, trace_rows, unmarked

SVG = "{http://www.w3.org/2000/svg}"


def test_the_way_has_a_chart_for_each_quantity_in_the_colours_of_the_report():
    picture = trace_figure(trace_rows())
    root = ElementTree.fromstring(picture)
    said = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {title for title, _, _ in PANELS.values()} <= set(said)
    assert said.count("student's step") == len(PANELS) and set(ARMS) <= set(said)
    classes = " ".join(element.get("class") or "" for element in root.iter())
    assert all(f"stroke-{name}" in classes for name in ("same", "cross", "control"))
    assert "#" not in "".join(element.get("style") or "" for element in root.iter())


def test_arms_are_called_by_their_labels_wherever_a_trace_shows_them():
    own = "Student of the same init, placebo teacher"
    given = Traced(trace_rows(), MADE, trace_points(), "digits-0", LABELS)
    pictures = trace_figure(given.rows, names=LABELS), plane_figure(given.rows, names=LABELS)
    for picture in pictures:
        said = ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]
        assert own in said and "same_init_control" not in said and "cross_init" in said  # of which no label was kept
    assert "Student of the same init" in starts_figure(given.points, names=LABELS)
    assert "for the student of the same init, placebo teacher" in trace_sentence(given.rows, LABELS)
    assert f"  same_init_control  {own}\n" in trace_table(given.rows, LABELS)
    assert f'{own} <small class="code">same_<wbr>init_<wbr>control</small>' in unmarked(trace_page(given))


def test_the_table_has_the_last_step_and_the_start():
    text = trace_table(trace_rows())
    assert sum(line.startswith("same_init ") for line in text.splitlines()) == len(QUANTITIES) + 3


def test_the_scatter_has_every_finite_run_and_says_what_the_correlation_came_to():
    root = ElementTree.fromstring(alignment_figure(alignment()))
    said = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    assert "Spearman 0.93, 95% interval 0.70 to 1.00" in said and "0.2" in said.split()
    points = [group for group in root.iter(f"{SVG}g") if group.get("class") == "points"]
    assert [len(list(group.iter(f"{SVG}use"))) for group in points] == [2, 2, 2]


def test_the_way_in_the_plane_has_one_scale_and_goes_past_every_step():
    root = ElementTree.fromstring(plane_figure(trace_rows()))
    said = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"start", "teacher", "along the teacher's displacement, as a share of it", *ARMS} <= set(said)
    for colour in ("same", "cross"):
        marks = root.iterfind(f".//{SVG}g[@class='fill-{colour} stroke-{colour}']/{SVG}use")
        assert len(list(marks)) == 4 + 1  # steps, and the legend's own
    for width in (WIDE, NARROW):
        axes = draw_plane(trace_rows(), width).axes[-1]
        box, (left, right), (low, high) = axes.get_window_extent(), axes.get_xlim(), axes.get_ylim()
        assert (right - left) / box.width == pytest.approx((high - low) / box.height)
        assert left < 0 and right > 1 and low < 0


def test_each_runs_start_stands_against_what_it_took_on_beyond_its_control():
    points = trace_points()
    gained, control = ends(points, "soft_trait", "same_init"), ends(points, "soft_trait", "same_init_control")
    assert set(gained) == {0, 1, 3}  # one is not finite
    last = next(p for p in points if (p.arm, p.seed, p.quantity, p.step) == ("same_init", 0, "soft_trait", 140))
    assert gained[0] == last.value and set(control) == set(gained)
    root = ElementTree.fromstring(starts_figure(points))
    clouds = [group for group in root.iter(f"{SVG}g") if group.get("class") == "points"]
    assert [len(list(group.iter(f"{SVG}use"))) for group in clouds] == [3, 3]


def test_traces_have_pages_of_the_same_kind_as_reports():
    made = {"command": "sublearn trace digits", "versions": {"torch": "2"}}
    for html, figures in (
        (trace_page(Traced(trace_rows(), made)), 2),
        (trace_page(Traced(trace_rows(), made, trace_points())), 3),
        (trace_page(Traced([row for row in trace_rows() if row.quantity not in ("along", "aside")], made)), 1),
        (alignment_page(alignment()), 1),
    ):
        assert "<svg" in html and css() in html and "sublearn trace" in html and "What the words mean" in html
        assert html.count('<div class="narrow"><svg') == html.count('<div class="wide"><svg') == figures
    old = alignment().model_copy(update={"rows": tuple(replace(row, cosines=()) for row in alignment().rows)})
    assert "<svg" not in alignment_page(old) and "Spearman 0.93" in unmarked(alignment_page(old))


def test_traces_begin_with_what_outcome():
    told = trace_sentence(trace_rows())
    assert told.startswith("After 140 steps the cosine") and all(f"for {arm}" in told for arm in ARMS)
    assert trace_sentence([row for row in trace_rows() if row.quantity != "cosine"]) == ""
    found = alignment()
    assert alignment_sentence(found).split(". ") == [
        "Over all scales of the noise the transfer was the larger, the better the first gradient was aligned: 0.93, "
        "95% interval 0.70 to 1.00",
        "How little noise there is goes with the transfer by itself: 0.93, 95% interval 0.70 to 1.00",
        "Among runs with the same noise it cannot be said whether the transfer grows with alignment: 0.32, "
        "95% interval -0.10 to 0.60.",
    ]
    down = replace(found.spearman, mean=-0.9, low=-1.0, high=-0.5)
    assert "the smaller" in alignment_sentence(found.model_copy(update={"spearman": down}))
    undefined = Estimate(None, None, None, None, 3, "undefined")
    old = found.model_copy(update={"within": None, "of_scale": None, "spearman": undefined})
    assert alignment_sentence(old).endswith("grows with alignment: undefined: too few values, or all of them alike.")
