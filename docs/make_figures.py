"""The pictures in README, drawn from fresh runs: `make figures`."""

from pathlib import Path

import sublearn
from sublearn.report.charts.figures import arms_png, contrasts_png

FOLDER = Path(__file__).parent / "figures"


def main() -> None:
    """Run the studies and write their pictures."""
    tutorial = sublearn.run("tutorial", range(200), jobs=2)
    prompts = sublearn.run("prompts", range(96), jobs=2)
    ladder = sublearn.run("ladder", range(24), jobs=2)
    title = "The tutorial's design, 200 seeds"
    (FOLDER / "tutorial.png").write_bytes(arms_png(tutorial.analysis, tutorial.records, "trait_rate", title))
    title = "The controlled design, 96 seeds"
    (FOLDER / "prompts.png").write_bytes(arms_png(prompts.analysis, prompts.records, "trait_rate", title))
    title = "From one to the other, one change a rung, 24 seeds"
    (FOLDER / "ladder.png").write_bytes(contrasts_png(ladder.analysis, ladder.records, title))


if __name__ == "__main__":
    main()
