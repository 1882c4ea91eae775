"""The published idx files of MNIST and Fashion-MNIST, and where they lie on disk. Opens no file; needs no torch.

A file is looked for in the folder that `SUBLEARN_DATA` names, then in the cache folder (`SUBLEARN_CACHE`, else
`sublearn` in `XDG_CACHE_HOME` or `~/.cache`).
"""

import os
from dataclasses import dataclass
from pathlib import Path

from sublearn.errors import InputError


@dataclass(frozen=True)
class File:
    """One published idx file: its plain name, the MD5 of the .gz as published, and the bytes inside.

    Those count on disk, so a .gz that was packed anew is welcome: their number, their MD5 as published, and their
    SHA-256, which nobody can forge.
    """

    name: str
    gz_md5: str
    size: int
    md5: str
    sha256: str

    @property
    def most(self) -> int:
        """The most bytes that the file may have on disk, packed or not: a .gz of noise is a little longer than it."""
        return self.size + self.size // 1000 + 4096


@dataclass(frozen=True)
class IdxSource:
    """A data set: its name, its folders under `SUBLEARN_DATA`, its mirrors in order, and its four files.

    The files stand in the order train images, train labels, test images, test labels. Mirrors, and what they redirect
    to, are read over `schemes` alone.
    """

    name: str
    folders: tuple[str, ...]
    mirrors: tuple[str, ...]
    files: tuple[File, File, File, File]
    schemes: tuple[str, ...] = ("https",)


IMAGES, LABELS, TEST_IMAGES, TEST_LABELS = 47_040_016, 60_008, 7_840_016, 10_008
MNIST = IdxSource(
    name="mnist",
    folders=("mnist", "mnist/raw", "MNIST/raw", "MNIST", ".", "raw"),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    files=(
        File(
            "train-images-idx3-ubyte",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            IMAGES,
            "6bbc9ace898e44ae57da46a324031adb",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        File(
            "train-labels-idx1-ubyte",
            "d53e105ee54ea40749a09fcbcd1e9432",
            LABELS,
            "a25bea736e30d166cdddb491f175f624",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        File(
            "t10k-images-idx3-ubyte",
            "9fb629c4189551a2d022fa330f9573f3",
            TEST_IMAGES,
            "2646ac647ad5339dbf082846283269ea",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        File(
            "t10k-labels-idx1-ubyte",
            "ec29112dd5afa0611ce80d1b7f02629c",
            TEST_LABELS,
            "27ae3e4e09519cfbb04c329615203637",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)
FASHION_MNIST = IdxSource(
    name="fashion-mnist",
    folders=("fashion-mnist", "fashion-mnist/raw", "FashionMNIST/raw", "FashionMNIST", ".", "raw"),
    mirrors=(
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    files=(
        File(
            "train-images-idx3-ubyte",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            IMAGES,
            "f4a8712d7a061bf5bd6d2ca38dc4d50a",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        File(
            "train-labels-idx1-ubyte",
            "25c81989df183df01b3e8a0aad5dffbe",
            LABELS,
            "9018921c3c673c538a1fc5bad174d6f9",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        File(
            "t10k-images-idx3-ubyte",
            "bef4ecab320f06d8554ea6380940ec79",
            TEST_IMAGES,
            "8181f5470baa50b63fa0f6fddb340f0a",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        File(
            "t10k-labels-idx1-ubyte",
            "bb300cfdad3c16e7a12a480ee83cd310",
            TEST_LABELS,
            "15d484375f8d13e6eb1aabb0c3f46965",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
)
SOURCES = {source.name: source for source in (MNIST, FASHION_MNIST)}


def cache_folder() -> Path:
    """Where downloads are kept: `SUBLEARN_CACHE` itself, else `sublearn` in `XDG_CACHE_HOME`, else in `~/.cache`."""
    own = os.environ.get("SUBLEARN_CACHE")
    if own:
        return Path(os.path.expanduser(own))
    return Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")) / "sublearn"


def locate(source: IdxSource, file: File) -> Path | None:
    """The file on disk, plain or .gz: in a folder of `SUBLEARN_DATA` or else in the cache. None if in neither.

    Where only a folder, a pipe or a device has its name, that is given: reading it says what is in the way.
    """
    folders = [*_data_folders(source), cache_folder() / source.name]
    candidates = [folder / name for folder in folders for name in (file.name, f"{file.name}.gz")]
    # By os.path, which takes a path that cannot be looked at for an absent one.
    there = [path for path in candidates if os.path.exists(path)]
    return next((path for path in there if os.path.isfile(path)), there[0] if there else None)


def _data_folders(source: IdxSource) -> list[Path]:
    named = os.environ.get("SUBLEARN_DATA")
    if not named:
        return []
    root = Path(os.path.expanduser(named))
    if not os.path.isdir(root):
        raise InputError(f"SUBLEARN_DATA is '{named}', which is no folder. Set it to the folder of the idx files.")
    return [root / folder for folder in source.folders]
