"""`sublearn power`."""

import os
from pathlib import Path

import click

from sublearn.cli.completion import studies_and_folders
from sublearn.cli.options import command_named
from sublearn.cli.typed import echo, is_study_file, study_of
from sublearn.errors import InputError


@command_named("power")
@click.argument("study", shell_complete=studies_and_folders)
@click.option("--effect", type=float, help="Effect in standard deviations, above zero.")
def command(study: str, effect: float | None) -> None:
    """How many runs the claims of a study need.

    STUDY is as for run, or a run directory, whose runs are taken as the pilot; --effect goes before them.
    """
    from sublearn.report.describe import power_table
    from sublearn.results.load import run_directory
    from sublearn.study.source import is_file

    if effect is not None and not 0 < effect < float("inf"):
        raise InputError(
            f"--effect {effect:g}: expected a finite number above zero, in standard deviations, as in 0.5."
        )
    if os.path.isdir(study) or ("/" in study and not is_study_file(study) and not is_file(study)):
        found = run_directory(Path(study))
        echo(power_table(found.study, found.records, effect, found.analysis.looks))
    else:
        echo(power_table(study_of(study)[0], (), effect))
