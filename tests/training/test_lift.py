import gc
import weakref

import pytest
import torch
import torch.nn.functional as F
from torch import fx, nn

from sublearn.errors import InputError
from sublearn.training.cohort import stack
from sublearn.training.lift import lifted
from sublearn.training.operations import FUNCTIONS, MODULES

RUNS, EXAMPLES = 3, 8
DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)  # BatchNorm and embeddings differ by device


class Calls(nn.Module):
    """A model whose forward is the given function of itself and its inputs."""

    def __init__(self, call, **layers: nn.Module) -> None:
        super().__init__()
        self.call = call
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, inputs):
        return self.call(self, inputs)


def mlp(middle: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(6, 5), middle, nn.Linear(5, 2))


ROWS = {
    "ReLU": lambda: mlp(nn.ReLU()),
    "ReLU in place": lambda: mlp(nn.ReLU(inplace=True)),
    "Tanh": lambda: mlp(nn.Tanh()),
    "GELU": lambda: mlp(nn.GELU()),
    "GELU by tanh": lambda: mlp(nn.GELU(approximate="tanh")),
    "Identity": lambda: nn.Sequential(nn.Linear(6, 5), nn.Identity(), nn.ReLU(), nn.Linear(5, 2)),
    "BatchNorm": lambda: mlp(nn.BatchNorm1d(5)),
    "BatchNorm, then ReLU": lambda: mlp(nn.Sequential(nn.BatchNorm1d(5, momentum=0.3, eps=1e-2), nn.ReLU())),
    "no bias": lambda: nn.Sequential(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 2)),
    "ReLU of the inputs": lambda: nn.Sequential(nn.ReLU(), nn.Linear(6, 2)),
    "a layer used twice": lambda: Calls(lambda m, x: m.a(F.relu(m.a(x))), a=nn.Linear(6, 6)),
    ".relu()": lambda: Calls(lambda m, x: m.b(m.a(x).relu()), a=nn.Linear(6, 4), b=nn.Linear(4, 2)),
    "torch.tanh": lambda: Calls(lambda m, x: torch.tanh(m.a(x)), a=nn.Linear(6, 2)),
    ".tanh()": lambda: Calls(lambda m, x: m.a(x).tanh(), a=nn.Linear(6, 2)),
    "relu by keyword": lambda: Calls(lambda m, x: torch.relu(input=m.a(x)), a=nn.Linear(6, 2)),
}
FLATTENED = {
    "nn.Flatten": lambda: nn.Sequential(nn.Flatten(), nn.Linear(6, 2)),
    ".flatten(1)": lambda: Calls(lambda m, x: m.a(x.flatten(1)), a=nn.Linear(6, 2)),
    "torch.flatten": lambda: Calls(lambda m, x: m.a(torch.flatten(x, start_dim=1)), a=nn.Linear(6, 2)),
}
AVERAGED = {
    ".mean(1)": lambda: Calls(lambda m, x: m.a(m.e(x).mean(1)), e=nn.Embedding(9, 4), a=nn.Linear(4, 2)),
    ".mean(dim=1)": lambda: Calls(lambda m, x: m.a(m.e(x).mean(dim=1)), e=nn.Embedding(9, 4), a=nn.Linear(4, 2)),
    "torch.mean": lambda: Calls(lambda m, x: m.a(torch.mean(m.e(x), 1)), e=nn.Embedding(9, 4), a=nn.Linear(4, 2)),
}


def check(make, inputs: torch.Tensor, training: bool, device: str = "cpu") -> None:
    """Outputs, in training the gradients, and running statistics are those of each plain model."""
    torch.manual_seed(0)
    models = [make().double().train(training).to(device) for _ in range(RUNS)]
    inputs = inputs.to(device)
    state = {name: tensor.clone() for name, tensor in stack([model.state_dict() for model in models]).items()}
    names, before = frozenset(name for name, _ in models[0].named_parameters()), inputs.clone()
    leaves = {name: state[name].requires_grad_() for name in names} if training else {}
    logits = lifted(models[0])(state, inputs, training=training)
    if training:
        logits.square().sum().backward()
    found = {name: leaf.grad for name, leaf in leaves.items()}
    assert torch.equal(inputs, before)
    for run, model in enumerate(models):
        expected = model(inputs[run])
        expected.square().sum().backward()
        torch.testing.assert_close(logits[run], expected, atol=1e-12, rtol=1e-9)
        for name in found:
            torch.testing.assert_close(found[name][run], model.get_parameter(name).grad, atol=1e-12, rtol=1e-9)
        for name, buffer in model.named_buffers():
            if not name.endswith("num_batches_tracked"):
                torch.testing.assert_close(state[name][run], buffer, atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ROWS)
