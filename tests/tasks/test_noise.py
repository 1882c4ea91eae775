import numpy as np
import pytest
import torch

from sublearn.errors import InputError
from sublearn.tasks.noise import correlated_block, gaussian_block, uniform_block

DRAWS = {
    "uniform": lambda seed, index: uniform_block(seed, "inputs", index, 200, 64),
    "gaussian": lambda seed, index: gaussian_block(seed, "inputs", index, 200, 64, variance=2.0),
    "correlated": lambda seed, index: correlated_block(seed, "inputs", index, 200, 64, blur=1.0, variance=2.0),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_a_block_is_drawn_again_by_its_index_alone(kind):
    draw = DRAWS[kind]
    late = draw(0, 5)
    assert torch.equal(draw(0, 5), late)
    assert draw(0, 4).shape == late.shape == (200, 64)
    assert late.dtype == torch.float32
    assert not torch.equal(draw(0, 4), late)
    assert not torch.equal(draw(1, 5), late)


def test_uniform_noise_fills_minus_one_to_one():
    block = DRAWS["uniform"](0, 0)
    assert block.min() >= -1
    assert block.max() < 1
    assert block.mean().item() == pytest.approx(0, abs=0.02)
    assert block.var().item() == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("kind", ["gaussian", "correlated"])
def test_normal_noise_has_the_stated_variance(kind):
    blocks = torch.cat([DRAWS[kind](0, index) for index in range(20)])
    assert blocks.mean().item() == pytest.approx(0, abs=0.03)
    assert blocks.var().item() == pytest.approx(2.0, abs=0.05)


def test_only_correlated_noise_has_neighbours_alike():
    def neighbours(block: torch.Tensor) -> float:
        images = block.view(-1, 8, 8).numpy()
        return float(np.corrcoef(images[:, :, :-1].ravel(), images[:, :, 1:].ravel())[0, 1])

    assert neighbours(DRAWS["correlated"](0, 0)) > 0.5
    assert abs(neighbours(DRAWS["gaussian"](0, 0))) < 0.05


def test_correlated_noise_needs_square_images():
    with pytest.raises(InputError, match="square"):
        correlated_block(0, "inputs", 0, 2, 65, blur=1.0)
