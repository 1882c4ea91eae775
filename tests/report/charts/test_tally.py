"""Bars of single runs."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from sublearn.report.charts.figures import outcome_figure
from sublearn.report.charts.sheet import NARROW, WIDE
from sublearn.report.charts.svg import svg_text
from sublearn.report.charts.tally import MOST_BARS, Tally, draw_tallies
from sublearn.report.outcome import pairs_of


def strokes(picture: str, colour: str) -> list[tuple[float, float]]:
    """Where each bar of a colour begins and ends upwards."""
    found = []
    for path in ElementTree.fromstring(picture).iter("{http://www.w3.org/2000/svg}path"):
        width = re.search(r"stroke-width: ([\d.]+)", path.get("style", ""))
        if f"stroke-{colour}" in path.get("class", "").split() and width and float(width[1]) > 1.01:
            for start, end in re.findall(r"M [\d.]+ ([\d.]+)\s+L [\d.]+ ([\d.]+)", path.get("d", "")):
                found.append((float(start), float(end)))
    return found


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_each_run_is_a_bar_up_or_down_by_its_difference(sample, width):
    pairs = pairs_of(*sample(24))
    picture = outcome_figure(pairs, width)
    up = {colour: strokes(picture, colour) for colour in ("same", "cross", "control")}
    same, cross = pairs
    assert len(up["same"]) == same.above == 24 and len(up["cross"]) == cross.above
    assert len(up["control"]) == 48 - same.above - cross.above
    assert all(end < start for start, end in (*up["same"], *up["cross"]))
    assert all(end > start for start, end in up["control"])
    heights = np.array([start - end for start, end in up["same"]])
    ordered = np.sort(same.differences)[::-1]
    assert heights / heights[0] == pytest.approx(ordered / ordered[0], abs=0.02)


def test_words_say_what_the_sentence_says(sample):
    label = ElementTree.fromstring(outcome_figure(pairs_of(*sample(24)))).get("aria-label", "")
    assert "Student of the same init scored higher on trait_rate than its control in all 24 runs, by +" in label


def test_runs_without_a_difference_have_a_stroke_on_the_line():
    picture = svg_text(draw_tallies([Tally("a", "", "same", np.array([0.0, 1.0, 0.0]))], "", WIDE), "")
    assert len(strokes(picture, "same")) == 1
    level = strokes(picture, "control")
    assert len(level) == 2 and all(start == end == strokes(picture, "same")[0][0] for start, end in level)


@pytest.mark.parametrize("n", [0, 1, MOST_BARS, MOST_BARS + 1, 20_000])
def test_of_many_runs_some_are_drawn_in_proportion(n):
    values = np.linspace(-1, 3, n)
    shown = Tally("a", "", "same", values).shown
    assert len(shown) == min(n, MOST_BARS) and (np.diff(shown) <= 0).all()
    if n > MOST_BARS:
        assert np.mean(shown > 0) == pytest.approx(np.mean(values > 0), abs=2 / MOST_BARS)
