"""A cache folder of one's own and a mirror on this machine, for what is downloaded."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tasks.tiny_mnist import Mirror, serving


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own; no data folder and no proxy."""
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SUBLEARN_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "cache" / "mnist"


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with serving() as server:
        yield server
