import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sublearn.columns import Columns, read_clean
from sublearn.records import LARGEST_VALUE, Record
from sublearn.seeds import LARGEST_SEED

NUMBERS = st.integers(0, 10**12)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
FLOATS = st.floats(-LARGEST_VALUE, LARGEST_VALUE)
COMMON = {"study": st.just("s"), "arm": st.sampled_from("abc"), "trait": st.sampled_from("tu")}
MEASURED = st.builds(Record, **COMMON, seed=st.integers(0, LARGEST_SEED), n=NUMBERS, value=FLOATS)
LOST = st.builds(
    Record,
    **COMMON,
    seed=st.integers(0, 3),
    n=st.just(0),
    value=st.none(),
    status=st.sampled_from(["diverged", "unmeasured"]),
    reason=TEXTS.filter(bool),
)
RECORDS = st.lists(MEASURED | LOST, max_size=12)
LINE = b'{"study":"s","arm":"a","seed":7,"trait":"t","value":0.5,"n":200,"status":"ok","reason":null}\n'
LOST_LINE = b'{"study":"s","arm":"a","seed":7,"trait":"t","value":null,"n":0,"status":"diverged","reason":"nan"}\n'


def lines(records: list[Record]) -> bytes:
    return "".join(record.model_dump_json() + "\n" for record in records).encode()


def row(seed: int, arm: str = "a", value: float | None = 0.5) -> Record:
    more = {} if value is not None else {"status": "diverged", "reason": "nan"}
    return Record(study="s", arm=arm, seed=seed, trait="t", value=value, n=9, **more)


def strictly(content: bytes) -> list[Record]:
    return [Record.model_validate_json(line) for line in content.split(b"\n")[:-1]]


@given(RECORDS)
def test_records_come_back_from_their_columns(records):
    columns = Columns.of(records)
    assert columns == records and list(columns) == records and len(columns) == len(records)
    assert [columns[index] for index in range(len(columns))] == records
    assert columns[1:] == records[1:] and columns[::-1] == records[::-1]
    assert Columns.of(columns) is columns
    assert Columns.joined([columns[:2], Columns.of([]), columns[2:]]) == records


@given(RECORDS)
def test_lines_that_a_record_wrote_are_read_as_each_alone(records):
    read = read_clean(lines(records))
    plain = all(record.reason is None or "\\" not in record.model_dump_json() for record in records)
    assert (read is not None) or not plain
    assert read is None or read == records


def test_a_large_file_is_read_in_parts():
    records = [row(seed, arm, seed / 7) for seed in range(6_000) for arm in "ab"]
    content = lines(records)
    assert len(content) > 1 << 20
    assert read_clean(content) == records


@settings(max_examples=300)
@given(st.data())
def test_what_is_read_at_once_is_what_is_read_line_by_line(data):
    """Lines with some of their bytes changed are left alone, or are records with these very values."""
    content = bytearray(data.draw(st.sampled_from([LINE, LOST_LINE])) * 2)
    letters = b'0-.,{}"\\\n\r\x00\xff '
    pieces = [b"", b"e9", b"999", b"null", *(letters[i : i + 1] for i in range(len(letters)))]
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 4))] = data.draw(st.sampled_from(pieces))
    if not content.endswith(b"\n"):
        content += b"\n"
    read = read_clean(bytes(content))
    if read is not None:
        try:
            assert list(read) == strictly(bytes(content))
        except ValidationError:
            with pytest.raises(ValidationError):
                list(read.extremes())


BAD = {
    "a number with a leading zero": (b'"seed":7', b'"seed":07'),
    "a number with a sign": (b'"seed":7', b'"seed":+7'),
    "an underscore": (b'"seed":7', b'"seed":1_0'),
    "a number that is none": (b"0.5", b"NaN"),
    "a number without end": (b"0.5", b"1e999"),
    "no value": (b"0.5", b"null"),
    "a key twice": (b'"n":200', b'"n":200,"n":200'),
    "another order": (b'"arm":"a","seed":7', b'"seed":7,"arm":"a"'),
    "one more key": (b"null}", b'null,"colour":"red"}'),
    "a space": (b'"n":200', b'"n": 200'),
    "text before": (b'{"study', b'x{"study'),
    "two in a line": (b"null}\n", b"null}{}\n"),
    "no end": (b"null}\n", b"null}"),
    "bytes that are no text": (b'"a"', b'"\xff"'),
    "an escape": (b'"a"', b'"\\u0061"'),
}


@pytest.mark.parametrize("name", BAD)
def test_other_lines_are_not_read_at_once(name):
    assert read_clean(LINE) is not None
    assert LINE.replace(*BAD[name]) != LINE
    assert read_clean(LINE + LINE.replace(*BAD[name])) is None


@pytest.mark.parametrize(
    "change", [(b'"ok"', b'"fine"'), (b'"diverged"', b'"lost"'), (b'"nan"', b'""'), (b'"nan"', b"null")]
)
def test_the_extremes_show_what_is_no_record(change):
    content = (LINE + LOST_LINE).replace(*change)
    read = read_clean(content)
    if read is not None:
        with pytest.raises(ValidationError):
            list(read.extremes())


def test_extremes_are_the_largest_and_the_smallest_of_each_kind():
    records = [row(5), row(1, value=0.25), row(3, value=None), row(2), row(9, value=2.0), row(4), row(6, "b")]
    seeds = {one.seed for one in Columns.of(records).extremes()}
    assert {1, 3, 6, 9} <= seeds and 2 not in seeds
    assert list(Columns.of([]).extremes()) == []


def test_measured_values_are_in_the_order_of_seeds_and_the_last_of_two_counts():
    records = [row(5), row(1, value=0.25), row(3, value=None), row(2, "b"), row(5, value=0.75)]
    found = Columns.of(records).measured
    assert {name: (own.seeds.tolist(), own.values.tolist()) for name, own in found.items()} == {
        ("a", "t"): ([1, 5], [0.25, 0.75]),
        ("b", "t"): ([2], [0.5]),
    }
    assert Columns.of([]).measured == {}


def test_what_comes_again_is_named_with_the_first_one():
    records = [row(5), row(1), row(5, "b"), row(1, value=None), row(2), row(5), row(1)]
    assert sorted(Columns.of(records).repeated()) == [(0, 5), (1, 3), (1, 6)]
    assert Columns.of(records[:3]).repeated() == []


def test_records_in_order_are_by_seed_then_arm_then_trait():
    records = [row(5), row(1), row(5, "b"), row(1, "b")]
    records.append(records[0].model_copy(update={"trait": "s"}))
    ordered = Columns.of(records).in_order_of({"b": 0, "a": 1})
    assert [(one.seed, one.arm, one.trait) for one in ordered] == [
        (1, "b", "t"), (1, "a", "t"), (5, "b", "t"), (5, "a", "s"), (5, "a", "t"),
    ]  # fmt: skip
    with pytest.raises(KeyError):
        Columns.of(records).in_order_of({"a": 0})


def test_numbers_of_kinds_are_numbers_of_records():
    columns = Columns.of([row(1), row(2, "b"), row(3)])
    assert columns.of_kinds([10, 20]).tolist() == [10, 20, 10]
    assert np.array_equal(columns.take(np.array([True, False, True])).seed, [1, 3])
