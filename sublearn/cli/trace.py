"""`sublearn trace`."""

import json
from pathlib import Path

import click

from sublearn.cli.options import CHANGES, DRY_RUN, QUIET, STUDY, as_json, command_named, how_to_run, out
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, seeds_of, study_of
from sublearn.execution.options import Options


@command_named("trace")
@STUDY
@click.option("--seeds", default="0:4", show_default=True, help="As for run.")
@click.option("--steps", default="0,1,3,10,30,100,300", show_default=True, help="Student steps; the last is added.")
@click.option("--perturb", help="Init perturbations, as 0,0.2,0.4: alignment at the start against transfer.")
@CHANGES
@out("Folder of the trace.", "runs/trace")
@how_to_run("device", "jobs", "engine", "trainer", "precision")
@DRY_RUN
@as_json("Print the means, or the alignment, on stdout and nothing else there.")
@QUIET
def command(
    study: str,
    seeds: str,
    steps: str,
    perturb: str | None,
    changes: tuple[str, ...],
    out: Path,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    options: Options,
) -> None:
    """Why it happens: the students' way in weight space.

    With --perturb, whether their alignment at the start predicts the transfer.
    """
    from sublearn.execution import tracing
    from sublearn.execution.manifests import Provenance
    from sublearn.execution.plan import describe
    from sublearn.execution.store import versions
    from sublearn.results.trace import Request

    built, _ = study_of(study, changes)
    scales = None if perturb is None else tracing.scales_in(perturb)
    asked = Request(built, seeds_of(seeds), tracing.steps_in(steps), scales, Provenance(command_line(), versions()))
    if dry_run:
        tracing.check_out(out)
        echo(describe(asked.plan(options)))
        return
    with tracing.place(out), following("trace", quiet) as shown:
        found = asked.measured(shown.followed(options)).put(out)
    if as_json:
        echo(json.dumps(found.to_dict(), indent=2))
    else:
        echo("\n\n".join(text for text in (found.summary(), found.where) if text))
