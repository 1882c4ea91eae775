"""Named pipes, for the tests that put one where a file is expected."""

import os
from pathlib import Path

import pytest


def pipe(path: Path) -> None:
    """Make a named pipe; where the system has none, the test that needs it is skipped."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(path)
