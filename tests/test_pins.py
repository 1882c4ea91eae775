"""What a fresh clone installs is written down, whole."""

import re
import warnings
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from sublearn.errors import FOR_PROGRAMMERS
from tools import constraints

ROOT = Path(__file__).parents[1]
FLOORS = {name: floor for name, floor in constraints.requirements().items() if floor}


def brought(name: str, extras: frozenset[str], seen: dict[str, str]) -> None:
    """Gather the installed packages below one, with their versions."""
    for text in requires(name) or []:
        one = Requirement(text)
        if one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        own = canonicalize_name(one.name)
        try:
            installed = version(own)
        except PackageNotFoundError:  # of an extra that is not here
            continue
        if own not in seen or one.extras:
            seen[own] = installed.partition("+")[0]
            brought(own, frozenset(one.extras), seen)


def test_everything_that_an_installation_brings_is_pinned(as_pinned):
    if not as_pinned:
        pytest.skip("other versions may bring other packages")
    seen: dict[str, str] = {}
    brought("sublearn", frozenset({"dev", "docs", "endpoints", "llm", "ray", "serve", "trackers"}), seen)
    assert len(seen) > 60
    pins = constraints.pins()
    assert {name: pins.get(name) for name in seen} == seen


def test_pins_are_names_and_versions_in_order_and_nothing_else():
    lines = constraints.PINS.read_text().splitlines()
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*==[0-9][A-Za-z0-9.]*", line) for line in lines)
    assert constraints.text(constraints.pins()) == constraints.PINS.read_text()


@pytest.mark.parametrize("name", constraints.requirements())
def test_what_is_asked_for_is_pinned_no_lower_than_its_floor(name):
    pinned = constraints.pins()[name]
    assert Version(pinned) >= Version(FLOORS.get(name, "0"))


@pytest.mark.parametrize(
    ("name", "most"),
    {
        "numpy": "2.1", "pandas": "2.2", "scipy": "1.16", "pydantic": "2.13", "click": "8.1", "transformers": "5.15",
    }.items(),
)  # fmt: skip
def test_floors_stay_where_users_of_older_packages_are(name, most):
    assert Version(FLOORS[name]) <= Version(most)


@pytest.mark.parametrize("category", FOR_PROGRAMMERS)
def test_what_a_package_announces_is_an_error_exactly_under_the_pins(category, as_pinned):
    with pytest.raises(category) if as_pinned else nullcontext():
        warnings.warn("`old` is deprecated", category, stacklevel=1)


def test_the_floors_that_are_tested_are_those_of_pyproject():
    tested = constraints.floors()
    raised = {name: version for name, version in tested.items() if version != FLOORS[name]}
    assert raised == constraints.FIRST_THAT_FITS | {"torch": constraints.pins()["torch"]}
