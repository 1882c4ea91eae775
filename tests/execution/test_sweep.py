import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sublearn.errors import InputError
from sublearn.execution import store
from sublearn.execution import sweep as grids
from sublearn.execution.engines import local
from sublearn.execution.options import Options
from sublearn.execution.plan import describe
from sublearn.execution.store import load
from sublearn.execution.sweep import Grid, GridPoints
from sublearn.report.charts.sweep import sweep_figures
from sublearn.results.single import Result
from sublearn.results.single import run as run_study
from sublearn.results.sweep import Sweep, SweepPoint, plan, run_points
from sublearn.study.table import STUDIES
from tests.report.samples import unmarked

SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4}
SET = [text for key, value in SMALL.items() for text in ("--set", f"{key}={value}")]
GRID = {"student.lr": [1e-3, 1e-2], "student.epochs": [1, 2]}
GRIDS = ["--grid", "student.lr=1e-3,1e-2", "--grid", "student.epochs=1,2"]
SWEEP = Grid("tutorial", SMALL, GRID)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "sublearn", "sweep", "tutorial", *SET, *GRIDS, *arguments]


def sublearn(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=300, check=False)


def all_records(out: Path) -> list[str]:
    """Every line of every records file, sorted; doubled lines stay doubled."""
    return sorted(line for file in out.glob("*/records*.jsonl") for line in file.read_text().splitlines())


def run(out: Path, seeds=range(3), **options) -> Sweep:
    return run_points(GridPoints(SWEEP, list(seeds), out, "command"), Options(**options))


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "sweep"
    run(out, range(6))
    return out


def test_every_combination_is_a_study_of_its_own(whole):
    points = Sweep.load(whole).points
    assert [point.settings for point in points] == list(SWEEP.combinations())
    assert len({point.analysis.study.id for point in points}) == 4
    assert all(point.analysis.seeds == tuple(range(6)) for point in points)
    page = unmarked((whole / "report.html").read_text())
    assert "Against student.lr" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_the_frame_has_the_settings_as_columns(whole):
    frame = Sweep.load(whole).to_frame()
    assert len(frame) == 4 * 6 * 8
    assert frame.groupby(["student.lr", "student.epochs"]).size().tolist() == [48] * 4


def test_a_sweep_given_again_runs_only_what_is_missing(tmp_path, whole, monkeypatch):
    run(tmp_path, range(3))
    seen = []
    real = local.run_jobs
    monkeypatch.setattr(local, "run_jobs", lambda jobs, *rest: real((seen.append(job) or job for job in jobs), *rest))
    run(tmp_path, range(6))
    assert sorted(seed for job in seen for seed in job.seeds) == sorted([3, 4, 5] * 4)
    assert all_records(tmp_path) == all_records(whole)


def test_the_index_has_a_line_a_study(whole):
    first, *lines, last = (whole / "index.json").read_text().splitlines()
    assert (first, last) == ("[", "]")
    found = [json.loads(line.removesuffix(",")) for line in lines]
    assert found == json.loads((whole / "index.json").read_text())
    for one in found:
        own = json.loads((whole / one["id"] / "estimates.json").read_text())
        assert one == {"settings": one["settings"], **own}


def test_the_figure_of_a_setting_has_an_interval_at_each_value_that_has_one(whole):
    points = Sweep.load(whole).points
    for key in GRID:
        picture = ElementTree.fromstring(sweep_figures(points, key)[0])
        paths = [path for path in picture.iterfind(".//{*}path") if "stroke-width: 2;" in f"{path.get('style')};"]
        lines = [line.split() for path in paths for line in path.get("d", "").split("M")[1:]]
        upright = [(x, y, end) for x, y, _, above, end in lines if x == above]
        study = points[0].analysis.study
        with_one = sum(row.contrast.low is not None for row in points[0].analysis.contrasts[: len(study.claims)])
        per_value = 2 * len(study.arms) * len(study.traits) + 2 * with_one  # for each value of the other key
        assert len(upright) == len(set(upright)) == 2 * per_value


def test_the_index_is_made_anew_from_the_run_directories(tmp_path):
    run(tmp_path, range(2))
    before = (tmp_path / "index.json").read_text()
    (tmp_path / "index.json").unlink()
    Sweep.load(tmp_path).write()
    assert (tmp_path / "index.json").read_text() == before
    assert len(json.loads(before)) == 4


