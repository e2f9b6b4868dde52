"""The code of a frame as a distribution, and what an objective charges for it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from worldvae.autoencoders.divergences import (
    decompose_kl,
    dip_penalty,
    kl_to_standard_normal,
    with_free_bits,
)
from worldvae.autoencoders.objectives import (
    DIPVAE,
    VAE,
    BetaTCVAE,
    CapacityVAE,
    Objective,
    WithBeta,
)
from worldvae.training.share import WHOLE, Share


@dataclass(frozen=True)
class Posterior:
    """The codes of B frames as distributions: q(z | frame) = N(mean, exp(logvar)), both (B, Z).

    The point code of an ae or dae has logvar -inf, so its samples are its mean.
    """

    mean: Tensor
    logvar: Tensor

    def sample(self, generator: torch.Generator, share: Share = WHOLE) -> Tensor:
        """Draw mean + exp(logvar / 2) eps with eps ~ N(0, 1): (B, Z).

        By this reparametrisation (Kingma & Welling, 2014) gradients reach mean and logvar.
        """
        eps = share.draw(torch.randn, self.mean.shape, generator)
        return self.mean + torch.exp(0.5 * self.logvar) * eps.to(self.mean.device)

    def kl(self) -> Tensor:
        """Return the KL to N(0, 1) of each latent in nats, (B, Z); 0 for a point code."""
        is_point = torch.isneginf(self.logvar)
        kl = kl_to_standard_normal(self.mean, self.logvar.masked_fill(is_point, 0))
        return kl.masked_fill(is_point, 0)

    def gathered(self, share: Share) -> Posterior:
        """Return the codes of the whole batch, of which these are one process's share."""
        return Posterior(share.gather(self.mean), share.gather(self.logvar))


def cost_of_code(
    objective: Objective,
    posterior: Posterior,
    sample: Tensor,
    step: int | Tensor | None,
    training_frames: int,
) -> Tensor:
    """Return what `objective` charges at `step` for a batch of codes and their `sample`, a scalar.

    Some objectives are no means over examples, so this needs the whole batch.
    """
    if isinstance(objective, CapacityVAE):
        capacity: float | Tensor = objective.capacity_at(step)
        return objective.gamma * (posterior.kl().sum(1).mean() - capacity).abs()
    if not isinstance(objective, VAE | WithBeta):
        return torch.zeros((), device=sample.device)
    beta: float | Tensor = objective.beta_at(step)
    if isinstance(objective, BetaTCVAE):
        parts = decompose_kl(sample, posterior.mean, posterior.logvar, training_frames)
        return parts.mutual_information + beta * parts.total_correlation + parts.dimension_wise
    cost = beta * with_free_bits(posterior.kl(), objective.free_bits)
    if isinstance(objective, DIPVAE):
        cost = cost + objective.dip * dip_penalty(posterior.mean, posterior.logvar)
    return cost
