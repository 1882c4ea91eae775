"""`sublearn audit`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sublearn.cli.completion import settings_of_audits
from sublearn.cli.options import DRY_RUN, PATH, QUIET, as_json, command_named, how_to_run, out
from sublearn.cli.progress import following
from sublearn.cli.typed import command_line, echo
from sublearn.errors import InputError
from sublearn.execution.options import Options

OF_AUDITS = {"data": "DATA.jsonl", "model": "--model", "traits": "--traits", "control": "--control", "clean": "--clean"}
OF_BENCHMARKS = {"seeds": "--seeds", "jobs": "--jobs"}
"""What only the one or the other takes."""


@command_named("audit")
@click.argument("data", type=PATH, metavar="[DATA.jsonl]", required=False)
@click.option("--model", help="The base that students will have: a model's folder, or tiny:SEED.")
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
@click.option("--benchmark", is_flag=True, help="Audit sets whose traits are known, on tiny bases, without DATA.jsonl.")
@click.option("--seeds", metavar="SEEDS", help="Bases of the benchmark: 840:860, 0,11 or 7.  [default: 840:860]")
@out("Folder of the audit.  [default: runs/audit, or runs/audit-benchmark]")
@how_to_run("device", "jobs")
@DRY_RUN
@as_json("Print audit.json or benchmark.json on stdout and nothing else there.")
@QUIET
def command(
    data: Path | None,
    model: str | None,
    traits: Path | None,
    control: Path | None,
    scores: str | None,
    seed: int,
    changes: tuple[str, ...],
    clean: Path | None,
    benchmark: bool,
    seeds: str | None,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    options: Options,
) -> None:
    """Find what a dataset would teach, before training on it.

    DATA.jsonl holds rows with prompt and completion, or chats. They are held against clean rows on the same prompts.

    With --benchmark, sets whose writers are known are audited base by base. Given again, that resumes where it stopped.
    """
    _check_words(benchmark)
    settings = _settings(changes, scores, seed)
    if benchmark:
        _benchmark(seeds, settings, out or Path("runs/audit-benchmark"), dry_run, as_json, quiet, options)
        return
    from sublearn import devices
    from sublearn.auditing import found, plan
    from sublearn.auditing.request import request
    from sublearn.execution.manifests import Provenance
    from sublearn.execution.store import versions
    from sublearn.results import audit

    out = out or Path("runs/audit")
    found.check_out(out)
    if clean is not None:
        audit.check_rest(clean, out)
    device = devices.resolve(options.device)
    made = Provenance(command_line(), versions())
    asked = request(data, model, traits, control, settings, device, made)
    if clean is not None:
        audit.check_flagging(asked)
    if dry_run:
        echo("\n".join(plan.lines(asked)))
        return
    with found.place(out), following("audit", quiet, noun="steps") as shown:
        result = audit.measured(asked, shown.update, shown.stage).put(out)
    kept = None if clean is None or data is None else result.write_rest(data, clean)
    if as_json:
        echo(json.dumps(result.to_dict(), indent=2))
        return
    echo(result.summary())
    if kept is not None:
        echo(f"\n{kept:,} rows that were not flagged: {clean}")
    echo(f"\n{result.where}")


def _check_words(benchmark: bool) -> None:
    """Raise InputError for words that an audit or the benchmark needs, or that only the other one takes."""
    context = click.get_current_context()
    typed = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
    for name, shown in (OF_AUDITS if benchmark else OF_BENCHMARKS).items():
        if name in typed:
            raise InputError(
                f"{shown} does not go with --benchmark, which makes its own sets. Leave one of them out."
                if benchmark
                else f"{shown} goes with --benchmark alone. Leave it out."
            )
    missing = [] if benchmark else [name for name in ("data", "model") if name not in typed]
    if missing:
        kind = "argument" if missing[0] == "data" else "option"
        raise InputError(f"Missing {kind} '{OF_AUDITS[missing[0]]}'. Try 'sublearn audit --help'.")


def _benchmark(
    seeds: str | None,
    settings: Mapping[str, Any],
    out: Path,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    options: Options,
) -> None:
    from sublearn.auditing.benchmark import found, plan
    from sublearn.auditing.benchmark.settings import SEEDS, Settings
    from sublearn.config import override
    from sublearn.execution.manifests import Provenance
    from sublearn.execution.store import versions
    from sublearn.results import benchmark
    from sublearn.seeds import parse_seeds

    if options.device == "cuda":
        raise InputError("The benchmark's bases are tiny and run on the CPU. Leave --device out.")
    bases, asked = parse_seeds(SEEDS if seeds is None else seeds), override(Settings, settings)
    found.check(out, asked)
    if dry_run:
        echo("\n".join(plan.lines(out, bases, asked, options.jobs)))
        return
    made = Provenance(command_line(), versions())
    with following("audit --benchmark", quiet, noun="sets") as shown:
        result = benchmark.measured(out, bases, asked, made, options.jobs, shown.update, shown.stage)
    echo(json.dumps(result.to_dict(), indent=2) if as_json else f"{result.summary()}\n\n{result.where}")


def _settings(changes: tuple[str, ...], scores: str | None, seed: int) -> dict[str, Any]:
    """Settings by dotted key, from what was typed."""
    from sublearn.config import assignments

    named = {} if scores is None else {"scores": [name.strip() for name in scores.split(",")]}
    return {"seed": seed} | assignments(changes) | named
