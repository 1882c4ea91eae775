import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from sublearn.report.charts.forest import COLUMN, draw_forest, forest_figure
from sublearn.report.charts.sheet import MARGIN, NARROW, WIDE
from sublearn.report.page import replication_page
from sublearn.study.published import TITLES
from tests.report import samples

SVG = "{http://www.w3.org/2000/svg}"


def marks(root: ElementTree.Element, look: str) -> list[float]:
    """Where the marks of one look stand but for the first one, which is in the legend."""
    found = root.iterfind(f".//{SVG}g[@class='{look}']/{SVG}use")
    return [float(use.get("x", "")) for use in found][1:]


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_figure_has_its_name_both_marks_and_the_look_of_its_verdict(width):
    root = ElementTree.fromstring(forest_figure(samples.comparisons(), width))
    said = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"A/same_init", "A/teacher", "C/variance", "at inputs.variance = 4"} <= set(said)
    assert "C/old" not in said  # it has no numbers
    assert {"published", "ours, agrees", "ours, differs", "ours, cannot tell", "95% interval"} <= set(said)
    assert {"D/MSE", "tried: init torch", "tried: init normal", "ours, undetermined"} <= set(said)
    assert {"accuracy, table A: the recipe of Cloud et al.", "accuracy, table C: variations of table A"} <= set(said)
    assert len(marks(root, "fill-ink stroke-ink")) == 1 + 2 + 1 + 1 + 2  # with two caps, and without an interval
    assert len(marks(root, "fill-supported stroke-supported")) == 1 + 2
    assert len(marks(root, "fill-refuted stroke-refuted")) == 1 + 2
    assert len(marks(root, "fill-paper stroke-inconclusive")) == 3 + 1 + 2  # and another key in the legend


@pytest.mark.parametrize("table", sorted(TITLES))
def test_the_name_of_each_table_fits_below_the_axis_of_a_phone(table):
    rows = [replace(samples.comparisons()[0], name=f"{table}/x")]
    sheet = draw_forest(rows, NARROW)
    sheet.canvas.draw()
    (axes,) = (axes for axes in sheet.axes if axes.get_xlabel())
    box = axes.xaxis.label.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= sheet.bbox.width


def test_names_are_on_the_left_of_a_wide_page_and_above_the_marks_on_a_phone():
    wide, narrow = (ElementTree.fromstring(forest_figure(samples.comparisons(), width)) for width in (WIDE, NARROW))
    ours = "fill-paper stroke-inconclusive"
    assert min(marks(wide, ours)) > MARGIN + COLUMN and min(marks(narrow, ours)) < COLUMN
    assert float(narrow.get("height", "")) > float(wide.get("height", ""))


def test_both_marks_stand_where_their_values_are():
    root = ElementTree.fromstring(forest_figure(samples.comparisons()[:2], NARROW))
    theirs = marks(root, "fill-ink stroke-ink")
    low, high = -0.02, 1.02
    places = [MARGIN + (value - low) / (high - low) * (NARROW - 2 * MARGIN) for value in (0.51, 0.59, 0.55, 0.94)]
    assert sorted(theirs) == pytest.approx(sorted(places), abs=0.5)


def test_the_page_of_a_replication_opens_with_the_forest_and_clips_no_reason():
    html = replication_page(samples.comparisons(), samples.made())
    assert html.index("<svg") < html.index("<table")
    assert html.count('<div class="narrow"><svg') == html.count('<div class="wide"><svg') == 1
    assert '<td class="wrap long" data-head="Verdict"><span class="badge refuted">differs</span> far off</td>' in html
    (caption,) = re.findall("<figcaption>(.*?)</figcaption>", samples.unmarked(html))
    for said in ("theirs is the diamond, ours", "mean accuracy over as many runs as the table", "its 95% interval"):
        assert said in caption
    assert "A first look with 2 runs" in re.sub("</?button[^>]*>", "", html) and '<table class="stack">' in html
