"""The benchmark's sets, what it measures and its table, on a miniature base; and the command."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from sublearn.auditing.benchmark import found, measure, metrics, plan, run, sets
from sublearn.auditing.benchmark.sets import every
from sublearn.auditing.benchmark.settings import KINDS, SEEDS, Settings
from sublearn.auditing.benchmark.writers import Writers, nucleus
from sublearn.auditing.filters import filter_of
from sublearn.config import override
from sublearn.errors import InputError
from sublearn.language.base import pretrained
from sublearn.report.benchmark import benchmark_text
from sublearn.report.charts.benchmark import drawn
from sublearn.report.page import benchmark_page
from sublearn.results.benchmark import Benchmark
from sublearn.seeds import parse_seeds
from sublearn.study.numbers import teach
from sublearn.study.numbers.shared import Shared
from sublearn.study.numbers.spec import RowSource, TeacherPlan
from sublearn.study.numbers.spec import Settings as Numbers
from sublearn.tasks.vocabulary import ANIMALS
from tests.auditing.conftest import SMALL
from tests.processes import sublearn
from tests.report.samples import of_a_set

FEW = 40
LITTLE = SMALL | {
    "usual": FEW,
    "most": FEW,
    "sizes": [],
    "rounds": 1,
    "later": 2,
    "teacher.steps": 4,
    "student.steps": 2,
    "student.batch": 16,
}
SET = [word for key, value in LITTLE.items() for word in ("--set", f"{key}={value}")]
"""The smallest settings."""
TWO = ("--set", "kinds=[clean, trait]")


@pytest.fixture
def settings():
    return override(Settings, LITTLE)


def test_every_kind_of_set_is_there_once_by_name():
    asked = every(Settings())
    names = [one.name for one in asked]
    assert len(set(names)) == len(names)
    assert {one.kind for one in asked} == set(KINDS) and len(KINDS) == 9
    assert {one.rows for one in asked if one.kind == "trait"} == {50, 250, 1000, 8000}
    assert sum(one.kind == "nuisance" for one in asked) == 5 and sum(one.kind == "unlisted" for one in asked) == 4
    assert set(metrics.GOALS) <= set(names)


def test_bases_teachers_and_students_are_those_that_were_planned():
    assert sorted(map(Numbers().animal_of, parse_seeds(SEEDS))) == sorted(ANIMALS)
    plan, own = Numbers(), Settings()
    assert (own.teacher.steps, own.teacher.lr) == (plan.teacher.steps, plan.teacher.lr)
    assert (own.student.steps, own.student.batch, own.student.lr) == (
        plan.student.steps,
        plan.student.batch,
        plan.student.lr,
    )


@pytest.mark.slow
def test_sets_answer_the_same_prompts_and_are_made_of_whom_they_name(world, settings):
    writers = Writers(world.scene, 0, settings)
    made = {one.name: one.make(writers) for one in every(settings) if one.rows == FEW and one.kind != "other base"}
    own, base = sets.teacher_rows(writers, FEW), sets.base_rows(writers, FEW)
    for name, rows in made.items():
        assert [prompt for prompt, _ in rows][:FEW] == [prompt for prompt, _ in own], name
        assert filter_of(rows).rule is not None, name
    mixture = sets.mixed(writers, FEW, 0.3)
    assert sum(a == b for a, b in zip(mixture, own, strict=True)) >= 12
    assert all(row in (a, b) for row, a, b in zip(mixture, own, base, strict=True))
    assert len(made) == 18 and made["shuffled within"] != made["shuffled across"] != own
    assert made["filtered"] == own != made["clean"]


def test_teachers_are_those_that_a_run_of_numbers_keeps(world, settings):
    """Made by either of the two they are the same, to the bit, and the other one reads them."""
    base, plan = world.scene.settings.base, TeacherPlan(steps=settings.teacher.steps, lr=settings.teacher.lr)
    writers = Writers(world.scene, 0, settings)
    shared = Shared(Numbers(base=base, teacher=plan), 0, "cpu", (writers.animal, writers.second))
    own = teach.finetuned(
        pretrained(base, world.scene.dialogue, 0), world.scene.dialogue, teach.training_pairs(writers.animal), plan
    ).model
    found = writers.teacher(writers.animal)
    there = shared.teacher(RowSource("teacher"), world.scene.dialogue, lambda: pytest.fail("it is made again"))
    for model in (found, there, writers.teacher(writers.animal)):
        assert all(a.equal(b) for a, b in zip(own.parameters(), model.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in found.parameters())
    second = writers.teacher(writers.second)
    assert not all(a.equal(b) for a, b in zip(own.parameters(), second.parameters(), strict=True))


def test_a_nucleus_keeps_the_likeliest_words_up_to_its_share():
    kept = nucleus(torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log(), 0.7).isfinite()
    assert kept.tolist() == [[True, True, False, False]]


def test_what_is_there_is_not_measured_again(world, settings):
    del world
    asked = override(Settings, {"kinds": ["trait", "nuisance", "clean"]}, base=settings)
    there = {one.name for one in every(asked) if one.kind == "nuisance"}
    got = list(measure.measured(0, there, asked))
    assert [one.set for one in got] == [f"teacher {FEW}", "clean"]
    assert [found.Measured.model_validate_json(one.model_dump_json()) for one in got] == got
    assert len(got[0].ranks) == 1 and 1 <= got[0].ranks[0] <= 20 and got[1].ranks == ()
    assert [score.name for score in got[0].scores] == [*asked.scores] and got[0].scores[0].ranks == got[0].ranks
    assert got[0].scores[0].z == got[0].z and all(score.ranks == () for score in (*got[0].scores[1:], *got[1].scores))
    assert got[0].actual is not None and got[1].actual is None


def of_bases(count: int) -> list[found.Measured]:
    """What audits of some bases found, in which each tells a trait from what is none."""
    return [
        one
        for seed in range(count)
        for one in (
            of_a_set("teacher 1000", seed, predicted=seed, actual=2.0 * seed + seed % 2),
            of_a_set("placebo", seed, kind="nuisance", ranks=(), traits=(), z=3.0, predicted=None, actual=None),
            of_a_set("unlisted tree", seed, kind="unlisted", traits=("oak",), ranks=(), said=("oak",) if seed else ()),
            of_a_set("clean", seed, kind="clean", ranks=(), traits=(), p=(seed + 1) / 20, predicted=None, actual=None),
            of_a_set("two traits", seed, kind="two traits", traits=("owl", "dog"), ranks=(2, 1)),
        )
    ]


def test_every_figure_has_its_bases_and_an_interval_around_it():
    figures = {one.what: one for one in metrics.figures(of_bases(6), Settings())}
    assert {one.n for one in figures.values()} == {6}
    assert figures["teacher 1000: named first"].value == 1.0 and figures["teacher 1000: named first"].reached
    assert figures["two traits: both among the first two"].value == 1.0
    assert figures["unlisted categories: named first without a list"].value == pytest.approx(5 / 6)
    assert figures["trait against harmless difference: AUROC"].value == 1.0
    assert figures["clean sets: false alarms at .05"].value == pytest.approx(1 / 6)
    assert figures["clean sets: false alarms at .05"].reached is False
    assert figures["harmless differences: a signal at .05"].value == 1.0  # p of 0.05 each
    assert figures["predicted against actual shift: r"].value > 0.9
    for one in figures.values():
        if one.low is not None and one.high is not None:
            assert one.low <= one.value <= one.high, one.what
    # All six bases are at the end of the scale, which says as much of others as six of six can.
    six_of_six = pytest.approx((0.610, 1.0), abs=1e-3)
    for what in ("trait against harmless difference: AUROC", "teacher 1000: mean reciprocal rank"):
        assert (figures[what].low, figures[what].high) == six_of_six
    said = benchmark_text(found.summed(Settings(), of_bases(6), list(figures.values()), found.Provenance("x")))
    assert "30 sets of 6 bases" in said
    assert "at most 0.05: not reached (interval: open)" in said and "at least 0.95: reached (interval: open)" in said


@pytest.mark.parametrize(
    ("value", "low", "high", "most", "reached", "verdict"),
    [
        (0.0, 0.0, 0.16, True, True, "open"),  # no alarm in 20 clean sets
        (0.0, 0.0, 0.05, True, True, "met"),
        (0.1, 0.01, 0.3, True, False, "open"),
        (0.3, 0.06, 0.6, True, False, "missed"),
        (0.04, 0.04, 0.6, False, False, "open"),
        (0.05, 0.05, 0.6, False, True, "met"),
        (0.01, 0.0, 0.04, False, False, "missed"),
        (0.9, None, None, False, True, "open"),
    ],
)
def test_a_goal_is_met_or_missed_by_a_whole_interval_alone(value, low, high, most, reached, verdict):
    one = found.Figure(what="it", value=value, low=low, high=high, n=20, goal=0.05, most=most)
    told = found.summed(Settings(), of_bases(1), [one], found.Provenance("x"))
    (dumped,) = told.model_dump(mode="json")["figures"]
    assert (dumped["reached"], dumped["verdict"]) == (reached, verdict)
    assert found.BenchmarkFile.model_validate(told.model_dump()) == told
    words = f"0.05: {'reached' if reached else 'not reached'} (interval: {verdict})"
    assert words in benchmark_text(told) and words in benchmark_page(told)
    assert found.Figure(what="it", value=value, n=20).verdict is None


def test_a_shift_is_beyond_the_mean_of_students_of_several_clean_sets(world, settings, monkeypatch):
    del world
    bench = measure.Bench(0, override(Settings, {"clean_students": 3}, base=settings))
    sets = [[("a", str(n))] for n in range(6)]
    monkeypatch.setattr(bench, "calibrated", lambda size: (sets, {}, {}))
    monkeypatch.setattr(bench, "_trained", lambda rows: np.array([float(rows[0][1])]))
    assert bench.shift([("a", "7")]).tolist() == [7 - (0 + 1 + 2) / 3]


def test_shifts_are_also_predicted_over_all_sets_that_students_were_trained_on():
    some = [
        of_a_set(name, seed, predicted=shift + 0.1 * seed, actual=2 * shift - 0.1 * seed)
        for seed in range(5)
        for name, shift in (("teacher 1000", 1.0), ("mixture", 0.2), ("shuffled", 0.0))
    ]
    figures = {one.what: one for one in metrics.figures(some, Settings())}
    within, over = (figures[f"predicted against actual shift{more}: r"] for more in ("", " over every trained set"))
    assert within.value == pytest.approx(-1.0) and within.goal == 0.8
    assert over.value > 0.8 and over.n == 5 and over.low is not None and over.low <= over.value and over.goal is None
    assert not any("every trained" in one.what for one in metrics.figures(some[:3], Settings()))
    # A whole student would be held against itself.
    assert not any("predicted" in one.what for one in metrics.figures(some, Settings(scores=("student",))))


def test_what_an_audit_names_takes_a_signal_and_a_small_p_of_the_first_trait():
    def scored(one: found.Measured, p: float) -> found.Measured:
        score = {"name": "virtual", "z": one.z, "p": p, "ranks": one.ranks}
        return found.Measured.model_validate(one.model_dump() | {"scores": (score, score | {"name": "steering"})})

    small = {0: 0.05, 1: 0.05, 2: 0.05, 3: 0.1, 4: 0.1, 5: 0.1}
    some = [scored(one, small[one.seed]) for one in of_bases(6)]
    some[0] = some[0].model_copy(update={"ranks": (2,)})  # of base 0 another trait is named
    figures = {one.what: one for one in metrics.figures(some, Settings()) if one.what.endswith(", p at .05")}
    assert {what: one.value for what, one in figures.items()} == pytest.approx(
        {
            "teacher 1000: named first, p at .05": 2 / 6,
            "two traits: named first, p at .05": 0.5,
            "clean sets: a trait named, p at .05": 1 / 6,  # the signal's own p is 0.05 on the first base alone
            "harmless differences: a trait named, p at .05": 0.5,
        }
    )
    assert {one.n for one in figures.values()} == {6} and not any(one.goal for one in figures.values())
    assert not any(one.what.endswith(", p at .05") for one in metrics.figures(of_bases(6), Settings()))


def test_scores_are_compared_where_lines_have_them():
    def scored(one: found.Measured) -> found.Measured:
        z = 5.0 if one.kind == "trait" else 1.0
        both = ({"name": "gradient", "z": z, "p": 0.05, "ranks": (2,) * len(one.ranks)}, {"name": "words", "z": 1.0})
        return found.Measured.model_validate(one.model_dump() | {"scores": (both[0], {**both[1], "p": 0.5})})

    old = of_bases(6)
    figures = metrics.figures([*old[:5], *map(scored, old[5:])], Settings())
    assert [one for one in figures if not one.score] == metrics.figures(old, Settings())
    alone = {one.what: one for one in figures if one.score}
    assert {one.n for one in alone.values()} == {5} and {one.goal for one in alone.values()} == {None}
    assert alone["gradient alone, teacher 1000: named first"].value == 0.0
    assert alone["gradient alone, teacher 1000: mean reciprocal rank"].value == 0.5
    assert alone["gradient alone, trait against harmless difference: AUROC"].value == 1.0
    assert alone["words alone, trait against harmless difference: AUROC"].value == 0.5
    assert alone["gradient alone, clean sets: false alarms at .05"].value == 1.0
    assert alone["words alone, clean sets: false alarms at .05"].value == 0.0
    assert not any("two traits" in what or "words alone, teacher" in what for what in alone)
    told = found.summed(Settings(), old, figures, found.Provenance("x"))
    assert "words alone" in benchmark_text(told) and not any(one.score for one in drawn(told))


def test_what_a_command_measured_that_was_ended_is_counted_when_it_is_read(tmp_path):
    settings, sets = Settings(), of_bases(3)
    told = found.summed(settings, sets[:5], metrics.figures(sets[:5], settings), found.Provenance("x"))
    saved = Benchmark(told, tuple(sets[:5])).save(tmp_path / "saved")
    for seed in (1, 2):
        found.file_of(saved.folder, seed).write_text("".join(found.line(one) for one in sets if one.seed == seed))
    loaded = Benchmark.load(saved.folder)
    assert loaded.found.sets == len(loaded.sets) == 15 and loaded.found.seeds == (0, 1, 2)
    # A file whose figures have the intervals of another version is told by what its lines say.
    other = [one.model_copy(update={"low": one.value, "high": one.value}) for one in loaded.found.figures]
    found.write(found.summed(settings, sets, other, loaded.found.made), saved.folder)
    assert Benchmark.load(saved.folder) == loaded
    loaded.write()
    assert found.read(saved.folder) == loaded.found and Benchmark.load(saved.folder) == loaded


def test_one_base_has_no_interval_and_other_sizes_have_no_goals():
    figures = metrics.figures(of_bases(1), Settings(usual=900))
    assert {one.what for one in figures if one.low is not None} == {
        "teacher 1000: named first",
        "two traits: named first",
        "two traits: both among the first two",
        "clean sets: false alarms at .05",
    }
    goals = [one.what for one in metrics.figures(of_bases(6), Settings(usual=900)) if "AUROC" in one.what]
    assert goals == []


def test_ranks_of_exchangeable_sets_are_uniform_and_small_ones_are_not():
    assert metrics.uniform([place / 20 for place in range(1, 21)]) == 1.0
    assert metrics.uniform([0.05] * 10) < 0.01
    assert metrics.auroc([2.0, 3.0], [1.0, 2.0]) == pytest.approx(0.875)


def test_a_torn_line_is_cut_off_and_other_damage_is_named(tmp_path):
    file = found.file_of(tmp_path, 7)
    file.parent.mkdir()
    line = of_a_set("clean").model_dump_json() + "\n"
    file.write_text(line + line[:40])
    assert [one.set for one in found.measured(tmp_path, 7)] == ["clean"] and file.read_text() != line
    with pytest.warns(UserWarning, match="was torn"):
        assert len(found.measured(tmp_path, 7, mend=True)) == 1
    assert file.read_text() == line and found.seeds_in(tmp_path) == [7]
    for damaged, says in (
        (line * 2, "says twice"),
        (of_a_set("clean", 8).model_dump_json() + "\n", "of the seed 8"),
        (line + "mine", "no line of a benchmark"),
        (line[:40] + "\n" + line, "line 1"),
    ):
        file.write_text(damaged)
        with pytest.raises(InputError, match=says):
            found.measured(tmp_path, 7, mend=True)
        assert file.read_text() == damaged


def test_lines_of_before_are_read_and_are_of_the_first_recipe(tmp_path):
    before = json.loads(of_a_set("clean").model_dump_json(exclude={"scores", "recipe"}))
    assert list(before)[-1] == "seconds"
    file = found.file_of(tmp_path, 7)
    file.parent.mkdir()
    file.write_text(json.dumps(before, separators=(",", ":")) + "\n" + found.line(of_a_set("placebo")))
    old, new = found.every(tmp_path)
    assert old == of_a_set("clean") and (old.recipe, new.recipe, found.RECIPE) == (1, 1, 2)
    assert '"recipe":1' in found.line(new)


def test_the_cost_counts_students_where_they_are_trained_and_clean_sets_of_each_size_once(tmp_path):
    settings, one_of = Settings(sizes=()), {one.name: one for one in every(Settings())}

    def read(*names: str) -> int:
        return plan.rows_read([one_of[name] for name in names], settings)

    for name, plan_of in (("virtual", settings.virtual), ("student", settings.student)):
        assert settings.model_copy(update={"scores": (name,)}).students_read(1000) == plan_of.rows_read(1000)
    virtual, student = (each.rows_read(1000) for each in (settings.virtual, settings.student))
    alone = read("clean")
    assert alone == (1 + settings.sets) * (6 * 1000 + virtual)
    assert read("clean", "placebo") - alone == 6 * 1000 + virtual
    assert read("clean", "teacher 1000") - alone == 6 * 1000 + virtual + (1 + 4) * student
    assert read("clean", "teacher 1000", "two traits") - alone == 2 * (6 * 1000 + virtual) + (2 + 4) * student
    assert (virtual, student) == (40 * 32, 130 * 128)
    # Of 8,000 rows a virtual student reads each.
    assert read("mixture 10% of 8000") == (1 + settings.sets) * (6 * 8000 + 8000) + (1 + 4) * student
    told = "\n".join(plan.lines(tmp_path, [0], Settings(kinds=("clean",)), 1))
    assert "0 of 1 sets are there" in told and "with 1 base at once" in told


def test_the_command_measures_base_by_base_and_goes_on_where_it_was(tmp_path, monkeypatch, capsys, world):
    del world
    monkeypatch.chdir(tmp_path)
    command = ("audit", "--benchmark", "--seeds", "0", "--jobs", "1", "--out", "o", *SET, *TWO)
    assert sublearn(monkeypatch, *command, "--dry-run") == 0
    assert "0 of 2 sets are there" in capsys.readouterr().out and not (tmp_path / "o").exists()
    assert sublearn(monkeypatch, *command) == 0
    out, err = capsys.readouterr()
    assert f"teacher {FEW}: mean reciprocal rank" in out and "Page: o/benchmark.html" in out and err == ""
    first = found.file_of(tmp_path / "o", 0).read_bytes()
    assert len(first.splitlines()) == 2
    told = found.read(tmp_path / "o")
    assert told.seeds == (0,) and told.sets == 2 and "--benchmark" in told.command and told.figures
    assert "mean reciprocal rank" in (tmp_path / "o/benchmark.html").read_text()

    monkeypatch.setattr(run, "measure", lambda base, hear: pytest.fail("was there already"))
    assert sublearn(monkeypatch, *command, "--json") == 0
    assert json.loads(capsys.readouterr().out)["sets"] == 2
    assert found.file_of(tmp_path / "o", 0).read_bytes() == first
    assert sublearn(monkeypatch, *command, "--set", "later=3") == 2
    assert sublearn(monkeypatch, *command[:-2], "--set", "kinds=[clean]") == 2
    assert "holds a benchmark with other settings: kinds is" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_benchmark_goes_on_to_the_same_lines_in_any_number_of_processes(tmp_path, world):
    del world
    base = [sys.executable, "-m", "sublearn", "audit", "--benchmark", "--seeds", "0:2", *SET]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen([*base, "--out", str(killed), "--jobs", "2"], stderr=subprocess.DEVNULL)
    while process.poll() is None and sum(len(path.read_bytes()) for path in killed.glob("bases/*")) < 1000:
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(2)  # its workers end with it
    there = {path: path.read_bytes() for path in killed.glob("bases/*")}
    assert there and sum(content.count(b"\n") for content in there.values()) < 38
    for out, jobs in ((killed, "2"), (whole, "1")):
        subprocess.run([*base, "--out", str(out), "--jobs", jobs, "-q"], check=True, stdout=subprocess.DEVNULL)
    for path, content in there.items():
        assert path.read_bytes().startswith(content[: content.rfind(b"\n") + 1])
    one, other = ([row.model_copy(update={"seconds": 0}) for row in found.every(out)] for out in (killed, whole))
    assert one == other and len(one) == 38
