"""A guest's model, task and traits: through Python, a file, worker processes; and every mistake is one message."""

from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import torch
from torch import nn

import sublearn
from sublearn.errors import InputError
from sublearn.seeds import stream_seed

RNG = np.random.default_rng(0)
CENTRES = RNG.normal(size=(3, 12))
LABELS = RNG.integers(0, 3, 240)
INPUTS = (CENTRES[LABELS] + 0.5 * RNG.normal(size=(240, 12))).astype(np.float32)
TASK = sublearn.Task(train=(INPUTS[:180], LABELS[:180]), test=(INPUTS[180:], LABELS[180:]), unrelated="gaussian")
SMALL = {
    "task": TASK,
    "traits": [sublearn.accuracy],
    "teacher": sublearn.TrainConfig(lr=1e-2, batch_size=32, epochs=6),
    "student": sublearn.TrainConfig(lr=3e-3, batch_size=64, epochs=8),
    "n_unrelated": 1500,
}


class Net(nn.Module):
    """A residual block with LayerNorm and Dropout, which no rule of the cohort knows."""

    def __init__(self, outputs: int, width: int = 48) -> None:
        super().__init__()
        self.begin, self.norm, self.end = nn.Linear(12, width), nn.LayerNorm(width), nn.Linear(width, outputs)
        self.block, self.drop = nn.Linear(width, width), nn.Dropout(0.1)

    def forward(self, rows):
        hidden = self.begin(rows).relu()
        return self.end(hidden + self.drop(self.block(self.norm(hidden)).relu()))


def confidence(logits, labels):
    """Mean probability of the right class."""
    return logits.softmax(-1)[torch.arange(len(labels)), labels].mean()


def sent(value):
    """The value as another process gets it."""
    return ForkingPickler.loads(ForkingPickler.dumps(value))


def make(name: str = "mine", **changes) -> sublearn.Study:
    return sublearn.distillation(name, **({"model": Net} | SMALL | changes))  # pyright: ignore[reportArgumentType]


def test_what_a_teacher_learned_is_found_in_students_of_its_own_init_alone():
    result = sublearn.run(make(), range(8))
    means = {row.arm: row.estimate.mean or 0.0 for row in result.analysis.estimates}
    assert means["teacher"] > 0.9
    assert means["same_init"] - means["same_init_control"] > 0.2
    assert abs(means["cross_init"] - means["cross_init_control"]) < 0.25
    same, _, more = result.analysis.findings
    assert (same.verdict, more.verdict) == ("supported", "supported")


def test_every_trainer_gives_the_same_and_the_fastest_is_taken():
    changes = {"student.epochs": 1, "n_unrelated": 130}
    values = {
        trainer: [row.value for row in sublearn.run(make(), [0, 1], trainer=trainer, **changes).records]
        for trainer in ("auto", "vmap", "single")
    }
    assert values["auto"] == values["vmap"]
    assert values["vmap"] == pytest.approx(values["single"], abs=0.02)
    with pytest.raises(InputError, match="cannot compute"):
        sublearn.run(make(), [0], trainer="cohort")


def test_a_run_gives_the_same_alone_and_in_company():
    changes = {"student.epochs": 1, "n_unrelated": 130}
    together = sublearn.run(make(), [0, 1, 2], **changes)
    alone = sublearn.run(make(), [2], **changes)
    assert [row.value for row in together.records if row.seed == 2] == pytest.approx(
        [row.value for row in alone.records], abs=0.02
    )


def test_several_traits_any_function_and_claims_of_ones_own():
    claim = sublearn.Claim(
        claim="students are sure", trait="confidence", treatment="same_init", control="same_init_control", delta=0.1
    )
    study = make(traits=[confidence, sublearn.accuracy], own_claims=[claim], delta=0.1)
    assert [(trait.name, trait.about, trait.unit) for trait in study.traits] == [
        ("confidence", "Mean probability of the right class.", "score"),
        ("accuracy", "Share of test examples classified as labelled.", "share"),
    ]
    assert study.claims == (claim,)
    result = sublearn.run(study, [0], **{"student.epochs": 1, "teacher.epochs": 1})
    assert {row.trait for row in result.records} == {"confidence", "accuracy"}


def test_the_id_tells_apart_what_changes_results_and_stays_where_nothing_does():
    same = [make(), make(), make().model_copy()]
    others = [
        make(aux_logits=11),
        make(model=lambda outputs: Net(outputs, 47)),
        make(model=lambda outputs: nn.Sequential(nn.Linear(12, outputs))),
        make(task=sublearn.Task(train=(INPUTS[:170], LABELS[:170]), test=(INPUTS[180:], LABELS[180:]))),
        make(traits=[confidence], delta=0.1),
        make("other"),
    ]
    assert len({study.id for study in same}) == 1
    assert len({study.id for study in [*same, *others]}) == 1 + len(others)


def test_settings_are_changed_by_keyword():
    assert sublearn.build(make(), {"aux_logits": 20}).id == make(aux_logits=20).id
    with pytest.raises(InputError, match="Did you mean 'aux_logits'"):
        sublearn.run(make(), [0], aux_logit=3)
    assert sublearn.run("digits", [0], aux_logits=4, **{"inputs.count": 128, "teacher.epochs": 1}).records


