"""Looks at a run directory that grows: each is written down once, before it is shown, and spends a part of the 5%."""

import json
import shutil
from pathlib import Path

import pytest

from sublearn.errors import InputError
from sublearn.execution import looks, store
from sublearn.execution.plan import Point, few
from sublearn.records import Record
from sublearn.results.single import Result, run
from sublearn.results.sweep import sweep
from sublearn.seeds import stream
from sublearn.study.base import Study
from sublearn.study.table import build
from tests.processes import SMALL, sublearn

OLD = Path(__file__).parent.parent / "data" / "v0.1.0"
SIZES = {key: value for key, value in SMALL.items() if key != "hidden"}
STUDY = build("tutorial", SMALL)
RUNTIME = {"device": "cpu", "precision": "highest"}


def grow(folder: Path, n: int, study: Study = STUDY) -> None:
    """Add records, made by hand, of all seeds below n that are not there yet."""
    with store.writing(folder, study, RUNTIME, "c") as writer:
        for seed in range(n):
            for arm in study.arms:
                raised = 0.3 * (arm.name == "distill_same_init")
                values = stream(seed, f"looks/{arm.name}").uniform(0, 0.7, len(study.traits)) + raised
                writer.add(
                    Record(study=study.id, arm=arm.name, seed=seed, trait=trait.name, value=value, n=200)
                    for trait, value in zip(study.traits, values.tolist(), strict=True)
                )


def reported(folder: Path) -> Result:
    """The report of a run directory, written again."""
    result = Result.load(folder)
    result.write()
    return result


def said_before(seeds, folder: Path, cells: int = 1) -> str:
    """What is said before a run."""
    return few(Point(STUDY, list(seeds), folder), cells) or ""


def written(folder: Path) -> list[int]:
    """The numbers of runs of the looks that are written down."""
    return [look["runs"] for look in json.loads((folder / looks.FILE).read_text())["looks"]]


def test_each_number_of_runs_is_one_look_however_often_it_is_reported(tmp_path):
    for n in (8, 12, 12, 24):
        grow(tmp_path / "r", n)
        for _ in range(2):
            result = reported(tmp_path / "r")
    assert written(tmp_path / "r") == [8, 12, 24]
    assert result.analysis.looks == (8, 12, 24)
    assert result.analysis.family.look == 3
    assert Result.load(tmp_path / "r").analysis == result.analysis


def test_every_look_widens_the_next_interval(tmp_path):
    grow(tmp_path / "once", 24)
    once = reported(tmp_path / "once").analysis.findings[0]
    for n in (8, 12, 24):
        grow(tmp_path / "r", n)
        thrice = reported(tmp_path / "r").analysis.findings[0]
    assert None not in (once.low, once.high, thrice.low, thrice.high)
    assert (thrice.high or 0) - (thrice.low or 0) > (once.high or 0) - (once.low or 0)


