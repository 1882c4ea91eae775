"""What is checked when settings are built: layers, batches, sizes, memory."""

from dataclasses import replace

import pytest
import torch

from sublearn import devices
from sublearn.config import TrainConfig
from sublearn.errors import InputError
from sublearn.models.aux_mlp import AuxMLP
from sublearn.models.init import init_std
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.study import memory
from sublearn.study import table as studies
from sublearn.study.base import Study
from sublearn.study.controlled.spec import Distil
from sublearn.study.images.spec import Settings as ImageSettings
from sublearn.study.ladder.spec import RUNGS, rung_settings
from sublearn.study.ladder.spec import Settings as LadderSettings
from sublearn.study.prompts.spec import Settings as PromptSettings
from sublearn.study.table import STUDIES, build, check_memory, settings_of

NETWORKS = {
    "prompts": (PromptSettings(), PromptMLP(50, 4, 8, batch_norm=False)),
    "prompts with BatchNorm": (PromptSettings(batch_norm=True), PromptMLP(50, 4, 8)),
    "images": (ImageSettings(depth=3), AuxMLP(9, width=4, depth=3)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_layers_that_settings_know_are_those_of_the_network(name):
    settings, model = NETWORKS[name]
    assert isinstance(settings, Distil)
    layers = dict.fromkeys(parameter.rpartition(".")[0] for parameter, _ in model.named_parameters())
    drawn = {parameter.rpartition(".")[0] for parameter in init_std(model, "torch")}
    assert settings.layers() == {layer: layer in drawn for layer in layers}


@pytest.mark.parametrize("name", [name for name in STUDIES if isinstance(settings_of(build(name)), Distil)])
def test_every_controlled_study_checks_its_layers(name):
    for setting in ("frozen", "student_init.layers"):
        with pytest.raises(InputError, match=f"{setting}: Unknown layer 'nope'. Known: "):
            build(name, {setting: ["nope"]})


@pytest.mark.parametrize(
    ("n", "size", "batch_norm", "can"),
    [
        (64, 64, True, True),
        (65, 64, True, False),
        (65, 64, False, True),
        (1, 64, True, False),
        (1, 64, False, True),
        (2, 1, True, False),
        (2, 1, False, True),
        (0, 64, False, False),
        (0, 64, True, False),
    ],
)
def test_batches_that_can_train_are_told_from_those_that_cannot(n, size, batch_norm, can):
    """Against PyTorch's own BatchNorm, which refuses a single example."""
    assert (TrainConfig(batch_size=size).untrainable(n, batch_norm) is None) == can
    layer = torch.nn.BatchNorm1d(3) if batch_norm else torch.nn.Identity()
    batches = torch.zeros(n, 3).split(size)
    refused = n == 0
    for batch in batches:
        try:
            layer(batch)
        except ValueError:
            refused = True
    assert refused != can


@pytest.mark.parametrize("n_eval", range(63, 67))
def test_the_ladder_is_built_exactly_if_all_of_its_rungs_are(n_eval):
    try:
        rungs = [rung_settings(LadderSettings(n_eval=200).model_copy(update={"n_eval": n_eval}), r) for r in RUNGS]
    except ValueError:
        rungs = []
    if rungs:
        assert build("ladder", {"n_eval": n_eval})
    else:
        with pytest.raises(InputError, match="65 examples in batches of 64 leave a last batch of one"):
            build("ladder", {"n_eval": n_eval})


# Memory.


@pytest.mark.parametrize("name", [name for name in STUDIES if name != "numbers"])
def test_every_study_that_trains_here_estimates_its_memory(name):
    study = build(name)
    found = study.designed.needs()
    assert all(need.bytes >= 0 for need in found)
    assert 1e6 < memory.total(found) < 1e9
    known = studies.dotted(study.settings)
    assert any(key in known for need in found for key in need.settings)


def test_the_sizes_of_networks_and_data_are_those_of_the_real_ones():
    prompts, images = PromptMLP(50, 4, 9, 7, batch_norm=False), AuxMLP(9, 10, 3, width=4, depth=3)
    for model, network in ((prompts, memory.prompt_network(50, 4, 9, 7)), (images, memory.image_network(9, 4, 3, 13))):
        assert network.parameters == sum(parameter.numel() for parameter in model.parameters())


def test_the_estimate_of_a_large_network_is_near_its_measured_peak():
    """Peaks that were measured by VmHWM over an equal run of small networks: 3,419 MiB with Adam, 2,435 with SGD."""
    large = {"vocab_size": 1_000_000, "teacher.epochs": 1, "student.epochs": 1}
    plain = {"teacher.optimizer": "sgd", "student.optimizer": "sgd"}
    for changes, measured in ((large, 3419), (large | plain, 2435)):
        assert memory.total(build("prompts", changes).designed.needs()) / 2**20 == pytest.approx(measured, rel=0.1)


def test_a_study_that_cannot_fit_is_refused_with_what_makes_it_large(monkeypatch):
    study = build("prompts", {"vocab_size": 1_000_000})
    needed = memory.total(study.designed.needs())
    monkeypatch.setattr(devices, "memory", lambda: needed)
    check_memory(study)
    monkeypatch.setattr(devices, "memory", lambda: needed - 1)
    with pytest.raises(InputError, match=r"needs about 3\.5 GB .* for the networks .*\(vocab_size 1000000, embed_dim"):
        check_memory(study)
    monkeypatch.setattr(devices, "memory", lambda: None)
    check_memory(study)


def test_a_cohort_is_no_larger_than_fits(monkeypatch):
    study = build("prompts")
    needed = memory.total(study.designed.needs())
    for there, runs in ((needed, 1), (3 * needed, 3), (1000 * needed, 4), (None, 4)):
        monkeypatch.setattr(devices, "memory", lambda there=there: there)
        assert studies.runs_at_once(study, "cpu") == runs
    monkeypatch.setattr(devices, "memory", lambda: needed)
    assert studies.runs_at_once(study, "cuda") == 256


def test_the_memory_of_a_container_is_that_of_its_narrowest_group(tmp_path, monkeypatch):
    root, own = tmp_path / "cgroup", tmp_path / "own"
    (root / "job" / "step").mkdir(parents=True)
    own.write_text("0::/job/step\n")
    assert devices._limits(root, own) == []
    (root / "job" / "memory.max").write_text("max\n")
    (root / "memory.max").write_text("4096\n")
    (root / "job" / "step" / "memory.max").write_text("1024\n")
    assert sorted(devices._limits(root, own)) == [1024, 4096]
    own.write_text("4:memory:/outside/of/the/container\n1:name=systemd:/\n")
    (root / "memory").mkdir()
    (root / "memory" / "memory.limit_in_bytes").write_text("2048\n")
    assert devices._limits(root, own) == [2048]
    assert devices._limits(root, tmp_path / "none") == []
    monkeypatch.setattr(devices, "_limits", lambda: [512])
    assert devices.memory() == 512


def test_settings_of_a_study_that_was_put_together_by_hand_are_checked():
    study = build("prompts")
    by_hand = Study.model_validate(study.model_dump() | {"settings": study.settings | {"hidden": -3}})
    with pytest.raises(InputError, match="not how it is measured"):
        settings_of(by_hand)
    with pytest.raises(InputError, match="not those that it is measured with"):
        settings_of(study.model_copy(update={"settings": study.settings | {"hidden": -3}}))
    with pytest.raises(InputError, match="'hidden': Input should be greater"):
        build(study, {"hidden": -3})


def test_a_training_counts_what_its_optimizer_keeps():
    adam = memory.Training(2, TrainConfig(), 100)
    assert adam.copies == 12
    assert replace(adam, config=TrainConfig(optimizer="sgd")).copies == 8
    assert replace(adam, config=TrainConfig(optimizer="sgd", momentum=0.9)).copies == 10
