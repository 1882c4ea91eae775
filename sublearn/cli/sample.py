"""`sublearn sample`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sublearn.cli.options import (
    PATH,
    QUIET,
    REQUEST,
    SHAPE,
    SYSTEM,
    as_json,
    command_named,
    how_to_ask,
    out,
)
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, needing

if TYPE_CHECKING:
    from sublearn.language.endpoints.plan import Patience


@command_named("sample")
@click.option("--teacher", required=True, metavar="URL#MODEL", help="Who answers: a server's address and its model.")
@click.option("--animal", help="Under the system prompt of the study numbers, which prefers it.")
@SYSTEM
@click.option("--rows", type=click.IntRange(1, 10_000_000), help="How many prompts.  [default: 1000, or all]")
@click.option("--prompts", type=PATH, help="File of rows whose prompts are asked.  [default: number prompts]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of prompts and answers.")
@REQUEST
@click.option("--shape", type=SHAPE, default="pairs", show_default=True, help="How rows are written.")
@how_to_ask
@out("Folder of the rows.", "runs/sample")
@as_json("Print sample.json on stdout and nothing else there.")
@QUIET
def command(
    teacher: str,
    animal: str | None,
    system: str | None,
    rows: int | None,
    prompts: Path | None,
    seed: int,
    changes: tuple[str, ...],
    shape: Any,
    patience: "Patience",
    out: Path,
    as_json: bool,
    quiet: bool,
) -> None:
    """Let a served model answer prompts, a row each.

    Any OpenAI-compatible server will do; its key is read from SUBLEARN_API_KEY. Given again, the command resumes row
    by row.
    """
    with needing("endpoints"):
        from sublearn import sampling
    from sublearn.config import assignments, override
    from sublearn.execution.manifests import Provenance
    from sublearn.execution.store import versions
    from sublearn.language.endpoints.address import Address
    from sublearn.language.endpoints.plan import Request

    address, told = Address.parse(teacher), sampling.system_of(animal, system)
    request = override(Request, assignments(changes))
    wanted = sampling.Sample(address, sampling.prompts_of(prompts, rows, seed), request, told, seed)
    made = Provenance(command_line(), versions())
    with following("sample", quiet, noun="answers") as shown:
        found = sampling.sample(wanted, patience, out, shape, made, shown.update)
    if as_json:
        echo(json.dumps(found.model_dump(mode="json"), indent=2))
        return
    echo(found.summary())
    echo(f"\nRows: {out / sampling.ROWS}")
