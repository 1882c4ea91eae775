import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from sublearn.cli import story
from sublearn.execution import store, tracing
from sublearn.execution.engines import local
from sublearn.execution.manifests import Provenance
from sublearn.execution.options import Options
from sublearn.execution.replication import Comparison
from sublearn.execution.tracing import AlignmentFile, TraceFile
from sublearn.results import demo
from sublearn.results.replication import Replication
from sublearn.results.trace import Alignment, Trace
from sublearn.stats import Estimate
from sublearn.study.controlled.points import TracePoint
from tests.processes import LOCKS, SET, sublearn
from tests.report.samples import unmarked

ROWS = (Comparison("A/x", "what", "source", "0.27", "0.30 ± 0.05", "agrees", "because", "command"),)
MADE = Provenance("command", {"torch": "2"}, {"precision": "highest"})


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def silent(*_: object) -> None: ...


@pytest.fixture
def replication(tmp_path) -> Path:
    return Replication(ROWS, 2, MADE).save(tmp_path / "replication").folder


@pytest.fixture
def traced(tmp_path) -> Path:
    points = tuple(
        TracePoint(arm="same_init", seed=seed, step=step, quantity="cosine", value=step / 10 + seed / 100)
        for seed in (0, 1)
        for step in (0, 1)
    )
    found = TraceFile(study="prompts-0", command="command", versions={}, rows=tracing.means(points))
    return Trace(found, points).save(tmp_path / "trace").folder


@pytest.fixture
def reported(monkeypatch, capsys):
    """What the command prints of folders, and what it prints of them as JSON."""

    def report(*folders: Path) -> tuple[str, Any]:
        names = [str(folder) for folder in folders]
        assert sublearn(monkeypatch, "report", *names) == 0
        text = capsys.readouterr().out
        assert sublearn(monkeypatch, "report", *names, "--json") == 0
        return text, json.loads(capsys.readouterr().out)

    return report


def test_a_replication_is_written_again_as_it_was(replication, reported):
    before = files(replication)
    (replication / "replication.html").unlink()
    (replication / "replication.md").write_bytes(b"")
    text, value = reported(replication)
    assert files(replication) == before
    assert text.startswith("1 figure: 1 agrees") and text.endswith("replication.html\n")
    assert value == json.loads(before["replication.json"])


def test_a_trace_is_drawn_again_as_it_was(traced, reported):
    before = files(traced)
    (traced / "trace.svg").unlink()
    (traced / "trace.html").unlink()
    text, value = reported(traced)
    assert files(traced) == before
    assert "cosine" in text and text.endswith("trace.html\n")
    assert value == json.loads(before["trace.json"])["rows"]


def test_an_alignment_is_shown(tmp_path, reported):
    cell = Estimate(0.25, 0.1, 0.0, 0.5, 2, "95% t-interval")
    scale = tracing.Scale(0.5, cell, Estimate(None, None, None, None, 0, "none"), (0.1, None, 0.4), (0.2, 0.3, None))
    aligned = AlignmentFile(study="prompts-0", rows=(scale,), spearman=cell, runs=3)
    found = Alignment(aligned).save(tmp_path / "alignment")
    text, value = reported(found.folder)
    assert text == f"{found.summary()}\n{found.where}\n" and text.endswith("alignment.html\n")
    assert {"alignment.json", "alignment.svg", "alignment.html"} <= {path.name for path in found.folder.iterdir()}
    assert "+0.250" in text and "not finite" in text
    assert "Spearman 0.25, 95% interval 0.00 to 0.50 (1 scales x 2 runs; 1 with values" in text
    assert value["spearman"]["n"] == 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"made": 1, "figures": []}', '{"made": NaN}', '{"figures": [{}]}'])
def test_damaged_files_are_one_message(replication, traced, content, monkeypatch, capsys):
    for folder, name in ((replication, "replication.json"), (traced, "trace.json")):
        (folder / name).write_text(content)
        before = files(folder)
        assert sublearn(monkeypatch, "report", str(folder)) == 2
        assert name in capsys.readouterr().err
        assert files(folder) == before


def test_several_folders_are_shown_and_left_as_they_are(replication, traced, tmp_path, reported):
    (replication / "replication.html").unlink()
    (traced / "trace.svg").unlink()
    before = files(tmp_path)
    text, value = reported(replication, traced)
    assert files(tmp_path) == before
    assert len(value) == 2 and "are left as they are" in text.splitlines()[-1]


def test_a_demo_is_told_goes_on_and_its_page_is_written_again(tmp_path, monkeypatch, capsys):
    parts = (("tutorial", (0, 1)), ("tutorial", (0, 1, 2)), ("prompts", (0, 1)))
    monkeypatch.setattr(demo, "PARTS", parts)
    out, said = tmp_path / "demo", []
    story.tell(out, said.append, Options(), "sublearn demo")
    assert {path.name for path in out.iterdir()} == {*LOCKS, "demo.json", "report.html", "tutorial", "prompts"}
    page = unmarked((out / "report.html").read_text())
    for title, before, after in demo.WORDS:
        assert f"\n{title}\n" in "\n".join(said) and page.count(f"{escape(title)}</h2>") == 1
        for words in filter(None, (before, after)):
            assert words in " ".join(" ".join(said).split()) and escape(words) in page
    (out / "notes.txt").write_text("mine")
    first = files(out)
    monkeypatch.setattr(local, "connect", lambda *_: pytest.fail("something was run again"))
    story.tell(out, said.append, Options(), "sublearn demo")
    assert files(out) == first
    (out / "report.html").unlink()
    assert sublearn(monkeypatch, "report", str(out)) == 0
    assert files(out) == first
    assert capsys.readouterr().out.endswith(f"Report: {out / 'report.html'}\n")


