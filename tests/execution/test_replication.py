import json

import numpy as np
import pytest

from sublearn.errors import InputError
from sublearn.execution import replication
from sublearn.execution.options import Options
from sublearn.execution.replication import Comparison, Made
from sublearn.report.page import replication_page
from sublearn.report.replication import finding, markdown, summary
from sublearn.results.replication import Replication, replicate
from sublearn.study.published import TABLES, Published, Trend
from sublearn.study.table import build
from sublearn.study.tutorial import train as tutorial

SMALL = {"teacher.epochs": 4, "inputs.count": 9600, "width": 64, "arms": ["same_init", "teacher"]}
TINY = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}
ROW = Published(name="T/x", what="x", value=0.5, half=0.02, n=25)


def values(mean: float, sd: float, n: int) -> list[float]:
    ramp = np.linspace(-1, 1, n)
    return list(mean + ramp / ramp.std(ddof=1) * sd)


@pytest.mark.parametrize(
    ("mean", "sd", "expected"),
    [(0.51, 0.02, "agrees"), (0.60, 0.02, "differs"), (0.40, 0.02, "differs"), (0.6, 0.8, "cannot tell")],
)
def test_a_figure_agrees_within_the_joint_interval(mean, sd, expected):
    assert replication.compare(ROW, values(mean, sd, 25))[0] == expected


def test_an_unpublished_spread_is_assumed_and_said():
    bare = Published(name="T/x", what="x", value=0.5)
    assert "theirs unpublished" in replication.compare(bare, values(0.5, 0.05, 25))[1]
    assert replication.compare(ROW, [0.5])[0] == "cannot tell"


def test_a_published_spread_is_one_of_its_own_runs():
    row = Published(name="T/x", what="x", value=0.5, sd=0.1, n=10, digits=3)
    joint = np.hypot(2.2622 * 0.1 / 10**0.5, 2.0639 * 0.02 / 5) + 0.0005  # t of 9 and of 24 degrees of freedom
    assert f"joint 95% interval ± {joint:.3f}" in replication.compare(row, values(0.5, 0.02, 25))[1]


@pytest.mark.parametrize(("reached", "expected"), [(0.93, "agrees"), (0.80, "differs")])
def test_a_published_best_is_held_against_the_best_of_ours(reached, expected):
    trend = Trend(name="T/x", what="best", key="k", values=(0.0, 1.0), direction="reaches", value=0.93)
    columns = [values(reached, 0.01, 10), values(0.3, 0.01, 10)]
    verdict, said = replication.compare_trend(trend, columns)
    assert verdict == expected
    assert "theirs unpublished: our sd over 25 runs" in said


@pytest.mark.parametrize(
    ("change", "sd", "expected"),
    [(0.0, 0.01, "agrees"), (-0.03, 0.01, "agrees"), (-0.2, 0.01, "differs"), (0.0, 0.5, "cannot tell")],
)
def test_a_published_lack_of_effect_is_held_against_the_change_paired_by_seed(change, sd, expected):
    trend = Trend(name="T/x", what="none", key="k", values=(0.0, 1.0), settings={}, direction="none")
    first = np.array(values(0.5, 0.3, 10))
    verdict, said = replication.compare_trend(trend, [list(first), list(first + values(change, sd, 10))])
    assert verdict == expected
    assert ("not zero, but within 0.05" in said) == (change == -0.03)


def test_every_published_row_builds_a_study_with_its_arm():
    for table in TABLES.values():
        for row in table:
            extra = {row.key: row.values[0]} if isinstance(row, Trend) else {}
            study = build(row.study, row.settings | extra)
            assert row.arm in {arm.name for arm in study.arms}
            assert row.trait in {trait.name for trait in study.traits}


def test_names_choose_tables_and_figures():
    assert {row.table for row in replication.chosen(["A", "C/real"], False)} == {"A", "C"}
    assert len(replication.chosen([], False)) == sum(map(len, TABLES.values()))
    assert all(row.runs == 2 for row in replication.chosen([], True))
    with pytest.raises(InputError, match="Did you mean 'C/real'"):
        replication.chosen(["C/rael"], False)


