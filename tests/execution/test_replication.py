import json
import re
from html import unescape
from pathlib import Path

import pytest

from sublearn.errors import InputError
from sublearn.execution import replication
from sublearn.execution.options import Options
from sublearn.execution.replication import Comparison, Provenance, Reading, Span
from sublearn.report.page import replication_page
from sublearn.report.replication import FIRST_RULE, LEFT_OUT, MEANING, RULE_TEXT, finding, markdown, summary
from sublearn.results.replication import Replication, replicate
from sublearn.study.agreement import RULE
from sublearn.study.published import TABLES, FigureSource, Published, Search, Trend, Tried
from sublearn.study.tutorial import train as tutorial
from tests.report.samples import unmarked

SMALL = {"teacher.epochs": 4, "inputs.count": 9600, "width": 64, "arms": ["same_init", "teacher"]}
TINY = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}
SOURCE = FigureSource(who="somebody", read="chart")


def published(name: str, **known) -> Published:
    return Published(**{"name": name, "what": "x", "source": SOURCE, "value": 0.5} | known)


def test_names_choose_tables_and_figures():
    assert {row.table for row in replication.chosen(["A", "C/real"], False)} == {"A", "C"}
    assert len(replication.chosen([], False)) == sum(map(len, TABLES.values()))
    assert all(row.runs == 2 for row in replication.chosen([], True))
    with pytest.raises(InputError, match="Did you mean 'C/real'"):
        replication.chosen(["C/rael"], False)


def test_a_short_replication_runs_compares_and_writes_its_page(tmp_path):
    rows: list[Published | Trend | Search] = [
        published(name, what=what, study="digits", settings=SMALL, arm="teacher", value=value, half=0.05, n=25, runs=6)
        for name, what, value in (("T/teacher", "teacher", 0.85), ("T/far", "far off", 0.2))
    ]
    rows += [
        Trend(
            name="T/mix",
            what="falls",
            source=SOURCE,
            n=25,
            study="digits",
            key="inputs.alpha",
            values=(0.0, 1.0),
            settings=SMALL | {"inputs.kind": "mixture"},
            direction="falls",
            runs=3,
        ),
        Search(
            name="T/sought",
            what="sought",
            source=SOURCE,
            study="digits",
            arm="teacher",
            settings=SMALL,
            value=0.85,
            half=0.05,
            n=25,
            unstated=("epochs",),
            tried=(
                Tried(label="4 epochs", settings={}, runs=6),
                Tried(label="1 epoch", settings={"teacher.epochs": 1}, runs=2, late=True),
            ),
        ),
    ]
    said: list[Comparison] = []
    found = replicate(rows, tmp_path, Options(), said.append, "sublearn replicate", quick=True)
    assert [one.verdict for one in found.findings[:2]] == ["agrees", "differs"]
    assert sorted(said, key=lambda one: one.name) == sorted(found.findings, key=lambda one: one.name)
    assert found == Replication.load(tmp_path)
    assert [len(one.measured) for one in found.findings] == [1, 1, 2, 2]
    sought = found.findings[3]
    assert sought.verdict == "undetermined" and "not stated: epochs; 1 of 2 settings" in sought.because
    assert [(one.label, one.verdict, one.late) for one in sought.readings] == [
        ("4 epochs", "agrees", False),
        ("1 epoch", "cannot tell", True),
    ]
    assert sought.published and sought.published.low
    page = unmarked((tmp_path / "replication.html").read_text())
    assert "A first look with 2 runs" in page
    assert "T/teacher" in page
    assert "http" not in page
    assert "| T/far: far off |" in (tmp_path / "replication.md").read_text()
    written = json.loads((tmp_path / "replication.json").read_text())
    assert len(written["figures"]) == 4
    assert written["made"]["rule"] == RULE and written["made"]["runtime"] == {"precision": "highest"}


def test_their_interval_is_kept_only_where_it_is_known_and_within_a_share():
    spans = {
        name: replication._published(published(name, **known))
        for name, known in {
            "known": {"half": 0.04, "n": 25},
            "no runs": {"half": 0.04},
            "no spread": {"n": 25},
            "wide": {"value": 0.95, "sd": 0.4, "n": 4},
        }.items()
    }
    assert spans["known"] and spans["known"].low == pytest.approx(0.5 - 0.04 * 2.0639 / 1.96, abs=1e-4)
    assert spans["no runs"] == spans["no spread"] == Span("", 0.5)
    assert spans["wide"] and spans["wide"].high == 1.0


def test_the_number_of_runs_and_the_spread_are_said_or_said_to_be_unknown():
    said = [replication._theirs(published("x", **known)) for known in ({"half": 0.04, "n": 25}, {"n": 1}, {})]
    assert said == ["0.50 ± 0.04 (25 runs)", "0.50, spread unknown (1 run)", "0.50, spread unknown (runs unknown)"]


def test_a_study_that_fails_ends_no_other_and_its_figure_cannot_be_told(tmp_path, monkeypatch):
    rows = [
        published(f"T/{n}", study="tutorial", settings=TINY | {"hidden": n}, arm="teacher", value=1.0, runs=2)
        for n in (4, 6)
    ]
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


def _comparison(name, verdict, **more):
    return Comparison(name, "what", "source", "0.27", "0.30 ± 0.05 (20 runs)", verdict, "because", "command", **more)