def test_shards_give_the_records_of_one_run(tmp_path, whole):
    for i in (1, 2, 3):
        run(tmp_path, range(6), shard=(i, 3))
    assert all_records(tmp_path) == all_records(whole)
    assert not list(tmp_path.glob("*/records.jsonl"))
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    assert load(folder).complete_seeds() == set(range(6))


def test_a_dry_run_says_what_there_is_to_do_and_writes_nothing(tmp_path):
    text = describe(plan(GridPoints(SWEEP, range(6), tmp_path / "none"), Options(jobs=2)))
    assert "4 studies, 24 runs in 4 jobs to do; 0 runs are there." in text
    assert "from a pilot of 6 runs" in text
    assert not (tmp_path / "none").exists()


def test_a_sweep_file_holds_study_settings_grid_and_seeds(tmp_path):
    settings = "{n_eval: 20, n_unrelated: 60, hidden: 8, embed_dim: 4}"
    (tmp_path / "s.yaml").write_text(
        f"study: tutorial\nsettings: {settings}\nseeds: 0:3\n"
        "grid:\n  student.lr: [1e-3, 1e-2]\n  student.epochs: [1, 2]\n"
    )
    read, seeds = grids.read_grid(tmp_path / "s.yaml")
    assert seeds == "0:3"
    assert [study.id for _, study in read.studies()] == [study.id for _, study in SWEEP.studies()]


BAD = {
    "no grid": ([], "at least one --grid"),
    "unknown key": (["--grid", "studnet.lr=1"], "Did you mean 'student.lr'"),
    "empty value": (["--grid", "student.lr=1e-3,,1"], "a value is empty"),
    "a list on the command line": (["--grid", "hidden=[4,5]"], "give lists in a sweep file"),
    "no value": (["--grid", "student.lr"], "expected key=a,b,c"),
    "value out of range": (["--grid", "student.lr=1e-3,-1"], "greater than 0"),
    "a key twice": (["--grid", "hidden=4", "--grid", "hidden=5"], "twice"),
    "the same value twice": (["--grid", "student.lr=1e-3,0.001"], "the same study"),
    "shard out of range": (["--grid", "hidden=4,5", "--shard", "4/3"], "out of range"),
    "shard from zero": (["--grid", "hidden=4,5", "--shard", "0/3"], "out of range"),
    "shard that is no shard": (["--grid", "hidden=4,5", "--shard", "third"], "out of range"),
    "unreachable cluster": (["--grid", "hidden=4,5", "--engine", "ray"], "cannot be reached"),
    "ten million combinations": (
        [
            text
            for key in ("n_eval", "n_unrelated", "hidden", "embed_dim", "seq_len", "vocab_size", "student.epochs")
            for text in ("--grid", f"{key}={','.join(str(i) for i in range(100, 110))}")
        ],
        "10,000,000 combinations",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_message_and_status_2(name, tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    arguments, message = BAD[name]
    words = [sys.executable, "-m", "sublearn", "sweep", "tutorial", "--seeds", "0:2", "--out", "sweep", *arguments]
    started = time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("sweep/*/records*"))
    assert time.monotonic() - started < 30


BOTH = ["sgd", "adam"]
LINKED = {
    "with a fixed setting": (
        {"student.momentum": 0.9, "hidden": 8},
        {"student.optimizer": BOTH},
        "student.optimizer=adam (with student.momentum=0.9)",
    ),
    "with each other": (
        {"hidden": 8},
        {"student.momentum": [0, 0.9], "student.optimizer": BOTH},
        "student.momentum=0.9, student.optimizer=adam",
    ),
    "the first of all": (
        {},
        {"student.optimizer": BOTH[::-1], "student.momentum": [0.9, 0]},
        "student.optimizer=adam, student.momentum=0.9",
    ),
}


@pytest.mark.parametrize("name", LINKED)
def test_a_combination_of_values_that_do_not_go_together_is_named_with_what_to_do(name):
    settings, values, combination = LINKED[name]
    with pytest.raises(InputError) as error:
        grids.checked(Grid("tutorial", settings, values))
    assert str(error.value) == (
        f"--grid: {combination} cannot be run: 'student': momentum 0.9 belongs to sgd; with adam leave it at 0. Other "
        "combinations can be: leave this one out by running a sweep of its own for each set of values that go together."
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"student.momentum": 0.9}, "--set: 'student': momentum 0.9 belongs to sgd; with adam leave it at 0."),
        ({}, "--grid: 'student.optimizer': Input should be 'adam' or 'sgd', got 'adamw'."),
    ],
)
def test_what_no_combination_mends_is_said_without_one(settings, message):
    with pytest.raises(InputError) as error:
        grids.checked(Grid("tutorial", settings, {"student.optimizer": ["adam", "adamw"]}))
    assert str(error.value) == message