def test_a_short_replication_runs_compares_and_writes_its_page(tmp_path):
    rows: list[Published | Trend] = [
        Published(name=name, what=what, study="digits", settings=SMALL, arm="teacher", value=value, half=0.05, runs=6)
        for name, what, value in (("T/teacher", "teacher", 0.85), ("T/far", "far off", 0.2))
    ]
    rows += [
        Trend(
            name="T/mix",
            what="falls",
            study="digits",
            key="inputs.alpha",
            values=(0.0, 1.0),
            settings=SMALL | {"inputs.kind": "mixture"},
            direction="falls",
            runs=3,
        ),
    ]
    said: list[Comparison] = []
    found = replicate(rows, tmp_path, Options(), said.append, "sublearn replicate", quick=True)
    assert [one.verdict for one in found.findings[:2]] == ["agrees", "differs"]
    assert sorted(said, key=lambda one: one.name) == sorted(found.findings, key=lambda one: one.name)
    assert found == Replication.load(tmp_path)
    assert [len(one.measured) for one in found.findings] == [1, 1, 2]
    page = (tmp_path / "replication.html").read_text()
    assert "A first look with 2 runs" in page
    assert "T/teacher" in page
    assert "http" not in page
    assert "| T/far: far off |" in (tmp_path / "replication.md").read_text()
    assert len(json.loads((tmp_path / "replication.json").read_text())["figures"]) == 3


def test_a_study_that_fails_ends_no_other_and_its_figure_cannot_be_told(tmp_path, monkeypatch):
    rows = [
        Published(name=f"T/{n}", what="x", study="tutorial", settings=TINY | {"hidden": n}, arm="teacher",
                  trait="accuracy", value=1.0, half=0.05, runs=2)
        for n in (4, 6)
    ]  # fmt: skip
    real = tutorial.measure

    def measure(study, settings, seeds, setup):
        return 1 / 0 if settings.hidden == 4 else real(study, settings, seeds, setup)

    monkeypatch.setattr(tutorial, "measure", measure)
    found = replicate(rows, tmp_path, Options()).findings
    assert [one.name for one in found] == ["T/4", "T/6"]
    assert (found[0].verdict, found[0].ours) == ("cannot tell", "not measured")
    assert "ZeroDivisionError" in found[0].because and found[1].measured
    monkeypatch.setattr(tutorial, "measure", real)
    assert replicate(rows, tmp_path, Options()).findings[0].measured


def _comparison(name, verdict):
    return Comparison(name, "what", "source", "0.27", "0.30 ± 0.05 (20 runs)", verdict, "because", "command")


def test_the_tally_is_said_in_words():
    rows = [_comparison("A/x", "agrees"), _comparison("A/y", "differs")]
    assert summary(rows) == "2 figures: 1 agrees, 1 differs, 0 cannot be told."
    assert summary([*rows, rows[0]]).startswith("3 figures: 2 agree, 1 differs")
    assert summary(rows[:1]).startswith("1 figure: ")


def test_table_d_gets_its_finding_on_the_page_and_in_markdown():
    rows = [
        _comparison("A/teacher", "agrees"),
        _comparison("D/torch/lr=0.0001/5 epochs", "agrees"),
        _comparison("D/normal/lr=0.0003/5 epochs", "differs"),
        _comparison("D/torch/lr=0.0003/5 epochs", "differs"),
        _comparison("D/torch/lr=0.0003/1 epoch", "cannot tell"),
    ]
    said = finding(rows) or ""
    assert "4 settings were tried" in said
    assert "1 agrees with it: torch/lr=0.0001/5 epochs, 0.30 ± 0.05 (20 runs). 2 differ: normal/lr=0.0003/5" in said
    assert "1 cannot tell: torch/lr=0.0003/1 epoch, 0.30" in said
    made = Made("command", "highest", {})
    assert said in markdown(rows, made)
    assert said in replication_page(rows, made)


def test_without_table_d_there_is_no_finding_and_where_none_agrees_it_says_so():
    rows = [_comparison("A/teacher", "agrees")]
    assert finding(rows) is None
    assert "Table D" not in markdown(rows, Made("command", "highest", {}))
    assert "1 setting was tried" in (finding([_comparison("D/x", "differs")]) or "")
    assert "None agrees with it." in (finding([_comparison("D/x", "differs")]) or "")


def test_rows_of_table_d_say_one_epoch_and_which_were_chosen_late():
    names = {row.name: row.what for row in TABLES["D"]}
    assert "D/torch/lr=0.0003/1 epoch" in names
    late = [name for name, what in names.items() if "chosen after the other rows were seen" in what]
    assert late == ["D/torch/lr=0.0001/3 epochs", "D/normal/lr=0.0001/3 epochs"]
