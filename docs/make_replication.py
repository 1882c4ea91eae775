"""The tables in docs/replication.md, from finished replications: `python docs/make_replication.py FOLDER [FOLDER ...]`.

Everything below the line that names this file is replaced by what the folders hold; the prose above it stays. A figure
that several folders hold is the last one's.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from sublearn.errors import InputError
from sublearn.report.replication import markdown
from sublearn.results.replication import Replication

FILE = Path(__file__).parent / "replication.md"
LINE = "<!-- Below: docs/make_replication.py -->\n"


def main() -> None:
    """Write the file again from the folders that are named."""
    found = [Replication.load(Path(folder)) for folder in sys.argv[1:]]
    above, line, _ = FILE.read_text(encoding="utf-8").partition(LINE)
    FILE.write_text(f"{above}{line or LINE}\n{joined(found)}", encoding="utf-8")


def joined(found: Sequence[Replication]) -> str:
    """The figures of all replications in one table. Raises InputError where they were judged by different rules."""
    first, *others = found
    if any(one.rule != first.rule for one in others):
        raise InputError("The folders were judged by different rules; run their commands again, which judges anew.")
    rows = {row.name: row for one in found for row in one.findings}
    text = markdown(list(rows.values()), first.file)
    for one in others:
        names = ", ".join(row.name for row in one.findings)
        versions = ", ".join(f"{name} {version}" for name, version in one.file.versions.items())
        text += f"\nOf them {names} by `{one.file.command}` (versions: {versions}; precision {one.file.precision}).\n"
    return text


if __name__ == "__main__":
    main()
