import json
from pathlib import Path

import pytest
from markupsafe import escape

from sublearn.cli import demo, reporting
from sublearn.errors import InputError
from sublearn.execution import pipeline, replicate, tracing
from sublearn.report.replication import Comparison, Made
from sublearn.report.trace import Alignment, Scale
from sublearn.stats import Estimate
from sublearn.study.controlled.trace import Point
from sublearn.study.table import build
from tests.processes import LOCKS, sublearn

ROWS = [Comparison("A/x", "what", "source", "0.27", "0.30 ± 0.05", "agrees", "because", "command")]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def silent(*_: object) -> None: ...


@pytest.fixture
def replication(tmp_path) -> Path:
    with replicate.place(tmp_path / "replication"):
        replicate.write(ROWS, Made("command", "highest", {"torch": "2"}, 2), tmp_path / "replication")
    return tmp_path / "replication"


@pytest.fixture
def traced(tmp_path) -> Path:
    points = [
        Point(arm="same_init", seed=seed, step=step, quantity="cosine", value=step / 10 + seed / 100)
        for seed in (0, 1)
        for step in (0, 1)
    ]
    with tracing.place(tmp_path / "trace"):
        tracing.write(build("prompts"), points, tmp_path / "trace", "command")
    return tmp_path / "trace"


def test_a_replication_is_written_again_as_it_was(replication):
    before = files(replication)
    (replication / "replication.html").unlink()
    (replication / "replication.md").write_bytes(b"")
    (shown,) = reporting.report([replication])
    assert files(replication) == before
    assert shown.text.startswith("1 figure: 1 agrees") and shown.text.endswith("replication.html")
    assert json.loads(json.dumps(shown.value)) == json.loads(before["replication.json"])


def test_a_trace_is_drawn_again_as_it_was(traced):
    before = files(traced)
    (traced / "trace.svg").unlink()
    (traced / "trace.html").unlink()
    (shown,) = reporting.report([traced])
    assert files(traced) == before
    assert "cosine" in shown.text and shown.text.endswith("trace.html")
    assert shown.value == json.loads(before["trace.json"])["rows"]


def test_an_alignment_is_shown(tmp_path):
    cell = Estimate(0.25, 0.1, 0.0, 0.5, 2, "95% t-interval")
    scale = Scale(0.5, cell, Estimate(None, None, None, None, 0, "none"), (0.1, None, 0.4), (0.2, 0.3, None))
    found = Alignment(study="prompts-0", rows=(scale,), spearman=cell, runs=3)
    text = tracing.write_alignment(found, tmp_path, "command")
    (shown,) = reporting.report([tmp_path])
    assert shown.text == text and text.endswith("alignment.html")
    assert {path.name for path in tmp_path.iterdir()} == {"alignment.json", "alignment.svg", "alignment.html"}
    assert "+0.250" in text and "not finite" in text
    assert "Spearman 0.25, 95% interval 0.00 to 0.50 (1 scales x 2 runs; 1 with values" in text
    assert shown.value["spearman"]["n"] == 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"made": 1, "figures": []}', '{"made": NaN}', '{"figures": [{}]}'])
def test_damaged_files_are_one_message(replication, traced, content):
    for folder, name in ((replication, "replication.json"), (traced, "trace.json")):
        (folder / name).write_text(content)
        before = files(folder)
        with pytest.raises(InputError, match=name):
            reporting.report([folder])
        assert files(folder) == before


def test_several_folders_are_shown_and_left_as_they_are(replication, traced, tmp_path):
    (replication / "replication.html").unlink()
    (traced / "trace.svg").unlink()
    before = files(tmp_path)
    shown = reporting.report([replication, traced])
    assert files(tmp_path) == before
    assert len(shown) == 2 and "are left as they are" in shown[1].text


def test_a_demo_is_told_goes_on_and_its_page_is_written_again(tmp_path, monkeypatch, capsys):
    parts = (("tutorial", (0, 1)), ("tutorial", (0, 1, 2)), ("prompts", (0, 1)))
    monkeypatch.setattr(demo, "PARTS", parts)
    out, said = tmp_path / "demo", []
    demo.tell(out, said.append, silent, "sublearn demo")
    assert {path.name for path in out.iterdir()} == {*LOCKS, "demo.json", "report.html", "tutorial", "prompts"}
    page = (out / "report.html").read_text()
    for title, before, after in demo.WORDS:
        assert f"\n{title}\n" in "\n".join(said) and page.count(f"{escape(title)}</h2>") == 1
        for words in filter(None, (before, after)):
            assert words in " ".join(" ".join(said).split()) and escape(words) in page
    (out / "notes.txt").write_text("mine")
    first = files(out)
    monkeypatch.setattr(pipeline, "place_of", lambda *_: pytest.fail("something was run again"))
    demo.tell(out, said.append, silent, "sublearn demo")
    assert files(out) == first
    (out / "report.html").unlink()
    assert sublearn(monkeypatch, "report", str(out)) == 0
    assert files(out) == first
    assert capsys.readouterr().out.endswith(f"Report: {out / 'report.html'}\n")


def test_a_demo_of_version_0_1_goes_on_without_a_manifest(tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "PARTS", (("tutorial", (0,)),) * 3)
    demo.tell(tmp_path, silent, silent, "sublearn demo")
    (tmp_path / "demo.json").unlink()
    demo.tell(tmp_path, silent, silent, "sublearn demo")
    assert (tmp_path / "demo.json").exists()
