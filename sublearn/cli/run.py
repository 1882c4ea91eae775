"""`sublearn run`."""

import json
from pathlib import Path

import click

from sublearn.cli.options import CHANGES, DRY_RUN, QUIET, RUN, SEEDS, STUDY, as_json, command_named, how_to_run, out
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, say_beforehand, seeds_of, study_of
from sublearn.execution.options import Options


@command_named("run")
@STUDY
@SEEDS
@CHANGES
@out("Run directory.  [default: runs/ID]")
@how_to_run(*RUN)
@click.option("--model", help="A Hugging Face model's folder or name, for the study numbers.")
@click.option("--teacher", metavar="URL#MODEL", help="A server of the same model, which writes the numbers.")
@DRY_RUN
@as_json("Print estimates.json on stdout and nothing else there.")
@QUIET
def command(
    study: str,
    seeds: str | None,
    changes: tuple[str, ...],
    out: Path | None,
    model: str | None,
    teacher: str | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    options: Options,
) -> None:
    """Run a study for some seeds.

    STUDY is a name that `sublearn list` shows, a YAML file, or FILE.py or FILE.py:NAME for a study of your own. Given
    again, the command resumes where it stopped.
    """
    from sublearn.execution.plan import Plan, Point, describe, few
    from sublearn.results.single import check_out, run_point

    named = {key: value for key, value in {"model": model, "teacher.server": teacher}.items() if value is not None}
    built, seeds_of_file = study_of(study, changes, named)
    chosen = seeds_of(seeds, seeds_of_file)
    folder = out or Path("runs") / built.id
    point = Point(built, chosen, folder, command_line())
    if dry_run:
        check_out(built, folder, options.precision)
        echo(describe(Plan([point], options)))
        say_beforehand(few(point), quiet)
        return
    with following(built.name, quiet, few(point)) as shown:
        result = run_point(point, shown.followed(options))
    if as_json:
        echo(json.dumps(result.to_dict(), indent=2))
        return
    echo(result.summary())
    extra = len(set(result.analysis.seeds) - set(chosen))
    if extra:
        echo(f"\nThe folder held {extra} more seeds from earlier commands; they are counted in.")
    echo(f"\n{result.where}")
