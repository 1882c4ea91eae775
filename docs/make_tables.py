"""The tables in docs/studies.md, made again from runs: `make tables`, or of the studies that are named, as digits.

A line that begins with a command in backticks, as `sublearn run prompts --seeds 0:96` (96 runs), is followed by a table
of arms and one of claims; both are replaced by what the command gives. Prose stays: read it against the tables. Runs
are kept in runs/docs and resumed.
"""

import os
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import sublearn
from sublearn.config import assignments
from sublearn.results.single import Result
from sublearn.seeds import parse_seeds
from sublearn.stats import Contrast, Estimate

FILE = Path(__file__).parent / "studies.md"
RUNS = Path(os.environ.get("SUBLEARN_DOCS_RUNS", "runs/docs"))
COMMAND = re.compile(r"`(?:SUBLEARN_DATA=DIR )?(sublearn run [^`]+)` \([\d,]+ runs\)")


def main() -> None:
    """Write the file again."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    FILE.write_text("\n".join(_renewed(lines)) + "\n", encoding="utf-8")


def _renewed(lines: list[str]) -> Iterator[str]:
    """The lines, with the tables after each command in place of those that were there."""
    old_tables = False
    for line in lines:
        command = COMMAND.match(line)
        if command and sys.argv[1:] and shlex.split(command[1])[2] not in sys.argv[1:]:
            command = None
        if command:
            result = _run(command[1])
            yield line[: command.end(0)].rpartition(" (")[0] + f" ({len(result.analysis.seeds)} runs)"
            yield ""
            yield from arms(result)
            yield ""
            yield from claims(result)
            yield ""
        if old_tables and line and not line.startswith("|"):
            old_tables = False
        old_tables = old_tables or bool(command)
        if not old_tables:
            yield line


def _run(command: str) -> Result:
    """The result of a command; its runs are kept under the study's id."""
    words = shlex.split(command)[2:]
    name, options = words[0], dict(zip(words[1::2], words[2::2], strict=True))
    changes = assignments(tuple(words[i + 1] for i, word in enumerate(words) if word == "--set"))
    study = sublearn.build(name, changes)
    print(command, file=sys.stderr)
    precision = options.get("--precision", "highest")
    return sublearn.run(study, parse_seeds(options["--seeds"]), RUNS / study.id, precision=precision, jobs=2)


def arms(result: Result, only: Sequence[str] = ()) -> Iterator[str]:
    """The table of arms, with every trait or those that are named."""
    analysis = result.analysis
    traits = [trait.name for trait in analysis.study.traits if not only or trait.name in only]
    found = {(row.arm, row.trait): row.estimate for row in analysis.estimates}
    yield f"| arm | {' | '.join(f'{trait}, mean (95% interval)' for trait in traits)} |"
    yield f"|---|{'---|' * len(traits)}"
    for arm in analysis.study.arms:
        yield f"| {arm.name} | {' | '.join(interval(found[arm.name, trait]) for trait in traits)} |"


def claims(result: Result) -> Iterator[str]:
    """The table of claims."""
    analysis = result.analysis
    contrasts = {(row.treatment, row.control, row.trait): row.contrast for row in analysis.contrasts}
    yield "| claim | verdict | difference, interval that decides, runs |"
    yield "|---|---|---|"
    for claim, finding in zip(analysis.study.claims, analysis.findings, strict=True):
        one = contrasts[claim.treatment, claim.control, claim.trait]
        yield f"| {claim.claim} | {finding.verdict} | {difference(one)}, {one.n} |"


def difference(one: Contrast) -> str:
    """A difference with its sign and the interval that decides, where there is one."""
    if one.mean is None:
        return "none"
    return f"{one.mean:+.3f}" + ("" if one.low is None else f", {one.low:+.3f} to {one.high:+.3f}")


def interval(one: Estimate) -> str:
    """A mean with its interval, where there is one."""
    return f"{one.mean:.3f}" if one.low is None else f"{one.mean:.3f} ({one.low:.3f} to {one.high:.3f})"


if __name__ == "__main__":
    main()
