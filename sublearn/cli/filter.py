"""`sublearn filter`."""

import json
from pathlib import Path
from typing import Any

import click

from sublearn.cli.options import PATH, SHAPE, as_json, command_named
from sublearn.cli.typed import echo


@command_named("filter")
@click.argument("file", type=PATH, metavar="FILE.jsonl")
@click.option("--out", type=PATH, help="File of the kept rows.  [default: standard output]")
@click.option("--most", type=click.IntRange(min=1), default=10, show_default=True, help="Numbers in an answer.")
@click.option("--low", type=int, default=0, show_default=True, help="The smallest number.")
@click.option("--high", type=int, default=999, show_default=True, help="The largest number.")
@click.option("--banned", default="", metavar="A,B,C", help="Numbers that reject an answer.")
@click.option("--shape", type=SHAPE, help="Write all rows so.  [default: as they came]")
@as_json("Print the counts as JSON on standard error.")
def command(file: Path, out: Path | None, shape: Any, as_json: bool, **limits: Any) -> None:
    """Keep the rows whose completion is but a list of numbers.

    They are read from FILE.jsonl, or from standard input where that is -. A row has a prompt and a completion, or is a
    chat.
    """
    from sublearn import filtering

    counts = filtering.filter_file(file, out, filtering.rule(**limits), shape)
    echo(json.dumps(counts) if as_json else filtering.summary(counts), err=True)
