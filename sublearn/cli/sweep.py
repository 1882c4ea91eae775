"""`sublearn sweep`."""

import json
from pathlib import Path
from typing import Any

import click

from sublearn.cli.options import CHANGES, DRY_RUN, GRID, PATH, QUIET, SEEDS, STUDY, as_json, command_named, how_to_run
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, is_study_file, parse_shard, seeds_of
from sublearn.errors import plain


@command_named("sweep")
@STUDY
@GRID
@SEEDS
@CHANGES
@click.option("--out", type=PATH, help="Sweep directory.  [default: runs/sweep-STUDY]")
@how_to_run
@DRY_RUN
@click.option("--yes", is_flag=True, help="Run very many combinations without asking.")
@as_json("Print the table as JSON on stdout and nothing else there.")
@QUIET
def command(
    study: str,
    grid: tuple[str, ...],
    seeds: str | None,
    changes: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Run a study over a grid of settings.

    STUDY is a name that `sublearn list` shows, or a YAML file with a grid. Every combination is a study of its own.
    Given again, the command goes on where it stopped.
    """
    from sublearn.config import assignments
    from sublearn.execution import sweep as sweeps
    from sublearn.execution.engines.local import cores
    from sublearn.execution.pipeline import Options

    wanted, seeds_of_file = sweeps.Sweep(study, {}, {}), None
    if is_study_file(study):
        wanted, seeds_of_file = sweeps.read_sweep(Path(study))
    changed = dict(wanted.settings) | assignments(changes)
    wanted = sweeps.Sweep(wanted.study, changed, dict(wanted.grid) | sweeps.parse_grid(grid))
    chosen = seeds_of(seeds, seeds_of_file)
    options |= {"jobs": options["jobs"] or cores(), "shard": parse_shard(options["shard"])}
    folder = out or Path("runs") / f"sweep-{wanted.study}"
    sweeps.checked(wanted, yes)
    if dry_run:
        echo(sweeps.describe(wanted, chosen, folder, Options(**options)))
        return
    failed = None
    with following("sweep", quiet, sweeps.few(wanted, chosen, folder)) as shown:
        try:
            points = sweeps.run_sweep(wanted, chosen, folder, Options(progress=shown.update, **options), command_line())
        except sweeps.StudiesFailed as error:
            points, failed = error.points, error
    echo(json.dumps([point.to_dict() for point in points], indent=2) if as_json else sweeps.summary(points))
    if not as_json:
        echo(f"\nReport: {plain(folder / 'report.html')}")
    if failed:
        raise failed
