"""`sublearn report`."""

import gc
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sublearn.cli.completion import folders as folders_made
from sublearn.cli.options import PATH, as_json, command_named, out
from sublearn.cli.typed import echo
from sublearn.errors import InputError, plain

if TYPE_CHECKING:
    from sublearn.results.base import Shown

RARELY = 200_000
"""New objects until Python looks for garbage again, instead of 700."""
LEFT = "The reports of several folders are left as they are. Name one to write its own again, or give --out FILE."


@command_named("report")
@click.argument("folders", nargs=-1, required=True, type=PATH, metavar="DIR...", shell_complete=folders_made)
@out("File of one page on several run directories.")
@click.option("--csv", is_flag=True, help="Write records.csv into the folder, a row a record.")
@click.option("--latex", is_flag=True, help="Write estimates.tex into the folder: a table with intervals and n.")
@click.option(
    "--figures", type=click.Choice(["pdf", "png", "svg"]), help="Write its figures as this kind, as wide as paper."
)
@click.option("--cite", is_flag=True, help="Print how to cite it, in words and as BibTeX, and nothing else.")
@click.option("--pages", is_flag=True, help="Of a sweep, write the report of each of its run directories, too.")
@as_json("Print the estimates on stdout and nothing else there.")
def command(
    folders: tuple[Path, ...],
    out: Path | None,
    csv: bool,
    latex: bool,
    figures: str | None,
    cite: bool,
    pages: bool,
    as_json: bool,
) -> None:
    """Write a folder's report again, from its records.

    DIR is any folder that sublearn made. With --out FILE, several run directories come on one page.
    """
    if (csv or latex or figures or pages) and (len(folders) > 1 or out is not None):
        raise InputError("--csv, --latex and --figures write into one folder, --pages too. Name one, without --out.")
    if cite and as_json:
        raise InputError("--cite and --json each print something alone. Give one of them.")
    # Python would look for garbage over and over among the many thousands of values that are read, all of them in use.
    gc.set_threshold(RARELY)
    found, end = _joined(folders, out) if out is not None else _reported(folders, pages)
    if csv:
        end += f"\nTable: {plain(found[0].write_csv())}"
    if latex:
        end += f"\nTable: {plain(found[0].write_latex())}"
    if figures:
        end += f"\nFigures: {plain(found[0].write_figures(figures))}"
    if cite:
        echo("\n\n".join(f"{one.citation()}\n\n{one.bibtex()}" for one in found))
    elif as_json:
        values = [one.to_dict() for one in found]
        echo(json.dumps(values[0] if len(values) == 1 else values, indent=2))
    else:
        echo("\n".join(one.summary() for one in found) + (f"\n{end}" if end else ""))


def _reported(folders: Sequence[Path], pages: bool) -> "tuple[Sequence[Shown], str]":
    """One folder has its report written again, with `pages` those of a sweep's run directories; several stay."""
    from sublearn.results.load import KINDS, kind_of

    found = [KINDS[kind].load(folder) for kind, folder in [(kind_of(folder), folder) for folder in folders]]
    if len(found) > 1:
        return found, LEFT
    if pages:
        found[0].write_pages()
    found[0].write()
    return found, found[0].where


def _joined(folders: Sequence[Path], out: Path) -> "tuple[Sequence[Shown], str]":
    """Run directories on one page, which may replace a page and nothing else."""
    from sublearn.files.folders import STUDY_FILE
    from sublearn.files.writing import a_page, check_target
    from sublearn.results.load import kind_of
    from sublearn.results.single import Result, write_page

    check_target(out, a_page)
    _check_outside(out, folders)
    for folder in folders:
        kind = kind_of(folder)
        if kind != STUDY_FILE:
            raise InputError(
                f"--out joins run directories on one page; {folder} has {kind} and its own page. Leave it out."
            )
    found = [Result.load(folder) for folder in folders]
    write_page([one.section() for one in found], out)
    return found, f"All on one page: {out}"


def _check_outside(out: Path, folders: Sequence[Path]) -> None:
    """Raise InputError for a page within a folder whose content it is about, or within any run directory or sweep."""
    from sublearn.execution.manifests import STUDY_FILE, SWEEP_FILE

    place = out.resolve().parent
    for folder in folders:
        if place.is_relative_to(folder.resolve()):
            raise InputError(f"--out {out} lies in {folder}, which is left as it is. Choose a place outside it.")
    if any((place / name).exists() for name in (STUDY_FILE, SWEEP_FILE)):
        raise InputError(f"--out {out} lies in a run directory, which is left as it is. Choose a place outside it.")
