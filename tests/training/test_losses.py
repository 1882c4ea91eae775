import pytest
import torch
import torch.nn.functional as F

from sublearn.training.losses import LOSSES, cross_entropy

LOGITS, TARGETS = (torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(i)).double() for i in range(2))


def test_cross_entropy_is_the_log_probability_of_the_label():
    labels = torch.arange(12).view(3, 4) % 5
    expected = -LOGITS.log_softmax(-1).gather(-1, labels[..., None])[..., 0]
    torch.testing.assert_close(cross_entropy(LOGITS, labels), expected)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_kl_is_pytorchs_from_student_to_teacher_times_the_squared_temperature(temperature):
    log_p, log_q = ((part / temperature).log_softmax(-1) for part in (TARGETS, LOGITS))
    expected = F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(-1) * temperature**2
    torch.testing.assert_close(LOSSES["kl"](temperature)(LOGITS, TARGETS), expected)


def test_soft_cross_entropy_is_kl_and_the_teachers_entropy():
    entropy = torch.distributions.Categorical(logits=TARGETS / 2).entropy()
    expected = LOSSES["kl"](2.0)(LOGITS, TARGETS) + 4 * entropy
    torch.testing.assert_close(LOSSES["ce"](2.0)(LOGITS, TARGETS), expected)


def test_squared_error_aims_at_the_targets_over_the_temperature():
    expected = F.mse_loss(LOGITS, TARGETS / 2, reduction="none").mean(-1)
    torch.testing.assert_close(LOSSES["mse"](2.0)(LOGITS, TARGETS), expected)


@pytest.mark.parametrize("name", LOSSES)
def test_each_loss_is_one_number_an_example_and_least_at_the_teacher(name):
    loss, teacher = LOSSES[name](1.0), TARGETS
    assert loss(LOGITS, teacher).shape == (3, 4)
    assert (loss(teacher, teacher) < loss(LOGITS, teacher)).all()


@pytest.mark.parametrize("name", [*LOSSES, "cross_entropy"])
def test_gradients_are_those_of_finite_differences(name):
    loss = cross_entropy if name == "cross_entropy" else LOSSES[name](2.0)
    targets = torch.arange(12).view(3, 4) % 5 if name == "cross_entropy" else TARGETS
    leaf = LOGITS.double().requires_grad_()
    assert torch.autograd.gradcheck(loss, (leaf, targets if targets.dtype == torch.int64 else targets.double()))