def test_every_row_of_the_table_is_its_plain_operation(name, device, training):
    check(ROWS[name], torch.randn(RUNS, EXAMPLES, 6).double(), training, device)


def test_every_rule_of_the_tables_is_tried():
    modules, functions = set(), set()
    for make in (ROWS | FLATTENED | AVERAGED).values():
        model = make()
        modules |= {type(layer) for layer in model.modules()}
        functions |= {node.target for node in fx.symbolic_trace(model).graph.nodes if node.op.startswith("call")}
    assert set(MODULES) <= modules
    assert set(FUNCTIONS) <= functions


@pytest.mark.parametrize("name", FLATTENED)
def test_images_are_flattened(name):
    check(FLATTENED[name], torch.randn(RUNS, EXAMPLES, 1, 2, 3).double(), training=True)
    check(FLATTENED[name], torch.randn(RUNS, EXAMPLES, 6).double(), training=True)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", AVERAGED)
def test_embeddings_are_averaged(name, device):
    check(AVERAGED[name], torch.randint(9, (RUNS, EXAMPLES, 4)), True, device)


def test_batch_norm_of_features_that_do_not_vary_stays_finite():
    check(lambda: nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 2)), torch.ones(RUNS, EXAMPLES, 6).double(), True)


def test_batch_norm_of_one_example_is_refused():
    state = stack([nn.BatchNorm1d(6).state_dict()] * 2)
    with pytest.raises(InputError, match="one example"):
        lifted(nn.Sequential(nn.BatchNorm1d(6)))(
            {f"0.{name}": part for name, part in state.items()}, torch.zeros(2, 1, 6), None, True
        )


EMBEDDING, LINEAR = nn.Embedding(9, 4), nn.Linear(4, 4)
REFUSED = {
    "Bilinear": nn.Sequential(nn.Linear(4, 4), nn.Bilinear(2, 2, 2)),
    "Dropout": nn.Sequential(nn.Linear(4, 4), nn.Dropout()),
    "add": Calls(lambda m, x: x + m.a(x), a=LINEAR),
    "sigmoid": Calls(lambda m, x: m.a(x).sigmoid(), a=LINEAR),
    "mean": Calls(lambda m, x: m.a(x).mean(dim=1), a=LINEAR),
    "without the mean": Calls(lambda m, x: m.a(m.e(x)), e=EMBEDDING, a=LINEAR),
    "Embedding without": Calls(lambda m, x: m.a(m.e(x).mean(dim=1, keepdim=True)), e=EMBEDDING, a=LINEAR),
    "padding_idx": Calls(lambda m, x: m.e(x).mean(dim=1), e=nn.Embedding(9, 4, padding_idx=0)),
    "BatchNorm1d without momentum": nn.Sequential(nn.BatchNorm1d(4, momentum=None)),
    "affine": nn.Sequential(nn.BatchNorm1d(4, affine=False)),
    "track_running_stats": nn.Sequential(nn.BatchNorm1d(4, track_running_stats=False)),
    "Flatten": nn.Sequential(nn.Flatten(start_dim=2)),
    "returns one tensor": Calls(lambda m, x: (m.a(x), x), a=LINEAR),
    "cannot trace": Calls(lambda m, x: m.a(x) if x.sum() > 0 else x, a=LINEAR),
}


@pytest.mark.parametrize("named", REFUSED)
def test_what_a_cohort_cannot_compute_is_refused_by_name(named):
    with pytest.raises(InputError, match=named):
        lifted(REFUSED[named])


def test_a_model_of_two_inputs_is_refused():
    with pytest.raises(InputError, match="one input"):
        lifted(nn.Bilinear(2, 2, 2))


def test_images_without_a_flatten_are_refused():
    model = nn.Linear(3, 2)
    with pytest.raises(InputError, match="Flatten"):
        lifted(nn.Sequential(model))({}, torch.zeros(2, 4, 1, 3))


def test_a_traced_model_is_not_kept_alive():
    model = mlp(nn.ReLU())
    assert lifted(model) is lifted(model)
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None
