"""Divergences against closed forms, torch.distributions and numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from worldvae.autoencoders.divergences import (
    KLParts,
    decompose_kl,
    dip_penalty,
    kl_to_standard_normal,
    log_normal,
    with_free_bits,
)

MEAN = torch.tensor([[0.0, 1.0, -2.0], [0.5, 0.0, 3.0]])
LOGVAR = torch.tensor([[0.0, -1.0, 0.5], [-3.0, 1.0, -0.2]])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_kl_equals_the_closed_form_of_torch() -> None:
    expected = kl_divergence(Normal(MEAN, (0.5 * LOGVAR).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(MEAN, LOGVAR), expected)
    assert kl_to_standard_normal(MEAN, LOGVAR)[0, 0] == 0


def test_kl_equals_its_monte_carlo_estimate() -> None:
    posterior, prior = Normal(MEAN, (0.5 * LOGVAR).exp()), Normal(0.0, 1.0)
    z = MEAN + (0.5 * LOGVAR).exp() * torch.randn(200_000, 2, 3, generator=generator())
    estimate = (posterior.log_prob(z) - prior.log_prob(z)).mean(0)
    torch.testing.assert_close(kl_to_standard_normal(MEAN, LOGVAR), estimate, atol=0.03, rtol=0)


def test_free_bits_are_free_per_latent_and_over_the_batch_mean() -> None:
    kl = torch.tensor([[0.0, 1.0, 5.0], [0.4, 2.0, 7.0]], requires_grad=True)
    total = with_free_bits(kl, 0.5)
    assert total.item() == 0.5 + 1.5 + 6.0
    total.backward()
    assert kl.grad is not None
    assert kl.grad.tolist() == [[0.0, 0.5, 0.5]] * 2


def test_log_normal_is_that_of_torch() -> None:
    value = torch.randn(2, 3, generator=generator())
    expected = Normal(MEAN, (0.5 * LOGVAR).exp()).log_prob(value)
    torch.testing.assert_close(log_normal(value, MEAN, LOGVAR), expected)


def gaussian_codes(covariance: Tensor, variance: float, count: int) -> tuple[Tensor, ...]:
    """Samples, means and log variances of `count` posteriors N(m, variance I), m ~ N(0, S).

    The aggregate posterior is N(0, S + variance I). A Sobol sequence in place of random numbers
    leaves hardly any sampling error.
    """
    latents = len(covariance)
    uniform = torch.quasirandom.SobolEngine(2 * latents, scramble=True, seed=0).draw(count)
    normal = Normal(0.0, 1.0).icdf(uniform.double().clamp(1e-6, 1 - 1e-6))
    mean = normal[:, :latents] @ torch.linalg.cholesky(covariance).T
    sample = mean + math.sqrt(variance) * normal[:, latents:]
    return sample, mean, torch.full_like(mean, math.log(variance))


def unbiased(parts: KLParts, frames: int, latents: int) -> tuple[float, float, float]:
    """The parts less the constants that `decompose_kl` says they are off by."""
    return (
        parts.mutual_information.item() - math.log(frames),
        parts.total_correlation.item() - (latents - 1) * math.log(frames),
        parts.dimension_wise.item() + latents * math.log(frames),
    )


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9])
def test_the_parts_of_a_gaussian_aggregate_have_closed_forms(rho: float) -> None:
    """With C = S + s^2 I: MI = ln(det C / s^2Z) / 2, TC = -ln(det corr C) / 2."""
    shared, variance, count = torch.tensor([[1.5, rho], [rho, 1.0]]).double(), 0.25, 2_048
    parts = decompose_kl(*gaussian_codes(shared, variance, count), frames=count)
    aggregate = shared + variance * torch.eye(2)
    marginal = aggregate.diag()
    expected = (
        0.5 * torch.logdet(aggregate).item() - math.log(variance),
        0.5 * (marginal.log().sum() - torch.logdet(aggregate)).item(),
        0.5 * (marginal - marginal.log() - 1).sum().item(),
    )
    assert unbiased(parts, count, latents=2) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("count", [2, 7])
def test_posteriors_that_do_not_overlap_tell_which_frame_it_is(count: int) -> None:
    """MI is then ln N; a second latent that tells the same has TC ln N; the prior is far away."""
    mean = 1_000.0 * torch.arange(count).double()[:, None].expand(count, 2)
    parts = decompose_kl(mean, mean, torch.zeros_like(mean), frames=count)
    information, correlation, _ = unbiased(parts, count, latents=2)
    assert (information, correlation) == pytest.approx((math.log(count), math.log(count)))


def test_one_latent_has_no_total_correlation() -> None:
    parts = decompose_kl(*gaussian_codes(torch.eye(1).double(), 0.5, 64), frames=64)
    assert parts.total_correlation.item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("frames", [16, 50_000])
def test_the_parts_sum_to_log_posterior_less_log_prior_whatever_the_batch(frames: int) -> None:
    mean, logvar, eps = torch.randn(3, 16, 5, generator=generator()).double()
    sample = mean + (0.5 * logvar).exp() * eps
    parts = decompose_kl(sample, mean, logvar, frames)
    total = parts.mutual_information + parts.total_correlation + parts.dimension_wise
    posterior, prior = Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0)
    expected = (posterior.log_prob(sample) - prior.log_prob(sample)).sum(1).mean()
    torch.testing.assert_close(total, expected.double())


def test_how_many_frames_there_are_leaves_the_gradients_alone() -> None:
    mean = torch.randn(16, 3, generator=generator()).requires_grad_()
    few, many = (
        torch.autograd.grad(decompose_kl(mean, mean, 0 * mean, n).total_correlation, mean)[0]
        for n in (16, 10**6)
    )
    torch.testing.assert_close(few, many)


def test_its_gradient_takes_the_correlation_out_of_the_codes() -> None:
    """Unmixing by descent on TC alone: the latents go from correlation 0.9 to below 0.2."""
    sample, mean, logvar = gaussian_codes(torch.tensor([[1.0, 0.9], [0.9, 1.0]]).double(), 0.1, 256)
    mixing = torch.eye(2).double().requires_grad_()
    optimizer = torch.optim.Adam([mixing], lr=0.05)
    for _ in range(40):
        parts = decompose_kl(mean @ mixing + sample - mean, mean @ mixing, logvar, frames=256)
        optimizer.zero_grad()
        parts.total_correlation.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert torch.corrcoef(mean.T)[0, 1] > 0.85
    assert abs(torch.corrcoef((mean @ mixing.detach()).T)[0, 1]) < 0.2


def test_dip_by_hand() -> None:
    """E[var] = (2, 1), Cov = [[1, -1], [-1, 1]]; their sum less I is [[2, -1], [-1, 1]]."""
    mean = torch.tensor([[1.0, 0.0], [-1.0, 2.0]])
    logvar = torch.tensor([[1.0, 0.5], [3.0, 1.5]]).log()
    assert dip_penalty(mean, logvar).item() == pytest.approx(4 + 1 + 1 + 1)


def test_dip_of_one_latent_by_hand() -> None:
    assert dip_penalty(torch.tensor([[1.0], [-1.0]]), torch.tensor([[0.5]] * 2).log()).item() == (
        pytest.approx((1 + 0.5 - 1) ** 2)
    )


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_standard_normal_aggregate_costs_no_dip(share: float) -> None:
    """Whatever share of the unit variance is between the means, the rest within."""
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    penalty = dip_penalty(math.sqrt(share) * corners, torch.full((4, 2), 1 - share).log())
    assert penalty.item() == pytest.approx(0.0, abs=1e-12)


def test_dip_is_as_exact_under_autocast() -> None:
    mean = torch.randn(64, 3, generator=generator())
    logvar = torch.full_like(mean, -3.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lowered = dip_penalty(mean, logvar)
    torch.testing.assert_close(lowered, dip_penalty(mean, logvar))
