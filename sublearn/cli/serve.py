"""`sublearn serve`."""

from pathlib import Path

import click

from sublearn.cli.options import PATH, command_named
from sublearn.cli.typed import echo
from sublearn.errors import InputError


@command_named("serve")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="Of 127.0.0.1; 0: any.")
@click.option("--runs", type=PATH, default=Path("runs"), show_default=True, help="The folder of run directories.")
def command(port: int, runs: Path) -> None:
    """Studies in the browser, on this machine alone.

    Choose a study, turn its knobs and see its runs come in. Each runs in a process of its own, as `sublearn run` would.
    Ctrl-C ends the server and stops the runs that it started; all of them can be resumed.
    """
    from sublearn.files.writing import check_folder

    check_folder(runs, "--runs")
    try:
        from sublearn.server.serve import serve
    except ModuleNotFoundError as error:
        raise InputError(
            f"sublearn serve needs the package {error.name}. Install it with: pip install 'sublearn[serve]'."
        ) from None
    serve(runs, port, lambda address: echo(f"Serving {runs} at {address}  (Ctrl-C ends it)", err=True))
