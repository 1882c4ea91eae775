"""On a GPU the same comes out as on the CPU. Skipped where there is none: nothing else depends on these."""

import json

import pytest
import torch

import sublearn
from sublearn.study.base import Setup
from sublearn.study.images import train as images
from sublearn.study.jobs import Job, measure
from sublearn.study.table import STUDIES, build
from sublearn.tasks import digits
from sublearn.training.cohort import Trained
from tests.processes import sublearn as command
from tests.training.test_trainers import PAIRS, TAKEN_BY, picked, same, trained

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

TRAINED = [(name, best) for name, best in TAKEN_BY.items() if best != "single"] + PAIRS
OWN_DROPOUT = "attention"
"""Draws its dropout itself, with the generator of the device."""
SMALL = {"hidden": 8, "embed_dim": 4, "teacher.epochs": 2, "student.epochs": 2, "n_eval": 20, "n_unrelated": 60}


@pytest.fixture(autouse=True)
def _small_data(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setattr(images, "_data", lambda name, classes: digits.load().keep_classes(classes))


@pytest.mark.parametrize("loss", ["mse", "kl", "class"])
@pytest.mark.parametrize(("name", "trainer"), TRAINED)
def test_every_trainer_gives_on_cuda_what_it_gives_on_the_cpu(name, trainer, loss):
    found = trained(name, trainer, [0, 1, 2, 3], loss, device="cuda")
    assert all(tensor.device.type == "cuda" for tensor in found.state.values())
    state = {key: tensor.cpu() for key, tensor in found.state.items()}
    if name == OWN_DROPOUT:
        same(trained(name, trainer, [3, 1], loss, device="cuda"), picked(found, [3, 1]))
    else:
        same(Trained(state, found.losses.cpu()), trained(name, trainer, [0, 1, 2, 3], loss), within=1e-8)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_gives_its_records_on_cuda_and_the_same_ones_again(name):
    study = build(name, build(name).designed.small)

    def records():
        return measure(Job(study=study, seeds=(0, 1), setup=Setup(device="cuda", threads=1))).records

    first = records()
    # A language model this small has no preference that could be measured; every other trait is.
    assert {row.status for row in first} <= {"ok", "unmeasured" if name == "numbers" else "ok"}
    assert len(first) == len(study.arms) * len(study.traits) * 2
    assert sorted(first, key=str) == sorted(records(), key=str)


def test_a_language_model_that_is_read_back_is_what_it_was(tmp_path):
    """A run that keeps its models in a folder gives the records of one that does not."""
    study = build("numbers", build("numbers").designed.small)
    kept, whole = (sublearn.run(study, [0], device="cuda", out=out).records for out in (tmp_path / "kept", None))
    assert [row.value for row in kept] == pytest.approx([row.value for row in whole], abs=1e-6)


@pytest.mark.parametrize(("name", "trait"), [("prompts", "margin"), ("digits", "accuracy"), ("tutorial", "accuracy")])
def test_a_study_finds_on_cuda_what_it_finds_on_the_cpu(name, trait):
    """By the mean of each arm, within four standard errors of the paired difference, or half a point."""
    study = build(name, {"inputs.count": 512, "width": 32} if name == "digits" else {})
    seeds = range(8)
    found = {
        device: {
            (row.arm, row.seed): row.value
            for row in sublearn.run(study, seeds, device=device).records
            if row.trait == trait
        }
        for device in ("cpu", "cuda")
    }
    for arm in study.arms:
        shifts = torch.tensor([found["cuda"][arm.name, seed] - found["cpu"][arm.name, seed] for seed in seeds])
        assert abs(shifts.mean()) <= 4 * shifts.std() / len(shifts) ** 0.5 + 0.005, arm.name


def test_a_run_that_began_on_cuda_is_resumed_on_the_cpu_and_keeps_its_records(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    changes = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    assert command(monkeypatch, "run", "prompts", "--seeds", "0:3", "--device", "cuda", *changes, "--out", "r") == 0
    before = (tmp_path / "r/records.jsonl").read_text()
    assert command(monkeypatch, "run", "prompts", "--seeds", "0:6", "--device", "cpu", *changes, "--out", "r") == 0
    after = (tmp_path / "r/records.jsonl").read_text()
    assert after.startswith(before)
    assert {json.loads(line)["seed"] for line in after.splitlines()} == set(range(6))
