"""Where models are trained: what is asked for and absent, and sums that come out the same each time."""

import pytest
import torch

from sublearn.devices import repeatable, resolve
from sublearn.errors import InputError


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert (resolve("auto"), resolve("cpu")) == ("cpu", "cpu")
    with pytest.raises(InputError, match="--device cuda was asked for"):
        resolve("cuda")


@pytest.mark.parametrize("before", [False, True])
def test_sums_on_a_gpu_are_added_in_one_order_and_the_way_is_left_as_it_was(monkeypatch, before):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    torch.use_deterministic_algorithms(before)
    try:
        with repeatable("cpu"):
            assert torch.are_deterministic_algorithms_enabled() is before
        with pytest.raises(ZeroDivisionError), repeatable("cuda"):
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.is_deterministic_algorithms_warn_only_enabled()
            raise ZeroDivisionError
        assert torch.are_deterministic_algorithms_enabled() is before
        assert torch.is_deterministic_algorithms_warn_only_enabled() is False
    finally:
        torch.use_deterministic_algorithms(False)
