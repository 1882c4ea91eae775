"""`python -m benchmarks [NAME...]`: every table, or the named ones; `python -m benchmarks audit [FOLDER]`."""

import sys
from collections.abc import Sequence
from importlib import import_module

NAMES = (
    "tutorial",
    "scaling",
    "studies",
    "mnist",
    "precision",
    "language",
    "engines",
    "size",
    "calibration",
    "audit_intervals",
)
"""Every table but those that are asked for by name: `gpu`, which needs one; `audit`, of a folder in which
`sublearn audit --benchmark` measured for hours; and `naming`, of an earlier trial of scores, measured likewise."""


def main(words: Sequence[str]) -> None:
    """Make the tables; behind `audit` stands a folder."""
    if words[:1] == ["audit"]:
        import_module("benchmarks.audit").main(*words[1:2])
        return
    for name in words or NAMES:
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
