"""A custom task: labelled examples for the teacher, unrelated inputs for students, examples to measure on.

Arrays or tensors go in; checked, read-only NumPy arrays stay. Knows no model and needs no torch.
"""

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sublearn.errors import InputError, quoted, unknown

Draw = Callable[[np.random.Generator, int], Any]
"""(generator, n) to n unrelated inputs, "example ..." as the task's own."""
UNRELATED = ("uniform", "gaussian")


@dataclass(frozen=True, eq=False)
class Split:
    """Inputs ("example ...": float32 features, or int64 tokens) with their labels ("example", int64 from 0)."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Task:
    """Where a teacher's labelled inputs, the student's unrelated inputs and the evaluation inputs come from.

    `train` and `test` are pairs (inputs "example ...", labels "example"). `unrelated` is what students see: "uniform"
    (between the smallest and the largest training feature, or over all tokens), "gaussian" (with the training features'
    mean and standard deviation), an array of inputs, or a function (generator, n) -> inputs. `classes` is the number
    of classes; by default one more than the largest training label.

    Raises InputError for arrays whose shapes, kinds or values do not fit together.
    """

    train: Any
    test: Any
    unrelated: Any = "uniform"
    classes: int | None = None
    _splits: dict[str, Split] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("train", "test"):
            self._splits[name] = _split(name, getattr(self, name))
        train, test = self.train_split, self.test_split
        if train.inputs.shape[1:] != test.inputs.shape[1:] or train.inputs.dtype != test.inputs.dtype:
            raise InputError(
                f"Task: test examples are {_kind(test.inputs)}, training examples {_kind(train.inputs)}. "
                "Expected the same; prepare both alike."
            )
        object.__setattr__(self, "classes", _classes(self.classes, train.labels, test.labels))
        _check_unrelated(self.unrelated, train.inputs)

    def __repr__(self) -> str:
        sizes = f"{len(self.train_split.labels):,} train, {len(self.test_split.labels):,} test"
        return f"Task({sizes}, {_kind(self.train_split.inputs)}, {self.classes} classes, {self.unrelated_text})"

    @property
    def train_split(self) -> Split:
        """The teacher's examples."""
        return self._splits["train"]

    @property
    def test_split(self) -> Split:
        """The examples on which every model is measured."""
        return self._splits["test"]

    @property
    def unrelated_text(self) -> str:
        """What students see, in words."""
        if isinstance(self.unrelated, str):
            return f"{self.unrelated} inputs"
        if callable(self.unrelated):
            return f"inputs drawn by {getattr(self.unrelated, '__name__', 'a function')}"
        return f"{len(self.unrelated):,} given inputs"

    def digest(self) -> str:
        """The first 16 hexadecimal digits of a SHA-256 of everything that the task holds."""
        found = hashlib.sha256(f"{self.classes}".encode())
        for split in self._splits.values():
            _add(found, split.inputs)
            _add(found, split.labels)
        if isinstance(self.unrelated, str):
            found.update(self.unrelated.encode())
        elif callable(self.unrelated):
            found.update(source_of(self.unrelated).encode())
        else:
            _add(found, np.asarray(self.unrelated))
        return found.hexdigest()[:16]

    def count_unrelated(self, n: int) -> int:
        """How many inputs a student gets that asks for n: of given ones no more than there are."""
        return n if isinstance(self.unrelated, str) or callable(self.unrelated) else min(n, len(self.unrelated))

    def draw_unrelated(self, rng: np.random.Generator, n: int) -> NDArray[Any]:
        """n inputs for a student, "example ..."; of given ones n different ones, or all of them in another order.

        Raises InputError where a custom function gives something else.
        """
        like = self.train_split.inputs
        shape = (n, *like.shape[1:])
        if callable(self.unrelated):
            drawn = _inputs("the inputs that `unrelated` drew", self.unrelated(rng, n))
            if drawn.shape != shape or drawn.dtype != like.dtype:
                raise InputError(f"Task: `unrelated` drew {_kind(drawn)} x {len(drawn)}; expected {_kind(like)} x {n}.")
            return drawn
        if not isinstance(self.unrelated, str):
            given = _inputs("unrelated", self.unrelated)
            return given[rng.permutation(len(given))[:n]]
        if like.dtype == np.int64:
            return rng.integers(0, int(like.max()) + 1, shape)
        if self.unrelated == "gaussian":
            return (like.mean() + like.std() * rng.standard_normal(shape, dtype=np.float32)).astype(np.float32)
        low, high = float(like.min()), float(like.max())
        return (low + (high - low) * rng.random(shape, dtype=np.float32)).astype(np.float32)


