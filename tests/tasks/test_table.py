"""What every data set of the table must be: as large as stated, whole, the same each time, and a custom task."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from sublearn.errors import InputError
from sublearn.seeds import stream
from sublearn.tasks.table import TASKS


@pytest.fixture(scope="module", params=TASKS)
def row(request):
    """A row whose data are on this machine; nothing is downloaded by tests."""
    from sublearn.tasks.sources import SOURCES, locate

    source = SOURCES.get(request.param)
    if source is not None and not all(locate(source, file) for file in source.files):
        pytest.skip(f"{request.param} is not on this machine (SUBLEARN_DATA)")
    TASKS[request.param].prepare()
    return TASKS[request.param]


def test_a_row_has_the_sizes_that_it_states_and_every_class(row):
    data = row.load()
    for images, labels, count in (
        (data.train_images, data.train_labels, row.train),
        (data.test_images, data.test_labels, row.test),
    ):
        assert images.shape == (count, row.features)
        assert images.dtype == torch.float32
        assert images.min() >= -1 and images.max() <= 1
        assert labels.dtype == torch.int64
        assert labels.bincount(minlength=row.classes).min() > 0.5 * count / row.classes
        assert labels.max() == row.classes - 1


def test_a_row_is_the_same_each_time(row):
    one, again = row.load(), row.load()
    assert torch.equal(one.train_images, again.train_images) and torch.equal(one.test_labels, again.test_labels)


def test_a_row_is_a_task_of_ones_own(row):
    task = row.task()
    assert task.classes == row.classes
    assert np.array_equal(task.test_split.inputs, row.load().test_images.numpy())
    drawn = task.draw_unrelated(stream(0, "x"), 9)
    assert drawn.shape == (9, row.features)
    assert np.array_equal(drawn, task.draw_unrelated(stream(0, "x"), 9))


@pytest.mark.parametrize("name", [name for name in TASKS if name != "digits"])
def test_a_row_that_cannot_be_had_says_what_to_do(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(tmp_path))
    monkeypatch.setenv("SUBLEARN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("sublearn.tasks.download.fetch", _no_network)
    with pytest.raises(InputError, match="no network"):
        TASKS[name].prepare()


def _no_network(source, file):
    raise InputError("no network")


def test_importing_the_table_reads_nothing_and_needs_no_torch():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['sklearn'] = None\n"
        "from sublearn.tasks.table import TASKS; print(*TASKS)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == list(TASKS)
