from xml.etree import ElementTree

import numpy as np

from sublearn.report.charts.scatter import Cloud
from sublearn.report.charts.trace import PANELS, alignment_figure, trace_figure
from sublearn.report.trace import Row, trace_table
from sublearn.stats import estimate

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


def test_the_scatter_says_what_the_correlation_came_to():
    clouds = [Cloud(f"{scale:g}", np.full(3, scale), np.full(3, 1 - scale)) for scale in (0, 0.2, 1)]
    root = ElementTree.fromstring(alignment_figure(clouds, "Spearman 0.93"))
    said = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
    assert "Spearman 0.93" in said and "0.2" in said.split()
    points = [group for group in root.iter(f"{SVG}g") if group.get("class") == "points"]
    assert [len(list(group.iter(f"{SVG}use"))) for group in points] == [3, 3, 3]
