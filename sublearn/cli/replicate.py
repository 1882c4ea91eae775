"""`sublearn replicate`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sublearn.cli.completion import figures
from sublearn.cli.options import DRY_RUN, QUIET, as_json, command_named, how_to_run, out
from sublearn.cli.progress import following
from sublearn.cli.single import ran
from sublearn.cli.typed import command_line, echo
from sublearn.errors import InputError
from sublearn.execution.options import Options

if TYPE_CHECKING:
    from sublearn.execution.plan import Point
    from sublearn.execution.replication import Comparison

OUT = "runs/replication"
FEW = 2
"""Bases of a first look."""


@command_named("replicate")
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=figures)
@click.option("--quick", is_flag=True, help="A smaller set with 2 runs a figure, for a first look.")
@click.option("--language", is_flag=True, help="Mechanisms in language models, on tiny bases. NAME is one or a group.")
@click.option(
    "--seeds", metavar="SEEDS", help="With --language: which bases.  [default: 1200:1220, of follow_up 1220:1232]"
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="With --language: change a setting.")
@out(f"Folder of its runs and its page.  [default: {OUT}, or runs/ID with --language]")
@how_to_run("device", "jobs", "engine", "trainer", "precision", "trackers")
@DRY_RUN
@as_json("Print the comparisons on stdout and nothing else there.")
@QUIET
def command(
    names: tuple[str, ...],
    quick: bool,
    language: bool,
    seeds: str | None,
    changes: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    options: Options,
) -> None:
    """Run the field's published figures again and say which agree. NAME is a table (A, B, C, D) or one figure.

    With --language it asks whether published mechanisms in language models hold on tiny bases: many students of each
    base, which differ in one thing. Given again, it resumes where it stopped.
    """
    if language:
        point = _mechanisms(names, changes, seeds, quick, out)
        if result := ran("replicate", point, dry_run, quiet, options):
            echo(json.dumps(result.mechanisms_dict(), indent=2) if as_json else f"{result.summary()}\n\n{result.where}")
        return
    if seeds is not None or changes:
        raise InputError("--seeds and --set go with --language alone: figures state their runs and settings.")
    _figures(names, quick, Path(OUT) if out is None else out, dry_run, as_json, quiet, options)


def _figures(
    names: Sequence[str], quick: bool, out: Path, dry_run: bool, as_json: bool, quiet: bool, options: Options
) -> None:
    from sublearn.execution import replication
    from sublearn.execution.plan import describe
    from sublearn.results.replication import replicate

    rows = replication.chosen(names, quick)
    if dry_run:
        replication.check_out(out)
        echo(describe(replication.plan(rows, out, options)))
        return

    with following("replicate", quiet) as shown:

        def announce(one: "Comparison") -> None:
            if not as_json:
                shown.say(f"{one.verdict.upper():<12} {one.name:<28} theirs {one.theirs}; ours {one.ours}")

        found = replicate(rows, out, shown.followed(options), announce, command_line(), quick)
    if as_json:
        echo(json.dumps(found.to_dict(), indent=2))
    else:
        echo(f"\n{found.summary()}\n{found.where}")


def _mechanisms(
    names: Sequence[str], changes: tuple[str, ...], seeds: str | None, quick: bool, out: Path | None
) -> "Point":
    """The study of the named mechanisms, or of all, on these bases."""
    from sublearn.config import assignments
    from sublearn.execution.plan import Point
    from sublearn.seeds import parse_seeds
    from sublearn.study.mechanisms.design import built
    from sublearn.study.mechanisms.spec import Settings
    from sublearn.study.mechanisms.table import bases_of, named

    wanted = {"mechanisms": named(names)} if names else {}
    study = built(assignments(changes) | wanted)
    settings: Settings = study.designed.settings
    chosen = parse_seeds(bases_of(settings.chosen) if seeds is None else seeds)
    return Point(study, chosen[:FEW] if quick else chosen, out or Path("runs") / study.id, command_line())
