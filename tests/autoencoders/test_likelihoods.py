"""Likelihoods against torch.distributions and by hand, pixel by pixel."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from worldvae.autoencoders.likelihoods import (
    bernoulli_nll,
    corrupt,
    gaussian_nll,
    moving,
    soft_ceiling,
    soft_floor,
)
from worldvae.autoencoders.pixels import to_float

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def grey(*levels: int) -> Tensor:
    """One row of grey pixels as an image: (1, 1, 1, W)."""
    return to_float(torch.tensor(levels, dtype=torch.uint8).reshape(1, 1, -1, 1))


@pytest.mark.parametrize("sigma", [0.1, 0.7071, 2.0])
def test_gaussian_nll_is_that_of_torch(sigma: float) -> None:
    mean, target = torch.rand(2, 4, 3, 5, 6, generator=generator())
    expected = -Normal(mean, sigma).log_prob(target).sum((1, 2, 3))
    actual = gaussian_nll((target - mean).square(), torch.tensor(math.log(sigma)))
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-3)


def test_bernoulli_nll_is_that_of_torch() -> None:
    logits = torch.randn(4, 3, 5, 6, generator=generator())
    target = (torch.rand(4, 3, 5, 6, generator=generator(1)) < 0.5).float()
    expected = -Bernoulli(logits=logits).log_prob(target).sum((1, 2, 3))
    torch.testing.assert_close(bernoulli_nll(logits, target), expected)


def test_gaussian_nll_with_weights_and_a_sigma_for_each_pixel_by_hand() -> None:
    """Errors 1, 2, 0, 3 in units of sigma 1, 2, 1/2, 3; the right column counts three times."""
    target = torch.tensor([[[[1.0, 2.0]], [[0.0, 3.0]]]])
    log_sigma = torch.tensor([[[1.0, 2.0]], [[0.5, 3.0]]]).log()
    weight = torch.tensor([[[[1.0, 3.0]]]])
    left = 0.5 + 0.0 - math.log(2)
    right = 0.5 + math.log(2) + 0.5 + math.log(3)
    nll = gaussian_nll(target.square(), log_sigma, weight)
    assert nll.tolist() == pytest.approx([left + 3 * right + 8 * HALF_LOG_2PI])


def test_bernoulli_nll_with_weights_by_hand() -> None:
    """p = 3/4 in each pixel; targets 1, 0 and a grey 1/2, counted 1, 2 and 4 times."""
    logits = torch.full((1, 1, 1, 3), math.log(3))
    target, weight = torch.tensor([[[[1.0, 0.0, 0.5]]]]), torch.tensor([[[[1.0, 2.0, 4.0]]]])
    one, zero = -math.log(0.75), -math.log(0.25)
    nll = bernoulli_nll(logits, target, weight)
    assert nll.tolist() == pytest.approx([one + 2 * zero + 4 * (one + zero) / 2])


def test_a_weight_of_two_is_a_pixel_seen_twice() -> None:
    mean, target = torch.rand(2, 4, 3, 5, 6, generator=generator())
    twice, log_sigma = torch.full((4, 1, 5, 6), 2.0), torch.tensor(-1.0)

    def gaussian(mean: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return gaussian_nll((target - mean).square(), log_sigma, weight)

    for nll in (bernoulli_nll, gaussian):
        torch.testing.assert_close(nll(mean, target, twice), 2 * nll(mean, target))
        torch.testing.assert_close(nll(mean, target, twice / 2), nll(mean, target))


def test_eleven_grey_levels_up_or_down_are_motion_and_ten_are_not() -> None:
    before = list(range(245))
    for step, moves in ((10, False), (11, True)):
        after = [level + step for level in before]
        assert (moving(grey(*after), grey(*before)) == moves).all()
        assert (moving(grey(*before), grey(*after)) == moves).all()


def test_a_pixel_moves_if_any_of_its_channels_does() -> None:
    before = torch.zeros(1, 3, 2, 2)
    after = before.clone()
    after[0, 2, 0, 1] = 0.5
    assert moving(after, before).tolist() == [[[[False, True], [False, False]]]]


def test_soft_floor_is_the_identity_far_above_and_never_below() -> None:
    values = torch.tensor([-100.0, -6.0, 0.0, 3.0])
    assert (soft_floor(values, -6.0) >= -6.0).all()
    torch.testing.assert_close(soft_floor(values, -6.0)[2:], values[2:], atol=3e-3, rtol=0)


def test_soft_ceiling_is_the_identity_far_below_and_never_above() -> None:
    values = torch.tensor([1e4, 26.0, 5.0, 0.0, -3.0])
    bounded = soft_ceiling(values, 5.0)
    assert (bounded <= 5.0).all()
    torch.testing.assert_close(bounded[3:], values[3:], atol=7e-3, rtol=0)


def test_the_mask_greys_out_whole_pixels() -> None:
    images = torch.zeros(8, 3, 32, 32)
    damaged = corrupt(images, noise=0, mask=0.25, hidden_as=0.5, generator=generator())
    assert set(damaged.unique().tolist()) == {0.0, 0.5}
    assert torch.equal(damaged[:, 0], damaged[:, 2])
    assert (damaged == 0.5).float().mean().item() == pytest.approx(0.25, abs=0.02)


def test_the_noise_has_the_deviation_asked_for() -> None:
    damage = corrupt(
        torch.zeros(8, 3, 32, 32), noise=0.2, mask=0, hidden_as=0.5, generator=generator()
    )
    assert damage.std().item() == pytest.approx(0.2, rel=0.02)
    assert damage.mean().item() == pytest.approx(0.0, abs=0.01)
