import dataclasses
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from sublearn.errors import InputError
from sublearn.tasks import mnist
from sublearn.tasks.sources import MNIST, SOURCES, IdxSource, cache_folder, locate
from tests.tasks.tiny_mnist import PACKED, RAW, Mirror, label_bytes, published, tiny_source, write_all

REAL_DATA = os.environ.get("SUBLEARN_DATA")  # read before a test hides it
pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def data_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, IdxSource, int, int]]:
    """Folder, source and counts: a tiny set always, and the real ones that `SUBLEARN_DATA` holds."""
    sets = [(write_all(tmp_path / "tiny", packed=True), tiny_source(), 30, 12)]
    if REAL_DATA:
        monkeypatch.setenv("SUBLEARN_DATA", REAL_DATA)
        present = (source for source in SOURCES.values() if all(locate(source, file) for file in source.files))
        sets += [(Path(REAL_DATA), source, 60_000, 10_000) for source in present]
    return sets


def test_data_sets_have_the_stated_sizes_kinds_and_range(data_sets, monkeypatch: pytest.MonkeyPatch):
    for folder, source, n_train, n_test in data_sets:
        monkeypatch.setenv("SUBLEARN_DATA", str(folder))
        data = mnist.load_source(source)
        assert repr(data) == f"ImageData({n_train} train, {n_test} test, 784 features, 10 classes)"
        assert (data.train_images.dtype, data.train_labels.dtype) == (torch.float32, torch.int64)
        assert (data.train_images.min(), data.train_images.max()) == (-1, 1)
        assert data.train_labels.unique().tolist() == data.test_labels.unique().tolist() == list(range(10))


def test_pixels_are_scaled_as_stated_and_labels_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(write_all(tmp_path / "data", packed=False)))
    data = mnist.load_source(tiny_source())
    pixels = np.frombuffer(RAW[2], dtype=np.uint8, offset=16).reshape(12, 784)
    assert np.allclose(data.test_images.numpy(), pixels / 127.5 - 1, atol=1e-7)
    assert data.test_labels.tolist() == [*range(10), 0, 1]


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("folder", MNIST.folders)
def test_files_are_found_in_the_usual_folders(folder: str, packed: bool, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(tmp_path / "data"))
    write_all(tmp_path / "data" / folder, packed)
    assert len(mnist.load_source(tiny_source()).test_labels) == 12


def test_a_gzip_packed_anew_is_welcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path / "data", packed=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(RAW[3], compresslevel=1, mtime=7))
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    assert len(mnist.load_source(tiny_source()).test_labels) == 12


def test_cached_files_need_no_mirror(cache: Path):
    write_all(cache, packed=True)
    assert len(mnist.load_source(tiny_source()).train_labels) == 30


def test_a_file_is_preferred_to_a_folder_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path / "data", packed=True)
    (folder / MNIST.files[0].name).mkdir()
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    assert locate(tiny_source(), MNIST.files[0]) == folder / f"{MNIST.files[0].name}.gz"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SUBLEARN_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/sublearn"),
        ({"XDG_CACHE_HOME": "", "HOME": "/c"}, "/c/.cache/sublearn"),
    ],
)
def test_the_cache_folder_follows_the_environment(variables: dict[str, str], expected: str, monkeypatch):
    monkeypatch.delenv("SUBLEARN_CACHE")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def test_a_sound_file_that_is_not_the_published_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path / "data", packed=True)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(label_bytes(12, shift=1)))
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    wanted = tiny_source().files[3]
    with pytest.raises(InputError, match=f"not the published file: SHA-256 .* expected {wanted.sha256} .MD5 .*, exp"):
        mnist.load_source(tiny_source())


def test_counts_of_images_and_labels_must_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = write_all(tmp_path / "data", packed=False)
    (folder / "train-labels-idx1-ubyte").write_bytes(label_bytes(29))
    source = tiny_source()
    files = list(source.files)
    files[1] = published(files[1].name, PACKED[1], label_bytes(29))
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    with pytest.raises(InputError, match=r"holds 30 images, but .* holds 29 labels"):
        mnist.load_source(dataclasses.replace(source, files=tuple(files)))


def test_a_data_folder_that_does_not_exist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SUBLEARN_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"which is no folder\. Set it to"):
        mnist.load("mnist")


def test_an_unknown_data_set_is_refused():
    with pytest.raises(InputError, match=r"Unknown data set 'minst'\. Did you mean 'mnist'"):
        mnist.load("minst")


def test_a_data_set_is_downloaded_once(mirror: Mirror, cache: Path):
    first = mnist.load_source(tiny_source(mirror.url))
    assert torch.equal(first.train_images, mnist.load_source(tiny_source(mirror.url)).train_images)
    assert [path for path, _ in mirror.asked] == [f"/{file.name}.gz" for file in MNIST.files]
    assert {path.name for path in cache.iterdir()} - {".lock"} == {f"{file.name}.gz" for file in MNIST.files}


def test_the_files_that_the_data_folder_lacks_are_downloaded(mirror: Mirror, tmp_path: Path, monkeypatch):
    folder = write_all(tmp_path / "data", packed=True)
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    monkeypatch.setenv("SUBLEARN_DATA", str(folder))
    mnist.load_source(tiny_source(mirror.url))
    assert [path for path, _ in mirror.asked] == ["/t10k-labels-idx1-ubyte.gz"]


def test_the_table_has_four_files_and_https_mirrors_for_each_data_set():
    for name, source in SOURCES.items():
        assert source.name == name
        assert len({text for file in source.files for text in (file.gz_md5, file.md5, file.sha256)}) == 12
        assert [len(file.sha256) for file in source.files] == [64] * 4
        assert [file.size for file in source.files] == [47_040_016, 60_008, 7_840_016, 10_008]
        assert source.schemes == ("https",)
        assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in source.mirrors)