def test_a_demo_of_version_0_1_goes_on_without_a_manifest(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "PARTS", (("tutorial", (0,)),) * 3)
    story.tell(tmp_path, silent, Options(), "sublearn demo")
    live = demo.Demo.load(tmp_path)
    assert live.provenance == Provenance("sublearn demo", store.versions(), {"precision": "highest"})
    written = json.loads((tmp_path / "demo.json").read_text())
    del written["runtime"]
    (tmp_path / "demo.json").write_text(json.dumps(written))
    assert demo.Demo.load(tmp_path).provenance == replace(live.provenance, runtime=live.results[0].provenance.runtime)
    (tmp_path / "demo.json").unlink()
    assert demo.Demo.load(tmp_path).provenance == live.results[0].provenance
    story.tell(tmp_path, silent, Options(), "sublearn demo")
    assert demo.Demo.load(tmp_path).provenance == live.provenance


@pytest.fixture
def ran(tmp_path, monkeypatch, capsys) -> Path:
    assert sublearn(monkeypatch, "run", "prompts", *SET, "--seeds", "0:3", "--out", str(tmp_path / "run")) == 0
    capsys.readouterr()
    return tmp_path / "run"


def test_tables_and_figures_are_written_beside_the_records(ran, monkeypatch, capsys):
    for options in (("--csv", "--latex", "--figures", "pdf"), ("--csv", "--latex", "--figures", "png")):
        assert sublearn(monkeypatch, "report", str(ran), *options) == 0
        assert f"Table: {ran / 'records.csv'}\n" in capsys.readouterr().out
    lines = (ran / "records.csv").read_text().splitlines()
    assert lines[0] == "study,arm,seed,trait,value,n,status,reason" and len(lines) == 1 + 3 * 7 * 2
    table = (ran / "estimates.tex").read_text()
    assert r"\toprule" in table and r"same\_init" in table and "_" not in table.replace(r"\_", "").split("\n", 2)[2]
    starts = {"pdf": b"%PDF", "png": b"\x89PNG", "svg": b"<svg"}
    found = {path.name: path.read_bytes() for path in (ran / "figures").iterdir()}
    assert set(found) == {f"{name}.{kind}" for name in ("trait_rate", "margin", "contrasts") for kind in starts}
    assert all(content.startswith(starts[name.rpartition(".")[2]]) for name, content in found.items())
    assert sublearn(monkeypatch, "run", "prompts", *SET, "--seeds", "0:4", "--out", str(ran)) == 0


def test_tables_of_several_folders_are_refused_before_anything_is_written(ran, replication, monkeypatch, capsys):
    before = files(ran.parent)
    for folders in ((str(ran), str(replication)), (str(ran), "--out", "page.html")):
        assert sublearn(monkeypatch, "report", *folders, "--csv") == 2
        assert "--csv, --latex and --figures write into one folder" in capsys.readouterr().err
    assert files(ran.parent) == before


def test_of_a_sweep_the_pages_of_its_runs_are_written_and_linked_if_asked(ran, tmp_path, monkeypatch, capsys):
    out = tmp_path / "sweep"
    asked = ("sweep", "prompts", *SET, "--seeds", "0:2", "--grid", "aux_logits=2,3", "--out", str(out))
    assert sublearn(monkeypatch, *asked) == 0
    assert not list(out.glob("*/report.html")) and "/report.html" not in (out / "report.html").read_text()
    assert sublearn(monkeypatch, "report", str(out), "--pages") == 0
    pages = [path.relative_to(out) for path in out.glob("*/report.html")]
    assert len(pages) == 2 and all(f'<a href="{page}">' in (out / "report.html").read_text() for page in pages)
    capsys.readouterr()
    assert sublearn(monkeypatch, "report", str(ran), "--pages") == 2
    assert "--pages is for sweeps" in capsys.readouterr().err


def test_how_to_cite_it_is_printed_alone(ran, replication, monkeypatch, capsys):
    before = files(ran.parent)
    assert sublearn(monkeypatch, "report", str(ran), str(replication), "--cite") == 0
    said = capsys.readouterr().out
    assert said.count("The sublearn authors, sublearn (version") == said.count("@software{sublearn") == 2
    assert "Published figures: source." in said and "are left as they are" not in said
    assert files(ran.parent) == before
    assert sublearn(monkeypatch, "report", str(ran), "--cite", "--json") == 2


def test_a_planted_link_is_not_followed(ran, tmp_path, monkeypatch, capsys):
    (tmp_path / "precious").write_text("mine")
    (ran / "records.csv").symlink_to(tmp_path / "precious")
    assert sublearn(monkeypatch, "report", str(ran), "--csv") == 2
    assert "is a link" in capsys.readouterr().err
    assert (tmp_path / "precious").read_text() == "mine"
