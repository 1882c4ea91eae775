"""`sublearn audit`."""

import json
from pathlib import Path
from typing import Any

import click

from sublearn.cli.completion import settings_of_audits
from sublearn.cli.options import DRY_RUN, PATH, QUIET, as_json, command_named, how_to_run, out
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo
from sublearn.execution.options import Options


@command_named("audit")
@click.argument("data", type=PATH, metavar="DATA.jsonl")
@click.option("--model", required=True, help="The base that students will have: a model's folder, or tiny:SEED.")
@click.option("--traits", type=PATH, help="YAML file of candidate traits.  [default: animals, or 50 preferences]")
@click.option("--control", type=PATH, help="File of clean rows.  [default: the model writes them]")
@click.option("--scores", metavar="A,B,C", help="Which scores to take.  [default: virtual,steering]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that is drawn.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=settings_of_audits,
    help="Change a setting, as in test=39.",
)
@click.option("--clean", type=PATH, help="File of the rows that are not flagged.")
@out("Folder of the audit.", "runs/audit")
@how_to_run("device")
@DRY_RUN
@as_json("Print audit.json on stdout and nothing else there.")
@QUIET
def command(
    data: Path,
    model: str,
    traits: Path | None,
    control: Path | None,
    scores: str | None,
    seed: int,
    changes: tuple[str, ...],
    clean: Path | None,
    out: Path,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    options: Options,
) -> None:
    """Find what a dataset would teach, before training on it.

    DATA.jsonl holds rows with prompt and completion, or chats. They are held against clean rows on the same prompts.
    """
    from sublearn import devices
    from sublearn.auditing import found, plan
    from sublearn.auditing.request import request
    from sublearn.execution.manifests import Provenance
    from sublearn.execution.store import versions
    from sublearn.results import audit

    found.check_out(out)
    if clean is not None:
        audit.check_rest(clean, out)
    device = devices.resolve(options.device)
    made = Provenance(command_line(), versions())
    asked = request(data, model, traits, control, _settings(changes, scores, seed), device, made)
    if dry_run:
        echo("\n".join(plan.lines(asked)))
        return
    with found.place(out), following("audit", quiet, noun="steps") as shown:
        result = audit.measured(asked, shown.update, shown.stage).put(out)
    kept = None if clean is None else result.write_rest(data, clean)
    if as_json:
        echo(json.dumps(result.to_dict(), indent=2))
        return
    echo(result.summary())
    if kept is not None:
        echo(f"\n{kept:,} rows that were not flagged: {clean}")
    echo(f"\n{result.where}")


def _settings(changes: tuple[str, ...], scores: str | None, seed: int) -> dict[str, Any]:
    """Settings by dotted key, from what was typed."""
    from sublearn.config import assignments

    named = {} if scores is None else {"scores": [name.strip() for name in scores.split(",")]}
    return {"seed": seed} | assignments(changes) | named