def test_the_page_the_terminal_and_the_estimates_tell_of_the_looks(tmp_path, monkeypatch, capsys):
    for n in (8, 12):
        grow(tmp_path / "r", n)
        assert sublearn(monkeypatch, "report", str(tmp_path / "r")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "This is look 2 at growing records; the verdict was seen before, at 8 runs." in said
    assert "95% for all 2 looks together" in said
    page = (tmp_path / "r" / "report.html").read_text()
    assert "This is look 2 at growing records" in page
    assert json.loads((tmp_path / "r" / "estimates.json").read_text())["looks"] == [8, 12]


def test_a_look_at_too_few_runs_for_any_verdict_spends_nothing(tmp_path):
    for n in (2, 5, 24):
        grow(tmp_path / "r", n)
        result = reported(tmp_path / "r")
    assert written(tmp_path / "r") == [2, 5, 24]
    assert (result.analysis.family.look, result.analysis.looks) == (1, (24,))


def test_a_look_is_written_down_before_it_is_shown(tmp_path, monkeypatch):
    grow(tmp_path / "r", 8)
    monkeypatch.setattr("sublearn.results.single.write_page", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        reported(tmp_path / "r")
    monkeypatch.undo()
    assert written(tmp_path / "r") == [8]
    assert reported(tmp_path / "r").analysis.looks == (8,)


def test_reading_writes_no_look_down(tmp_path):
    grow(tmp_path / "r", 8)
    assert Result.load(tmp_path / "r").analysis.looks == (8,)
    assert not (tmp_path / "r" / looks.FILE).exists()


def test_the_estimates_that_version_0_1_left_are_a_look(tmp_path):
    shutil.copytree(OLD / "run", tmp_path / "r")
    seen = json.loads((tmp_path / "r" / "estimates.json").read_text())["seeds"]
    before = Result.load(tmp_path / "r")
    assert before.analysis.family.look == 1  # that very look
    study = before.study
    with store.writing(tmp_path / "r", study, before_runtime(tmp_path / "r"), "c") as writer:
        for seed in range(20):
            common = {"study": study.id, "seed": seed, "value": 0.5, "n": 20}
            writer.add(Record(arm=a.name, trait=t.name, **common) for a in study.arms for t in study.traits)
    reported(tmp_path / "r")
    assert written(tmp_path / "r") == [len(seen), 20]


def before_runtime(folder: Path) -> dict[str, str]:
    return {"precision": store.load(folder).manifest.runtime["precision"]}


def test_a_damaged_list_of_looks_is_refused_and_left(tmp_path):
    grow(tmp_path / "r", 8)
    (tmp_path / "r" / looks.FILE).write_text('{"looks": 3}')
    with pytest.raises(InputError, match=r"looks\.json is damaged"):
        reported(tmp_path / "r")
    assert (tmp_path / "r" / looks.FILE).read_text() == '{"looks": 3}'
    assert not (tmp_path / "r" / "estimates.json").exists()


def test_shards_wait_with_the_verdict_until_all_runs_are_there(tmp_path):
    folder = tmp_path / "r"
    for i in (1, 2):
        result = run("tutorial", range(8), folder, shard=(i, 2), **SMALL)
        if i == 1:
            assert "4 of 8 runs are there" in result.analysis.findings[0].because
            assert not (folder / looks.FILE).exists()
    assert written(folder) == [8]
    assert "are there" not in result.analysis.findings[0].because


def test_a_sweep_is_adjusted_over_its_cells_and_so_are_its_run_directories(tmp_path):
    points = sweep("tutorial", {"hidden": [4, 8, 12]}, range(3), tmp_path / "s", **SIZES).points
    assert {point.analysis.family.cells for point in points} == {3}
    assert "95% for all 3 cells together" in points[0].analysis.family.text
    folder = tmp_path / "s" / points[0].analysis.study.id
    assert Result.load(folder).analysis.family.cells == 3
    assert written(folder) == [3]


def test_before_a_run_that_can_reach_no_verdict_it_says_how_many_runs_can(tmp_path):
    said = said_before(range(3), tmp_path / "none")
    assert (
        said == "Note: 3 runs cannot reach a verdict, whatever comes out: it takes at least 7 (95%), as in --seeds 0:7."
    )
    assert not said_before(range(7), tmp_path / "none")
    assert "at least 10" in said_before(range(7), tmp_path / "none", 12)


def test_what_is_there_counts_and_so_do_its_looks(tmp_path):
    grow(tmp_path / "r", 7)
    assert not said_before([0, 1, 30], tmp_path / "r")  # 8 runs in all, and no look yet
    reported(tmp_path / "r")
    assert "at least 9" in said_before([0, 1, 30], tmp_path / "r")


def test_a_result_that_is_saved_elsewhere_takes_its_looks_along(tmp_path):
    for n in (8, 12):
        grow(tmp_path / "r", n)
        result = reported(tmp_path / "r")
    saved = result.save(tmp_path / "elsewhere")
    assert written(tmp_path / "elsewhere") == [8, 12]
    assert saved.analysis.looks == (8, 12)


def test_power_counts_the_looks_and_gives_a_range(tmp_path, monkeypatch, capsys):
    grow(tmp_path / "r", 12)
    ranges = []
    for _ in range(2):
        assert sublearn(monkeypatch, "power", str(tmp_path / "r")) == 0
        ranges.append(capsys.readouterr().out)
        reported(tmp_path / "r")
        grow(tmp_path / "r", 13)
    assert " to " in ranges[0] and "runs for 80% power" in ranges[0] and "for 90% power" in ranges[0]


def test_power_never_says_an_absurd_number(monkeypatch, capsys):
    for arguments in (("tutorial",), ("prompts",), ("prompts", "--effect", "0.001")):
        assert sublearn(monkeypatch, "power", *arguments) == 0
        out = capsys.readouterr().out
        assert "> 1,000" in out or "0.2" in out
        assert not any(len(word.replace(",", "")) > 4 and word.replace(",", "").isdigit() for word in out.split())


def test_two_seeds_of_prompts_are_inconclusive(tmp_path, monkeypatch, capsys):
    """The command by which version 0.1.0 called a true claim refuted."""
    small = ("--set", "student.epochs=2", "--set", "teacher.epochs=2")
    out = str(tmp_path / "r")
    assert sublearn(monkeypatch, "run", "prompts", "--seeds", "36,37", *small, "--jobs", "1", "--out", out) == 0
    printed, told = capsys.readouterr()
    assert "2 runs cannot reach a verdict" in told
    assert "INCONCLUSIVE" in printed
    assert not any(word in printed for word in ("SUPPORTED", "REFUTED", "NEGLIGIBLE"))
