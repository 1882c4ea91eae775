"""What Python users give by mistake to the calls of the shelf: one clear line that quotes it, and nothing written."""

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from pydantic import BaseModel
from torch import nn

import sublearn
from sublearn.errors import InputError
from tests.processes import SMALL

TASK = sublearn.Task(train=(np.eye(4), np.arange(4) % 2), test=(np.eye(4), np.arange(4) % 2))


def _guest(**keywords):
    given = {"model": lambda outputs: nn.Linear(4, outputs), "task": TASK, "traits": [sublearn.accuracy]}
    return sublearn.distillation("own", **(given | keywords))


def _study(**keywords):
    parts = {"name": "s", "title": "", "question": "", "settings": {}, "claims": ()}
    arm, trait = sublearn.Arm(name="a", about=""), sublearn.Trait(name="t")
    return sublearn.Study(**(parts | {"arms": (arm,), "traits": (trait,)} | keywords))


MISTAKES: dict[str, tuple[Callable[[], object], str]] = {
    "seeds: a number": (lambda: sublearn.run("prompts", 3), r"seeds got 3; expected .* range\(24\)"),
    "seeds: none": (lambda: sublearn.run("prompts", None), "seeds got None; expected"),
    "seeds: a text": (lambda: sublearn.run("prompts", "0:2"), r"seeds got '0:2'; .*parse_seeds\('0:2'\)"),
    "seeds: bytes": (lambda: sublearn.run("prompts", b"0:2"), "seeds got b'0:2'; expected"),
    "seeds: a mapping": (lambda: sublearn.run("prompts", {0: 1}), "seeds got {0: 1}; expected"),
    "seeds: fractions": (lambda: sublearn.run("prompts", [0.5]), "The seed 0.5 cannot be used"),
    "seeds: NumPy's fractions": (lambda: sublearn.run("prompts", np.array([0.0])), "The seed .*0.0.* cannot be used"),
    "seeds: NumPy's twice": (lambda: sublearn.run("prompts", np.array([1, 1])), "The seed 1 was given twice"),
    "seeds: truth": (lambda: sublearn.run("prompts", [True]), "The seed True cannot be used"),
    "seeds: NumPy's truth": (lambda: sublearn.run("prompts", [np.True_]), "The seed .*True.* cannot be used"),
    "seeds of a sweep": (lambda: sublearn.sweep("prompts", {"hidden": [8]}, 3), "seeds got 3; expected"),
    "seeds of a trace": (lambda: sublearn.trace("prompts", 3), "seeds got 3; expected"),
    "seeds of the tutorial": (lambda: sublearn.multi_seed_experiment(3), "seeds got 3; expected"),
    "a later seed of the tutorial": (lambda: sublearn.multi_seed_experiment([0, "1"]), "The seed '1' cannot be used"),
    "the tutorial's seed": (lambda: sublearn.run_pipeline("0"), "The seed '0' cannot be used"),
    "grid: one value": (
        lambda: sublearn.sweep("prompts", {"hidden": 8}, range(2)),
        "gives 'hidden' as 8; expected a list of values",
    ),
    "grid: a text": (lambda: sublearn.sweep("prompts", {"hidden": "8,4"}, [0]), "gives 'hidden' as '8,4'; expected"),
    "grid: a set": (lambda: sublearn.sweep("prompts", {"hidden": {8}}, [0]), r"gives 'hidden' as \{8\}; expected"),
    "grid: one of NumPy's": (lambda: sublearn.sweep("prompts", {"hidden": np.int64(8)}, [0]), "'hidden' as .*8"),
    "grid: no value": (lambda: sublearn.sweep("prompts", {"hidden": []}, [0]), "'hidden' no value"),
    "grid: NumPy's of no value": (lambda: sublearn.sweep("prompts", {"hidden": np.array([])}, [0]), "no value"),
    "grid: pairs": (lambda: sublearn.sweep("prompts", [("hidden", [8])], [0]), r"The grid got \[\('hidden', "),
    "grid: a key that is none": (lambda: sublearn.sweep("prompts", {3: [8]}, [0]), "Settings got {3: 8}"),
    "steps: a number": (lambda: sublearn.trace("prompts", [0], steps=3), "steps got 3; expected a list"),
    "steps: a text": (lambda: sublearn.trace("prompts", [0], steps="0,1"), "steps got '0,1'; expected a list"),
    "steps: fractions": (lambda: sublearn.trace("prompts", [0], steps=[0.5]), r"steps got \[0.5\]; expected a list"),
    "steps: below zero": (lambda: sublearn.trace("prompts", [0], steps=[-1]), r"steps got \[-1\]; expected a list"),
    "perturb: a number": (lambda: sublearn.trace("prompts", [0], perturb=3), "perturb got 3; expected a list"),
    "perturb: texts": (lambda: sublearn.trace("prompts", [0], perturb=["0", "1"]), r"perturb got \['0', '1'\]"),
    "perturb: NaN": (lambda: sublearn.trace("prompts", [0], perturb=[0, float("nan")]), "perturb got"),
    "out: a number": (lambda: sublearn.run("prompts", [0], out=5), "out got 5; expected the name of a folder"),
    "out: an empty text": (lambda: sublearn.run("prompts", [0], out=""), "out got ''; expected"),
    "out of a sweep": (lambda: sublearn.sweep("prompts", {"hidden": [8]}, [0], out=5), "out got 5; expected"),
    "out of a trace": (lambda: sublearn.trace("prompts", [0], out=5), "out got 5; expected"),
    "shard: a text": (lambda: sublearn.run("prompts", [0], shard="1:2"), "--shard '1:2' is out of range; expected"),
    "shard: a number": (lambda: sublearn.run("prompts", [0], shard=3), "--shard got 3; expected"),
    "shard: three": (lambda: sublearn.run("prompts", [0], shard=(1, 2, 3)), r"--shard got \(1, 2, 3\); expected"),
    "shard: texts": (lambda: sublearn.run("prompts", [0], shard=("1", "2")), r"--shard got \('1', '2'\); expected"),
    "progress": (lambda: sublearn.run("prompts", [0], progress=3), "progress got 3; expected a function"),
    "trackers: a number": (lambda: sublearn.run("prompts", [0], trackers=3), "trackers got 3; expected names"),
    "trackers: lists": (lambda: sublearn.run("prompts", [0], trackers=[["wandb"]]), "trackers got .* expected names"),
    "trackers: one misspelt": (lambda: sublearn.run("prompts", [0], trackers="wandv"), "Did you mean 'wandb'"),
    "load: a number": (lambda: sublearn.load(3), "load got 3; expected the name of a folder"),
    "to_frame: a number": (lambda: sublearn.to_frame(3), "to_frame got 3; expected"),
    "to_frame: none": (lambda: sublearn.to_frame(None), "to_frame got None; expected"),
    "build: a number": (lambda: sublearn.build(3), r"study got 3; expected a name that sublearn.studies\(\) lists"),
    "build: a list": (lambda: sublearn.build(["prompts"]), r"study got \['prompts'\]; expected"),
    "build: no study": (lambda: sublearn.run(None, [0]), "study got None; expected"),
    "build: settings in a list": (lambda: sublearn.build("prompts", [1]), r"Settings got \[1\]; expected"),
    "build: a setting's number": (lambda: sublearn.build("prompts", {1: 1}), "Settings got {1: 1}; expected"),
    "traits: none": (lambda: _guest(traits=None), "A trait must be .* got None"),
    "traits: a name": (lambda: _guest(traits="accuracy"), "A trait must be .* got 'accuracy'"),
    "own_claims: numbers": (lambda: _guest(own_claims=[3]), r"own_claims got \[3\]; expected a list of sublearn.Claim"),
    "own_claims: a number": (lambda: _guest(own_claims=3), "own_claims got 3; expected"),
    "delta": (lambda: _guest(delta="a"), "Claim: 'delta': Input should be a valid number, .* got 'a'"),
    "title": (lambda: _guest(title=3), "Study: 'title': Input should be a valid string, got 3"),
    "TrainConfig: a text": (lambda: sublearn.TrainConfig(lr="a"), "TrainConfig: 'lr': .* valid number.* got 'a'"),
    "TrainConfig: a name": (lambda: sublearn.TrainConfig(hu=1), "TrainConfig: unknown key 'hu'"),
    "TrainConfig: changed": (
        lambda: dataclasses.replace(sublearn.TrainConfig(), lr=-1),
        "TrainConfig: 'lr': .* got -1",
    ),
    "TrainConfig: momentum": (lambda: sublearn.TrainConfig(momentum=0.5), "momentum 0.5 belongs to sgd"),
    "Study: no arms": (lambda: _study(arms=()), "Study: 'arms': Tuple should have at least 1 item"),
    "Study: a part is missing": (lambda: sublearn.Study(name="s"), "Study: 'title': Field required"),
    "Arm": (lambda: sublearn.Arm(name="a", about="", teacher="good"), "Arm: 'teacher': Input should be"),
    "Difference": (lambda: sublearn.Difference(arm="a", minus=""), "Difference: 'minus': .* got ''"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_ends_in_one_clear_line_and_nothing_is_written(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, says = MISTAKES[name]
    with pytest.raises(InputError, match=says) as caught:
        call()
    assert "pydantic" not in str(caught.value) and "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_result_is_saved_into_what_is_a_folder_alone(tmp_path):
    found = sublearn.run("tutorial", [0], **SMALL)
    for wrong in (3, None, ""):
        with pytest.raises(InputError, match=f"save got {wrong!r}; expected the name of a folder"):
            found.save(wrong)
    assert found.save(str(tmp_path / "r")) == found


def test_numbers_of_numpy_and_torch_are_seeds():
    plain = sublearn.run("tutorial", [0, 1, 2], **SMALL)
    for seeds in (np.arange(3), list(np.arange(3, dtype=np.uint8)), torch.arange(3)):
        found = sublearn.run("tutorial", seeds, **SMALL)
        assert found == plain and found.provenance.command == plain.provenance.command


def test_a_grid_takes_arrays(tmp_path):
    plain = sublearn.sweep("tutorial", {"hidden": [4, 8]}, [0], n_eval=20, n_unrelated=60)
    found = sublearn.sweep("tutorial", {"hidden": np.array([4, 8])}, [0], tmp_path / "s", n_eval=20, n_unrelated=60)
    assert found == plain == sublearn.load(tmp_path / "s")


def test_a_shard_and_a_tracker_may_be_texts():
    from sublearn.execution.options import Options

    assert Options(shard="1/2") == Options(shard=(1, 2)) and Options(trackers="wandb") == Options(trackers=["wandb"])
    assert Options(shard="2/2").share(range(4)) == [2, 3] and Options(shard="2/2").shard_name == "2of2"


def test_one_trait_and_one_claim_need_no_list():
    study = _guest()
    assert _guest(traits=sublearn.accuracy) == study and _guest(traits=study.traits[0]).traits == study.traits
    assert _guest(own_claims=study.claims[0]).claims == study.claims[:1]


def test_nested_settings_are_still_named_by_their_whole_key():
    with pytest.raises(InputError, match=r"^--set: 'student\.lr': Input should be greater than 0, got -1\.$"):
        sublearn.build("prompts", {"student.lr": -1})
    assert issubclass(sublearn.Study, BaseModel)
