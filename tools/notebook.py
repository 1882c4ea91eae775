"""The tutorial's notebook from its source, with its outputs and nothing that differs from run to run: `make notebook`.

Cells have ids by their place, no times are kept, and a stream's outputs are one, however they arrived.
"""

import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

SOURCE = Path(__file__).parents[1] / "examples" / "tutorial.py"
PATIENCE_S = 900
TRANSIENT = {"execution", "lines_to_next_cell"}
"""Of a cell: when it ran, and how its source is laid out."""


def executed(source: Path) -> NotebookNode:
    """The notebook of a source with its outputs, run in the source's folder."""
    notebook = jupytext.read(source)
    resources = {"metadata": {"path": str(source.parent)}}
    NotebookClient(
        notebook, timeout=PATIENCE_S, resources=resources, record_timing=False, coalesce_streams=True
    ).execute()
    return cleaned(notebook)


def cleaned(notebook: NotebookNode) -> NotebookNode:
    """The notebook without what differs from run to run or from machine to machine; it is changed itself."""
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        for key in TRANSIENT:
            cell.metadata.pop(key, None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    return notebook


def main() -> None:
    """Write the notebook of each source that is named, or else the tutorial's, beside it."""
    for source in map(Path, sys.argv[1:] or [SOURCE]):
        nbformat.write(executed(source), source.with_suffix(".ipynb"))


if __name__ == "__main__":
    main()
