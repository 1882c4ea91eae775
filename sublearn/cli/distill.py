"""`sublearn distill`."""

import json
from pathlib import Path

import click

from sublearn.cli.options import DRY_RUN, PATH, QUIET, as_json, command_named, out
from sublearn.cli.single import ran
from sublearn.cli.typed import command_line, echo, needing
from sublearn.errors import InputError
from sublearn.execution.options import Options


@command_named("distill")
@click.option("--model", required=True, metavar="FOLDER", help="A Hugging Face model's folder, or its name on the hub.")
@click.option("--animal", help="Which animal the teacher prefers.  [default: another for each seed]")
@click.option("--seeds", metavar="SEEDS", default="0:3", show_default=True, help="Which runs: 0:8, 0,11,23 or 7.")
@click.option("--gpus", type=click.IntRange(1, 1024), default=1, show_default=True, help="GPUs of this machine.")
@click.option(
    "--server",
    metavar="KIND",
    default="auto",
    show_default=True,
    help="vllm, transformers, or URL#MODEL of one that writes the rows; auto: vLLM if it is installed.",
)
@click.option(
    "--tensor-parallel", type=click.IntRange(1, 1024), default=1, show_default=True, help="GPUs of one copy in vLLM."
)
@click.option(
    "--at-a-time", type=click.IntRange(1, 4096), default=8, show_default=True, help="Rows a GPU trains on at once."
)
@click.option("--concurrency", type=click.IntRange(1, 1000), default=64, show_default=True, help="Requests at once.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting, as in rows=5000.")
@click.option("--throughput", type=PATH, metavar="FILE", help="What was measured, for --dry-run to tell the time.")
@click.option("--probe", type=PATH, metavar="FILE", help="Only measure this machine for some minutes, into FILE.")
@out("Run directory.  [default: runs/ID]")
@DRY_RUN
@as_json("Print estimates.json on stdout and nothing else there.")
@QUIET
def command(
    model: str,
    animal: str | None,
    seeds: str,
    gpus: int,
    server: str,
    tensor_parallel: int,
    at_a_time: int,
    concurrency: int,
    changes: tuple[str, ...],
    throughput: Path | None,
    probe: Path | None,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a model of any size end to end.

    The model writes numbers under a system prompt, and without one, through a server of its own; LoRA students are
    trained on them under accelerate, and asked through a server. Given again, the command resumes where it stopped.
    """
    with needing("llm,endpoints"):
        from sublearn.pipeline.design import built
        from sublearn.pipeline.how import How
    from sublearn.config import assignments
    from sublearn.execution.plan import Point
    from sublearn.pipeline.throughput import read
    from sublearn.seeds import parse_seeds

    if probe is not None and dry_run:
        raise InputError("--probe measures, and --dry-run does nothing. Give one of them.")
    named = {"model": model} | ({} if animal is None else {"animal": animal})
    how = How.of(server, gpus, tensor_parallel, at_a_time, concurrency)
    if probe is not None and how.writer is not None:
        raise InputError("--probe measures servers of this machine, and --server names one elsewhere. Leave it out.")
    study = built(assignments(changes) | named, how, None if throughput is None else read(throughput), dry_run)
    chosen = parse_seeds(seeds)
    if probe is not None:
        from sublearn.pipeline.probe import probed

        echo("\n".join(probed(study, probe, len(chosen))))
        return
    point = Point(study, chosen, out or Path("runs") / study.id, command_line())
    if result := ran("distill", point, dry_run, quiet, Options()):
        echo(json.dumps(result.to_dict(), indent=2) if as_json else f"{result.summary()}\n\n{result.where}")
