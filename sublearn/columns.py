"""Many records as columns of numbers, so that a long run is read and kept in little time and memory.

It reads lines that are letter for letter what a Record writes, and leaves all others to the Record itself. It knows
neither studies nor files.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from math import isnan
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from sublearn.records import Record

MOST_KEPT = 1 << 26
"""Bytes of records that are kept for another reading; a run that trains has other uses for more."""
READ_AT_ONCE = 1 << 20
"""Bytes of lines that are taken apart at a time, so that memory does not grow with the file."""
_TEXT = rb'"[^"\\\x00-\x1f]*+"'
_WHOLE = rb"(0|[1-9]\d{0,17}+)"
_NUMBER = rb"(null|-?+(?:0|[1-9]\d*+)(?:\.\d++)?+(?:[eE][-+]?+\d++)?+)"
_LINE = re.compile(
    rb'\{("study":%(t)b,"arm":%(t)b),"seed":%(w)b,("trait":%(t)b),"value":%(f)b,"n":%(w)b,'
    rb'("status":%(t)b,"reason":(?:null|%(t)b))\}\n' % {b"t": _TEXT, b"w": _WHOLE, b"f": _NUMBER}
)


_RECORDS = TypeAdapter(list[Record])


class Kind(NamedTuple):
    """What many records have in common."""

    study: str
    arm: str
    trait: str
    status: Any
    reason: str | None


class Column(NamedTuple):
    """The measured values of one arm and trait in ascending order of their seeds; both have shape "run"."""

    seeds: NDArray[np.int64]
    values: NDArray[np.float64]


class Columns(Sequence[Record]):
    """A sequence of records that holds a kind and three numbers for each; a Record is made when one is asked for."""

    def __init__(
        self,
        kinds: Sequence[Kind],
        kind: NDArray[np.int32],
        seed: NDArray[np.int64],
        value: NDArray[np.float64],
        n: NDArray[np.int64],
    ) -> None:
        self.kinds, self.kind, self.seed, self.value, self.n = tuple(kinds), kind, seed, value, n

    @classmethod
    def of(cls, records: Iterable[Record]) -> "Columns":
        """The records as columns; the same object if they are columns already."""
        if isinstance(records, Columns):
            return records
        rows = list(records)
        kinds: dict[Kind, int] = {}
        kind = [kinds.setdefault(Kind(r.study, r.arm, r.trait, r.status, r.reason), len(kinds)) for r in rows]
        values = [np.nan if row.value is None else row.value for row in rows]
        return _columns(kinds, kind, [row.seed for row in rows], values, [row.n for row in rows])

    @classmethod
    def joined(cls, parts: Sequence["Columns"]) -> "Columns":
        """The records of all parts, one part after the other."""
        if len(parts) == 1:
            return parts[0]
        kinds: dict[Kind, int] = {}
        places = [[kinds.setdefault(kind, len(kinds)) for kind in part.kinds] for part in parts]
        kind = [np.array(place, dtype=np.int32)[part.kind] for place, part in zip(places, parts, strict=True)]
        numbers = (np.concatenate([getattr(part, name) for part in parts]) for name in ("seed", "value", "n"))
        return cls(tuple(kinds), np.concatenate(kind), *numbers) if parts else _columns({}, [], [], [], [])

    def __len__(self) -> int:
        return len(self.seed)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> "Columns": ...
    def __getitem__(self, index: int | slice) -> "Record | Columns":
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        return next(iter(self.take(np.array([index]))))

    def __iter__(self) -> Iterator[Record]:
        for fields in self._fields():
            yield Record(**fields)

    def _fields(self) -> Iterator[dict[str, Any]]:
        """Each record's fields by their names."""
        shared = [kind._asdict() for kind in self.kinds]
        numbers = (column.tolist() for column in (self.kind, self.seed, self.value, self.n))
        for kind, seed, value, n in zip(*numbers, strict=True):
            yield {**shared[kind], "seed": seed, "value": None if isnan(value) else value, "n": n}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == own for mine, own in zip(self, other, strict=True))

    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        return f"Columns of {len(self):,} records"

    def take(self, rows: NDArray[Any]) -> "Columns":
        """The records at these places, or where a mask of all is true."""
        return Columns(self.kinds, self.kind[rows], self.seed[rows], self.value[rows], self.n[rows])

    def of_kinds(self, numbers: Sequence[int]) -> NDArray[np.int64]:
        """For each record the number that is given for its kind."""
        return np.array(numbers, dtype=np.int64)[self.kind]

    def in_order_of(self, arms: Mapping[str, int]) -> "Columns":
        """The records by seed, then by the arm's number in `arms`, then by trait. Raises KeyError for another arm."""
        traits = {trait: number for number, trait in enumerate(sorted({kind.trait for kind in self.kinds}))}
        trait = self.of_kinds([traits[kind.trait] for kind in self.kinds])
        arm = self.of_kinds([arms[kind.arm] for kind in self.kinds])
        return self.take(np.lexsort((trait, arm, self.seed)))

    def repeated(self) -> list[tuple[int, int]]:
        """Where an arm, seed and trait comes again: the places of the first one and of each one after it."""
        order, pair = self._order, self._pair
        again = (pair[order][1:] == pair[order][:-1]) & (self.seed[order][1:] == self.seed[order][:-1])
        starts = np.where(np.append(False, again), 0, np.arange(len(order)))
        first = np.maximum.accumulate(starts)
        return [(int(order[first[i]]), int(order[i])) for i in np.flatnonzero(again) + 1]

    def extremes(self) -> list[Record]:
        """For each kind a record of its least seed, value and n, and one of its greatest."""
        order = np.argsort(self.kind, kind="stable")
        starts, _ = _groups(self.kind[order])
        ends = [[bound.reduceat(own[order], starts) for bound in (np.minimum, np.maximum)] for own in self._numbers]
        kind = self.kind[order][starts]
        found = Columns(self.kinds, np.tile(kind, 2), *map(np.concatenate, ends)) if len(kind) else self
        return _RECORDS.validate_python(list(found._fields()))

    @property
    def _numbers(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        return self.seed, self.value, self.n

    @cached_property
    def measured(self) -> dict[tuple[str, str], Column]:
        """The measured values of each arm and trait. Where a seed comes twice, its last record counts."""
        order = self._measured_order
        pair, seed, value = self._pair[order], self.seed[order], self.value[order]
        last = np.append((pair[1:] != pair[:-1]) | (seed[1:] != seed[:-1]), True)[: len(order)]
        pair, seed, value = pair[last], seed[last], value[last]
        names = list(self._pairs)
        return {
            names[pair[start]]: Column(seed[start:end], value[start:end])
            for start, end in zip(*_groups(pair), strict=True)
        }

    @cached_property
    def lost(self) -> dict[tuple[str, str], NDArray[np.int64]]:
        """The seeds without a value of each arm and trait that has some, in ascending order."""
        gone = np.isnan(self.value)
        if not gone.any():
            return {}
        found = {pair: np.unique(self.seed[gone & (self._pair == number)]) for pair, number in self._pairs.items()}
        there = self.measured
        found = {
            pair: np.setdiff1d(seeds, there[pair].seeds) if pair in there else seeds for pair, seeds in found.items()
        }
        return {pair: seeds for pair, seeds in found.items() if len(seeds)}

    @cached_property
    def examples(self) -> dict[tuple[str, str], int]:
        """Over how many examples each arm and trait was measured, where it is the same number in every run."""
        order = self._measured_order
        pair, n, names = self._pair[order], self.n[order], list(self._pairs)
        starts = _groups(pair)[0]
        if not len(starts):
            return {}
        least, most = (bound.reduceat(n, starts) for bound in (np.minimum, np.maximum))
        rows = zip(pair[starts].tolist(), least.tolist(), most.tolist(), strict=True)
        return {names[own]: low for own, low, high in rows if 0 < low == high}

    @cached_property
    def _pairs(self) -> dict[tuple[str, str], int]:
        """A number for each arm and trait."""
        names = dict.fromkeys((kind.arm, kind.trait) for kind in self.kinds)
        return {name: number for number, name in enumerate(names)}

    @cached_property
    def _pair(self) -> NDArray[np.int64]:
        return self.of_kinds([self._pairs[kind.arm, kind.trait] for kind in self.kinds])

    @cached_property
    def _measured_order(self) -> NDArray[np.int64]:
        """The same without those that have no value."""
        return self._order[~np.isnan(self.value[self._order])]

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        """By arm and trait, then by seed, then as they came."""
        return np.lexsort((self.seed, self._pair))


def read_clean(content: bytes) -> Columns | None:
    """The records of whole lines, read at once; None if a line is not letter for letter what a Record writes.

    What fits here may still be no Record by its values: `extremes` has the records to look at. The last content is kept
    with what it gave, unless it is large: a command asks a run directory how far it is, and opens it then.
    """
    return (_read_or_kept if len(content) <= MOST_KEPT else _read)(content)


def _read(content: bytes) -> Columns | None:
    parts, start = [], 0
    while start < len(content):
        end = content.find(b"\n", start + READ_AT_ONCE - 1) + 1 or len(content)
        part = _read_part(content[start:end])
        if part is None:
            return None
        parts.append(part)
        start = end
    return Columns.joined(parts)


_read_or_kept = lru_cache(maxsize=1)(_read)


def _read_part(content: bytes) -> Columns | None:
    fields = _LINE.split(content)
    if any(fields[::7]):  # what lies between two lines
        return None
    kinds: dict[tuple[bytes, ...], int] = {}
    shared = zip(fields[1::7], fields[3::7], fields[6::7], strict=True)
    kind = [kinds.setdefault(texts, len(kinds)) for texts in shared]
    texts = fields[4::7]
    values = [np.nan if text == b"null" else float(text) for text in texts] if b"null" in texts else map(float, texts)
    try:
        known = [Kind(**fields) for fields in json.loads(b"[%b]" % b",".join(b"{%b,%b,%b}" % texts for texts in kinds))]
    except UnicodeDecodeError:
        return None
    found = _columns(known, kind, list(map(int, fields[2::7])), list(values), list(map(int, fields[5::7])))
    missing = found.of_kinds([one.status != "ok" for one in known]).astype(bool)
    return found if np.array_equal(missing, np.isnan(found.value)) and not np.isinf(found.value).any() else None


def _groups(numbers: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each group of equal neighbours starts and where it ends."""
    starts = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)])
    return starts, np.append(starts[1:], len(numbers))[: len(starts)]


def _columns(
    kinds: Iterable[Kind], kind: Sequence[int], seed: Sequence[int], value: Sequence[float], n: Sequence[int]
) -> Columns:
    numbers = np.array(seed, dtype=np.int64), np.array(value, dtype=np.float64), np.array(n, dtype=np.int64)
    return Columns(tuple(kinds), np.array(kind, dtype=np.int32), *numbers)
