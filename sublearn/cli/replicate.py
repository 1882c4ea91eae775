"""`sublearn replicate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sublearn.cli.completion import figures
from sublearn.cli.options import DRY_RUN, QUIET, as_json, command_named, how_to_run, out
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo
from sublearn.execution.options import Options

if TYPE_CHECKING:
    from sublearn.execution.replication import Comparison


@command_named("replicate")
@click.argument("names", nargs=-1, metavar="[NAME...]", shell_complete=figures)
@click.option("--quick", is_flag=True, help="A smaller set with 2 runs a figure, for a first look.")
@out("Folder of its runs and its page.", "runs/replication")
@how_to_run("device", "jobs", "engine", "trainer", "precision", "trackers")
@DRY_RUN
@as_json("Print the comparisons on stdout and nothing else there.")
@QUIET
def command(
    names: tuple[str, ...], quick: bool, out: Path, dry_run: bool, as_json: bool, quiet: bool, options: Options
) -> None:
    """Run the field's published figures again and say which agree. NAME is a table (A, B, C, D) or one figure."""
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
