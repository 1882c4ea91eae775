import pytest
from pydantic import Field

from sublearn.config import Spec, TrainConfig, assignments, override
from sublearn.errors import InputError


class Sizes(Spec):
    width: int = Field(default=3, ge=1)
    training: TrainConfig = TrainConfig()


def test_dotted_keys_change_one_value_and_leave_the_rest():
    changed = override(Sizes, assignments(("training.lr=1e-2", "width=7")))
    assert changed == Sizes(width=7, training=TrainConfig(lr=0.01))


def test_equal_specs_have_one_canonical_text_and_digest():
    assert Sizes(width=3).canonical() == Sizes().canonical()
    assert Sizes(width=4).digest() != Sizes().digest()


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (("widht=4",), "Did you mean 'width'"),
        (("training.learning=4",), "Unknown setting 'training.learning'"),
        (("training=4",), "Unknown setting 'training'"),
        (("width=wide",), "'width': .*integer.*'wide'"),
        (("width=0",), "greater than or equal to 1"),
        (("training.lr=.nan",), "'training.lr'"),
        (("training.momentum=0.5",), "belongs to sgd"),
        (("width",), "expected key=value"),
        (("width=1", "width=2"), "twice"),
        (("width=[1",), "'width' is no plain YAML"),
    ],
)
def test_what_does_not_fit_is_one_message(texts, message):
    with pytest.raises(InputError, match=message):
        override(Sizes, assignments(texts))
