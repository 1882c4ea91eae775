import copy

import pytest
import torch
from torch import nn

from sublearn.config import TrainConfig
from sublearn.errors import InputError
from sublearn.models.aux_mlp import AuxMLP
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.training import cohort
from sublearn.training.batches import Batch, shuffled
from sublearn.training.losses import LOSSES, cross_entropy, mse
from sublearn.training.trainers import TRAINERS

RUNS, LENGTHS, BATCH, EPOCHS = 5, (41, 45, 38, 47, 40), 16, 3
MODELS = {
    "PromptMLP": lambda: PromptMLP(60, 6, 12, 5),
    "PromptMLP without BatchNorm": lambda: PromptMLP(60, 6, 12, 5, batch_norm=False),
    "AuxMLP": lambda: AuxMLP(6, 3, 2, width=9, depth=2),
    "Sequential over images": lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 5)),
}
OPTIMIZERS = {
    "adam": TrainConfig(lr=1e-2),
    "adam with decay": TrainConfig(lr=1e-2, weight_decay=0.1),
    "sgd": TrainConfig(lr=0.1, optimizer="sgd"),
    "sgd with momentum": TrainConfig(lr=0.1, optimizer="sgd", momentum=0.9, weight_decay=0.01),
}
LOSS = {"cross_entropy": cross_entropy} | {name: make(2.0) for name, make in LOSSES.items()}


def plan(model: nn.Module, loss: str, seed: int = 0):
    """Models of five runs in float64, their data of unequal length, and an order a run and epoch."""
    generator = torch.Generator().manual_seed(seed)
    tokens, shape = isinstance(model, PromptMLP), (1, 2, 3) if isinstance(model, nn.Sequential) else (6,)
    inputs = [
        torch.randint(60, (n, 4), generator=generator)
        if tokens
        else torch.randn(n, *shape, generator=generator, dtype=torch.float64)
        for n in LENGTHS
    ]
    targets = [
        torch.randint(5, (n,), generator=generator)
        if loss == "cross_entropy"
        else torch.randn(n, 5, generator=generator, dtype=torch.float64)
        for n in LENGTHS
    ]
    orders = [[torch.randperm(n, generator=generator) for _ in range(EPOCHS)] for n in LENGTHS]
    return inputs, targets, orders


def models(make, seed: int = 0) -> list[nn.Module]:
    torch.manual_seed(seed)
    return [make().double() for _ in range(RUNS)]


def by_plain_loop(model: nn.Module, inputs, targets, orders, loss, cfg: TrainConfig) -> tuple[nn.Module, list[float]]:
    """One plain module, one plain optimizer, one plain loop; nothing of the library but the loss."""
    model = copy.deepcopy(model).train()
    if cfg.optimizer == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), cfg.lr, cfg.momentum, weight_decay=cfg.weight_decay)
    else:
        optimizer = torch.optim.Adam(model.parameters(), cfg.lr, weight_decay=cfg.weight_decay)
    losses = []
    for order in orders:
        for chosen in order.split(BATCH):
            optimizer.zero_grad()
            value = loss(model(inputs[chosen])[None], targets[chosen][None]).mean()
            value.backward()
            optimizer.step()
            losses.append(value.item())
    return model, losses


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS)
@pytest.mark.parametrize("config", OPTIMIZERS)
@pytest.mark.parametrize("loss", LOSS)
@pytest.mark.parametrize("name", MODELS)
def test_five_runs_together_are_five_single_runs(name, loss, config, trainer):
    plain = models(MODELS[name])
    inputs, targets, orders = plan(plain[0], loss)
    state = cohort.stack([model.state_dict() for model in plain])
    before = {key: tensor.clone() for key, tensor in state.items()}
    batches = shuffled(inputs, targets, orders, BATCH)
    trained = trainer.train(MODELS[name](), state, batches, LOSS[loss], OPTIMIZERS[config])
    assert all(torch.equal(state[key], before[key]) for key in state)
    for run, own in enumerate(cohort.unstack(trained.state)):
        expected, losses = by_plain_loop(
            plain[run], inputs[run], targets[run], orders[run], LOSS[loss], OPTIMIZERS[config]
        )
        torch.testing.assert_close(trained.losses[:, run], torch.tensor(losses, dtype=torch.float64), atol=1e-9, rtol=0)
        for key, tensor in expected.state_dict().items():
            if not key.endswith("num_batches_tracked"):
                torch.testing.assert_close(own[key], tensor, atol=1e-9, rtol=0)
        logits = trainer.predict(MODELS[name](), trained.state, torch.stack([rows[:38] for rows in inputs]))
        torch.testing.assert_close(logits[run], expected.eval()(inputs[run][:38]), atol=1e-9, rtol=0)


