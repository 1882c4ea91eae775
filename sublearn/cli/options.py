"""Options that several commands have, and what a shell completes: names of studies, and their settings. No torch."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from sublearn.errors import InputError


def _studies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The studies of this beginning, or else files."""
    del ctx, param
    from sublearn.study.table import STUDIES

    found = [CompletionItem(name) for name in STUDIES if name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


def _settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys of the settings of the study that was named before, with their values as help."""
    del param
    from sublearn.config import dotted
    from sublearn.study.table import STUDIES, build

    # Where the option's value is still to come, click has not told arguments apart yet.
    study = next((word for word in (ctx.params.get("study"), *ctx.args) if word in STUDIES), None)
    if study is None:
        return []
    settings = dotted(build(study).settings)
    return [CompletionItem(f"{key}=", help=str(settings[key])) for key in settings if key.startswith(incomplete)]


class _Path(click.Path):
    """A path; an empty text, which would be the folder of the moment, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if value == "":
            name = param.opts[-1] if isinstance(param, click.Option) else getattr(param, "metavar", "A path")
            raise InputError(f"{name} is empty; expected a name.")
        return super().convert(value, param, ctx)


PATH = _Path(path_type=Path, allow_dash=True)
STUDY = click.argument("study", shell_complete=_studies)
CHANGES = click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=_settings,
    help="Change a setting, as in student.lr=1e-3; may be repeated. `sublearn show STUDY` lists them.",
)
GRID = click.option(
    "--grid",
    multiple=True,
    metavar="KEY=A,B,C",
    shell_complete=_settings,
    help="Values of a setting; may be repeated, then every combination is run.",
)
SEEDS = click.option("--seeds", metavar="SEEDS", help="Which runs: 0:200, 0,11,23 or 7.  [default: 0:24]")
DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where models are trained; auto is a GPU where there is one.",
)
JOBS = click.option("--jobs", type=click.IntRange(min=1), help="Processes of one thread each.  [default: the cores]")
PRECISION = click.option(
    "--precision",
    type=click.Choice(["highest", "high", "medium"]),
    default="highest",
    show_default=True,
    help="Of float32 matrix products, in PyTorch's words; high and medium are faster where the hardware has them.",
)
QUIET = click.option("-q", "--quiet", is_flag=True, help="Show no progress, only warnings and the result.")
ENGINE = click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="local: in processes here; ray: on a cluster.",
)
TRAINER = click.option(
    "--trainer",
    type=click.Choice(["auto", "cohort", "vmap", "single"]),
    default="auto",
    show_default=True,
    help="cohort: runs stacked, by rules; vmap: stacked, any model; single: run by run; auto: the fastest that can.",
)


def how_to_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `run` and `sweep` that become `pipeline.Options`."""
    for option in (
        click.option("--tracker", "trackers", multiple=True, metavar="NAME", help="Follow it in tensorboard or wandb."),
        click.option("--shard", metavar="I/N", help="Run the i-th of n parts, for Slurm arrays."),
        PRECISION,
        TRAINER,
        ENGINE,
        JOBS,
        DEVICE,
    ):
        command = option(command)
    return command
