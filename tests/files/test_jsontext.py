import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sublearn.files.jsontext import indented

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner), max_leaves=20
)


@given(VALUES)
def test_it_is_the_text_that_json_writes(value):
    assert indented(value) == json.dumps(value, indent=2)


def test_keys_are_texts():
    with pytest.raises(TypeError, match="keys of JSON are texts, not int"):
        indented({1: [2]})
