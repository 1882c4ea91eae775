"""`sublearn run`."""

import json
from pathlib import Path
from typing import Any

import click

from sublearn.cli.options import CHANGES, DRY_RUN, PATH, QUIET, SEEDS, STUDY, as_json, command_named, how_to_run
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, parse_shard, seeds_of, study_of
from sublearn.errors import plain


@command_named("run")
@STUDY
@SEEDS
@CHANGES
@click.option("--out", type=PATH, help="Run directory.  [default: runs/ID]")
@how_to_run
@click.option("--model", help="A Hugging Face model's folder or name, for the study numbers.")
@DRY_RUN
@as_json("Print estimates.json on stdout and nothing else there.")
@QUIET
def command(
    study: str,
    seeds: str | None,
    changes: tuple[str, ...],
    out: Path | None,
    model: str | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Run a study for some seeds.

    STUDY is a name that `sublearn list` shows, a YAML file, or FILE.py or FILE.py:NAME for a study of your own. Given
    again, the command goes on where it stopped.
    """
    from sublearn.execution import pipeline
    from sublearn.execution.dry_run import describe
    from sublearn.execution.engines.local import cores
    from sublearn.report.tables import result_text

    built, seeds_of_file = study_of(study, changes, {} if model is None else {"model": model})
    chosen = seeds_of(seeds, seeds_of_file)
    folder = out or Path("runs") / built.id
    options |= {"jobs": options["jobs"] or cores(), "shard": parse_shard(options["shard"])}
    if dry_run:
        echo(describe(built, chosen, folder, pipeline.Options(**options)))
        return
    with following(built.name, quiet, pipeline.few(built, chosen, folder)) as shown:
        result = pipeline.run(built, chosen, folder, progress=shown.update, command=command_line(), **options)
    if as_json:
        echo(json.dumps(result.analysis.to_dict(), indent=2))
        return
    echo(result_text(result.analysis))
    extra = len(set(result.analysis.seeds) - set(chosen))
    if extra:
        echo(f"\nThe folder held {extra} more seeds from earlier commands; they are counted in.")
    echo(f"\nReport: {plain(folder / 'report.html')}")
