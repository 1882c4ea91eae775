"""What a shell completes: names of studies, their settings, published figures, folders that sublearn made. No torch.

Each function is a `shell_complete` of click's, and must be quick: it is asked at every press of the tabulator.
"""

import glob
import os
from collections.abc import Iterator
from itertools import islice

import click
from click.shell_completion import CompletionItem

MANIFESTS = (
    "study.json",
    "sweep.json",
    "replication.json",
    "trace.json",
    "alignment.json",
    "demo.json",
    "audit.json",
    "benchmark.json",
)
"""Files that tell a folder of ours, the keys of `results.load.KINDS`, which would take long to import."""
MOST = 200


def studies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The studies of this beginning, or else files."""
    del ctx, param
    return _studies(incomplete) or [CompletionItem(incomplete, type="file")]


def studies_and_folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The studies of this beginning and run directories, or else files."""
    del ctx, param
    return [*_studies(incomplete), *_folders(incomplete)] or [CompletionItem(incomplete, type="file")]


def folders(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Folders that sublearn made, or else any."""
    del ctx, param
    return _folders(incomplete) or [CompletionItem(incomplete, type="dir")]


def settings(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys of the settings of the study that was named before, with their values as help."""
    del param
    from sublearn.config import dotted
    from sublearn.study.table import STUDIES, build

    # Where the option's value is still to come, click has not told arguments apart yet.
    study = next((word for word in (ctx.params.get("study"), *ctx.args) if word in STUDIES), None)
    return [] if study is None else _keys(dotted(build(study).settings), incomplete)


def settings_of_audits(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The keys of an audit's settings, or of the benchmark's where it was asked for, with their values as help."""
    del param
    from sublearn.auditing.benchmark.settings import Settings as OfBenchmark
    from sublearn.auditing.settings import Settings
    from sublearn.config import dotted

    asked = OfBenchmark() if ctx.params.get("benchmark") else Settings()
    return _keys(dotted(asked.model_dump(mode="json")), incomplete)


def figures(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The published figures of this beginning, and the tables that they stand in; with --language, mechanisms."""
    del param
    from sublearn.study.mechanisms.table import EVERY, GROUPS
    from sublearn.study.published import TABLES

    figures = [*TABLES, *(row.name for table in TABLES.values() for row in table)]
    names = [*EVERY, *GROUPS] if ctx.params.get("language") else figures
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _studies(incomplete: str) -> list[CompletionItem]:
    from sublearn.study.table import STUDIES

    return [CompletionItem(name) for name in STUDIES if name.startswith(incomplete)]


def _keys(found: dict[str, object], incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(f"{key}=", help=str(value)) for key, value in found.items() if key.startswith(incomplete)]


def _folders(incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in islice(_made(incomplete), MOST)]


def _made(incomplete: str) -> Iterator[str]:
    """Folders of ours with this beginning, here and in the folders below: `runs/` is seldom what is meant."""
    start = glob.escape(incomplete)
    for name in sorted((*glob.iglob(f"{start}*"), *glob.iglob(f"{start}*/*"))):
        # A name with control characters would be several for the shell.
        if name.isprintable() and any(os.path.exists(os.path.join(name, file)) for file in MANIFESTS):
            yield name
