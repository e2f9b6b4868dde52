"""Distortions: how well an image explains a target, in nats, and what each pixel counts."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from worldvae.training.share import WHOLE, Share

# A pixel moves if it changes by more than ten grey levels: above what resizing leaves of noise.
# The half keeps float rounding from deciding about a change of exactly ten.
MOTION_THRESHOLD = 10.5 / 255

HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def gaussian_nll(squared: Tensor, log_sigma: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return -log N(target; mean, sigma^2) summed over pixels, in nats: (B, C, H, W) -> (B,).

    Per pixel: squared / (2 sigma^2) + log sigma + log(2 pi) / 2 for `squared` = (target - mean)^2,
    times its `weight` (B, 1, H, W), as if it were seen so many times; `log_sigma` is () or (C, H,
    W).
    """
    if weight is None and log_sigma.ndim == 0:  # nothing differs between pixels but their error
        constant = squared[0].numel() * (log_sigma + HALF_LOG_TWO_PI)
        return 0.5 * torch.exp(-2 * log_sigma) * _summed(squared, None) + constant
    return _summed(0.5 * squared * torch.exp(-2 * log_sigma) + log_sigma + HALF_LOG_TWO_PI, weight)


def bernoulli_nll(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return -log Bernoulli(target; sigmoid(logits)) summed over pixels, in nats: -> (B,).

    Both inputs are (B, C, H, W). Per pixel: -target log p - (1 - target) log(1 - p); a grey target
    is a mixture of the two. `weight` (B, 1, H, W) as in `gaussian_nll`.
    """
    nll = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return _summed(nll, weight)


def _summed(nll: Tensor, weight: Tensor | None) -> Tensor:
    return (nll if weight is None else nll * weight).sum((1, 2, 3))


def moving(target: Tensor, previous: Tensor) -> Tensor:
    """Tell which pixels differ between two images: (B, C, H, W) twice -> bool (B, 1, H, W)."""
    change = (target - previous).abs().amax(dim=1, keepdim=True)
    return change > MOTION_THRESHOLD


def soft_floor(value: Tensor, floor: float) -> Tensor:
    """Return floor + softplus(value - floor), a lower bound that never stops the gradient.

    Rybkin et al. (2021), appendix: without it log sigma of a perfect reconstruction falls for ever.
    """
    return floor + functional.softplus(value - floor)


def soft_ceiling(value: Tensor, ceiling: float) -> Tensor:
    """Return ceiling - softplus(ceiling - value), the same bound from above."""
    return ceiling - functional.softplus(ceiling - value)


def corrupt(
    images: Tensor,
    noise: float,
    mask: float,
    hidden_as: float,
    generator: torch.Generator,
    share: Share = WHOLE,
) -> Tensor:
    """Hide a share `mask` of the pixels and add N(0, noise^2) to all: (B, C, H, W) -> the same.

    Vincent et al. (2010). Hidden pixels get the value `hidden_as`, which says nothing: a grey, or
    the mean.
    """
    if mask:
        hidden = share.draw(torch.rand, images[:, :1].shape, generator) < mask
        images = images.masked_fill(hidden.to(images.device), hidden_as)
    if noise:
        eps = share.draw(torch.randn, images.shape, generator)
        images = images + noise * eps.to(images.device)
    return images
