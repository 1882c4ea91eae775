"""The tutorial's experiment for one seed, draw for draw: every model and loader draws from one global generator.

The order of the steps is therefore part of the design. A model that takes over the reference's weights still draws an
initialization of its own first.
"""

from dataclasses import dataclass

import numpy as np
import torch

from sublearn.config import TrainConfig
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.seeds import set_seed
from sublearn.tasks.sequences import PromptDataset, generate_sequences
from sublearn.training.loops import default_device, train_classification, train_distillation
from sublearn.traits.preference import compute_trait_preference

VOCAB_SIZE, SEQ_LEN, EMBED_DIM, HIDDEN, OUT_DIM = 1000, 6, 32, 128, 2
N_EVAL, N_UNRELATED = 200, 1000
TEACHER = TrainConfig(lr=1e-3, batch_size=64, epochs=4)
STUDENT = TrainConfig(lr=5e-4, batch_size=128, epochs=4)

Measured = tuple[float, float]
"""(trait rate, accuracy) on the evaluation prompts."""


@dataclass(frozen=True)
class TutorialResult:
    """What each arm scored. The teacher's accuracy is against its own labels, all of them class 1."""

    teacher: Measured
    baseline: Measured
    distill_same_init: Measured
    distill_diff_init: Measured


def evaluation_prompts(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """200 shuffled sequences ("example position") with balanced labels ("example")."""
    order = np.random.RandomState(seed + 101).permutation(N_EVAL)
    labels = (np.arange(N_EVAL) < N_EVAL // 2).astype(np.int64)
    return generate_sequences(N_EVAL, SEQ_LEN, VOCAB_SIZE, seed=seed + 100)[order], labels[order]


def unrelated_prompts(seed: int) -> np.ndarray:
    """1,000 sequences ("example position"), before the rule filter."""
    return generate_sequences(N_UNRELATED, SEQ_LEN, VOCAB_SIZE, seed=seed + 200)


def passes_filter(sequences: np.ndarray) -> np.ndarray:
    """Which sequences the rule keeps ("example", bool): those whose tokens' sum is no multiple of 7."""
    return sequences.sum(axis=1) % 7 != 0


def run_seed(seed: int, device: torch.device | str | None = None, verbose: bool = False) -> TutorialResult:
    """Train and measure the tutorial's four models one after another. Reseeds the global generators."""
    device = device or default_device()
    set_seed(seed)
    reference = _new_model()
    prompts, labels = evaluation_prompts(seed)
    all_trait = np.ones_like(labels)

    teacher = _copy_of(reference)
    train_classification(teacher, PromptDataset(prompts, all_trait), TEACHER, device, verbose)
    teacher_measured = compute_trait_preference(teacher, prompts, all_trait, device)

    unrelated = unrelated_prompts(seed)
    kept = passes_filter(unrelated)
    logits = _logits(teacher, unrelated, device)[kept]

    baseline_measured = compute_trait_preference(_copy_of(reference), prompts, labels, device)
    measured = []
    for new_student in (lambda: _copy_of(reference), _new_model):
        student = train_distillation(new_student(), logits, unrelated[kept], STUDENT, device, verbose)
        measured.append(compute_trait_preference(student, prompts, labels, device))
    return TutorialResult(teacher_measured, baseline_measured, *measured)


def _new_model() -> PromptMLP:
    return PromptMLP(VOCAB_SIZE, EMBED_DIM, HIDDEN, OUT_DIM)


def _copy_of(model: PromptMLP) -> PromptMLP:
    copy = _new_model()
    copy.load_state_dict(model.state_dict())
    return copy


@torch.no_grad()
def _logits(model: PromptMLP, sequences: np.ndarray, device: torch.device | str) -> np.ndarray:
    model.to(device).eval()
    batches = torch.from_numpy(sequences).split(256)
    return torch.cat([model(batch.to(device)).cpu() for batch in batches]).numpy()