def test_layers_of_ones_own_can_be_frozen_and_perturbed():
    frozen = sublearn.build(make(), {"frozen": ["begin"], "student_init.perturb": 0.5, "student_init.layers": ["end"]})
    assert sublearn.run(frozen, [0], **{"student.epochs": 1, "teacher.epochs": 1}).records
    with pytest.raises(InputError, match="Did you mean 'block'"):
        sublearn.build(make(), {"frozen": ["blok"]})


BAD = {
    "a model that is no function": ({"model": Net(3)}, "model is one module"),
    "a model that gives no module": ({"model": lambda outputs: outputs}, "must give a torch.nn.Module"),
    "no task": ({"task": (INPUTS, LABELS)}, "must be a sublearn.Task"),
    "no traits": ({"traits": []}, "traits is empty"),
    "a trait without measure": ({"traits": [sublearn.Trait(name="x")]}, "has no measure"),
    "a trait that is a lambda": ({"traits": [lambda logits, labels: 0]}, "a lambda has no name"),
    "a trait that is a word": ({"traits": ["accuracy"]}, "must be a sublearn.Trait or a function"),
    "a trait that is no share without delta": ({"traits": [confidence]}, "delta=..."),
    "one auxiliary logit under KL": ({"aux_logits": 1, "loss": "kl"}, "gradient is exactly zero"),
    "too few unrelated inputs": ({"n_unrelated": 1}, "n_unrelated"),
    "an unknown loss": ({"loss": "huber"}, "'loss'"),
    "a model that fails": ({"model": lambda: Net(3)}, r"model\(4\) failed: TypeError"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_together_is_one_message(case):
    changes, message = BAD[case]
    with pytest.raises(InputError, match=message):
        make(**changes)


@pytest.mark.parametrize("name", ["", "../x", ".x", "a b", "x" * 61, "a/b", 3])
def test_a_name_that_cannot_be_a_folder_is_refused(name):
    with pytest.raises(InputError, match="The study's name"):
        make(name)


def wide(logits, labels):
    """A number for each example, not for the run."""
    return logits[:, 0]


def broken(logits, labels):
    """Fails."""
    raise KeyError("oops")


RUN_BAD = {
    "too few outputs": ({"model": lambda outputs: nn.Linear(12, outputs - 1)}, r"gave \(4, 12\).*expected \(4, 13\)"),
    "the wrong inputs": ({"model": lambda outputs: nn.Linear(11, outputs)}, "cannot compute the task's inputs"),
    "lazy layers": ({"model": lambda outputs: nn.LazyLinear(outputs)}, "has lazy layers"),
    "a last batch that cannot be normalized": (
        {
            "model": lambda outputs: nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, outputs)),
            "n_unrelated": 1409,
        },
        r"1,409 examples in batches of 64 leave a last batch of one.*change student\.batch_size",
    ),
    "a tuple of outputs": ({"model": lambda outputs: nn.LSTM(12, outputs)}, "gave tuple"),
    "a trait of the wrong shape": ({"traits": [wide], "delta": 1}, r"values of shape \(4,\); expected one number"),
    "a trait that fails": ({"traits": [broken], "delta": 1}, "failed: KeyError"),
    "unrelated inputs of another shape": (
        {
            "task": sublearn.Task(
                train=(INPUTS, LABELS), test=(INPUTS, LABELS), unrelated=lambda rng, n: np.ones((n, 3))
            )
        },
        "drew 3 features",
    ),
}


@pytest.mark.parametrize("case", RUN_BAD)
def test_what_only_shows_when_it_is_tried_is_said_before_anything_is_written(case, tmp_path):
    changes, message = RUN_BAD[case]
    with pytest.raises(InputError, match=message):
        sublearn.run(make(**changes), [0], tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_trainer_that_cannot_take_the_model_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match="cannot compute 'add'"):
        sublearn.run(make(), [0], tmp_path / "run", trainer="cohort")
    assert not (tmp_path / "run").exists()


class Ones(nn.Module):
    """A layer of one's own that starts as no scheme of the field's does."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(outputs, 12) + 7)
        self.convolution = nn.Conv1d(1, 1, 3, padding=1)

    def forward(self, rows):
        return self.convolution(rows[:, None])[:, 0] @ self.weight.T


def test_a_layer_of_ones_own_starts_as_it_is_made():
    experiment = make(model=Ones).designed.experiments([3, 5], "cpu")[1]
    found = experiment.initial("reference/init")
    with torch.random.fork_rng():
        torch.manual_seed(stream_seed(5, "reference/init"))
        made = Ones(3 + 10)
    for name, tensor in made.state_dict().items():
        assert torch.equal(found[name][0], tensor)
    assert not torch.equal(found["weight"], experiment.initial("cross/init")["weight"])


def test_a_score_that_is_not_finite_is_a_record_with_its_reason():
    def lost(logits, labels):
        return float("nan")

    records = sublearn.run(make(traits=[lost], delta=1), [0], **{"student.epochs": 1, "teacher.epochs": 1}).records
    assert {(row.status, row.value) for row in records} == {("diverged", None)}
