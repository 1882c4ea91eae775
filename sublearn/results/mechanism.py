"""Ask whether published mechanisms hold in the tiny world, from Python: a run of the study of mechanisms."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sublearn.execution.options import Options
from sublearn.execution.plan import Point
from sublearn.files.writing import folder_of
from sublearn.results.single import Result, run_point
from sublearn.seeds import checked_seeds
from sublearn.study.mechanisms.design import built
from sublearn.study.mechanisms.table import named


def mechanisms(
    seeds: Iterable[int], names: str | Sequence[str] = (), out: Path | str | None = None, **keywords: Any
) -> Result:
    """Ask on tiny bases, one for each seed, whether what is published of language models holds there.

    `names` are mechanisms or one, as `"greedy"`, or a group, `"further"` or `"follow_up"`; without them, the ten of the
    first table. The result's `mechanisms` are what is published beside what came out, its `findings` the verdicts. With
    `out` it resumes where it stopped, and writes its page and mechanisms.json there. Keywords are those of `run`:
    options, or settings as in `**{"strength.patience": 10}`.

    Raises InputError for anything that cannot be used, before anything is written.
    """
    options, settings = Options.split(keywords)
    wanted = [names] if isinstance(names, str) else list(names)
    study = built(settings | ({"mechanisms": named(wanted)} if wanted else {}), "mechanisms")
    chosen, folder = checked_seeds(seeds), None if out is None else folder_of(out, "out")
    return run_point(Point(study, chosen, folder, f"sublearn.mechanisms({list(chosen)}, {wanted!r})"), options)
