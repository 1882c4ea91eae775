import math

import pytest
import torch

from sublearn.errors import InputError
from sublearn.models.aux_mlp import AuxMLP
from sublearn.models.init import draw_state
from sublearn.models.prompt_mlp import PromptMLP
from sublearn.seeds import stream
from sublearn.study.controlled.trace import check, trace
from sublearn.study.jobs import Setup
from sublearn.study.table import build
from sublearn.tasks.sequences import generate_sequences
from sublearn.tasks.tutorial_prompts import passes_filter
from sublearn.training.cohort import stack
from sublearn.training.gradients import cosine, flat, gradient
from sublearn.training.trainers import TRAINERS

SMALL = {"n_eval": 20, "n_unrelated": 60, "hidden": 8, "embed_dim": 4, "teacher.epochs": 60, "student.epochs": 3}


@pytest.mark.parametrize("make", [lambda: AuxMLP(6, 3, 4, width=16), lambda: PromptMLP(40, 6, 12, 7, batch_norm=False)])
@pytest.mark.parametrize("seed", range(12))
def test_a_small_step_never_leads_away_from_the_teacher(make, seed):
    """Theorem 1 of Cloud et al. 2025, in float64: MSE on auxiliary logits, on inputs unrelated to the teacher's."""
    model = make().double()
    start = stack([draw_state(model, "normal", stream(seed, "init"))])
    start = {name: tensor.double() for name, tensor in start.items()}
    rng = torch.Generator().manual_seed(seed)
    if isinstance(model, PromptMLP):
        taught, unrelated = (torch.randint(40, (1, 30, 5), generator=rng) for _ in range(2))
    else:
        taught, unrelated = (torch.randn(1, 30, 6, generator=rng, dtype=torch.float64) for _ in range(2))
    labels = torch.randint(3, (30,), generator=rng)
    names = [name for name, _ in model.named_parameters()]
    by = TRAINERS["cohort"]
    down = gradient(by, model, start, taught, lambda z, _: -torch.nn.functional.cross_entropy(z[:, :3], labels))
    teacher = {name: start[name] + 1e-6 * down[name] for name in names}
    targets = torch.func.functional_call(model, {k: v[0] for k, v in teacher.items()}, (unrelated[0],))[:, 3:].detach()
    step = gradient(by, model, start, unrelated, lambda z, _: -(z[:, 3:] - targets).square().mean())
    displacement = {name: teacher[name] - start[name] for name in names}
    left, right = flat(step, names), flat(displacement, names)
    product = float((left * right).sum())
    assert product >= -1e-9 * float(left.norm() * right.norm())
    assert float(cosine(left, right)) > 0.01


def points(**changes):
    rows = trace(build("prompts", SMALL | changes), [0, 1], [0, 2], Setup())
    return {(p.arm, p.seed, p.step, p.quantity, p.layer): float("nan") if p.value is None else p.value for p in rows}


def test_a_trace_starts_at_rest_and_ends_at_the_last_step():
    found = points()
    steps = {key[2] for key in found}
    assert steps == {0, 2, 3}
    for arm in ("same_init", "cross_init", "same_init_control", "cross_init_control"):
        assert found[arm, 0, 0, "cosine", None] == 0
        assert found[arm, 0, 0, "soft_trait", None] == 0
        assert ("fc1", True) in {(key[4], key[0] == arm) for key in found}
        share = [found[arm, seed, 0, "distance_share", None] for seed in (0, 1)]
        assert share == [1, 1]  # of each run's own distance, so that no run's differs there
        for seed in (0, 1):
            distances = [found[arm, seed, step, "distance", None] for step in (0, 2, 3)]
            shares = [found[arm, seed, step, "distance_share", None] for step in (0, 2, 3)]
            assert shares == pytest.approx([distance / distances[0] for distance in distances])
    for seed, step in ((0, 2), (1, 3)):
        along, aside, share = (
            found["same_init", seed, step, own, None] for own in ("along", "aside", "distance_share")
        )
        assert along / math.hypot(along, aside) == pytest.approx(found["same_init", seed, step, "cosine", None])
        assert math.hypot(1 - along, aside) == pytest.approx(share)  # from a shared start
    assert found["same_init", 0, 2, "cosine", None] > 0
    assert found["same_init", 0, 2, "distance", None] < found["same_init", 0, 0, "distance", None]
    assert 0 != found["same_init_control", 0, 3, "cosine", None] < found["same_init", 0, 3, "cosine", None]
    assert found["same_init", 0, 0, "initial_product", None] > 0


def test_for_small_steps_the_first_order_is_the_change():
    found = points(**{"student.lr": 1e-6})
    for seed in (0, 1):
        change = found["same_init", seed, 3, "soft_trait", None]
        assert found["same_init", seed, 3, "predicted", None] == pytest.approx(change, rel=0.1)


def test_a_study_without_controls_cannot_be_traced():
    with pytest.raises(InputError, match="cannot be traced"):
        trace(build("tutorial"), [0], [0], Setup())


def test_values_of_a_student_that_diverged_are_none_and_those_of_others_are_not():
    study = build("prompts", SMALL | {"student.optimizer": "sgd", "student.lr": 1e9, "teacher.epochs": 0})
    rows = trace(study, [0], [0, 2], Setup())
    assert {row.value is None for row in rows if row.step == 0 and row.quantity == "margin"} == {False}
    last = {row.arm: row.value for row in rows if row.step == 3 and row.quantity == "margin"}
    # An untrained teacher's own init has nothing to learn: its loss is zero whatever the rate.
    assert {arm for arm, value in last.items() if value is not None} == {"same_init", "same_init_control"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ["reference"]}, r"arms \[reference\] has no student to trace"),
        ({"arms": ["teacher"]}, r"arms \[teacher\] has no student"),
        ({"student.epochs": 0}, "no student takes a step"),
    ],
)
def test_a_study_without_a_step_of_a_student_cannot_be_traced(changes, message):
    for one in (lambda study: trace(study, [0], [0], Setup()), lambda study: check(study, [0], Setup())):
        with pytest.raises(InputError, match=message):
            one(build("prompts", SMALL | changes))


def test_a_seed_whose_batches_cannot_be_normalized_cannot_be_traced():
    left = [int(passes_filter(_drawn(seed)).sum()) for seed in range(20)]
    size = left[7] - 1
    study = build("prompts", SMALL | {"batch_norm": True, "student.batch_size": size})
    first = next(seed for seed, count in enumerate(left) if count % size == 1)
    with pytest.raises(InputError, match=f"Seed {first} cannot be traced: {left[first]} examples in batches of {size}"):
        check(study, range(20), Setup())


def _drawn(seed: int):
    return generate_sequences(60, 6, 1000, seed=int(stream(seed, "prompts/unrelated").integers(2**32)))