def trained_with(runs: list[int], spoil: int | None = None) -> cohort.Trained:
    plain = models(MODELS["PromptMLP"])
    inputs, targets, orders = plan(plain[0], "mse")
    if spoil is not None:
        targets[spoil] = targets[spoil].clone()
        targets[spoil][orders[spoil][0][BATCH]] = float("nan")  # first met in the second step
    state = cohort.stack([plain[run].state_dict() for run in runs])
    chosen = [[part[run] for run in runs] for part in (inputs, targets, orders)]
    batches = shuffled(*chosen, BATCH)
    return cohort.train(MODELS["PromptMLP"](), state, batches, LOSSES["mse"](1.0), TrainConfig(lr=1e-2))


def test_a_run_gives_the_same_in_any_company_and_order():
    everybody, some = trained_with([0, 1, 2, 3, 4]), trained_with([3, 1])
    for key in everybody.state:
        torch.testing.assert_close(everybody.state[key][[3, 1]], some.state[key], atol=1e-9, rtol=0)


def test_a_diverged_run_is_found_and_leaves_the_others_untouched():
    good, bad = trained_with([0, 1, 2, 3, 4]), trained_with([0, 1, 2, 3, 4], spoil=2)
    assert set(cohort.diverged(bad.losses)) == {2}
    assert cohort.diverged(bad.losses)[2][0] == 1
    assert cohort.diverged(good.losses) == {}
    others = [0, 1, 3, 4]
    for key in good.state:
        assert torch.equal(good.state[key][others], bad.state[key][others])


def test_a_hundredth_run_does_not_shrink_the_first():
    """With SGD the step is proportional to the gradient, so averaging over runs would show."""
    model = AuxMLP(7, 3, 2, width=9).double()
    batch = Batch(torch.randn(1, 8, 7).double(), torch.randn(1, 8, 5).double())
    many = Batch(batch.inputs.repeat(100, 1, 1), batch.targets.repeat(100, 1, 1))
    cfg = OPTIMIZERS["sgd"]
    alone = cohort.train(model, cohort.stack([model.state_dict()]), [batch], LOSSES["mse"](1.0), cfg)
    together = cohort.train(model, cohort.stack([model.state_dict()] * 100), [many], LOSSES["mse"](1.0), cfg)
    for key in alone.state:
        torch.testing.assert_close(together.state[key][:1], alone.state[key], atol=1e-12, rtol=0)


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS)
def test_frozen_layers_stay_and_the_others_move(trainer):
    model = AuxMLP(7, 3, 2, width=9).double()
    state = cohort.stack([model.state_dict()] * 2)
    batch = Batch(torch.randn(2, 8, 7).double(), torch.randn(2, 8, 5).double())
    after = trainer.train(model, state, [batch], LOSSES["mse"](1.0), TrainConfig(), frozen=("layers.0",)).state
    moved = {key for key in state if not torch.equal(state[key], after[key])}
    assert moved == {key for key in state if not key.startswith("layers.0.")}
    everything = tuple(f"layers.{i}" for i in (0, 2, 4))
    still = trainer.train(model, state, [batch], LOSSES["mse"](1.0), TrainConfig(), frozen=everything).state
    assert all(torch.equal(state[key], still[key]) for key in state)


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS)
def test_a_frozen_name_that_covers_nothing_is_refused(trainer):
    model = AuxMLP(7, 3, 2, width=9)
    with pytest.raises(InputError, match=r"Unknown layer 'layers\.1'. Did you mean 'layers\.4'"):
        trainer.train(model, cohort.stack([model.state_dict()]), [], LOSSES["mse"](1.0), TrainConfig(), ("layers.1",))


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS)
def test_no_batches_train_nothing(trainer):
    model = AuxMLP(7, 3, 2, width=9).double()
    state = cohort.stack([model.state_dict()] * 2)
    trained = trainer.train(model, state, [], LOSSES["mse"](1.0), TrainConfig())
    assert trained.losses.shape == (0, 2)
    assert trained.losses.dtype == torch.float64
    assert cohort.diverged(trained.losses) == {}
    assert all(torch.equal(state[key], trained.state[key]) for key in state)


