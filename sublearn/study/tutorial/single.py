"""The tutorial's experiment seed by seed, draw for draw: every model and loader draws from one global generator.

The order of the steps is therefore part of the design. A model that takes over the reference's weights still draws an
initialization of its own first.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from sublearn import stages
from sublearn.config import TrainConfig
from sublearn.devices import default_device
from sublearn.errors import InputError
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.seeds import set_seed, whole_seeds
from sublearn.study.tutorial.spec import Settings
from sublearn.tasks.sequences import PromptDataset
from sublearn.tasks.tutorial_prompts import evaluation_prompts, passes_filter, unrelated_prompts
from sublearn.training.batches import steps
from sublearn.training.loops import train_classification, train_distillation
from sublearn.traits.preference import compute_trait_preference

STUDENTS = {"distill_same_init": "student 1 of 2", "distill_diff_init": "student 2 of 2"}
"""The stage in which each is trained."""
Measured = tuple[float, float]
"""(trait rate, accuracy) on the evaluation prompts."""


@dataclass(frozen=True)
class OneSeed:
    """Each arm's measures; the first step (from 0) whose loss was not finite, with it, of arms that diverged; and why
    the students are missing, if the filter left a number of prompts that cannot train them.
    """

    measured: dict[str, Measured]
    diverged: dict[str, tuple[int, float]]
    untrainable: str | None = None


def run_seed(settings: Settings, seed: int, device: torch.device | str, verbose: bool = False) -> OneSeed:
    """Train and measure the tutorial's four arms one after another. Reseeds the global generators."""
    set_seed(seed)
    reference = new_model(settings)
    prompts, labels = evaluation_prompts(seed, settings.n_eval, settings.seq_len, settings.vocab_size)
    all_trait = np.ones_like(labels)

    teacher = _copy_of(reference, settings)
    losses: dict[str, list[float]] = {"teacher": []}
    taught = PromptDataset(prompts, all_trait)
    count = settings.n_unrelated * settings.student.epochs
    stages.ahead({"teacher": len(prompts) * settings.teacher.epochs} | dict.fromkeys(STUDENTS.values(), count))
    with stages.stage("teacher", _steps(settings.teacher, len(prompts)), ["teacher"]):
        train_classification(teacher, taught, settings.teacher, device, verbose, losses["teacher"])
    measured = {"teacher": compute_trait_preference(teacher, prompts, all_trait, device)}

    unrelated = unrelated_prompts(seed, settings.n_unrelated, settings.seq_len, settings.vocab_size)
    kept = passes_filter(unrelated)
    logits = _logits(teacher, unrelated, device)[kept]

    measured["baseline"] = compute_trait_preference(_copy_of(reference, settings), prompts, labels, device)
    reason = settings.student.untrainable(int(kept.sum()))
    if reason:
        return OneSeed(measured, _diverged(losses), reason)
    new_students = {
        "distill_same_init": lambda: _copy_of(reference, settings),
        "distill_diff_init": lambda: new_model(settings),
    }
    for arm, new_student in new_students.items():
        how, losses[arm] = (settings.student, device, verbose, settings.temperature), []
        with stages.stage(STUDENTS[arm], _steps(settings.student, int(kept.sum())), [arm]):
            student = train_distillation(new_student(), logits, unrelated[kept], *how, losses[arm])
        measured[arm] = compute_trait_preference(student, prompts, labels, device)
    return OneSeed(measured, _diverged(losses))


def run_pipeline(seed: int = 0, verbose: bool = False) -> dict[str, float]:
    """The tutorial's experiment for one seed, under the tutorial's eight result keys.

    Raises InputError for the rare seed whose filtered prompts leave a last batch of one, which BatchNorm refuses.
    """
    [seed] = whole_seeds([seed])
    found = run_seed(Settings(), seed, default_device(), verbose)
    if found.untrainable:
        raise InputError(f"Seed {seed} cannot be measured: {found.untrainable}. Use another seed.")
    arms = dict(zip(("teacher", "baseline", "studentA", "studentB"), found.measured.values(), strict=True))
    suffix = {"studentA": "_same_init", "studentB": "_diff_init"}
    rates = {f"{arm}_pref{suffix.get(arm, '')}": rate for arm, (rate, _) in arms.items()}
    return rates | {f"{arm}_acc": accuracy for arm, (_, accuracy) in arms.items()}


def multi_seed_experiment(seeds: Iterable[int], verbose: bool = False) -> list[dict[str, float]]:
    """`run_pipeline` for each seed, in the order given. Raises InputError for what is no list of seeds."""
    results = []
    for seed in list(whole_seeds(seeds)):
        if verbose:
            print(f"seed {seed}")
        results.append(run_pipeline(seed))
    return results


def new_model(settings: Settings) -> PromptMLP:
    """The study's network, drawn from the global generator."""
    return PromptMLP(settings.vocab_size, settings.embed_dim, settings.hidden, 2)


def _steps(config: TrainConfig, count: int) -> int:
    return config.epochs * steps(count, config.batch_size)


def _diverged(losses: dict[str, list[float]]) -> dict[str, tuple[int, float]]:
    """The first loss of each arm that was not finite, with its step."""
    bad = {
        arm: [(step, loss) for step, loss in enumerate(own) if not math.isfinite(loss)] for arm, own in losses.items()
    }
    return {arm: found[0] for arm, found in bad.items() if found}


def _copy_of(model: PromptMLP, settings: Settings) -> PromptMLP:
    copy = new_model(settings)
    copy.load_state_dict(model.state_dict())
    return copy


@torch.no_grad()
def _logits(model: PromptMLP, sequences: np.ndarray, device: torch.device | str) -> np.ndarray:
    model.to(device).eval()
    batches = torch.from_numpy(sequences).split(256)
    return torch.cat([model(batch.to(device)).cpu() for batch in batches]).numpy()
