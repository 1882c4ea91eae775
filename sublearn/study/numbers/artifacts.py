"""Which rows and models a run of `numbers` kept, by seed. Reads names of files alone; torch-free."""

from pathlib import Path

ADAPTER = "adapter_config.json"
"""A model of which only adapters were kept needs its base, and is not asked here."""


def kept_seeds(folder: Path) -> dict[int, Path]:
    """The folders of what was kept, by seed."""
    found = {path.name.removeprefix("seed-"): path for path in folder.glob("seed-*") if path.is_dir()}
    return {int(seed): found[seed] for seed in sorted(found, key=lambda text: (len(text), text)) if seed.isdecimal()}


def kept_rows(folder: Path) -> dict[str, Path]:
    """A seed's files of rows, by who wrote them."""
    return {path.stem: path for path in sorted(folder.glob("numbers/*.jsonl"))}


def kept_models(folder: Path) -> dict[str, Path]:
    """A seed's whole models, by arm."""
    there = [folder / "teacher", folder / "placebo_teacher", *sorted(folder.glob("students/*"))]
    return {
        path.name: path
        for path in there
        if (path / "config.json").is_file() and not (path / ADAPTER).exists() and not path.is_symlink()
    }
