"""How well an image explains a target: distortions in nats, and what pixels count for more."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

# A pixel moves if it changes by more than ten grey levels: above what resizing leaves of noise.
# The half keeps float rounding from deciding about a change of exactly ten.
MOTION_THRESHOLD = 10.5 / 255


def gaussian_nll(
    mean: Tensor, target: Tensor, log_sigma: Tensor, weight: Tensor | None = None
) -> Tensor:
    """-log N(target; mean, sigma^2) summed over pixels, in nats: (B, C, H, W) twice -> (B,).

    Per pixel: (target - mean)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2, times its `weight`
    (B, 1, H, W), as if it were seen so many times; `log_sigma` is () or (C, H, W).
    """
    error = (target - mean) * torch.exp(-log_sigma)
    nll = 0.5 * error.square() + log_sigma + 0.5 * math.log(2 * math.pi)
    return _summed(nll, weight)


def bernoulli_nll(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """-log Bernoulli(target; sigmoid(logits)) over all pixels, in nats: (B, C, H, W) twice -> (B,).

    Per pixel: -target log p - (1 - target) log(1 - p); a grey target is a mixture of the two.
    `weight` (B, 1, H, W) as in `gaussian_nll`.
    """
    nll = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return _summed(nll, weight)


def _summed(nll: Tensor, weight: Tensor | None) -> Tensor:
    return (nll if weight is None else nll * weight).flatten(1).sum(1)


def moving(target: Tensor, previous: Tensor) -> Tensor:
    """Which pixels changed between two images: (B, C, H, W) twice -> bool (B, 1, H, W)."""
    change = (target - previous).abs().amax(dim=1, keepdim=True)
    return change > MOTION_THRESHOLD


def soft_floor(value: Tensor, floor: float) -> Tensor:
    """floor + softplus(value - floor): a lower bound that never stops the gradient.

    Rybkin et al. (2021), appendix: without it log sigma of a perfect reconstruction falls for ever.
    """
    return floor + functional.softplus(value - floor)


def corrupt(
    images: Tensor, noise: float, mask: float, hidden_as: float, generator: torch.Generator
) -> Tensor:
    """Hide a share `mask` of the pixels, add N(0, noise^2) to all: (B, C, H, W) -> the same.

    Vincent et al. (2010). `hidden_as` is a value that says nothing: a grey, or the mean.
    """
    device = generator.device
    if mask:
        hidden = torch.rand(images[:, :1].shape, generator=generator, device=device) < mask
        images = images.masked_fill(hidden.to(images.device), hidden_as)
    if noise:
        eps = torch.randn(images.shape, generator=generator, device=device)
        images = images + noise * eps.to(images.device)
    return images
