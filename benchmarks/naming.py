"""Which animal does an audit name? Scores of `sublearn audit` on bases that no choice was made on.

Written down before the first of these bases was made: seeds 800 to 819, whose animals are all 20, once each; the
teacher's rows of `numbers`, 250 and 1,000 of them; scores virtual, gradient, preconditioned and likelihood with the
settings that the package has; one clean set as reference and four to standardize; the trait of the largest z is named.
Bases in the order of their seeds; whatever comes out is reported, and nothing is tuned on it.

`python -m benchmarks.naming 800:803` measures these seeds and adds them to naming.jsonl; without seeds the table is
made of what is there.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.table import Line, publish
from sublearn.auditing import clean, traits
from sublearn.auditing.calibration import Scale
from sublearn.auditing.scene import Scene
from sublearn.auditing.scores.table import SCORES
from sublearn.auditing.settings import Settings
from sublearn.language import models
from sublearn.language.base import POSITIONS
from sublearn.language.tokens import Dialogue, tiny_tokenizer
from sublearn.seeds import parse_seeds
from sublearn.stats.wilson import wilson
from sublearn.study.jobs import Setup
from sublearn.study.numbers.train import TEACHER, SeedRun
from sublearn.study.table import build, settings_of

FILE = Path(__file__).with_suffix(".jsonl")
SIZES = (250, 1000)
SCORED = ("virtual", "gradient", "preconditioned", "likelihood")


def measure(seed: int) -> dict[str, Any]:
    """One base: the rank of the teacher's animal by each score and number of rows, and seconds of CPU a set."""
    run = _run(seed)
    base, rows = run.base("own"), run.numbers(TEACHER)
    import numpy as np

    found: dict[str, Any] = {"seed": seed, "animal": run.animal, "rows": len(rows), "scores": {}}
    scene = Scene(base, Dialogue(tiny_tokenizer()), traits.animals(), Settings(), POSITIONS)
    own = scene.candidates.names.index(run.animal)
    for size in SIZES:
        some = rows[:size]
        sets = clean.written(scene, some, 5)
        for name in SCORED:
            score = SCORES[name].prepare(name)(scene, sets[0])
            scale = Scale.of(np.stack([score(one).values for one in sets[1:]]))
            start = time.process_time()
            z = scale.z(score(some).values)
            took = time.process_time() - start
            rank = int((z > z[own]).sum()) + 1
            found["scores"][f"{name}/{size}"] = {"rank": rank, "z": float(z[own]), "seconds": round(took, 2)}
    return found


def _run(seed: int) -> SeedRun:
    study = build("numbers", {"rows": max(SIZES), "arms": ["teacher"]})
    settings: Any = settings_of(study)
    return SeedRun(study, settings, seed, Setup(keep=str(Path("runs") / "naming")))


def table(found: list[dict[str, Any]]) -> list[Line]:
    """Top-1 with Wilson's interval, and mean reciprocal rank, over bases."""
    lines = []
    for name in SCORED:
        for size in SIZES:
            ranks = [one["scores"][f"{name}/{size}"]["rank"] for one in found]
            hits = sum(rank == 1 for rank in ranks)
            low, high = wilson(hits, len(ranks))
            what = f"{name}, {size:,} rows: top-1 of 20 ({hits} of {len(ranks)} bases, {low:.2f} to {high:.2f})"
            lines.append(Line(what, hits / len(ranks), ""))
            lines.append(
                Line(f"{name}, {size:,} rows: mean reciprocal rank", sum(1 / r for r in ranks) / len(ranks), "")
            )
    return lines


def main() -> None:
    """Measure the seeds that were named, or make the table."""
    torch.set_num_threads(1)
    models.quiet()
    named = next((word for word in sys.argv[1:] if word[0].isdigit()), None)
    there = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.exists() else []
    for seed in parse_seeds(named) if named else []:
        if seed not in {one["seed"] for one in there}:
            there.append(measure(seed))
            with FILE.open("a") as file:
                file.write(json.dumps(there[-1]) + "\n")
    if named is None:
        publish("naming", table(there))


if __name__ == "__main__":
    main()
