"""`sublearn demo`."""

from pathlib import Path

import click

from sublearn.cli.options import PATH, QUIET, command_named
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line


@command_named("demo")
@click.option("--out", type=PATH, default=Path("runs/demo"), show_default=True, help="Folder of its runs.")
@QUIET
def command(out: Path, quiet: bool) -> None:
    """The story in one command.

    The tutorial as it was told, what it shows with enough runs, and the design under which the claim is true.
    """
    from sublearn.cli.story import tell

    with following("demo", quiet) as shown:
        tell(out, shown.say, shown.update, command_line())
