"""`sublearn demo`."""

from pathlib import Path

from sublearn.cli.options import QUIET, command_named, how_to_run, out
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line
from sublearn.execution.options import Options


@command_named("demo")
@out("Folder of its runs.", "runs/demo")
@how_to_run("device", "jobs")
@QUIET
def command(out: Path, quiet: bool, options: Options) -> None:
    """The story in one command.

    The tutorial as it was told, what it shows with enough runs, and the design under which the claim is true.
    """
    from sublearn.cli.story import tell

    with following("demo", quiet) as shown:
        tell(out, shown.say, shown.followed(options), command_line())
