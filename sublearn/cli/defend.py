"""`sublearn defend`."""

import json
from pathlib import Path

import click

from sublearn.cli.options import DRY_RUN, QUIET, RUN, as_json, command_named, how_to_run, out
from sublearn.cli.single import ran
from sublearn.cli.typed import command_line, echo
from sublearn.execution.options import Options


@command_named("defend")
@click.option("--seeds", metavar="SEEDS", default="0:12", show_default=True, help="Which bases: 0:12, 0,11,23 or 7.")
@click.option("--defences", metavar="A,B,C", help="Which defences to measure.  [default: all]")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting, as in strength.kl=0.5.")
@out("Run directory.  [default: runs/ID]")
@how_to_run(*RUN)
@DRY_RUN
@as_json("Print defences.json on stdout and nothing else there.")
@QUIET
def command(
    seeds: str,
    defences: str | None,
    changes: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    options: Options,
) -> None:
    """Measure what defences leave of a transfer.

    Each base is a tiny one of the study numbers, with a teacher of its own; each defence trains a student on the
    teacher's rows and one on the base's own. Given again, the command resumes where it stopped.
    """
    from sublearn.auditing.defences.design import built
    from sublearn.config import assignments
    from sublearn.execution.plan import Point
    from sublearn.seeds import parse_seeds

    named = {} if defences is None else {"defences": [name.strip() for name in defences.split(",")]}
    study = built(assignments(changes) | named)
    folder = out or Path("runs") / study.id
    point = Point(study, parse_seeds(seeds), folder, command_line())
    if result := ran("defend", point, dry_run, quiet, options):
        echo(json.dumps(result.defences_dict(), indent=2) if as_json else f"{result.summary()}\n\n{result.where}")
