import numpy as np
import pytest
import torch

from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.tasks.task import Task

X, Y = np.linspace(-1, 3, 24).reshape(6, 4), np.array([0, 1, 2, 0, 1, 2])
TOKENS = np.arange(24).reshape(6, 4)


def task(**changes) -> Task:
    return Task(**({"train": (X, Y), "test": (X[:3], Y[:3])} | changes))


def draw(rng, n):
    return rng.random((n, 4))


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor, np.ndarray.tolist], ids=["array", "tensor", "list"])
def test_arrays_tensors_and_lists_are_the_same_task(kind):
    own = task(train=(kind(X), kind(Y)))
    assert own.digest() == task().digest()
    assert own.train_split.inputs.dtype == np.float32
    assert own.train_split.labels.dtype == np.int64
    assert own.classes == 3
    assert repr(own) == "Task(6 train, 3 test, 4 features, 3 classes, uniform inputs)"


def test_what_is_held_is_a_copy_that_cannot_be_changed():
    inputs = X.copy()
    own = task(train=(inputs, Y))
    inputs[:] = 0
    assert own.digest() == task().digest()
    with pytest.raises(ValueError, match="read-only"):
        own.train_split.inputs[0, 0] = 5


@pytest.mark.parametrize(
    "unrelated", ["uniform", "gaussian", X * 2, draw], ids=["uniform", "gaussian", "array", "function"]
)
def test_unrelated_inputs_are_like_the_training_ones_and_depend_on_the_generator_alone(unrelated):
    own = task(unrelated=unrelated)
    first, again, other = (own.draw_unrelated(stream(seed, "a"), 5) for seed in (1, 1, 2))
    assert first.shape == (5, 4)
    assert first.dtype == np.float32
    assert (first == again).all()
    assert (first != other).any()


def test_uniform_inputs_span_the_training_features_and_gaussian_ones_have_their_moments():
    uniform = task().draw_unrelated(stream(0, "u"), 5000)
    assert -1 <= uniform.min() < -0.99
    assert 2.99 < uniform.max() <= 3
    gaussian = task(unrelated="gaussian").draw_unrelated(stream(0, "g"), 5000)
    assert abs(gaussian.mean() - X.mean()) < 0.05
    assert abs(gaussian.std() - X.std()) < 0.05


def test_tokens_stay_whole_and_uniform_ones_cover_the_vocabulary():
    own = task(train=(TOKENS, Y), test=(TOKENS, Y))
    drawn = own.draw_unrelated(stream(0, "t"), 500)
    assert drawn.dtype == np.int64
    assert set(np.unique(drawn)) == set(range(24))


def test_of_given_inputs_different_ones_are_taken():
    drawn = task(unrelated=X * 2).draw_unrelated(stream(0, "a"), 6)
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, (X * 2).astype(np.float32)))


def other(rng, n):
    return rng.random((n, 4)) + 1


def test_the_digest_tells_everything_apart_that_changes_results():
    tasks = [
        task(),
        task(unrelated="gaussian"),
        task(unrelated=X),
        task(unrelated=draw),
        task(unrelated=other),
        task(classes=4),
        task(train=(X + 1, Y)),
        task(train=(X, Y[::-1].copy())),
        task(test=(X[:2], Y[:2])),
    ]
    assert len({one.digest() for one in tasks}) == len(tasks)


BAD = {
    "no pair": ({"train": X}, "must be a pair"),
    "labels too few": ({"train": (X, Y[:3])}, "expected one label an input"),
    "labels of two axes": ({"train": (X, Y[:, None])}, "expected one label an input"),
    "labels that are fractions": ({"train": (X, Y + 0.5)}, "whole numbers from 0"),
    "negative labels": ({"train": (X, Y - 1)}, "whole numbers from 0"),
    "labels that are texts": ({"train": (X, Y.astype(str))}, "whole numbers from 0"),
    "inputs of one axis": ({"train": (Y, Y)}, "at least one feature axis"),
    "no inputs": ({"train": (X[:0], Y[:0])}, "at least one feature axis"),
    "inputs that are texts": ({"train": (X.astype(str), Y)}, "must be numbers"),
    "ragged inputs": ({"train": ([[1.0], [1.0, 2.0]], [0, 1])}, "are no array"),
    "inputs with NaN": ({"train": (np.where(X > 2, np.nan, X), Y)}, "NaN or infinite"),
    "negative tokens": ({"train": (TOKENS - 5, Y)}, "must not be negative"),
    "test of another shape": ({"test": (X[:3, :2], Y[:3])}, "test examples are 2 features, training examples 4"),
    "test tokens for features": ({"test": (TOKENS[:3], Y[:3])}, "test examples are 4 tokens"),
    "one class": ({"train": (X, Y * 0)}, "1 classes; expected at least 2"),
    "a test label beyond": ({"test": (X[:3], Y[:3] + 5)}, "the label 7 is out of range"),
    "fewer classes than labels": ({"classes": 2}, "the label 2 is out of range"),
    "an unknown kind": ({"unrelated": "unifrom"}, "Did you mean 'uniform'"),
    "unrelated of another shape": ({"unrelated": X[:, :2]}, "unrelated inputs are 2 features"),
    "gaussian tokens": ({"train": (TOKENS, Y), "test": (TOKENS, Y), "unrelated": "gaussian"}, "cannot be gaussian"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_together_is_one_message(case):
    changes, message = BAD[case]
    with pytest.raises(InputError, match=message):
        task(**changes)


def test_a_function_that_draws_something_else_is_refused():
    own = task(unrelated=lambda rng, n: rng.random((n, 3)))
    with pytest.raises(InputError, match=r"drew 3 features x 5; expected 4 features x 5"):
        own.draw_unrelated(stream(0, "a"), 5)
