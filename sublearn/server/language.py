"""What a run of `numbers` kept, page by page: prompts and completions, and which models can be asked. No torch."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from sublearn.errors import InputError, unknown
from sublearn.execution.manifests import read_study
from sublearn.execution.plan import ARTIFACTS
from sublearn.report.artifacts import SOURCES
from sublearn.report.wording import called
from sublearn.study.numbers.artifacts import kept_models, kept_rows, kept_seeds
from sublearn.study.numbers.metrics import read_metrics
from sublearn.tasks.rows import Pair, read_rows
from sublearn.tasks.vocabulary import questions

PAGE_ROWS = 20


def overview(folder: Path) -> dict[str, Any]:
    """The seeds with their animal, their rows by source and their models. Raises InputError where nothing was kept."""
    seeds = kept_seeds(folder / ARTIFACTS)
    if not seeds:
        raise InputError("This run kept no rows: only a run of the study numbers does.")
    arms = [{"name": name, "label": label} for name, label in called(read_study(folder).study).items()]
    found = [_seed(seed, place) for seed, place in seeds.items()]
    return {"seeds": found, "questions": questions("animal"), "arms": arms}


def page(folder: Path, seed: int, source: str, number: int) -> dict[str, Any]:
    """One page of rows, counted from 0. Raises InputError for a seed or a source that was not kept."""
    files = kept_rows(_place(folder, seed))
    if source not in files:
        raise unknown("source of rows", source, files)
    about = files[source].stat()
    rows = _rows(files[source], about.st_size, about.st_mtime_ns)
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    number = min(max(number, 0), pages - 1)
    shown = rows[number * PAGE_ROWS : (number + 1) * PAGE_ROWS]
    return {"rows": [list(row) for row in shown], "page": number, "pages": pages, "total": len(rows)}


def place_of(folder: Path, seed: int) -> Path:
    """Where a seed's models are kept."""
    return _place(folder, seed).resolve()


def _place(folder: Path, seed: int) -> Path:
    seeds = kept_seeds(folder / ARTIFACTS)
    if seed not in seeds:
        raise InputError(f"Of seed {seed} nothing was kept. There are: {', '.join(map(str, seeds)) or 'none'}.")
    return seeds[seed]


def _seed(seed: int, place: Path) -> dict[str, Any]:
    metrics = place / "metrics.json"
    animal = read_metrics(metrics).animal if metrics.is_file() else ""
    sources = [{"name": name, "about": SOURCES.get(name, name)} for name in kept_rows(place)]
    return {"seed": seed, "animal": animal, "sources": sources, "models": list(kept_models(place))}


@lru_cache(maxsize=8)
def _rows(file: Path, size: int, time: int) -> list[Pair]:
    """A file's rows; another size or time is another file."""
    del size, time
    return read_rows(file)
