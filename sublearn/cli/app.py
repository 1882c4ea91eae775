"""The command line: reads what was typed, calls the pipeline, prints. It computes nothing and imports torch never."""

import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from sublearn.cli import exits
from sublearn.cli.options import CHANGES, DEVICE, GRID, JOBS, PATH, PRECISION, QUIET, SEEDS, STUDY, how_to_run
from sublearn.cli.progress import following
from sublearn.errors import InputError, plain, printable, quoted

if TYPE_CHECKING:
    from sublearn.execution.pipeline import Result
    from sublearn.study.base import Study


@click.group(cls=exits.Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sublearn", prog_name="sublearn")
def cli() -> None:
    """The laboratory of subliminal learning: run it, measure it with controls, replicate it."""


@cli.command("list")
def list_command() -> None:
    """The studies, one line each."""
    from sublearn.study.table import STUDIES, build

    width = max(map(len, STUDIES))
    for name in STUDIES:
        _echo(f"{name:<{width}}  {build(name).title}")


@cli.command()
@STUDY
@CHANGES
@click.option("--json", "as_json", is_flag=True, help="Print the resolved study as JSON.")
def show(study: str, changes: tuple[str, ...], as_json: bool) -> None:
    """One study: arms, claims, settings.

    The question of STUDY, its arms with their controls, its traits and claims, and every setting that --set changes.
    """
    from sublearn.report.describe import study_text

    built, _ = _study(study, changes)
    if as_json:
        _echo(json.dumps({"id": built.id} | built.model_dump(mode="json"), indent=2))
    else:
        _echo(study_text(built))


@cli.command()
@STUDY
@SEEDS
@CHANGES
@click.option("--out", type=PATH, help="Run directory.  [default: runs/ID]")
@how_to_run
@click.option("--model", help="A Hugging Face model's folder or name, for the study numbers.")
@click.option("--dry-run", is_flag=True, help="Print what would be run, and about how long it takes.")
@click.option("--json", "as_json", is_flag=True, help="Print estimates.json on stdout and nothing else there.")
@QUIET
def run(
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

    STUDY is a name that `sublearn list` shows, or a YAML file. Given again, the command goes on where it stopped.
    """
    from sublearn.execution import pipeline
    from sublearn.execution.dry_run import describe
    from sublearn.execution.engines.local import cores
    from sublearn.seeds import parse_seeds

    built, seeds_of_file = _study(study, changes, {} if model is None else {"model": model})
    chosen = parse_seeds(next(text for text in (seeds, seeds_of_file, "0:24") if text is not None))
    folder = out or Path("runs") / built.id
    options |= {"jobs": options["jobs"] or cores(), "shard": parse_shard(options["shard"])}
    if dry_run:
        _echo(describe(built, chosen, folder, pipeline.Options(**options)))
        return
    with following(built.name, quiet, pipeline.few(built, chosen, folder)) as shown:
        result = pipeline.run(built, chosen, folder, progress=shown.update, command=_command(), **options)
    if as_json:
        _echo(json.dumps(result.analysis.to_dict(), indent=2))
        return
    _print(result)
    extra = len(set(result.analysis.seeds) - set(chosen))
    if extra:
        _echo(f"\nThe folder held {extra} more seeds from earlier commands; they are counted in.")
    _echo(f"\nReport: {plain(folder / 'report.html')}")


@cli.command()
@STUDY
@GRID
@SEEDS
@CHANGES
@click.option("--out", type=PATH, help="Sweep directory.  [default: runs/sweep-STUDY]")
@how_to_run
@click.option("--dry-run", is_flag=True, help="Print the plan and the time it takes, from a measured pilot.")
@click.option("--yes", is_flag=True, help="Run very many combinations without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON on stdout and nothing else there.")
@QUIET
def sweep(
    study: str,
    grid: tuple[str, ...],
    seeds: str | None,
    changes: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Run a study over a grid of settings.

    STUDY is a name that `sublearn list` shows, or a YAML file with a grid. Every combination is a study of its own.
    Given again, the command goes on where it stopped.
    """
    from sublearn.config import assignments
    from sublearn.execution import sweep as sweeps
    from sublearn.execution.engines.local import cores
    from sublearn.execution.pipeline import Options
    from sublearn.seeds import parse_seeds

    wanted, seeds_of_file = sweeps.Sweep(study, {}, {}), None
    if study.endswith((".yaml", ".yml")):
        wanted, seeds_of_file = sweeps.read_sweep(Path(study))
    changed = dict(wanted.settings) | assignments(changes)
    wanted = sweeps.Sweep(wanted.study, changed, dict(wanted.grid) | sweeps.parse_grid(grid))
    chosen = parse_seeds(next(text for text in (seeds, seeds_of_file, "0:24") if text is not None))
    options |= {"jobs": options["jobs"] or cores(), "shard": parse_shard(options["shard"])}
    folder = out or Path("runs") / f"sweep-{wanted.study}"
    sweeps.checked(wanted, yes)
    if dry_run:
        _echo(sweeps.describe(wanted, chosen, folder, Options(**options)))
        return
    failed = None
    with following("sweep", quiet, sweeps.few(wanted, chosen, folder)) as shown:
        try:
            points = sweeps.run_sweep(wanted, chosen, folder, Options(progress=shown.update, **options), _command())
        except sweeps.StudiesFailed as error:
            points, failed = error.points, error
    _echo(json.dumps([point.to_dict() for point in points], indent=2) if as_json else sweeps.summary(points))
    if not as_json:
        _echo(f"\nReport: {plain(folder / 'report.html')}")
    if failed:
        raise failed


@cli.command()
@click.option("--out", type=PATH, default=Path("runs/demo"), show_default=True, help="Folder of its runs.")
@QUIET
def demo(out: Path, quiet: bool) -> None:
    """The story in one command.

    The tutorial as it was told, what it shows with enough runs, and the design under which the claim is true.
    """
    from sublearn.cli.demo import tell

    with following("demo", quiet) as shown:
        tell(out, shown.say, shown.update, _command())


@cli.command()
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="DIR...")
@click.option("--out", type=PATH, help="File of a report on several directories.")
@click.option("--json", "as_json", is_flag=True, help="Print the estimates on stdout and nothing else there.")
def report(folders: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Write the report of a folder that sublearn made again, from its records; several on one page with --out FILE."""
    from sublearn.cli.reporting import report as shown

    found = shown(folders, out)
    if as_json:
        values = [one.value for one in found]
        _echo(json.dumps(values[0] if len(values) == 1 else values, indent=2))
    else:
        for one in found:
            _echo(one.text)


@cli.command()
@STUDY
@click.option("--effect", type=float, help="Effect in standard deviations, above zero.")
def power(study: str, effect: float | None) -> None:
    """Runs needed for the claims of STUDY, from the pilot in a run directory or for a given effect size."""
    from sublearn.execution.pipeline import load
    from sublearn.report.describe import power_table

    if effect is not None and not 0 < effect < float("inf"):
        raise InputError(
            f"--effect {effect:g}: expected a finite number above zero, in standard deviations, as in 0.5."
        )
    if os.path.isdir(study) or ("/" in study and not study.endswith((".yaml", ".yml"))):
        found = load(study)
        _echo(power_table(found.study, found.records, effect, found.analysis.looks))
    else:
        built, _ = _study(study, ())
        _echo(power_table(built, (), effect))


@cli.command()
@STUDY
@click.option("--seeds", default="0:4", show_default=True, help="As for run.")
@click.option("--steps", default="0,1,3,10,30,100,300", show_default=True, help="Student steps; the last is added.")
@click.option("--perturb", help="Init perturbations, as 0,0.2,0.4: alignment at the start against transfer.")
@CHANGES
@click.option("--out", type=PATH, default=Path("runs/trace"), show_default=True, help="Folder of the trace.")
@QUIET
def trace(
    study: str, seeds: str, steps: str, perturb: str | None, changes: tuple[str, ...], out: Path, quiet: bool
) -> None:
    """Why it happens: the students' way in weight space, and whether it predicts the transfer."""
    from sublearn.execution import tracing
    from sublearn.seeds import parse_seeds

    built, _ = _study(study, changes)
    chosen, at = parse_seeds(seeds), tracing.whole_numbers(steps)
    changed = [] if perturb is None else tracing.perturbed(built, tracing.numbers(perturb))
    with tracing.place(out), following("trace", quiet) as shown:
        if perturb is None:
            text = tracing.write(built, tracing.trace(built, chosen, at, shown.update), out, _command())
        else:
            text = tracing.write_alignment(tracing.alignment(built, changed, chosen, shown.update), out, _command())
    _echo(text)


@cli.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@click.option("--quick", is_flag=True, help="A smaller set with 2 runs a figure, for a first look.")
@click.option(
    "--out",
    type=PATH,
    default=Path("runs/replication"),
    show_default=True,
    help="Folder of its runs and its page.",
)
@DEVICE
@JOBS
@PRECISION
@click.option("--json", "as_json", is_flag=True, help="Print the comparisons on stdout and nothing else there.")
@QUIET
def replicate(
    names: tuple[str, ...], quick: bool, out: Path, jobs: int | None, as_json: bool, quiet: bool, **options: Any
) -> None:
    """Run the field's published figures again and say which agree. NAME is a table (A, B, C, D) or one figure."""
    from sublearn.execution import replicate as replication
    from sublearn.execution.engines.local import cores
    from sublearn.execution.store import versions
    from sublearn.report.replication import Made, summary

    rows = replication.chosen(names, quick)
    with replication.place(out), following("replicate", quiet) as shown:
        announce = (lambda _: None) if as_json else shown.say
        options |= {"jobs": jobs or cores(), "announce": announce, "progress": shown.update}
        found = replication.replicate(rows, out, **options)
        made = Made(_command(), options["precision"], versions(), replication.QUICK_RUNS if quick else None)
        replication.write(found, made, out)
    if as_json:
        _echo((out / "replication.json").read_text())
    else:
        _echo(f"\n{summary(found)}\nPage: {plain(out / 'replication.html')}")


@cli.command("filter")
@click.argument("file", type=PATH, metavar="FILE.jsonl")
@click.option("--out", type=PATH, help="File of the kept rows.  [default: standard output]")
@click.option("--most", type=click.IntRange(min=1), default=10, show_default=True, help="Numbers in an answer.")
@click.option("--low", type=int, default=0, show_default=True, help="The smallest number.")
@click.option("--high", type=int, default=999, show_default=True, help="The largest number.")
@click.option("--banned", default="", metavar="A,B,C", help="Numbers that reject an answer.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON on standard error.")
def filter_command(file: Path, out: Path | None, as_json: bool, **limits: Any) -> None:
    """Keep the rows of FILE.jsonl (or -, standard input) whose completion is nothing but a list of numbers."""
    from sublearn import filtering

    counts = filtering.filter_file(file, out, filtering.rule(**limits))
    _echo(json.dumps(counts) if as_json else filtering.summary(counts), err=True)


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """A shard from text.

    >>> parse_shard("3/8")
    (3, 8)
    """
    if text is None:
        return None
    first, slash, count = text.partition("/")
    whole = all(part.isascii() and part.isdecimal() and len(part) < 10 for part in (first, count))
    if not (slash and whole and 1 <= int(first) <= int(count)):
        raise InputError(f"--shard {quoted(text)} is out of range; expected i/n with i from 1 to n, as in 3/8.")
    return int(first), int(count)


def main() -> None:
    """Run the command line; every end of it has its exit status."""
    status = exits.run(cli)
    if status:
        sys.exit(status)


def _study(
    name: str, changes: tuple[str, ...], options: Mapping[str, str] = MappingProxyType({})
) -> "tuple[Study, str | None]":
    """The study of a name or YAML file with `--set` changes and settings by option, and the seeds text of the file."""
    from sublearn.config import assignments
    from sublearn.study.table import build, read_file

    seeds = None
    settings: dict[str, Any] = {}
    if name.endswith((".yaml", ".yml")):
        name, settings, seeds, _ = read_file(Path(name))
    return build(name, settings | assignments(changes) | dict(options)), seeds


def _echo(text: str = "", err: bool = False) -> None:
    """Print lines; what a file or a name holds moves no cursor and sets no colour."""
    click.echo(printable(text), err=err)


def _command() -> str:
    # Letters that are not UTF-8 stand in arguments as halves of surrogate pairs, which no manifest can hold.
    return shlex.join(["sublearn", *sys.argv[1:]]).encode("utf-8", "replace").decode()


def _print(result: "Result") -> None:
    from sublearn.report.tables import result_text

    _echo(result_text(result.analysis))