def test_the_tally_is_said_in_words_and_counts_what_is_undetermined_apart():
    rows = [_comparison("A/x", "agrees"), _comparison("A/y", "differs")]
    assert summary(rows) == "2 figures: 1 agrees, 1 differs, 0 cannot be told."
    assert summary([*rows, rows[0]]).startswith("3 figures: 2 agree, 1 differs")
    assert summary(rows[:1]).startswith("1 figure: ")
    sought = _comparison("D/x", "undetermined")
    assert summary([*rows, sought]).startswith(
        "2 figures: 1 agrees, 1 differs, 0 cannot be told. Apart from these, 1 is"
    )
    assert summary([*rows, sought, sought]).endswith("2 are undetermined: settings are not stated.")


READINGS = tuple(
    Reading(f"setting {number}", "0.30 ± 0.05 (20 runs)", verdict, "because", late)
    for number, (verdict, late) in enumerate(
        (("agrees", False), ("differs", False), ("differs", False), ("cannot tell", True))
    )
)


def test_a_search_gets_its_finding_on_the_page_and_in_markdown_and_counts_once():
    sought = _comparison("D/MSE", "undetermined", readings=READINGS, unstated=("init", "learning rate"))
    rows = [_comparison("A/teacher", "agrees"), sought]
    said = finding(rows) or ""
    assert (
        "does not state init and learning rate. 4 settings were tried: 1 agrees with it, 2 differ and 1 cannot" in said
    )
    assert "Chosen after the others were seen: setting 3." in said
    assert "what could have given it, not what did" in said
    made = Provenance("command", "highest", {}, rule=RULE)
    text, page = markdown(rows, made), unmarked(replication_page(rows, made))
    for shown in (text, page):
        assert said in shown and "1 figure: 1 agrees" in shown and "Apart from these, 1 is undetermined" in shown
        assert all(one.label in shown for one in READINGS)
    assert text.count("| D/MSE") == 1 and page.count("<strong>D/MSE</strong>") == 1


def test_without_a_search_there_is_no_finding():
    rows = [_comparison("A/teacher", "agrees")]
    assert finding(rows) is None
    assert "settings were tried" not in markdown(rows, Provenance("command", "highest", {}, rule=RULE))
    assert "1 setting was tried: 1 differs." in (
        finding([_comparison("D/x", "undetermined", readings=READINGS[1:2])]) or ""
    )


def test_the_page_and_the_text_say_what_agreement_means_and_what_each_source_leaves_open():
    rows = [
        _comparison("A/x", "agrees", unstated=("its init",), otherwise=("their noise is cut off",)),
        _comparison("A/y", "agrees", otherwise=("their noise is cut off",)),
    ]
    made = Provenance("command", "highest", {}, rule=RULE)
    text, page = markdown(rows, made), unescape(unmarked(replication_page(rows, made)))
    for shown in (text, page):
        for words in (RULE_TEXT, *MEANING, LEFT_OUT, "their noise is cut off"):
            assert words in shown
    assert "- A/x, A/y: source.\n  - Not stated (A/x): its init.\n  - Known to be otherwise here: their noise" in text
    assert "Not stated: its init." in page
    assert page.index(RULE_TEXT) < page.index("<table")


def test_the_document_has_each_figure_once_as_it_is_published():
    text = (Path(__file__).parents[2] / "docs" / "replication.md").read_text()
    rows = [row for table in TABLES.values() for row in table]
    assert re.findall(r"^\| ([A-D]/[^:|]+): ", text, re.MULTILINE) == [row.name for row in rows]
    for row in rows:
        assert f"| {row.name}: {row.what} | {replication._theirs(row)} | " in text
        assert f"{row.source.said(row.n)}." in text
    for words in (RULE_TEXT, *MEANING, LEFT_OUT):
        assert words in text


OLD = {
    "made": {"command": "sublearn replicate", "precision": "medium", "versions": {"sublearn": "0.1.0"}, "quick": None},
    "figures": [
        {
            "name": name, "what": "what", "source": "Cloud et al. 2025, section 6", "theirs": "0.55 ± 0.037 (25 runs)",
            "ours": "0.532 ± 0.054 (25 runs)", "verdict": verdict, "because": "within", "command": "sublearn run mnist",
        }
        for name, verdict in (("A/same_init", "agrees"), ("C/noise", "agrees"), ("D/torch/lr=0.0001", "differs"))
    ],
}  # fmt: skip


def test_a_replication_of_version_0_1_is_read_with_its_own_rule_and_says_so(tmp_path):
    (tmp_path / "replication.json").write_text(json.dumps(OLD, indent=2))
    found = Replication.load(tmp_path)
    assert found.rule == 1 and found.provenance.runtime == {"precision": "medium"}
    assert found.summary() == "3 rows: 2 agree, 1 differs, 0 cannot be told. Counted and judged by an earlier rule."
    found.write()
    text, page = (tmp_path / "replication.md").read_text(), unmarked((tmp_path / "replication.html").read_text())
    for shown in (text, page):
        assert FIRST_RULE in shown and RULE_TEXT not in shown and MEANING[2] not in shown
    again = found.save(tmp_path / "again")
    assert again.rule == 1 and Replication.load(tmp_path / "again") == found
