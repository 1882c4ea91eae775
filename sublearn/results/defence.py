"""Measure defences against hidden traits, from Python: a run of the study of defences."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sublearn.auditing.defences.design import built
from sublearn.execution.options import Options
from sublearn.execution.plan import Point
from sublearn.files.writing import folder_of
from sublearn.results.single import Result, run_point
from sublearn.seeds import checked_seeds


def defend(seeds: Iterable[int], out: Path | str | None = None, **keywords: Any) -> Result:
    """Measure defences on tiny bases, one for each seed: what is left of the transfer, and of the task.

    Its `defences` are the table, its `findings` the verdicts. With `out` it resumes where it stopped, and writes its
    page and defences.json there. Keywords are those of `run`: options, or settings as in `defences=["mask", "kl"]` and
    `**{"strength.kl": 0.5}`.

    Raises InputError for anything that cannot be used, before anything is written.
    """
    options, settings = Options.split(keywords)
    study, chosen = built(settings, "defend"), checked_seeds(seeds)
    folder = None if out is None else folder_of(out, "out")
    return run_point(Point(study, chosen, folder, f"sublearn.defend({list(chosen)}, {str(folder)!r})"), options)
