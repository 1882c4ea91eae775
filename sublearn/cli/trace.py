"""`sublearn trace`."""

from pathlib import Path

import click

from sublearn.cli.options import CHANGES, PATH, QUIET, STUDY, command_named
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, seeds_of, study_of


@command_named("trace")
@STUDY
@click.option("--seeds", default="0:4", show_default=True, help="As for run.")
@click.option("--steps", default="0,1,3,10,30,100,300", show_default=True, help="Student steps; the last is added.")
@click.option("--perturb", help="Init perturbations, as 0,0.2,0.4: alignment at the start against transfer.")
@CHANGES
@click.option("--out", type=PATH, default=Path("runs/trace"), show_default=True, help="Folder of the trace.")
@QUIET
def command(
    study: str, seeds: str, steps: str, perturb: str | None, changes: tuple[str, ...], out: Path, quiet: bool
) -> None:
    """Why it happens: the students' way in weight space, and whether it predicts the transfer."""
    from sublearn.execution import tracing

    built, _ = study_of(study, changes)
    chosen, at = seeds_of(seeds), tracing.whole_numbers(steps)
    changed = [] if perturb is None else tracing.perturbed(built, tracing.numbers(perturb))
    with tracing.place(out), following("trace", quiet) as shown:
        if perturb is None:
            text = tracing.write(built, tracing.trace(built, chosen, at, shown.update), out, command_line())
        else:
            found = tracing.alignment(built, changed, chosen, shown.update)
            text = tracing.write_alignment(found, out, command_line())
    echo(text)
