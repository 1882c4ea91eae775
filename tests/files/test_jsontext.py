import json

from hypothesis import given
from hypothesis import strategies as st

from sublearn.files.jsontext import indented

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters())
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner), max_leaves=20
)


@given(VALUES)
def test_it_is_the_value_that_json_writes_on_as_many_lines(value):
    text, json_text = indented(value), json.dumps(value, indent=2)
    assert json.loads(text) == json.loads(json_text)
    assert [line.index(line.lstrip(" ")) for line in text.split("\n")] == [
        line.index(line.lstrip(" ")) for line in json_text.split("\n")
    ]


def test_half_a_surrogate_pair_is_escaped():
    assert indented({"a": "\ud800"}) == '{\n  "a": "\\ud800"\n}'
