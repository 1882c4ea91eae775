import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from sublearn.errors import InputError
from sublearn.training.batches import shuffled, steps


def data(*lengths: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Inputs "example feature" whose numbers tell the run and the example, and the example's number as target."""
    inputs = [torch.stack([torch.full((n,), run), torch.arange(n)], dim=1).float() for run, n in enumerate(lengths)]
    return inputs, [torch.arange(n) for n in lengths]


def orders(epochs: int, *lengths: int) -> list[list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [[torch.randperm(n, generator=generator) for _ in range(epochs)] for n in lengths]


@pytest.mark.parametrize("n, size, expected", [(0, 4, 0), (1, 4, 1), (4, 4, 1), (5, 4, 2), (857, 128, 7)])
def test_the_last_batch_may_be_smaller(n, size, expected):
    assert steps(n, size) == expected
    assert steps(n, size) == len(DataLoader(TensorDataset(torch.zeros(n)), batch_size=size))


def test_each_run_sees_its_own_examples_in_its_own_order_as_a_loader_would_give_them():
    lengths, size = (10, 12, 11), 4
    inputs, targets = data(*lengths)
    chosen = orders(2, *lengths)
    batches = list(shuffled(inputs, targets, chosen, size))
    assert len(batches) == 2 * steps(12, size)
    for run in range(3):
        expected = [part for order in chosen[run] for part in order.split(size)]
        for batch, examples in zip(batches, expected, strict=True):
            present = slice(None) if batch.weights is None else batch.weights[run] > 0
            assert torch.equal(batch.inputs[run][present], inputs[run][examples])
            assert torch.equal(batch.targets[run][present], targets[run][examples])


def test_weights_are_given_only_for_a_ragged_batch():
    inputs, targets = data(10, 12)
    batches = list(shuffled(inputs, targets, orders(1, 10, 12), 4))
    assert [batch.weights is None for batch in batches] == [True, True, False]
    assert batches[-1].weights.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]
    equal = shuffled(*data(10, 10), orders(1, 10, 10), 4)
    assert all(batch.weights is None for batch in equal)


@pytest.mark.parametrize("lengths", [(10,), (12,), (10, 12), (9, 12, 11)])
def test_whole_batches_have_the_same_shapes_and_weights_in_any_company(lengths):
    inputs, targets = data(*lengths)
    batches = list(shuffled(inputs, targets, orders(1, *lengths), 4, whole=True))
    assert [batch.inputs.shape[1] for batch in batches] == [4, 4, 4]
    assert [batch.weights is None for batch in batches] == [True, True, False]
    assert batches[-1].weights.sum(dim=1).tolist() == [length - 8 for length in lengths]
    for run, length in enumerate(lengths):
        seen = torch.cat([batch.targets[run] for batch in batches])
        assert sorted(seen[:length].tolist()) == list(range(length))
        assert not seen[length:].any()


def test_weights_have_the_targets_precision():
    inputs, _ = data(3, 4)
    targets = [torch.zeros(n, 2, dtype=torch.float64) for n in (3, 4)]
    batch = next(shuffled(inputs, targets, orders(1, 3, 4), 4))
    assert batch.weights.dtype == torch.float64


def test_no_epochs_are_no_batches():
    assert list(shuffled(*data(3, 4), [[], []], 2)) == []


def test_runs_of_different_numbers_of_steps_are_refused_before_the_first_batch():
    with pytest.raises(InputError, match="different numbers of steps"):
        shuffled(*data(3, 9), [[], []], 4)


def test_runs_of_different_numbers_of_epochs_are_refused():
    with pytest.raises(InputError, match="same number of epochs"):
        shuffled(*data(3, 4), [orders(1, 3)[0], []], 4)
