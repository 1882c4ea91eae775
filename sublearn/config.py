"""Settings: frozen values that are checked on entry, changed by dotted keys, and hashed as canonical text. No torch."""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, dataclass_transform

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic.dataclasses import dataclass

from sublearn.errors import InputError, quoted, unknown
from sublearn.files.reading import first_problem, yaml_value

Model = TypeVar("Model", bound=BaseModel)

LARGEST = 1_000_000_000
"""The most of any size or count: a product of two still fits in 64 bits."""
MOST_EPOCHS = 1_000_000
"""More would take hours for the smallest network and a few hundred examples."""
Size = Annotated[int, Field(ge=1, le=LARGEST)]
"""How long, wide or many something is."""
Scale = Annotated[float, Field(gt=0, le=1e9)]
"""A factor: above it, float32 leaves nothing of what it multiplies."""


class _Named(type):
    """The type of classes whose wrong values, where one is made by its name, end in InputError and one line.

    What validation makes of values on its way, nested ones too, does not pass here.
    """

    if not TYPE_CHECKING:  # which reads how a class is made off its fields

        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().__call__(*args, **kwargs)
            except ValidationError as error:
                raise InputError(f"{cls.__name__}: {first_problem(error)}") from None


@dataclass_transform(kw_only_default=True, field_specifiers=(Field, PrivateAttr))
class _NamedModel(_Named, type(BaseModel)):
    """The same for pydantic's models."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True))
class TrainConfig(metaclass=_Named):
    """Settings of one training: learning rate, examples a batch, passes over the data, L2 penalty, optimizer.

    The first four are the tutorial's. Momentum belongs to SGD alone.
    """

    lr: Scale = Field(default=1e-3, description="learning rate")
    batch_size: Size = Field(default=64, description="examples a step")
    epochs: int = Field(default=4, ge=0, le=MOST_EPOCHS, description="passes over the data")
    weight_decay: float = Field(default=0.0, ge=0, le=1e9, description="L2 penalty")
    optimizer: Literal["adam", "sgd"] = "adam"
    momentum: float = Field(default=0.0, ge=0, lt=1, description="of sgd")

    def __post_init__(self) -> None:
        if self.momentum and self.optimizer != "sgd":
            raise ValueError(f"momentum {self.momentum} belongs to sgd; with {self.optimizer} leave it at 0")

    def untrainable(self, n: int, batch_norm: bool = True) -> str | None:
        """Why n examples cannot train a network: there are none, or BatchNorm gets a batch of one. None if they can."""
        if n == 0:
            return "no example is left to train on"
        if not batch_norm or (n % self.batch_size != 1 and self.batch_size > 1):
            return None
        return (
            f"{n} examples in batches of {self.batch_size} leave a last batch of one, which BatchNorm cannot normalize"
        )


class Spec(BaseModel, metaclass=_NamedModel, frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True):
    """The base of everything that is stated before a run: frozen, no unknown keys, no NaN.

    The validators of a class are built when it is first used: most commands use few of them.
    """

    def canonical(self) -> str:
        """One text for equal specs: JSON with sorted keys and no spaces."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))

    def digest(self) -> str:
        """The first 12 hexadecimal digits of the canonical text's SHA-256."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:12]


def parse(model: type[Model], values: Mapping[str, Any], what: str) -> Model:
    """Validate `values` as `model`; what is wrong comes back as one InputError that starts with `what`."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise InputError(f"{what}: {first_problem(error)}") from None


def override(
    model: type[Model],
    assignments: Mapping[str, Any],
    what: str = "--set",
    base: Mapping[str, Any] | Model | None = None,
) -> Model:
    """The `base` (or else the defaults of `model`) with dotted keys replaced, as in {"student.lr": "1e-3"}.

    Raises InputError for a key that does not exist (with the nearest one) and for a value that does not fit.
    """
    start = model() if base is None else base
    whole = _merged(_unset(start), start.model_dump()) if isinstance(start, BaseModel) else dict(start)
    known = dotted(whole)
    values: dict[str, Any] = {}
    for key, value in assignments.items():
        if key not in known:
            raise unknown("setting", key, known)
        *path, last = key.split(".")
        branch = values
        for step in path:
            branch = branch.setdefault(step, {})
        branch[last] = value
    return parse(model, _merged(whole, values), what)


def _unset(spec: BaseModel) -> dict[str, Any]:
    """The settings that are left out of what is saved while they are as they were, at every depth."""
    fields = type(spec).model_fields
    own = {name: getattr(spec, name) for name, field in fields.items() if field.exclude_if is not None}
    below = {name: _unset(value) for name, value in spec if isinstance(value, BaseModel)}
    return own | {name: value for name, value in below.items() if value}


def assignments(texts: tuple[str, ...]) -> dict[str, Any]:
    """`key=value` texts as a mapping; values are read as YAML, so that 3, true and [1, 2] are what they look like."""
    pairs: dict[str, Any] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise InputError(f"--set got {quoted(text)}; expected key=value, as in --set student.lr=1e-3.")
        if key in pairs:
            raise InputError(f"--set names {quoted(key)} twice; give it once.")
        pairs[key] = yaml_value(value, f"--set {quoted(key)}")
    return pairs


def dotted(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """A nested mapping as a flat one with dotted keys.

    >>> dotted({"a": 1, "b": {"c": 2}})
    {'a': 1, 'b.c': 2}
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= dotted(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
