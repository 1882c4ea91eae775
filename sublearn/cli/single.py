"""How a command runs one study: planned and described, or run with its progress. No torch."""

from typing import TYPE_CHECKING

from sublearn.cli.progress import following
from sublearn.cli.typed import echo, say_beforehand
from sublearn.execution.options import Options

if TYPE_CHECKING:
    from sublearn.execution.plan import Point
    from sublearn.results.single import Result


def ran(command: str, point: "Point", dry_run: bool, quiet: bool, options: Options) -> "Result | None":
    """The result of a point in its folder; with a dry run none, and what would be run is printed."""
    from sublearn.execution.plan import Plan, describe, few
    from sublearn.results.single import check_out, run_point

    if dry_run:
        assert point.folder is not None
        check_out(point.study, point.folder, options.precision)
        echo(describe(Plan([point], options)))
        say_beforehand(few(point), quiet)
        return None
    with following(command, quiet, few(point)) as shown:
        return run_point(point, shown.followed(options))
