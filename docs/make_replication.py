"""The tables in docs/replication.md, from a finished replication: `python docs/make_replication.py FOLDER`.

Everything below the line that names this file is replaced by what the folder holds; the prose above it stays.
"""

import sys
from pathlib import Path

from sublearn.report.replication import markdown
from sublearn.results.replication import Replication

FILE = Path(__file__).parent / "replication.md"
LINE = "<!-- Below: docs/make_replication.py -->\n"


def main() -> None:
    """Write the file again from the folder that is named."""
    found = Replication.load(Path(sys.argv[1]))
    above, line, _ = FILE.read_text(encoding="utf-8").partition(LINE)
    FILE.write_text(f"{above}{line or LINE}\n{markdown(found.findings, found.file)}", encoding="utf-8")


if __name__ == "__main__":
    main()
