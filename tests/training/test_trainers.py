"""Three ways to train one module give one result: by rules, by vmap, and run by run, each against a plain loop."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sublearn.config import TrainConfig
from sublearn.errors import InputError
from sublearn.models.aux_mlp import AuxMLP
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.stages import Curve, listening, stage, stepped
from sublearn.training import cohort, operations, randomness
from sublearn.training.batches import shuffled
from sublearn.training.losses import LOSSES, cross_entropy
from sublearn.training.trainers import TRAINERS, Choice, chosen, trainer_for

LENGTHS, BATCH, EPOCHS = (21, 24, 20, 21), 8, 2
RUNS = len(LENGTHS)
KEYS = torch.tensor([11, -(2**62), 7, 2**61 + 5])


class Residual(nn.Module):
    """Two residual blocks with LayerNorm and Dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(6), nn.LayerNorm(6)])
        self.layers = nn.ModuleList([nn.Linear(6, 6), nn.Linear(6, 6)])
        self.drop, self.out = nn.Dropout(0.3), nn.Linear(6, 5)

    def forward(self, rows: Tensor) -> Tensor:
        for norm, layer in zip(self.norms, self.layers, strict=True):
            rows = rows + self.drop(F.gelu(layer(norm(rows))))
        return self.out(rows)


class Attention(nn.Module):
    """One encoder block, whose attention draws its own dropout: vmap refuses it."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Embedding(60, 8), nn.Linear(8, 5)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.2, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.out(self.block(self.embed(tokens)).mean(dim=1))


class Recurrent(nn.Module):
    """A GRU, for which vmap has no rule."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.out = nn.GRU(6, 7, batch_first=True), nn.Linear(7, 5)

    def forward(self, rows: Tensor) -> Tensor:
        return self.out(self.gru(rows[:, None])[0][:, 0])


class Own(nn.Module):
    """A layer of one's own, and one that shares its weights with another; one parameter is not to be trained."""

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.fixed = nn.Parameter(torch.rand(6) + 2), nn.Parameter(torch.rand(6), requires_grad=False)
        self.a, self.b, self.out = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 5)
        self.b.weight = self.a.weight

    def forward(self, rows: Tensor) -> Tensor:
        return self.out(self.b(self.a(rows * self.scale + self.fixed).tanh()).tanh())


def cnn(norm: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 2), norm, nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(), nn.Linear(8, 5))


MODELS = {
    "MLP": (lambda: AuxMLP(6, 3, 2, width=9, depth=2), (6,)),
    "embeddings with BatchNorm": (lambda: PromptMLP(60, 6, 12, 5), "tokens"),
    "CNN with BatchNorm": (lambda: cnn(nn.BatchNorm2d(4)), (1, 2, 3)),
    "CNN with GroupNorm": (lambda: cnn(nn.GroupNorm(2, 4)), (1, 2, 3)),
    "residual with LayerNorm and Dropout": (Residual, (6,)),
    "own layer and shared weights": (Own, (6,)),
    "attention": (Attention, "tokens"),
    "recurrent": (Recurrent, (6,)),
}
TAKEN_BY = {
    "MLP": "cohort",
    "embeddings with BatchNorm": "cohort",
    "CNN with BatchNorm": "vmap",
    "CNN with GroupNorm": "vmap",
    "residual with LayerNorm and Dropout": "vmap",
    "own layer and shared weights": "vmap",
    "attention": "single",
    "recurrent": "single",
}
PAIRS = [(name, "single") for name in MODELS] + [(name, "vmap") for name in MODELS if TAKEN_BY[name] != "single"]


def examples(name: str) -> list[Tensor]:
    generator, shape = torch.Generator().manual_seed(5), MODELS[name][1]
    if shape == "tokens":
        return [torch.randint(60, (n, 4), generator=generator) for n in LENGTHS]
    return [torch.randn(n, *shape, generator=generator, dtype=torch.float64) for n in LENGTHS]


def models(name: str) -> list[nn.Module]:
    torch.manual_seed(1)
    return [MODELS[name][0]().double() for _ in LENGTHS]


