import re
from collections import Counter
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from sublearn.errors import InputError
from sublearn.records import Record
from sublearn.report.charts.figures import arms_figure, arms_png, contrasts_figure, contrasts_png, draw_result
from sublearn.report.charts.marks import CELLS, HAIRLINE, density, size_and_alpha, swarm
from sublearn.report.charts.rows import MOST_POINTS, SWARM
from sublearn.report.charts.sheet import MARGIN, NARROW, WIDE
from sublearn.report.wording import mean_text, number
from sublearn.study.analysis import analyse
from sublearn.study.base import Arm, Trait

SVG = "{http://www.w3.org/2000/svg}"


def groups(picture: str) -> list[list[ElementTree.Element]]:
    """The points of each row, row by row."""
    root = ElementTree.fromstring(picture)
    return [list(g.iter(f"{SVG}use")) for g in root.iter(f"{SVG}g") if "points" in (g.get("class") or "")]


def densities(picture: str) -> list[ElementTree.Element]:
    """The shape of each row, row by row."""
    root = ElementTree.fromstring(picture)
    return [shape for g in root.iter(f"{SVG}g") if "density" in (g.get("class") or "") for shape in g]


def words(picture: str) -> list[str]:
    return ["".join(text.itertext()) for text in ElementTree.fromstring(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("n", [1, 3, 200])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_one_point_for_each_seed_of_each_arm(sample, n, width):
    analysis, records = sample(n)
    picture = arms_figure(analysis, records, "trait_rate", width=width)
    assert [len(row) for row in groups(picture)] == [n] * len(analysis.study.arms)


def test_two_thousand_seeds_keep_every_point(sample):
    analysis, records = sample(2000)
    assert sum(map(len, groups(arms_figure(analysis, records, "trait_rate")))) == 5 * 2000


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_more_runs_than_points_can_show_are_a_density_that_says_so(sample, width):
    analysis, records = sample(MOST_POINTS + 1, diverged=(2,))
    assert MOST_POINTS >= 2000
    arms = arms_figure(analysis, records, "trait_rate", width=width)
    assert not any(groups(arms)) and len(densities(arms)) == len(analysis.study.arms)
    assert "density of the runs" in words(arms) and "one run" not in words(arms)
    claims = contrasts_figure(analysis, records, width=width)
    assert not any(groups(claims)) and len(densities(claims)) == len(analysis.study.claims)
    assert "density of the pairs of runs" in words(claims) and "one pair of runs" not in words(claims)


def test_a_density_lies_where_the_values_are_and_is_highest_where_most_are(sample):
    analysis, records = sample(MOST_POINTS + 1)
    for shape, arm in zip(densities(arms_figure(analysis, records, "trait_rate")), analysis.study.arms, strict=True):
        x, y = np.array(re.findall(r"[\d.]+", shape.get("d", "")), dtype=float).reshape(-1, 2).T
        values = [row.value for row in records if (row.arm, row.trait) == (arm.name, "trait_rate")]
        low, high = -0.02, 1.02
        shares = (np.array([min(values), np.median(values), max(values)]) - low) / (high - low)
        first, middle, last = MARGIN + shares * (WIDE - 2 * MARGIN)
        assert (x.min(), x.max()) == pytest.approx((first, last), abs=2 * 3)  # two cells
        if 0.2 < np.median(values) < 0.8:
            assert x[y.argmin()] == pytest.approx(middle, abs=25)
        assert np.ptp(y) == pytest.approx(SWARM, abs=0.2)


def test_a_density_is_one_at_its_highest_and_a_hairline_at_a_lone_point():
    shares = np.append(np.full(5000, 0.25), 0.9)
    heights = density(shares)
    assert heights.max() == heights[CELLS // 4] == 1
    alone = round(0.9 * CELLS)
    assert set(heights[alone - 1 : alone + 2]) == {0, HAIRLINE}
    assert not heights[CELLS // 2 : alone - 1].any() and not heights[alone + 2 :].any()
    assert not density(np.array([])).any()
    assert density(np.array([0.0, 1.0]))[[0, CELLS]].tolist() == [1, 1]


@pytest.mark.parametrize("steps", [150, 200, 397])
def test_round_values_make_no_pattern_in_a_density(steps):
    heights = density(np.repeat(np.arange(steps + 1) / steps, 100))
    assert heights[20:-20].min() > 0.95


def test_diverged_runs_have_no_point(sample):
    analysis, records = sample(10, diverged=(2, 5))
    counts = [len(row) for row in groups(arms_figure(analysis, records, "trait_rate"))]
    assert counts == [10, 8, 10, 10, 10]
    assert [len(row) for row in groups(contrasts_figure(analysis, records))] == [8, 10, 8]


def test_points_lie_where_their_values_are(sample):
    analysis, records = sample(12)
    points = groups(arms_figure(analysis, records, "trait_rate"))
    values = [r.value for r in records if r.arm == "cross_init" and r.trait == "trait_rate"]
    places = [float(point.get("x", "")) for point in points[3]]
    low, high = -0.02, 1.02
    expected = [MARGIN + (value - low) / (high - low) * (WIDE - 2 * MARGIN) for value in values]
    assert places == pytest.approx(expected, abs=0.01)


def test_every_arm_is_printed_with_its_mean_half_width_and_n(sample):
    analysis, records = sample(24, diverged=(3,))
    said = words(arms_figure(analysis, records, "margin"))
    for row in analysis.estimates:
        if row.trait == "margin":
            assert row.arm in said
            assert f"{mean_text(row.estimate)} ({row.estimate.n} runs)" in said
    assert "margin (logits)" in said and "zero" in said


def test_the_chance_level_is_named(sample):
    assert "chance 0.50" in words(arms_figure(*sample(5), "trait_rate"))


def test_trained_arms_and_controls_differ_in_colour_and_in_shape(sample):
    root = ElementTree.fromstring(arms_figure(*sample(5), "trait_rate"))
    rows = [g.find(f"{SVG}g") for g in root.iter(f"{SVG}g") if g.get("class") == "points"]
    assert [g.get("class") for g in rows if g is not None] == [
        "fill-same", "fill-same", "fill-control", "fill-cross", "fill-control",
    ]  # fmt: skip
    marks = Counter(g.get("class") for g in root.iter(f"{SVG}g") for _ in g.findall(f"{SVG}use"))
    assert marks["fill-paper stroke-control"] == 2 + 1  # two arms, one legend entry
    assert marks["fill-same stroke-same"] == marks["fill-cross stroke-cross"] + 3  # one mean with two ends


def test_one_run_says_that_its_interval_is_undefined(sample):
    analysis, records = sample(1)
    said = words(arms_figure(analysis, records, "trait_rate"))
    assert sum("(interval undefined, 1 run)" in word for word in said) == 5
    assert sum("(interval undefined, 1 run)" in word for word in words(contrasts_figure(analysis, records))) == 3


def test_nothing_measured_is_said_and_not_drawn(sample):
    study = sample(1)[0].study
    picture = arms_figure(analyse(study, []), [], "trait_rate")
    assert words(picture).count("unmeasured (0 runs)") == len(study.arms)
    assert not any(groups(picture))


def test_contrasts_show_claims_verdicts_and_the_band(sample):
    analysis, records = sample(24)
    picture = contrasts_figure(analysis, records)
    said = words(picture)
    for claim, finding in zip(analysis.study.claims, analysis.findings, strict=True):
        assert claim.claim in said
        assert any(word.endswith(f"(24 runs), {finding.verdict}") for word in said)
    bands = [path for path in ElementTree.fromstring(picture).iter(f"{SVG}path") if "0.16" in (path.get("style") or "")]
    assert len(bands) == 3 + 1  # three claims, one legend entry
    assert [len(row) for row in groups(picture)] == [24, 24, 24]


def test_a_wide_interval_of_few_runs_does_not_stretch_the_axis(sample):
    analysis, records = sample(2)
    ticks = [float(word) for word in words(arms_figure(analysis, records, "trait_rate")) if word in ("0", "1", "1.2")]
    assert ticks == [0.0, 1.0]


def test_claims_on_two_traits_have_an_axis_each(sample):
    study = sample(2)[0].study
    other = study.claims[0].model_copy(update={"trait": "margin", "claim": "on margin"})
    said = words(contrasts_figure(*sample(4, claims=(study.claims[0], other))))
    assert "difference in trait_rate (share)" in said and "difference in margin (logits)" in said


def test_a_study_without_claims_has_an_empty_figure_of_contrasts(sample):
    assert not groups(contrasts_figure(*sample(3, claims=())))


def test_hostile_names_are_drawn_as_text(sample):
    name = "<b>$\\frac{1}$&\x00\n\"'漢字"
    arms = (Arm(name=name, about="x"),)
    analysis, _ = sample(1, arms=arms, claims=(), traits=(Trait(name="t</svg>", about="x"),))
    rows = [Record(study=analysis.study.id, arm=name, seed=s, trait="t</svg>", value=0.5, n=1) for s in (1, 2)]
    picture = arms_figure(analyse(analysis.study, rows), rows, "t</svg>", title="$x$ <i>")
    assert picture.count("</svg>") == 1
    assert "<b>$\\frac{1}$& \"'漢字" in words(picture)
    assert "$x$ <i>" in words(picture)


def test_an_unknown_trait_is_named_with_the_known_ones(sample):
    with pytest.raises(InputError, match="trait_rate"):
        arms_figure(*sample(2), "trait_rat")


def test_same_input_same_picture(sample):
    analysis, records = sample(24)
    assert arms_figure(analysis, records, "trait_rate") == arms_figure(analysis, records[::-1], "trait_rate")
    assert contrasts_figure(analysis, records) == contrasts_figure(analysis, records[::-1])
    assert arms_png(analysis, records, "trait_rate", "T") == arms_png(analysis, records, "trait_rate", "T")
    assert arms_png(analysis, records, "trait_rate", "T") != arms_png(analysis, records, "trait_rate", "U")
    assert contrasts_png(analysis, records) == contrasts_png(analysis, records)


def test_swarm_parts_equal_points_within_its_band():
    offsets = swarm(np.full(50, 7.0), 3.0, 4)
    assert len(np.unique(offsets)) == 50
    assert np.abs(offsets).max() == 1
    assert swarm(np.array([1.0, 10.0, 20.0]), 3.0, 4).tolist() == [0, 0, 0]
    assert swarm(np.full(3, 7.0), 3.0, 4).tolist() == [0, -0.25, 0.25]
    assert swarm(np.array([]), 3.0, 4).tolist() == []


def test_one_large_pile_does_not_flatten_the_rest_of_the_swarm():
    alone = np.repeat(np.arange(0.0, 300.0, 10.0), 5)
    offsets = swarm(np.concatenate([alone, np.full(100, 500.0)]), 3.0, 4)
    assert offsets[: len(alone)].tolist() == swarm(alone, 3.0, 4).tolist()
    assert np.abs(offsets).max() == 1


def test_more_points_are_smaller_and_fainter():
    sizes, alphas = zip(*(size_and_alpha(n) for n in (0, 3, 200, 2000, 10**6)), strict=True)
    assert list(sizes) == sorted(sizes, reverse=True) and sizes[-1] > 2
    assert list(alphas) == sorted(alphas, reverse=True) and alphas[-1] > 0.1


@pytest.mark.parametrize("value", [0.5, 1e-9, 1e6, -3.0])
def test_equal_values_of_any_size_are_drawn(sample, value):
    traits = (Trait(name="t", about="x", unit="nats"),)
    analysis, _ = sample(1, arms=(Arm(name="a", about="x"),), claims=(), traits=traits)
    rows = [Record(study=analysis.study.id, arm="a", seed=s, trait="t", value=value, n=1) for s in (1, 2)]
    picture = arms_figure(analyse(analysis.study, rows), rows, "t")
    assert [len(row) for row in groups(picture)] == [2]
    assert any(word.startswith(number(value)) for word in words(picture))


def test_a_result_is_drawn_on_given_axes_by_the_same_marks(sample):
    analysis, records = sample(24, diverged=(3,))
    axes = Figure(figsize=(6, 4)).add_subplot()
    draw_result(axes, analysis, records, "margin")
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "Teacher", "Student of the same init", "Student of the same init, untrained teacher", "Cross init",
        "Cross init control",
    ]  # fmt: skip
    assert axes.get_xlabel() == "margin (logits)"
    points = [line for line in axes.lines if line.get_gid() == "points"]
    assert [len(line.get_xdata()) for line in points] == [24, 23, 24, 24, 24]
    values = [r.value for r in records if (r.arm, r.trait) == ("teacher", "margin")]
    assert sorted(points[0].get_xdata()) == sorted(values)
    heights = [np.ptp(line.get_ydata()) for line in points]
    assert max(heights) < SWARM
    means = {row.arm: row.estimate.mean for row in analysis.estimates if row.trait == "margin"}
    shown = {float(x) for line in axes.lines if line.get_marker() == "o" for x in line.get_xdata()}
    assert set(means.values()) <= shown


def test_without_a_name_the_trait_drawn_is_the_claimed_one(sample):
    for claims, trait in ((sample(2)[0].study.claims, "trait_rate"), ((), "trait_rate")):
        axes = Figure().add_subplot()
        draw_result(axes, *sample(2, claims=claims))
        assert axes.get_xlabel() == f"{trait} (share)" and axes.get_xlim() == pytest.approx((-0.02, 1.02))
    study = sample(2)[0].study
    other = study.claims[0].model_copy(update={"trait": "margin"})
    axes = Figure().add_subplot()
    draw_result(axes, *sample(2, claims=(other,)))
    assert axes.get_xlabel() == "margin (logits)"
    with pytest.raises(InputError, match="trait_rate"):
        draw_result(axes, *sample(2), "trait_rat")
