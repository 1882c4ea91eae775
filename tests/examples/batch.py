"""What every Slurm file keeps to."""

import re
import subprocess
from pathlib import Path


def sound(script: Path) -> list[str]:
    """Its lines, once it is sound: bash reads it, and no directive stands behind the first command or is odd."""
    assert subprocess.run(["bash", "-n", str(script)], capture_output=True, check=False).stderr == b""
    lines = script.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    directives = [i for i, line in enumerate(lines) if line.startswith("#SBATCH")]
    # Slurm reads none behind the first command.
    assert directives and max(directives) < first
    assert all(re.fullmatch(r"#SBATCH --[a-z-]+=\S+", lines[i]) for i in directives)
    return lines
