"""What every model of the table must do: plain modules for one run, alike in every trainer, drawn from a stream."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

import sublearn
from sublearn.config import TrainConfig
from sublearn.errors import InputError
from sublearn.models.init import draw_state, init_std
from sublearn.models.table import MODELS
from sublearn.seeds import stream
from sublearn.training import cohort
from sublearn.training.batches import Batch
from sublearn.training.losses import mse
from sublearn.training.trainers import TRAINERS, chosen

SCHEMES = ("normal", "torch")


@pytest.fixture(params=MODELS)
def row(request):
    return MODELS[request.param]


def inputs_of(row, n: int, seed: int = 0) -> torch.Tensor:
    inputs = row.inputs(torch.Generator().manual_seed(seed), n)
    return inputs.double() if inputs.is_floating_point() else inputs


def test_a_row_gives_one_row_of_logits_an_example_and_each_by_itself(row):
    model, inputs = row.small().double().eval(), inputs_of(row, 7)
    logits = model(inputs)
    assert logits.shape == (7, 5)
    torch.testing.assert_close(torch.cat([model(one[None]) for one in inputs]), logits, atol=1e-12, rtol=0)


def test_a_row_depends_on_its_inputs_and_every_parameter_is_used(row):
    model = row.small().double()
    logits = model(inputs_of(row, 16))
    assert not torch.allclose(logits[0], logits[1])
    weights = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    (logits * weights).sum().backward()
    assert all(own.grad is not None and own.grad.abs().sum() > 0 for name, own in model.named_parameters())


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_row_starts_alike_from_one_stream_and_otherwise_from_another(row, scheme):
    with torch.device("meta"):
        template = row.small()
    one, again, other = (draw_state(template, scheme, stream(seed, "init")) for seed in (3, 3, 4))
    assert list(one) == list(row.small().state_dict())
    for name, tensor in one.items():
        assert torch.equal(tensor, again[name])
        assert tensor.shape == template.state_dict()[name].shape
    spread = init_std(template, scheme)
    drawn = [name for name, std in spread.items() if std]
    assert drawn and all(not torch.equal(one[name], other[name]) for name in drawn)
    row.small().load_state_dict(one)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_rows_parameters_spread_as_stated(row, scheme):
    template = row.small()
    states = [draw_state(template, scheme, stream(seed, "spread")) for seed in range(60)]
    for name, std in init_std(template, scheme).items():
        values = torch.stack([state[name] for state in states])
        # Of so many values the standard deviation is within a few standard errors of its own.
        error = std * (2 / values.numel()) ** 0.5
        assert abs(float(values.std()) - std) <= 5 * error + 1e-12, name


def test_a_row_trains_alike_by_every_trainer(row):
    """By rules, by vmap and run by run, in float64 to 1e-9."""
    torch.manual_seed(5)
    models = [row.small().double() for _ in range(3)]
    state = cohort.stack([model.state_dict() for model in models])
    generator = torch.Generator().manual_seed(2)
    batches = [
        Batch(
            torch.stack([inputs_of(row, 16, 10 * step + run) for run in range(3)]),
            torch.randn(3, 16, 5, generator=generator, dtype=torch.float64),
        )
        for step in range(4)
    ]
    found = {name: by.train(models[0], state, batches, mse, TrainConfig(lr=1e-2)) for name, by in TRAINERS.items()}
    for trained in found.values():
        torch.testing.assert_close(trained.losses, found["single"].losses, atol=1e-9, rtol=0)
        for name, tensor in trained.state.items():
            if not name.endswith("num_batches_tracked"):
                torch.testing.assert_close(tensor, found["single"].state[name], atol=1e-9, rtol=0)
    assert chosen(models[0], inputs_of(row, 4)).name == "cohort"


def test_a_layer_without_a_scheme_starts_as_pytorch_starts_it():
    with torch.device("meta"):
        template = nn.Sequential(nn.Conv2d(2, 3, 3), nn.LayerNorm(4), nn.Linear(4, 2), nn.Bilinear(2, 2, 2))
    one, again, other = (draw_state(template, "torch", stream(seed, "init")) for seed in (0, 0, 1))
    assert all(torch.equal(one[name], again[name]) for name in one)
    bound = 1 / (2 * 9) ** 0.5
    assert 0.5 * bound < one["0.weight"].abs().max() <= bound
    assert not torch.equal(one["0.weight"], other["0.weight"])
    assert torch.equal(one["1.weight"], torch.ones(4))
    alone = draw_state(template[2:3], "torch", stream(0, "init"))
    assert torch.equal(one["2.weight"], alone["2.weight"])


class Nameless(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((3,), 7.0))


def test_a_layer_that_cannot_be_started_anew_is_refused_by_name():
    with pytest.raises(InputError, match=r"The layer '1' has no reset_parameters"):
        draw_state(nn.Sequential(nn.Linear(3, 3), Nameless()), "normal", stream(0, "init"))


def test_the_networks_of_studies_are_rows():
    """So that what the studies train is held to all that is asked of a row."""
    code = [file.read_text(encoding="utf-8") for file in (Path(sublearn.__file__).parent / "study").rglob("*.py")]
    taken = {name for text in code for name in re.findall(r"^from sublearn\.models\.(\w+) import", text, re.M)}
    rows = {type(row.small()).__module__.rpartition(".")[2] for row in MODELS.values()}
    assert taken - {"init"} == rows
