"""`sublearn report`."""

import json
from pathlib import Path

import click

from sublearn.cli.options import PATH, as_json, command_named
from sublearn.cli.typed import echo


@command_named("report")
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="DIR...")
@click.option("--out", type=PATH, help="File of a report on several directories.")
@as_json("Print the estimates on stdout and nothing else there.")
def command(folders: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Write the report of a folder that sublearn made again, from its records; several on one page with --out FILE."""
    from sublearn.cli.reporting import report

    found = report(folders, out)
    if as_json:
        values = [one.value for one in found]
        echo(json.dumps(values[0] if len(values) == 1 else values, indent=2))
    else:
        for one in found:
            echo(one.text)
