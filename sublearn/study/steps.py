"""Texts and numbers that a page shows: tables, and one seed of a study step by step. Values alone; torch-free."""

from dataclasses import dataclass
from typing import Literal

Colour = Literal["same", "cross", "control"]


@dataclass(frozen=True)
class Table:
    """A titled table of texts; columns from `numeric` on hold numbers."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: int
    about: str = ""


@dataclass(frozen=True)
class Curve:
    """The loss of each step of one training, and how its line is told from others."""

    name: str
    colour: Colour
    values: tuple[float, ...]


@dataclass(frozen=True)
class Step:
    """One step: what is done, in a sentence or two, with tables and curves of what was seen."""

    title: str
    text: str
    tables: tuple[Table, ...] = ()
    curves: tuple[Curve, ...] = ()
