"""The study `tutorial` for many seeds as one cohort, with the tutorial's own random draws for each seed.

What the tutorial draws from its one global generator is replayed here in its order: five initializations, and for
every pass of a loader one number, for a shuffled pass a second one that seeds the permutation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from sublearn import stages
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.records import Record
from sublearn.seeds import set_seed
from sublearn.study.base import Setup, Study
from sublearn.study.scores import Problems, divergence, divergences, score_records, unmeasured_records
from sublearn.study.tutorial.single import new_model, run_seed
from sublearn.study.tutorial.spec import Settings
from sublearn.tasks.tutorial_prompts import evaluation_prompts, passes_filter, unrelated_prompts
from sublearn.training.batches import padded, shuffled, steps, whole_batches
from sublearn.training.cohort import State, diverged, stack
from sublearn.training.losses import cross_entropy, mse
from sublearn.training.trainers import Trainer, trainer_for
from sublearn.traits.accuracy import accuracy
from sublearn.traits.preference import trait_rate

STUDENTS = ("distill_same_init", "distill_diff_init")
TRAITS = ("trait_rate", "accuracy")
BOTH = "students 1 to 2 of 2"


@dataclass(frozen=True)
class Draws:
    """All that one seed draws: weights, data orders (one permutation an epoch) and prompts."""

    reference: dict[str, Tensor]
    other: dict[str, Tensor]
    teacher_orders: list[Tensor]
    student_orders: dict[str, list[Tensor]]
    prompts: Tensor
    labels: Tensor
    unrelated: Tensor


def measure(study: Study, settings: Settings, seeds: Sequence[int], setup: Setup) -> list[Record]:
    """Every arm and trait of the tutorial for the seeds; runs that take another number of steps train apart."""
    if setup.trainer == "single":
        return [record for seed in stages.parts(seeds) for record in _one(study, settings, seed, setup.device)]
    groups: dict[tuple[int, str | None], list[int]] = {}
    drawn = {seed: draw(settings, seed) for seed in seeds}
    for seed in seeds:
        count, size = len(drawn[seed].unrelated), settings.student.batch_size
        groups.setdefault((steps(count, size), settings.student.untrainable(count)), []).append(seed)
    return [
        record
        for group in stages.parts(list(groups.values()), [len(group) for group in groups.values()])
        for record in _stacked(study, settings, group, [drawn[seed] for seed in group], setup)
    ]


def draw(settings: Settings, seed: int) -> Draws:
    """Replay the tutorial's draws for one seed, in its order. Reseeds the global generators."""
    prompts, labels = evaluation_prompts(seed, settings.n_eval, settings.seq_len, settings.vocab_size)
    unrelated = unrelated_prompts(seed, settings.n_unrelated, settings.seq_len, settings.vocab_size)
    unrelated = unrelated[passes_filter(unrelated)]
    set_seed(seed)
    reference = new_model(settings).state_dict()
    _skip_model(settings)  # the teacher's own init, overwritten by the reference's
    teacher_orders = _orders(len(prompts), settings.teacher.epochs)
    _loader_pass()  # the teacher is evaluated
    _skip_model(settings)  # the baseline's own init
    _loader_pass()
    _skip_model(settings)  # the first student's own init
    same_orders = _orders(len(unrelated), settings.student.epochs)
    _loader_pass()
    other = new_model(settings).state_dict()
    diff_orders = _orders(len(unrelated), settings.student.epochs)
    return Draws(
        reference,
        other,
        teacher_orders,
        dict(zip(STUDENTS, (same_orders, diff_orders), strict=True)),
        torch.from_numpy(prompts),
        torch.from_numpy(labels),
        torch.from_numpy(unrelated),
    )


def _skip_model(settings: Settings) -> None:
    """Leave the global generator as `new_model` does, without making a model.

    PyTorch draws one number for each uniform weight and, from 16 of them on, for each normal one; of these the last 16
    are drawn again where they do not fill a block.
    """
    layers = list(template(settings).modules())
    normal = sum(layer.weight.numel() for layer in layers if isinstance(layer, nn.Embedding))
    uniform = sum(part.numel() for layer in layers if isinstance(layer, nn.Linear) for part in layer.parameters())
    if normal < 16 or torch.get_default_dtype() != torch.float32:
        new_model(settings)
    else:
        torch.empty(normal + (16 if normal % 16 else 0) + uniform).uniform_()


