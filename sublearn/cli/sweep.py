"""`sublearn sweep`."""

import json
from pathlib import Path

import click

from sublearn.cli.options import (
    CHANGES,
    DRY_RUN,
    GRID,
    QUIET,
    RUN,
    SEEDS,
    STUDY,
    as_json,
    command_named,
    how_to_run,
    out,
)
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, is_study_file, say_beforehand, seeds_of
from sublearn.execution.options import Options


@command_named("sweep")
@STUDY
@GRID
@SEEDS
@CHANGES
@out("Sweep directory.  [default: runs/sweep-STUDY]")
@how_to_run(*RUN)
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
    options: Options,
) -> None:
    """Run a study over a grid of settings.

    STUDY is as for run, or a YAML file with a grid. Every combination is a study of its own. Given again, the command
    resumes where it stopped.
    """
    from sublearn.config import assignments
    from sublearn.execution.plan import describe, few
    from sublearn.execution.sweep import Grid, GridPoints, checked, parse_grid, read_grid
    from sublearn.results.sweep import StudiesFailed, plan, run_points

    of_file, seeds_of_file = read_grid(Path(study)) if is_study_file(study) else (Grid(study, {}, {}), None)
    settings, values = dict(of_file.settings) | assignments(changes), dict(of_file.values) | parse_grid(grid)
    asked = checked(Grid(of_file.study, settings, values), yes)
    folder = out or Path("runs") / f"sweep-{asked.name}"
    points = GridPoints(asked, seeds_of(seeds, seeds_of_file), folder, command_line())
    if dry_run:
        echo(describe(plan(points, options)))
        say_beforehand(few(next(iter(points)), len(asked)), quiet)
        return
    failed = None
    with following("sweep", quiet, few(next(iter(points)), len(asked))) as shown:
        try:
            found = run_points(points, shown.followed(options))
        except StudiesFailed as error:
            found, failed = error.sweep, error
    echo(json.dumps(found.to_dict(), indent=2) if as_json else found.summary())
    if not as_json:
        echo(f"\n{found.where}")
    if failed:
        raise failed
