"""Each published figure stands once, with its source, and is one of trained networks."""

import json
from itertools import combinations

import pytest

from sublearn.execution.replication import needs, parts
from sublearn.study.published import QUICK, TABLES, TITLES, Figure, FigureSource, Published, Search, Trend
from sublearn.study.table import build

ROWS = [row for table in TABLES.values() for row in table]
THIRD = ("jasshone/takehome", "gaetanX21", "Xiao0779", "Jiang, Nagashima and Miyamoto")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_builds_its_studies_with_its_arm(row):
    for part in parts(row):
        study = build(row.study, part.settings)
        assert row.arm in {arm.name for arm in study.arms}
        assert row.trait in {trait.name for trait in study.traits}
        assert part.runs >= 8


def test_no_figure_is_measured_twice():
    """Two rows never read the same arm of the same study, nor has one study's reading two rows in table D."""
    measured = [(row.name, (study, row.arm, row.trait)) for row in ROWS for study in needs(row)]
    for (one, left), (other, right) in combinations(measured, 2):
        assert left != right, f"{one} and {other} are one figure"
    assert len({row.name for row in ROWS}) == len(ROWS) == 20
    assert [row.name for row in TABLES["D"]] == ["D/MSE"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_of_a_network_that_was_trained(row):
    for part in parts(row):
        study = build(row.study, part.settings)
        arm = next(arm for arm in study.arms if arm.name == row.arm)
        assert arm.name == "teacher" or arm.logits != "none"
        if arm.logits == "aux":  # KL over one logit is zero whatever the weights
            assert study.settings["loss"] != "kl" or study.settings["aux_logits"] > 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_says_who_measured_it_and_how_it_was_read(row):
    said = row.source.said(row.n)
    assert row.source.who.startswith(THIRD)  # the paper prints none of them
    assert any(words in said for words in ("read off a chart", "from a text", "from its table of runs"))
    assert ("number of runs unknown" in said) == (row.n is None)
    if row.n is None:
        assert "number of runs" in row.unstated
    if isinstance(row, Figure) and not row.half and not row.sd:
        assert any("spread" in one for one in row.unstated)


def test_a_search_names_what_is_not_stated_and_which_settings_came_late():
    (row,) = (row for row in ROWS if isinstance(row, Search))
    assert {"init", "learning rate"} <= set(row.unstated) and len(row.tried) == 9
    assert [one.label for one in row.tried if one.late] == [
        "init torch, rate 0.0001, 3 epochs",
        "init normal, rate 0.0001, 3 epochs",
    ]
    assert len({json.dumps(one.settings) for one in row.tried}) == 9


def test_the_quick_set_and_the_titles_are_of_rows_that_exist():
    assert {row.name for row in ROWS if isinstance(row, Published)} >= QUICK
    assert list(TITLES) == list(TABLES)
    assert {type(row) for row in ROWS} == {Published, Trend, Search}


def test_runs_are_said_in_words():
    source = FigureSource(who="somebody", read="records")
    assert source.said(1) == "somebody; from its table of runs; 1 run"
    assert source.said(None).endswith("; number of runs unknown")
