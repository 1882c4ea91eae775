import re
from xml.etree import ElementTree

import pytest

from sublearn.report.charts.cells import maps_figures
from sublearn.report.charts.palette import PALETTE
from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.report.charts.svg import css
from sublearn.report.charts.sweep import LINES, sweep_figures
from sublearn.report.page import sweep_page
from sublearn.report.sweep import cells_of, sweep_table
from tests.report.samples import point_of, unmarked

SVG = "{http://www.w3.org/2000/svg}"


def page(points, **more) -> str:
    keys = points[0].settings if points else {}
    return sweep_page(
        points, {"study": "sample", "grid": {key: [] for key in keys}, "command": "sublearn sweep"} | more
    )


def words(picture: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


def test_every_combination_of_the_other_settings_is_drawn(points):
    said = words(sweep_figures(points(aux=[4, 16, 64], lr=[0.1, 0.2]), "aux")[0])
    for value in ("0.1", "0.2"):
        assert said.count(f"share, by arm, with lr = {value}") == said.count(f"logits, by arm, with lr = {value}") == 1
        assert said.count(f"lr = {value}") == 1  # in the legend
    marks = ElementTree.fromstring(sweep_figures(points(aux=[4, 16, 64], lr=[0.1, 0.2]), "aux")[0]).iter(f"{SVG}use")
    assert len(list(marks)) >= (3 * 2 + 5 * 2 * 2) * 3  # claims, arms by trait, each at every value


def test_a_geometric_grid_has_an_axis_of_even_steps(points):
    root = ElementTree.fromstring(sweep_figures(points(aux=[4, 16, 64]), "aux", [NARROW])[0])
    places = {}
    for text in root.iter(f"{SVG}text"):
        places.setdefault("".join(text.itertext()), []).append(float(text.get("x") or "nan"))
    four, sixteen, sixty_four = (places[value][0] for value in ("4", "16", "64"))
    assert sixteen - four == pytest.approx(sixty_four - sixteen, abs=0.1)


def test_no_two_charts_have_the_same_words(points, sample):
    study = sample(2)[0].study
    other = study.claims[0].model_copy(update={"trait": "margin"})
    analysis = sample(8, claims=(study.claims[0], other))[0]
    said = " ".join(words(sweep_figures([point_of({"aux": value}, analysis) for value in (1, 2)], "aux")[0]))
    assert said.count("Student of the same init \u2212 its control, difference in trait_rate") == 1
    assert said.count("Student of the same init \u2212 its control, difference in margin") == 1


def test_colours_are_those_of_the_report_in_light_and_dark(points):
    some = points(aux=[4, 16, 64])
    html = page(some)
    assert css() in html and 'class="dose"' not in html
    body = html[html.index("<main>") :]
    assert not re.findall(r"(?:fill|stroke): #\w+", body)
    verdicts = {finding.verdict for point in some for finding in point.analysis.findings}
    for colour in ("same", "cross", "control", *verdicts):
        assert f"stroke-{colour}" in body and colour in PALETTE


def test_the_page_has_the_figure_for_a_phone_too_and_leads_to_every_run_directory(points):
    some = points(aux=[4, 16], lr=[0.1, 0.2])
    html = page(some)
    assert html.count('<div class="narrow"><svg') == html.count('<div class="wide"><svg') == 3
    assert f'viewBox="0 0 {WIDE} ' in html and f'viewBox="0 0 {NARROW} ' in html
    for point in some:
        assert f'<a href="{point.analysis.study.id}/">{point.name}</a>' in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert {ref[1:] for ref in re.findall(r'href="(#[^"]+)"', html)} <= set(ids)


def test_more_combinations_than_can_be_told_apart_are_in_the_table_alone_and_it_says_so(points):
    some = points(aux=[4, 16], lr=[0.1 * i for i in range(1, LINES + 2)])
    html = page(some)
    assert f"Of {LINES + 1} combinations of the other settings the first {LINES} are drawn" in html
    assert html.count("are drawn; the table has all") == 1
    assert html.count('scope="rowgroup"') == len(some)


def test_studies_of_other_arms_and_claims_share_a_figure(sample):
    whole = sample(8)[0]
    part = sample(8, arms=whole.study.arms[:3], claims=whole.study.claims[:1])[0]
    some = [point_of({"arms": ["all"]}, whole), point_of({"arms": ["same_init"]}, part)]
    said = words(sweep_figures(some, "arms")[0])
    assert {"['all']", "['same_init']"} <= set(said)
    assert "more with the same" in said
    assert "same init picks it up" in sweep_table(some) or "same_init - same_init_control" in sweep_table(some)
    assert page(some).count("<tbody>") == 2


def test_differences_are_called_by_the_labels_of_their_arms(points):
    some = points(**{"student.lr": [0.1, 0.2]})
    label, code = "Student of the same init \u2212 its control", "same_init - same_init_control"
    html = unmarked(page(some))
    assert label in html and f'<small class="code">{code.replace("_", "_<wbr>")}</small>' in html
    (picture,) = maps_figures(cells_of(some, {"grid": {"student.lr": [0.1, 0.2]}}))
    assert f"{label}, difference in" in picture and code not in picture
    assert sweep_table(some).startswith("Arms\n  same_init ") and code in sweep_table(some)


def test_hostile_values_and_failures_are_shown_as_text(points):
    name = "$x_$<script>alert(1)</script>"
    some = [point_of(point.settings, point.analysis, name) for point in points(**{name: [name, "b"]})]
    html = page(some, command=name)
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "2 of them failed" in html


def test_nothing_recorded_gives_a_page_without_figures():
    html = page([])
    assert "0 combinations" in html and "<svg" not in html
