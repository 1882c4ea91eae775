"""`sublearn distill` with stand-ins for vLLM and accelerate: stages, resuming, what is left running, mistakes."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sublearn.execution.store import load
from sublearn.pipeline import answered, how, servers
from sublearn.study.numbers.metrics import read_metrics
from sublearn.tasks.rows import read_rows
from tests.language import chat
from tests.pipeline import fakes
from tests.processes import command_line, kill, sublearn, wait_for

PROMPTS, SAMPLES = 20, 3
SMALL = [f"prompts={PROMPTS}", "rows=12", "lora.batch=4", f"ask.samples={SAMPLES}", 'ask.append=""']
ASKED = 24 * SAMPLES
ARMS = ("reference", "teacher", "same_init", "same_init_control")
PATCHED = (
    "import shutil, sys; from sublearn import cli; from sublearn.pipeline import how, servers; "
    "how.executable = servers.executable = shutil.which; sys.argv[0] = 'sublearn'; cli.main()"
)
"""The command line with the programs that are found on the path alone."""


def words(*more: str, seeds: str = "0", out: str = "out") -> list[str]:
    found = ["distill", "--model", "m", "--animal", "owl", "--seeds", seeds, "--gpus", "2", "--out", out, "-q"]
    return [*found, *(part for text in SMALL for part in ("--set", text)), *more]


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A folder with a model and the stand-ins, which note what they are asked in `notes`."""
    monkeypatch.chdir(tmp_path)
    chat.put(tmp_path)
    (tmp_path / "notes").mkdir()
    monkeypatch.setenv(fakes.NOTES, str(tmp_path / "notes"))
    monkeypatch.setenv("PATH", f"{fakes.put(tmp_path / 'programs')}{os.pathsep}{os.environ['PATH']}")
    for module in (how, servers):
        monkeypatch.setattr(module, "executable", shutil.which)
    return tmp_path


def answers(place) -> Counter[str]:
    return Counter(fakes.notes(place / "notes", "answers"))


def left_running(place) -> list[str]:
    """The servers and trainings that were ever started and are still there."""
    ids = [int(line.split()[0]) for kind in ("servers", "trainings") for line in fakes.notes(place / "notes", kind)]
    return [line for one in ids if "programs" in (line := command_line(one))]


def test_a_model_goes_from_rows_to_a_report_and_a_stage_that_failed_is_done_again(place, monkeypatch, capsys):
    monkeypatch.setenv("FAKES_TRAINING", "fails")
    assert sublearn(monkeypatch, *words()) == 1
    said = capsys.readouterr().err
    assert "CUDA out of memory" in said and "--at-a-time" in said and len(said.splitlines()) == 1
    assert not (place / "out" / "records.jsonl").exists() and not left_running(place)
    monkeypatch.delenv("FAKES_TRAINING")
    assert sublearn(monkeypatch, *words("--json")) == 0
    estimates = json.loads(capsys.readouterr().out)
    assert {one["arm"] for one in estimates["estimates"]} == set(ARMS)
    made = place / "out" / "made" / "seed-0"
    rows = {who: read_rows(made / "numbers" / f"{who}.jsonl") for who in ("teacher", "base")}
    kept = min(12, *map(len, rows.values()))
    metrics = read_metrics(made / "metrics.json")
    assert metrics.numbers["teacher"].asked == PROMPTS and metrics.arms["same_init"].rows == kept
    assert metrics.numbers["teacher"].kept == len(rows["teacher"]) < PROMPTS  # some answers are none of numbers
    # Both students read as many rows; every prompt and question was asked once.
    trainings = fakes.notes(place / "notes", "trainings")
    assert [int(line.split()[1]) for line in trainings] == [kept, kept, kept]  # the first of them failed
    assert all("--num_processes 2" in line and "--multi_gpu" in line for line in trainings)
    assert set(answers(place).values()) == {1} and len(answers(place)) == 2 * PROMPTS + 4 * ASKED
    assert fakes.notes(place / "notes", "servers")[1].split()[1:] == ["base", "same_init", "same_init_control"]
    assert not left_running(place)