def source_of(function: Callable[..., Any]) -> str:
    """A function's source text, or its qualified name where there is none: what a digest of it can know."""
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function).__name__)}"


def _split(name: str, given: Any) -> Split:
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise InputError(f"Task: {name} must be a pair (inputs, labels), got {quoted(type(given).__name__)}.")
    inputs, labels = _inputs(f"{name} inputs", given[0]), _array(f"{name} labels", given[1])
    if labels.shape != inputs.shape[:1]:
        raise InputError(
            f"Task: {len(inputs)} {name} inputs with labels of shape {labels.shape}; expected one label an input."
        )
    whole = labels.astype(np.int64) if labels.dtype.kind in "biuf" else None
    if whole is None or (whole != labels).any() or whole.min() < 0:
        raise InputError(f"Task: {name} labels must be whole numbers from 0; got {_values(labels)}.")
    return Split(inputs, _frozen(whole))


def _inputs(what: str, given: Any) -> NDArray[Any]:
    array = _array(what, given)
    if array.ndim < 2 or 0 in array.shape:
        raise InputError(
            f"Task: {what} have the shape {array.shape}; expected examples with at least one feature axis."
        )
    if array.dtype.kind in "iu":
        if int(array.min()) < 0:
            raise InputError(f"Task: {what} are whole numbers, so tokens, and must not be negative.")
        return _frozen(array.astype(np.int64))
    if array.dtype.kind not in "bf":
        raise InputError(f"Task: {what} must be numbers, got the kind {array.dtype}.")
    array = array.astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError(f"Task: {what} hold NaN or infinite values; clean them first.")
    return _frozen(array)


def _array(what: str, given: Any) -> NDArray[Any]:
    try:
        return np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    except (TypeError, ValueError) as error:
        raise InputError(f"Task: {what} are no array ({error}).") from None


def _classes(given: int | None, train: NDArray[np.int64], test: NDArray[np.int64]) -> int:
    classes = int(train.max()) + 1 if given is None else given
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 2:
        raise InputError(f"Task: {quoted(classes)} classes; expected at least 2.")
    largest = int(max(train.max(), test.max()))
    if largest >= classes:
        raise InputError(f"Task: the label {largest} is out of range; expected labels from 0 to {classes - 1}.")
    return classes


def _check_unrelated(unrelated: Any, like: NDArray[Any]) -> None:
    if isinstance(unrelated, str):
        if unrelated not in UNRELATED:
            raise unknown("kind of unrelated inputs", unrelated, UNRELATED)
        if unrelated == "gaussian" and like.dtype == np.int64:
            raise InputError("Task: tokens cannot be gaussian; take unrelated='uniform', an array or a function.")
    elif not callable(unrelated):
        given = _inputs("unrelated", unrelated)
        if given.shape[1:] != like.shape[1:] or given.dtype != like.dtype:
            raise InputError(
                f"Task: unrelated inputs are {_kind(given)}; expected {_kind(like)}, as the training ones."
            )


def _kind(array: NDArray[Any]) -> str:
    """One example's shape and kind, in words."""
    kind = "tokens" if array.dtype == np.int64 else "features"
    return f"{'x'.join(map(str, array.shape[1:]))} {kind}"


def _values(array: NDArray[Any]) -> str:
    return quoted(", ".join(map(str, np.unique(array)[:5].tolist())))


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    own = np.array(array, copy=True)
    own.flags.writeable = False
    return own


def _add(digest: Any, array: NDArray[Any]) -> None:
    digest.update(f"{array.shape}{array.dtype}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