@pytest.mark.parametrize(
    "values",
    [
        {"student.optimizer": ["sgd"], "student.momentum": [0, 0.9]},
        {"student.momentum": [0.5, 0.9], "student.optimizer": ["sgd"]},
    ],
    ids=["one", "other"],
)
def test_values_that_go_with_the_grids_others_alone_make_a_sound_grid(values):
    grid = grids.checked(Grid("tutorial", SMALL, values))
    own = {study.id for _, study in grid.studies()}
    assert len(own) == 2
    assert {study.id for study in grid.probes()} == own


def test_another_sweep_in_the_folder_is_refused(tmp_path):
    run(tmp_path, range(1))
    with pytest.raises(InputError, match="another sweep"):
        run_points(GridPoints(Grid("tutorial", SMALL, {"hidden": [4, 5]}), [0], tmp_path, "c"), Options())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="holds other files"):
        run(tmp_path / "other", range(1))


def test_a_directory_of_another_version_is_named(tmp_path):
    run_study("tutorial", [0], tmp_path)
    manifest = json.loads((tmp_path / "study.json").read_text())
    manifest["versions"]["sublearn"] = "0.0.1"
    (tmp_path / "study.json").write_text(json.dumps(manifest))
    with pytest.warns(UserWarning, match=r"begun with sublearn 0\.0\.1"):
        run_study("tutorial", [0], tmp_path)


def test_a_setting_that_is_a_list_is_one_cell_of_the_frame(whole):
    folder = next(path for path in whole.iterdir() if path.is_dir())
    point = SweepPoint({"arms": ["teacher", "student"]}, Result.load(folder))
    frame = Sweep(SWEEP, (point,)).to_frame()
    assert len(frame) == 6 * 8
    assert all(value == ["teacher", "student"] for value in frame["arms"])


def test_a_key_without_values_is_refused():
    with pytest.raises(InputError, match="gives 'hidden' no value"):
        Grid("tutorial", SMALL, {"hidden": []})


def test_a_sweep_killed_before_its_first_file_was_in_place_can_be_gone_on_with(tmp_path):
    (tmp_path / ".sublearn-0123456789abcdef.part").write_text('{"study"')
    run(tmp_path, range(1))
    assert not list(tmp_path.glob(".*.part"))


def test_a_shard_that_comes_while_another_fills_the_folder_joins_in(tmp_path, monkeypatch):
    """The other makes the folder's files between two looks of this one."""
    run(tmp_path / "whole", range(2), shard=(1, 2))
    out = tmp_path / "sweep"
    out.mkdir()
    real = Path.iterdir

    def filled(folder: Path):
        if folder == out and not (out / "sweep.json").exists():
            shutil.copytree(tmp_path / "whole", out, dirs_exist_ok=True)
        return real(folder)

    monkeypatch.setattr(Path, "iterdir", filled)
    run(out, range(2), shard=(2, 2))
    assert len(all_records(out)) == 4 * 2 * 8


def test_what_any_value_of_the_grid_needs_is_looked_for_before_anything_is_written(tmp_path, monkeypatch):
    def prepare(design):
        if design.settings.hidden == 5:
            raise InputError("not at hand")

    monkeypatch.setattr(STUDIES["tutorial"], "prepare", prepare)
    with pytest.raises(InputError, match="not at hand"):
        run_points(GridPoints(Grid("tutorial", SMALL, {"hidden": [4, 5]}), [0], tmp_path / "out"), Options())
    assert not (tmp_path / "out").exists()


def test_run_directories_that_belong_to_no_study_of_the_sweep_are_named_with_the_version(tmp_path):
    run(tmp_path, range(1))
    manifest = json.loads((tmp_path / "sweep.json").read_text())
    manifest["versions"]["sublearn"] = "0.0.1"
    (tmp_path / "sweep.json").write_text(json.dumps(manifest))
    run_study("tutorial", [0], tmp_path / "older")
    with pytest.warns(
        UserWarning, match=rf"1 run directories .*older.*sublearn 0\.0\.1; .*{store.versions()['sublearn']}"
    ):
        assert len(Sweep.load(tmp_path).points) == 4
