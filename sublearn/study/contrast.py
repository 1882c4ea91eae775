"""What a claim compares: arms, or differences of two arms. Knows no study, no values, no torch."""

from typing import Annotated

from pydantic import Field

from sublearn.config import Spec

Name = Annotated[str, Field(min_length=1, max_length=100)]


class Difference(Spec, frozen=True):
    """One arm minus another, seed by seed: what the first has beyond its control."""

    arm: Name
    minus: Name


Side = Name | Difference
"""One side of a contrast: an arm by its name, or a difference of two."""


def terms(side: Side) -> tuple[tuple[str, int], ...]:
    """The arms of one side, each with the sign that it counts with.

    >>> terms(Difference(arm="same_init", minus="same_init_control"))
    (('same_init', 1), ('same_init_control', -1))
    """
    return ((side, 1),) if isinstance(side, str) else ((side.arm, 1), (side.minus, -1))


def side_text(side: Side) -> str:
    """One side in words.

    >>> side_text(Difference(arm="same_init", minus="same_init_control"))
    'same_init - same_init_control'
    """
    return side if isinstance(side, str) else f"{side.arm} - {side.minus}"


def contrast_text(treatment: Side, control: Side) -> str:
    """What is subtracted from what.

    >>> contrast_text(Difference(arm="a", minus="b"), "c")
    '(a - b) - c'
    """
    return " - ".join(side if isinstance(side, str) else f"({side_text(side)})" for side in (treatment, control))