def trained(name: str, trainer: str, runs: list[int], loss: str = "mse", device: str = "cpu") -> cohort.Trained:
    """The named model, trained on runs of unequal length: their last batches are ragged."""
    generator = torch.Generator().manual_seed(2)
    targets = [
        torch.randint(5, (n,), generator=generator)
        if loss == "class"
        else torch.randn(n, 5, generator=generator, dtype=torch.float64)
        for n in LENGTHS
    ]
    orders = [[torch.randperm(n, generator=generator) for _ in range(EPOCHS)] for n in LENGTHS]
    inputs, plain = examples(name), models(name)
    state = cohort.stack([cohort.state_of(plain[run]) for run in runs])
    state = {key: tensor.to(device) for key, tensor in state.items()}
    placed = [[part[run].to(device) for run in runs] for part in (inputs, targets)]
    batches = shuffled(*placed, [orders[run] for run in runs], BATCH)
    of = cross_entropy if loss == "class" else LOSSES[loss](2.0)
    keys = KEYS[runs].to(device)
    return TRAINERS[trainer].train(plain[0].to(device), state, batches, of, TrainConfig(lr=1e-2), keys=keys)


def same(left: cohort.Trained, right: cohort.Trained, within: float = 1e-9) -> None:
    for key, tensor in left.state.items():
        if not key.endswith("num_batches_tracked"):
            torch.testing.assert_close(tensor, right.state[key], atol=within, rtol=0)
    torch.testing.assert_close(left.losses, right.losses, atol=within, rtol=0)


def picked(found: cohort.Trained, runs: list[int]) -> cohort.Trained:
    return cohort.Trained({key: tensor[runs] for key, tensor in found.state.items()}, found.losses[:, runs])


@pytest.mark.parametrize("loss", ["mse", "kl", "class"])
@pytest.mark.parametrize("name", [name for name, best in TAKEN_BY.items() if best != "single"])
def test_every_trainer_that_takes_a_module_gives_the_same(name, loss):
    runs = list(range(RUNS))
    alone = trained(name, "single", runs, loss)
    for trainer in {"vmap", TAKEN_BY[name]}:
        same(trained(name, trainer, runs, loss), alone)


@pytest.mark.parametrize(("name", "trainer"), PAIRS)
def test_a_run_gives_the_same_in_any_company_and_order(name, trainer):
    everybody, some = trained(name, trainer, [0, 1, 2, 3]), trained(name, trainer, [3, 1])
    same(picked(everybody, [3, 1]), some)


@pytest.mark.parametrize("name", MODELS)
def test_the_fastest_trainer_that_takes_a_module_is_found_and_the_module_stays_as_it_is(name):
    model = models(name)[0]
    before = copy.deepcopy(model.state_dict())
    choice = chosen(model, examples(name)[0])
    assert choice.name == TAKEN_BY[name]
    assert [f"not {faster}: " in choice.reason for faster in TRAINERS] == [
        list(TRAINERS).index(faster) < list(TRAINERS).index(choice.name) for faster in TRAINERS
    ]
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())


@pytest.mark.parametrize("name", MODELS)
def test_predictions_agree_with_the_module_itself(name):
    plain, inputs = models(name), torch.stack([rows[:18] for rows in examples(name)])
    state = cohort.stack([cohort.state_of(model) for model in plain])
    for trainer in {TAKEN_BY[name], "single"}:
        found = TRAINERS[trainer].predict(plain[0], state, inputs, batch_size=7)
        for run, model in enumerate(plain):
            torch.testing.assert_close(found[run], model.eval()(inputs[run]), atol=1e-9, rtol=0)


def test_why_a_trainer_is_taken_is_told():
    inputs = torch.zeros(3, 6).double()
    assert chosen(AuxMLP(6, 3, 2).double(), inputs) == Choice("cohort", "every layer has a rule")
    assert chosen(AuxMLP(6, 3, 2).double(), inputs, "vmap") == Choice("vmap", "asked for")
    assert chosen(Residual().double(), inputs).reason == "not cohort: A cohort cannot compute 'add'"
    assert "'parameters that two layers share'" in chosen(Own().double(), inputs).reason