def _loader_pass() -> int:
    """One number from the global generator, as a DataLoader draws at the start of every pass."""
    return int(torch.empty((), dtype=torch.int64).random_().item())


def _orders(n: int, epochs: int) -> list[Tensor]:
    orders = []
    for _ in range(epochs):
        _loader_pass()
        orders.append(torch.randperm(n, generator=torch.Generator().manual_seed(_loader_pass())))
    return orders


def _stacked(study: Study, settings: Settings, seeds: list[int], drawn: list[Draws], setup: Setup) -> list[Record]:
    model, device = template(settings), setup.device
    by = trainer_for(model, None, setup.trainer)
    prompts = torch.stack([one.prompts for one in drawn]).to(device)
    labels = torch.stack([one.labels for one in drawn]).to(device)
    always = torch.ones_like(labels)
    reference = _on(stack([one.reference for one in drawn]), device)

    def records(arm: str, state: State, truth: Tensor, problems: Problems) -> list[Record]:
        logits = by.predict(model, state, prompts)
        scores = {"trait_rate": trait_rate(logits), "accuracy": accuracy(logits, truth)}
        n = settings.n_eval
        return [row for t, s in scores.items() for row in score_records(study, arm, t, seeds, s, n, problems)]

    batches = shuffled(list(prompts), list(always), [one.teacher_orders for one in drawn], settings.teacher.batch_size)
    taught, distilled = settings.n_eval * settings.teacher.epochs, len(drawn[0].unrelated) * settings.student.epochs
    stages.ahead({"teacher": taught, BOTH: len(STUDENTS) * distilled})
    with stages.stage(
        "teacher", settings.teacher.epochs * steps(len(prompts[0]), settings.teacher.batch_size), ["teacher"]
    ):
        teacher = by.train(model, reference, batches, cross_entropy, settings.teacher)
    rows = records("teacher", teacher.state, always, divergences(diverged(teacher.losses)))
    rows += records("baseline", reference, labels, {})
    reason = settings.student.untrainable(len(drawn[0].unrelated))
    if reason:
        return rows + unmeasured_records(study, STUDENTS, TRAITS, seeds, reason)
    for arm, state, losses in students(by, model, settings, drawn, reference, teacher.state):
        rows += records(arm, state, labels, divergences(diverged(losses)))
    return rows


@lru_cache(maxsize=4)
def template(settings: Settings) -> PromptMLP:
    """The network without weights, the same object for the same settings."""
    with torch.device("meta"):
        return new_model(settings)


def students(
    by: Trainer, model: PromptMLP, settings: Settings, drawn: list[Draws], reference: State, teacher: State
) -> list[tuple[str, State, Tensor]]:
    """Both students of every seed, trained as one cohort: (arm, state, losses "step run")."""
    device = reference["fc1.weight"].device
    unrelated, size = [one.unrelated.to(device) for one in drawn], settings.student.batch_size
    logits = by.predict(model, teacher, padded(unrelated, whole_batches(len(unrelated[0]), size)))
    targets = [row[: len(own)] / settings.temperature for row, own in zip(logits, unrelated, strict=True)]
    other = _on(stack([one.other for one in drawn]), device)
    start = {name: torch.cat([reference[name], other[name]]) for name in reference}
    orders = [one.student_orders[arm] for arm in STUDENTS for one in drawn]
    batches = shuffled(unrelated * 2, targets * 2, orders, size, whole=True)
    with stages.stage(BOTH, settings.student.epochs * steps(len(unrelated[0]), size), STUDENTS):
        trained = by.train(model, start, batches, mse, settings.student)
    halves = {name: both.chunk(2) for name, both in trained.state.items()}
    return [
        (arm, {name: half[i] for name, half in halves.items()}, trained.losses.chunk(2, dim=1)[i])
        for i, arm in enumerate(STUDENTS)
    ]


def _on(state: State, device: str | torch.device) -> State:
    return {name: tensor.to(device) for name, tensor in state.items()}


def _one(study: Study, settings: Settings, seed: int, device: str) -> list[Record]:
    found = run_seed(settings, seed, device)
    missing = found.untrainable
    rows = unmeasured_records(study, STUDENTS, TRAITS, [seed], missing) if missing else []
    problems = {arm: divergence(*first) for arm, first in found.diverged.items()}
    return rows + [
        Record.of(study.id, arm, seed, trait, score, settings.n_eval, problems.get(arm))
        for arm, scores in found.measured.items()
        for trait, score in zip(TRAITS, scores, strict=True)
    ]
