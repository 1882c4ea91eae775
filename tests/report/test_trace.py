from dataclasses import replace
from xml.etree import ElementTree

import numpy as np

from sublearn.report.charts.svg import css
from sublearn.report.charts.trace import PANELS, alignment_figure, trace_figure
from sublearn.report.page import alignment_page, trace_page
from sublearn.report.trace import Alignment, Row, Scale, trace_table
from sublearn.stats import Estimate, estimate

SVG = "{http://www.w3.org/2000/svg}"
ARMS = ("same_init", "same_init_control", "cross_init", "cross_init_control")
QUANTITIES = ("cosine", "distance", "distance_share", "soft_trait", "predicted", "initial_cosine")


def rows() -> list[Row]:
    rng = np.random.default_rng(0)
    return [
        Row(arm, quantity, layer, step, estimate(rng.random(4)))
        for arm in ARMS
        for quantity in QUANTITIES
        for layer in ("", "fc1")
        for step in (0, 1, 10, 140)
    ]


def test_the_way_has_a_chart_for_each_quantity_in_the_colours_of_the_report():
    picture = trace_figure(rows())
    root = ElementTree.fromstring(picture)
    said = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {title for title, _, _ in PANELS.values()} <= set(said)
    assert said.count("student's step") == len(PANELS) and set(ARMS) <= set(said)
    classes = " ".join(element.get("class") or "" for element in root.iter())
    assert all(f"stroke-{name}" in classes for name in ("same", "cross", "control"))
    assert "#" not in "".join(element.get("style") or "" for element in root.iter())


def test_the_table_has_the_last_step_and_the_start():
    text = trace_table(rows())
    assert sum(line.startswith("same_init ") for line in text.splitlines()) == len(QUANTITIES) + 3


def aligned() -> Alignment:
    cell = Estimate(0.93, 0.1, 0.7, 1.0, 3, "95% Spearman, bootstrap over runs")
    scales = (Scale(s, cell, cell, (s, s + 0.01, None), (1 - s, 1.1 - s, 0.5)) for s in (0, 0.2, 1))
    return Alignment(study="prompts-0", command="sublearn trace", rows=tuple(scales), spearman=cell, runs=3)


def test_the_scatter_has_every_finite_run_and_says_what_the_correlation_came_to():
    root = ElementTree.fromstring(alignment_figure(aligned()))
    said = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    assert "Spearman 0.93, 95% interval 0.70 to 1.00" in said and "0.2" in said.split()
    points = [group for group in root.iter(f"{SVG}g") if group.get("class") == "points"]
    assert [len(list(group.iter(f"{SVG}use"))) for group in points] == [2, 2, 2]


def test_traces_have_pages_of_the_same_kind_as_reports():
    made = {"command": "sublearn trace digits", "versions": {"torch": "2"}}
    for html in (trace_page("digits-0", rows(), made), alignment_page(aligned())):
        assert "<svg" in html and css() in html and "sublearn trace" in html and "What the words mean" in html
        assert html.count('<div class="narrow"><svg') == html.count('<div class="wide"><svg') == 1
    old = aligned().model_copy(update={"rows": tuple(replace(row, cosines=()) for row in aligned().rows)})
    assert "<svg" not in alignment_page(old) and "Spearman 0.93" in alignment_page(old)
