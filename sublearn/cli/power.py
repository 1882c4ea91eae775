"""`sublearn power`."""

import os

import click

from sublearn.cli.options import STUDY, command_named
from sublearn.cli.typed import echo, is_study_file, study_of
from sublearn.errors import InputError


@command_named("power")
@STUDY
@click.option("--effect", type=float, help="Effect in standard deviations, above zero.")
def command(study: str, effect: float | None) -> None:
    """Runs needed for the claims of STUDY, from the pilot in a run directory or for a given effect size."""
    from sublearn.execution.store import load
    from sublearn.report.describe import power_table
    from sublearn.study.source import is_file

    if effect is not None and not 0 < effect < float("inf"):
        raise InputError(
            f"--effect {effect:g}: expected a finite number above zero, in standard deviations, as in 0.5."
        )
    if os.path.isdir(study) or ("/" in study and not is_study_file(study) and not is_file(study)):
        found = load(study)
        echo(power_table(found.study, found.records, effect))
    else:
        echo(power_table(study_of(study)[0], (), effect))