def test_what_a_trainer_is_tried_on_is_no_step_of_the_stage_that_is_at_work():
    model = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4))
    with listening(lambda news: None) as job, stage("teacher", 1, ["teacher"]):
        chosen(model, torch.randn(8, 6))
        stepped(torch.ones(3))  # runs of another number than a trainer is tried on
    assert job.curves == [Curve("teacher", 3, 1, (1.0,))]


def test_a_trainer_that_gives_other_logits_than_the_module_is_not_taken(monkeypatch):
    monkeypatch.setitem(operations.MODULES, nn.Tanh, lambda name, module: operations.relu)
    model = nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2))
    torch.manual_seed(0)
    assert chosen(model, torch.randn(3, 6)).reason == "not cohort: it gives other logits than the module itself"


@pytest.mark.parametrize("trainer", ["vmap", "single"])
def test_what_is_shared_stays_shared_and_what_is_fixed_stays(trainer):
    name = "own layer and shared weights"
    state = trained(name, trainer, [0, 1]).state
    before = cohort.stack([cohort.state_of(model) for model in models(name)[:2]])
    assert "b.weight" not in state
    assert torch.equal(state["fixed"], before["fixed"])
    assert not torch.allclose(state["scale"], before["scale"], atol=1e-4)


def test_dropout_really_drops_and_changes_with_step_and_run():
    with_dropout = trained("residual with LayerNorm and Dropout", "vmap", [0, 1])
    keys = KEYS[:2].clone()
    KEYS[:2] = KEYS[2:]
    try:
        others = trained("residual with LayerNorm and Dropout", "vmap", [0, 1])
    finally:
        KEYS[:2] = keys
    assert not torch.allclose(with_dropout.state["out.weight"], others.state["out.weight"], atol=1e-4)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_masks_keep_the_stated_share_and_differ_between_keys_steps_and_calls(p):
    n = 200_000
    masks = []
    for step in (1, 2):
        for key in randomness.keys_at(torch.tensor([1, 2]), step):
            with randomness.RunRandomness(key):
                masks += [(F.dropout(torch.ones(n, dtype=torch.float64), p) > 0).double() for _ in range(2)]
    # Eight masks: shares within 4.5 standard errors of 1 - p, and no two of them correlated.
    error = (p * (1 - p) / n) ** 0.5
    assert all(abs(float(mask.mean()) - (1 - p)) < 4.5 * error for mask in masks)
    together = torch.corrcoef(torch.stack(masks)) - torch.eye(len(masks))
    assert float(together.abs().max()) < 4.5 / n**0.5
    neighbours = torch.corrcoef(torch.stack([masks[0][1:], masks[0][:-1]]))[0, 1]
    assert abs(float(neighbours)) < 4.5 / n**0.5


def test_dropout_is_scaled_and_rests_in_evaluation():
    with randomness.RunRandomness(torch.tensor(3)):
        dropped = F.dropout(torch.ones(1000), 0.25)
        assert set(dropped.tolist()) == {0.0, float(torch.tensor(1.0) / 0.75)}
        assert torch.equal(F.dropout(torch.ones(9), 0.25, training=False), torch.ones(9))
        assert torch.equal(F.dropout(torch.ones(9), 1.0), torch.zeros(9))
        channels = F.dropout2d(torch.ones(50, 8, 3, 3), 0.5)
    assert torch.equal(channels.amax((2, 3)), channels.amin((2, 3)))


def test_a_trainer_that_cannot_take_a_module_says_why():
    with pytest.raises(InputError, match="cannot compute"):
        trainer_for(Recurrent().double(), examples("recurrent")[0], "cohort")
    with pytest.raises(InputError, match=r"Recurrent cannot be trained .*vmap: "):
        trainer_for(Recurrent().double(), examples("recurrent")[0], "vmap")
    with pytest.raises(InputError, match="Sequential cannot be trained on examples of shape"):
        trainer_for(nn.Sequential(nn.Softplus(), nn.Linear(4, 2)), torch.zeros(3, 9))
    with pytest.raises(InputError, match="Did you mean 'single'"):
        trainer_for(Recurrent(), torch.zeros(3, 6), "singel")
