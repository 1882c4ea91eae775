from dataclasses import dataclass

import pytest
import torch

from sublearn.errors import InputError
from sublearn.study.alignment.design import Alignment
from sublearn.study.alignment.train import Changing
from sublearn.study.images.train import ImageExperiment
from sublearn.study.table import build
from sublearn.training.gradients import cosine, flat, gradient
from sublearn.training.trainers import TRAINERS

SEEDS = (0, 4)


@dataclass(frozen=True)
class Stepped:
    """Gradients before and after a change ("run parameter"), those of the trait's loss, and who changed them."""

    changing: Changing
    before: torch.Tensor
    after: torch.Tensor
    trait: torch.Tensor

    def of(self, arm: str) -> slice:
        place = NAMES.index(arm) * len(SEEDS)
        return slice(place, place + len(SEEDS))


STUDY = build("alignment", Alignment.small)
STUDENTS = [arm for arm in STUDY.arms if arm.logits != "none"]
NAMES = [arm.name for arm in STUDENTS]


def stepped(sign: float) -> Stepped:
    """All gradients are those of the trait, or against it, and something beside."""
    experiment = ImageExperiment(STUDY.designed.settings, SEEDS, "cpu")
    changing = Changing(STUDY.designed.settings, experiment, STUDENTS)
    start = experiment.initial("reference/init")
    state = {name: tensor.repeat(len(NAMES), *[1] * (tensor.dim() - 1)) for name, tensor in start.items()}
    trait = gradient(TRAINERS["cohort"], experiment.model, state, changing.images, changing._loss)
    rng = torch.Generator().manual_seed(0)
    for name, tensor in state.items():
        tensor.requires_grad_()
        tensor.grad = sign * trait[name] + 0.01 * torch.randn(tensor.shape, generator=rng)
    names = list(state)
    before = flat({name: tensor.grad.clone() for name, tensor in state.items()}, names)
    changing(state)
    after = flat({name: tensor.grad for name, tensor in state.items()}, names)
    return Stepped(changing, before, after, flat(trait, names))


def test_a_projected_gradient_has_no_part_along_the_traits():
    one = stepped(1.0)
    for arm in ("projected", "projected_control"):
        own = one.of(arm)
        assert bool((cosine(one.before, one.trait)[own] > 0.3).all())
        assert cosine(one.after, one.trait)[own].abs().max() < 1e-5
        removed = one.before[own] - one.after[own]
        assert torch.allclose(cosine(removed, one.trait[own]), torch.ones(2, dtype=torch.float64), atol=1e-5)


def test_along_a_random_direction_as_much_is_taken_and_the_same_for_a_control():
    one = stepped(1.0)
    sizes = {arm: (one.before - one.after)[one.of(arm)].norm(dim=1) for arm in NAMES}
    along = (one.before * torch.nn.functional.normalize(one.trait, dim=1)).sum(dim=1)
    for arm in ("projected", "projected_randomly"):
        assert torch.allclose(sizes[arm], along[one.of(arm)], rtol=1e-3)
    removed = {
        arm: (one.before - one.after)[one.of(arm)] for arm in ("projected_randomly", "projected_randomly_control")
    }
    assert torch.allclose(cosine(*removed.values()), torch.ones(2, dtype=torch.float64), atol=1e-4)
    assert cosine(removed["projected_randomly"], one.trait[one.of("projected_randomly")]).abs().max() < 0.2
    assert not sizes["same_init"].any() and not sizes["same_init_control"].any()


def test_a_gradient_against_the_traits_is_left_as_it_is():
    one = stepped(-1.0)
    assert torch.equal(one.before, one.after)
    (seen,) = one.changing.cosines
    assert torch.allclose(seen, cosine(one.before, one.trait)) and bool((seen < 0).all())


def test_only_stacked_runs_can_be_changed():
    with pytest.raises(InputError, match="trainer single"):
        STUDY.designed.trainer("single")
    assert STUDY.designed.trainer("auto").name == "cohort"