def test_a_run_goes_back_into_a_plain_model():
    plain = models(MODELS["PromptMLP"])
    inputs, targets, orders = plan(plain[0], "mse")
    state = cohort.stack([model.state_dict() for model in plain])
    trained = cohort.train(
        plain[0], state, shuffled(inputs, targets, orders, BATCH), LOSSES["mse"](1.0), TrainConfig(lr=1e-2)
    )
    for run, own in enumerate(cohort.unstack(trained.state)):
        plain[run].load_state_dict(own)
        logits = TRAINERS["cohort"].predict(plain[0], trained.state, torch.stack([rows[:38] for rows in inputs]))
        torch.testing.assert_close(plain[run].eval()(inputs[run][:38]), logits[run], atol=1e-9, rtol=0)


@pytest.mark.parametrize("trainer", TRAINERS.values(), ids=TRAINERS)
def test_the_way_can_be_watched(trainer):
    model = AuxMLP(7, 3, 2, width=9).double()
    state = cohort.stack([model.state_dict()] * 2)
    batch = Batch(torch.randn(2, 8, 7).double(), torch.randn(2, 8, 5).double())
    seen: list[tuple[int, torch.Tensor]] = []
    trainer.train(
        model,
        state,
        [batch, batch],
        LOSSES["mse"](1.0),
        TrainConfig(),
        watch=lambda step, now: seen.append((step, now["layers.0.weight"].clone())),
    )
    assert [step for step, _ in seen] == [0, 1, 2]
    assert torch.equal(seen[0][1], state["layers.0.weight"])
    assert not torch.equal(seen[1][1], seen[2][1])


class Unliftable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Bilinear(2, 2, 2)

    def forward(self, value):
        return self.layer(value, value)


def test_an_operation_without_a_row_in_the_table_is_named():
    with pytest.raises(InputError, match="Bilinear"):
        TRAINERS["cohort"].predict(Unliftable(), {}, torch.zeros(1, 1, 2))


def test_gradients_can_be_changed_before_each_step():
    model = MODELS["AuxMLP"]()
    state = cohort.stack([cohort.state_of(model)] * 2)
    batch = Batch(torch.ones(2, 4, 6), torch.ones(2, 4, 5))
    seen = []

    def first_run_stays(current):
        seen.append({name: tensor.grad.clone() for name, tensor in current.items()})
        for tensor in current.values():
            tensor.grad[0] = 0

    plan = TrainConfig(lr=0.1, optimizer="sgd")
    found = cohort.train(model, state, [batch, batch], mse, plan, change=first_run_stays)
    assert len(seen) == 2 and any(tensor.abs().sum() > 0 for tensor in seen[0].values())
    for name, tensor in found.state.items():
        assert torch.equal(tensor[0], state[name][0])
    assert any(not torch.equal(tensor[1], state[name][1]) for name, tensor in found.state.items())