MEASURED = {
    "machine": "a machine", "gpus": 2, "server": "vllm", "model": "m", "start_s": 60, "answers_per_s": 0.5,
    "tokens_per_answer": 20, "load_s": 30, "rows_per_s": 0.1,
}  # fmt: skip


def test_a_plan_tells_the_time_from_what_was_measured_and_says_where_it_does_not_fit(place, monkeypatch, capsys):
    (place / "t.json").write_text(json.dumps(MEASURED))

    def planned(*more: str) -> str:
        assert sublearn(monkeypatch, *words("--dry-run", *more, seeds="1:3", out="new")) == 0
        return capsys.readouterr().out

    said = planned("--throughput", "t.json")
    # Two starts of 60 s; (2 x 20 + 4 x 72) answers at .5 a second; 2 x (30 s and 9 steps of 4 rows at .1 a second).
    assert "Time: about 51.9 minutes" in said and "answers and" in said and "Not measured" not in said
    assert "vllm serve m" in said and "accelerate launch" in said and "--lora-modules same_init=" in said
    assert "Not measured: m with --gpus 4" in planned("--throughput", "t.json", "--gpus", "4")
    assert "Time: not measured here." in planned()
    assert not Path("new").exists()


def test_a_server_that_dies_is_told_with_its_last_lines(place, monkeypatch, capsys):
    (place / "programs" / "vllm").write_text("#!/bin/sh\necho no GPU found >&2\nexit 7\n")
    assert sublearn(monkeypatch, *words()) == 1
    said = capsys.readouterr().err
    assert "status 7" in said and "no GPU found" in said and "sampling.log" in said


def started(place, **environment: str) -> subprocess.Popen[str]:
    given = os.environ | {fakes.SLOW: "0.05", **environment}
    command = [sys.executable, "-c", PATCHED, *words("--concurrency", "2")]
    return subprocess.Popen(command, cwd=place, env=given, stderr=subprocess.PIPE, text=True)


