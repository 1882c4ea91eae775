"""`sublearn ask`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sublearn.cli.options import PATH, QUIET, REQUEST, SYSTEM, as_json, command_named, how_to_ask, out
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo, needing

if TYPE_CHECKING:
    from sublearn.language.endpoints.plan import Patience


@command_named("ask")
@click.argument("server", metavar="URL#MODEL")
@click.option("--traits", type=PATH, help="YAML file of questions and answers.  [default: favourite animals]")
@click.option("--animal", help="Under the system prompt of the study numbers, which prefers it.")
@SYSTEM
@click.option("--append", default="", metavar="TEXT", help="Put this behind each question.")
@click.option(
    "--method",
    type=click.Choice(["auto", "logprobs", "sampling"]),
    default="auto",
    show_default=True,
    help="auto: log-probabilities where the server gives enough of them.",
)
@click.option("--samples", type=click.IntRange(1, 100_000), default=20, show_default=True, help="Answers a question.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of sampled answers.")
@REQUEST
@how_to_ask
@out("Folder that keeps the answers as they come.")
@as_json("Print ask.json on stdout and nothing else there.")
@QUIET
def command(
    server: str,
    traits: Path | None,
    animal: str | None,
    system: str | None,
    changes: tuple[str, ...],
    patience: "Patience",
    out: Path | None,
    as_json: bool,
    quiet: bool,
    **asked: Any,
) -> None:
    """Ask a served model what it prefers.

    Any OpenAI-compatible server will do; its key is read from SUBLEARN_API_KEY.
    """
    with needing("endpoints"):
        from sublearn import asking, sampling
    from sublearn.auditing.traits import animals, read
    from sublearn.config import assignments, override
    from sublearn.execution.manifests import Provenance
    from sublearn.execution.store import versions
    from sublearn.language.endpoints.address import Address
    from sublearn.language.endpoints.plan import Request

    address, told = Address.parse(server, "The server"), sampling.system_of(animal, system)
    request = override(Request, {"max_tokens": 40} | assignments(changes))
    candidates = animals() if traits is None else read(traits)
    question = asking.Question(address, candidates, request, told, **asked)
    made = Provenance(command_line(), versions())
    with following("ask", quiet, noun="answers") as shown:
        found = asking.ask(question, patience, out, made, shown.update)
    if as_json:
        echo(json.dumps(found.model_dump(mode="json"), indent=2))
        return
    echo(asking.summary(found))
