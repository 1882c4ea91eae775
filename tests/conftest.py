"""All warnings are errors; only under other versions than the pinned ones a dependency's deprecations are not."""

import os
import signal
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from sublearn.errors import FOR_PROGRAMMERS

PINS = Path(__file__).parents[1] / "constraints.txt"
# No test asks the hub for a model; set before its package is imported.
os.environ["HF_HUB_OFFLINE"] = "1"
# Tests' models are tiny: several threads each, and several processes of them, would wait for one another.
os.environ.setdefault("OMP_NUM_THREADS", "1")
DEPRECATIONS = [category.__name__ for category in FOR_PROGRAMMERS]


@cache
def unlike_the_pins() -> dict[str, str]:
    """The installed versions that are other than those in constraints.txt, by name."""
    found = {}
    for line in PINS.read_text(encoding="utf-8").splitlines():
        name, _, pinned = line.partition("==")
        try:
            installed = version(name).partition("+")[0]
        except PackageNotFoundError:  # of an extra that is not here
            continue
        if installed != pinned:
            found[name] = installed
    return found


def pytest_configure(config: pytest.Config) -> None:
    """A release that is newer than the pins must not turn the tests red by what it only announces."""
    if unlike_the_pins():
        for category in DEPRECATIONS:
            config.addinivalue_line("filterwarnings", f"default::{category}")
        # For the processes that tests start.
        os.environ.setdefault("PYTHONWARNINGS", ",".join(f"ignore::{category}" for category in DEPRECATIONS))


def pytest_report_header(config: pytest.Config) -> str:
    """Which of the two holds."""
    other = ", ".join(f"{name} {installed}" for name, installed in unlike_the_pins().items())
    return f"not as pinned, so deprecations are no errors: {other}" if other else "versions: as pinned"


@pytest.fixture(scope="session")
def as_pinned() -> bool:
    """Whether the tests run under the pins."""
    return not unlike_the_pins()


@pytest.fixture
def hearing_signals() -> Iterator[None]:
    """Processes that a test starts hear Ctrl-C and SIGHUP, also under nohup or in the background of a script."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    for number, handler in before.items():
        if handler is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