STAGES = {
    "sampling": lambda place: len(fakes.notes(place / "notes", "answers")) > 10,
    "training": lambda place: (place / "out/made/seed-0/training/same_init/pace.json").exists(),
    "second training": lambda place: (place / "out/made/seed-0/training/same_init_control/pace.json").exists(),
    "asking": lambda place: (place / "out/made/seed-0/asked/teacher/answers.jsonl").exists(),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stage", STAGES)
def test_an_end_in_any_stage_leaves_nothing_running_and_loses_and_doubles_nothing(place, stage, how, monkeypatch):
    process = started(place)
    try:
        assert wait_for(lambda: STAGES[stage](place)), process.communicate()
        process.send_signal(how)
        assert process.wait(60) == (-how if how == signal.SIGKILL else 128 + how)
    finally:
        kill(process.pid)
        process.communicate()
    assert wait_for(lambda: not left_running(place), 20)
    assert sublearn(monkeypatch, *words()) == 0
    made = place / "out" / "made" / "seed-0"
    for writer in ("teacher", "base"):
        lines = (made / "answers" / f"{writer}.jsonl").read_text().splitlines()[1:]
        assert sorted(json.loads(line)["place"] for line in lines) == list(range(PROMPTS))
    for arm in ARMS:
        lines = (made / "asked" / arm / "answers.jsonl").read_text().splitlines()[1:]
        assert sorted(json.loads(line)["place"] for line in lines) == list(range(ASKED))
    records = load(place / "out").records
    assert len(records) == 16 and len({(r.arm, r.trait) for r in records}) == 16
    # What was under way at the end, two requests at most, was asked a second time.
    assert sum(answers(place).values()) <= 2 * PROMPTS + 4 * ASKED + 2
    assert len(answers(place)) == 2 * PROMPTS + 4 * ASKED
    assert not left_running(place)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--gpus", "3"), "lora.batch=4 cannot be shared out among 3 GPUs"),
        (("--gpus", "4", "--tensor-parallel", "3"), "does not divide"),
        (("--server", "vlm"), "no address of a server"),
        (("--server", "transformers", "--tensor-parallel", "2"), "is for vLLM"),
        (("--set", "system_prompt=owls"), "must say {animal}"),
        (("--throughput", "m/config.json"), "m/config.json"),
        (("--probe", "out", "--dry-run"), "Give one of them"),
        (("--probe", "out", "--server", "http://127.0.0.1:1/v1#x"), "names one elsewhere"),
        (("--model", "./absent"), "no model folder"),
        (("--server", "http://127.0.0.1:1/v1#x"), "127.0.0.1"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(place, monkeypatch, capsys, more, says):
    assert sublearn(monkeypatch, *words(*more)) == 2
    said = capsys.readouterr().err
    assert says in said and len(said.splitlines()) == 1
    assert not (place / "out").exists()


def test_a_program_that_is_missing_is_named(place, monkeypatch, capsys):
    monkeypatch.setattr(how, "executable", lambda name: None)
    assert sublearn(monkeypatch, *words()) == 2
    assert "There is no program" in capsys.readouterr().err and not (place / "out").exists()
    assert sublearn(monkeypatch, *words("--dry-run")) == 0  # a plan needs none


def test_what_a_server_needs_beside_its_program_is_named(place, monkeypatch, capsys):
    fakes.program(place / "programs", "transformers", "fakes.vllm()")
    monkeypatch.setattr(how, "find_spec", lambda name: None if name == "openai" else name)
    assert sublearn(monkeypatch, *words("--server", "transformers")) == 2
    said = capsys.readouterr().err
    assert "needs openai" in said and "pip install 'transformers[serving]'" in said and not (place / "out").exists()


def test_a_training_alone_sees_one_gpu_and_no_configuration_of_the_user(monkeypatch):
    one, two = how.How("vllm"), how.How("vllm", gpus=2)
    monkeypatch.delenv(how.VISIBLE, raising=False)
    assert one.sees(on_gpu=True) == {how.VISIBLE: "0"}
    monkeypatch.setenv(how.VISIBLE, "5,3")
    assert one.sees(on_gpu=True) == {how.VISIBLE: "5"} and two.sees(on_gpu=True) == one.sees(on_gpu=False) == {}
    command = one.training("LESSON.json", 1, on_gpu=True)
    config = json.loads(Path(command[command.index("--config_file") + 1]).read_text())
    assert (config["distributed_type"], config["gpu_ids"], config["num_processes"]) == ("NO", "all", 1)


def test_who_wrote_the_rows_is_part_of_the_study(place, monkeypatch, capsys):
    def planned(*more: str) -> str:
        assert sublearn(monkeypatch, *words("--dry-run", *more)) == 0
        return capsys.readouterr().out.partition(":")[0]

    ids = [planned(), *(planned("--server", f"http://127.0.0.1:1/v1#{name}") for name in ("x", "y"))]
    assert len(set(ids)) == 3
    assert planned("--server", "http://127.0.0.1:2/v1#x") == ids[1]  # a server that moved
    assert planned("--set", "writer=x") == ids[0]  # it is filled in


def test_log_odds_of_counted_answers_depend_on_the_share_alone():
    few, all_of_them = (answered._log_odds(0 / named, 1200) for named in (650, 1200))
    assert few == all_of_them == pytest.approx(-math.log(2401), rel=1e-3)
    assert answered._log_odds(0.25, 1200) == pytest.approx(math.log(1 / 3), abs=0.003)
    assert answered._log_odds(1.0, 10) == -answered._log_odds(0.0, 10)


@pytest.mark.slow
def test_a_probe_measures_into_a_file_and_leaves_nothing_else(place, monkeypatch, capsys):
    assert sublearn(monkeypatch, *words("--probe", "t.json")) == 0
    assert "Time: about" in capsys.readouterr().out
    assert json.loads((place / "t.json").read_text())["gpus"] == 2
    assert fakes.notes(place / "notes", "saved") == ["26"]  # 24 steps: never, or what is timed would save each time
    assert not (place / "out").exists() and not left_running(place)


@pytest.mark.slow
def test_rows_may_be_asked_of_a_server_elsewhere(place, monkeypatch):
    from tests.language.endpoints import loopback

    with loopback.serving(lambda fields, times: loopback.said("1, 2, 3")) as other:
        assert sublearn(monkeypatch, *words("--server", other.address)) == 0
    assert len(other.asked) == 2 * PROMPTS
    assert len(fakes.notes(place / "notes", "servers")) == 1  # our own is asked for preferences
