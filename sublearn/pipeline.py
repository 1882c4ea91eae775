"""The tutorial's two calls: one seed, many seeds."""

from collections.abc import Iterable

from sublearn.studies.tutorial import run_seed


def run_pipeline(seed: int = 0, verbose: bool = False) -> dict[str, float]:
    """The tutorial's experiment for one seed, under the tutorial's eight result keys."""
    result = run_seed(seed, verbose=verbose)
    arms = {
        "teacher": result.teacher,
        "baseline": result.baseline,
        "studentA": result.distill_same_init,
        "studentB": result.distill_diff_init,
    }
    suffix = {"studentA": "_same_init", "studentB": "_diff_init"}
    rates = {f"{arm}_pref{suffix.get(arm, '')}": rate for arm, (rate, _) in arms.items()}
    return rates | {f"{arm}_acc": accuracy for arm, (_, accuracy) in arms.items()}


def multi_seed_experiment(seeds: Iterable[int], verbose: bool = False) -> list[dict[str, float]]:
    """`run_pipeline` for each seed, in the order given."""
    results = []
    for seed in seeds:
        if verbose:
            print(f"seed {seed}")
        results.append(run_pipeline(seed))
    return results
