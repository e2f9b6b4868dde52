"""What an objective charges for a code: the KL to the prior, and penalties in its place."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


def kl_to_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return KL(N(mean, exp(logvar)) || N(0, 1)) of each latent, in nats: (B, Z), (B, Z) -> (B, Z).

    Kingma & Welling (2014), appendix B. Callers sum over Z and average over B.
    """
    return 0.5 * (mean.square() + logvar.exp() - logvar - 1)


def with_free_bits(kl: Tensor, free_bits: float) -> Tensor:
    """Return sum_j max(free_bits, mean_B KL_j): (B, Z) nats -> (). Kingma et al. (2016), eq. 15."""
    return kl.mean(0).clamp(min=free_bits).sum()


def log_normal(value: Tensor, mean: Tensor, logvar: Tensor) -> Tensor:
    """Return log N(value; mean, exp(logvar)) of each element, in nats."""
    squared = (value - mean).square() * torch.exp(-logvar)
    return -0.5 * (squared + logvar + math.log(2 * math.pi))


@dataclass(frozen=True)
class KLParts:
    """The three parts of the mean KL, scalars in nats (Chen et al., 2018, eq. 2)."""

    mutual_information: Tensor
    total_correlation: Tensor
    dimension_wise: Tensor


def decompose_kl(sample: Tensor, mean: Tensor, logvar: Tensor, frames: int) -> KLParts:
    """Split the mean KL of B codes into index-code information, total correlation and the rest.

    The rest is the dimension-wise KL. All inputs are (B, Z). Minibatch-weighted sampling (Chen et
    al., 2018, appendix C.1): of the N = `frames` posteriors in the mixture q(z) only the batch's
    are at hand, so log q(z_b) is estimated by log sum_j q(z_b | x_j) - log(N B). The parts are
    biased by constants that leave the gradients alone: with the whole data set as batch by log N,
    (Z - 1) log N and -Z log N. Their sum is unbiased.
    """
    each = log_normal(sample[:, None], mean[None], logvar[None])  # (B, B, Z)
    weight = math.log(frames * len(sample))
    log_joint = each.sum(2).logsumexp(1) - weight  # log q(z_b), (B,)
    log_product = (each.logsumexp(1) - weight).sum(1)  # log of the product of all q(z_bj), (B,)
    log_posterior = log_normal(sample, mean, logvar).sum(1)
    zero = sample.new_zeros(())
    log_prior = log_normal(sample, zero, zero).sum(1)
    return KLParts(
        mutual_information=(log_posterior - log_joint).mean(),
        total_correlation=(log_joint - log_product).mean(),
        dimension_wise=(log_product - log_prior).mean(),
    )


def dip_penalty(mean: Tensor, logvar: Tensor) -> Tensor:
    """Return the squared distance of the aggregate posterior's covariance from the identity.

    DIP-VAE-II (Kumar et al., 2018) with one weight for both its terms: || E[diag(exp(logvar))] +
    Cov[mean] - I ||_F^2, over the B codes of a batch.
    """
    # Autocast would multiply in bfloat16, which near 1 tells no covariances apart below 0.008.
    with torch.autocast(mean.device.type, enabled=False):
        centred = mean - mean.mean(0)
        covariance = centred.T @ centred / len(mean)  # torch.cov would wait for a GPU
    covariance = covariance + torch.diag(logvar.exp().mean(0))
    identity = torch.eye(len(covariance), dtype=covariance.dtype, device=covariance.device)
    return (covariance - identity).square().sum()
