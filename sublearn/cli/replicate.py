"""`sublearn replicate`."""

from pathlib import Path
from typing import Any

import click

from sublearn.cli.options import DEVICE, JOBS, PATH, PRECISION, QUIET, as_json, command_named
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo
from sublearn.errors import plain


@command_named("replicate")
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--quick", is_flag=True, help="A smaller set with 2 runs a figure, for a first look.")
@click.option(
    "--out",
    type=PATH,
    default=Path("runs/replication"),
    show_default=True,
    help="Folder of its runs and its page.",
)
@DEVICE
@JOBS
@PRECISION
@as_json("Print the comparisons on stdout and nothing else there.")
@QUIET
def command(
    names: tuple[str, ...], quick: bool, out: Path, jobs: int | None, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Run the field's published figures again and say which agree. NAME is a table (A, B, C, D) or one figure."""
    from sublearn.execution import replicate as replication
    from sublearn.execution.engines.local import cores
    from sublearn.execution.store import versions
    from sublearn.report.replication import Made, summary

    rows = replication.chosen(names, quick)
    with replication.place(out), following("replicate", quiet) as shown:
        announce = (lambda _: None) if as_json else shown.say
        options |= {"jobs": jobs or cores(), "announce": announce, "progress": shown.update}
        found = replication.replicate(rows, out, **options)
        made = Made(command_line(), options["precision"], versions(), replication.QUICK_RUNS if quick else None)
        replication.write(found, made, out)
    if as_json:
        echo((out / "replication.json").read_text())
    else:
        echo(f"\n{summary(found)}\nPage: {plain(out / 'replication.html')}")
