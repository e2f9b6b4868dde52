"""What an autoencoder is trained for: a config value and pure functions, in nats."""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from pydantic import Field, field_validator, model_validator
from torch import Tensor
from torch.nn import functional

from worldvae.config import Config

SQRT_HALF = 0.7071  # with it the Gaussian likelihood is the squared error plus a constant
LOG_SIGMA_MIN = -6.0  # sigma 0.0025, below one grey level


class ObjectiveConfig(Config):
    """One loss for four models: distortion + beta * KL (ae and dae: distortion alone)."""

    name: Literal["ae", "dae", "vae", "beta_vae"] = Field(
        "beta_vae",
        alias="objective",
        description="ae: plain; dae: damaged input, clean target; vae: beta is 1.",
    )
    beta: float = Field(1.0, ge=0, description="Weight of the KL (Higgins et al., 2017).")
    likelihood: Literal["gaussian", "bernoulli"] = Field(
        "gaussian", description="Distribution of a pixel given the latents."
    )
    sigma: float | Literal["learned"] = Field(
        SQRT_HALF,
        description="Standard deviation of a pixel where black is 0 and white is 1; "
        "'learned' fits one for all pixels (sigma-VAE; Rybkin et al., 2021).",
    )
    kl_warmup: int = Field(0, ge=0, description="Steps over which beta grows linearly from 0.")
    free_bits: float = Field(
        0.0, ge=0, description="Nats per latent that cost nothing (Kingma et al., 2016)."
    )
    noise: float = Field(
        0.0, ge=0, le=2, description="dae: standard deviation of the input noise (dae default 0.1)."
    )
    mask: float = Field(0.0, ge=0, lt=1, description="dae: share of pixels that are greyed out.")

    @property
    def is_variational(self) -> bool:
        """Whether the code is a distribution with a KL, or a point."""
        return self.name in ("vae", "beta_vae")

    @model_validator(mode="before")
    @classmethod
    def _dae_has_noise(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "dae" not in (
            values.get("name"),
            values.get("objective"),
        ):
            return values
        return values if {"noise", "mask"} & values.keys() else {**values, "noise": 0.1}

    @field_validator("sigma", mode="before")
    @classmethod
    def _number_or_learned(cls, value: Any) -> Any:
        if value != "learned" and not (isinstance(value, int | float) and value > 0):
            raise ValueError("expected a number above 0 or 'learned'")
        return value

    @model_validator(mode="after")
    def _no_idle_field(self) -> ObjectiveConfig:
        """A field that would do nothing is an error: it promises what the loss does not keep."""
        if self.name == "vae" and self.beta != 1:
            raise ValueError(f"vae means beta 1, got {self.beta}; use objective: beta_vae")
        if not self.is_variational and (self.beta != 1 or self.kl_warmup or self.free_bits):
            raise ValueError(f"{self.name} has no KL: beta, kl_warmup and free_bits need beta_vae")
        if self.name == "dae" and not (self.noise or self.mask):
            raise ValueError("dae needs noise or mask above 0; use objective: ae for a clean input")
        if self.name != "dae" and (self.noise or self.mask):
            raise ValueError(f"{self.name} sees clean input: noise and mask need objective: dae")
        if self.likelihood == "bernoulli" and self.sigma != SQRT_HALF:
            raise ValueError("a bernoulli pixel has no sigma; use likelihood: gaussian")
        return self

    def beta_at(self, step: int) -> float:
        """The weight of the KL at `step` (the first is 0): beta min(1, step / kl_warmup)."""
        return self.beta * min(1.0, step / self.kl_warmup) if self.kl_warmup else self.beta


def kl_to_standard_normal(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) of each latent, in nats: (B, Z), (B, Z) -> (B, Z).

    Kingma & Welling (2014), appendix B. Callers sum over Z and average over B.
    """
    return 0.5 * (mean.square() + logvar.exp() - logvar - 1)


def with_free_bits(kl: Tensor, free_bits: float) -> Tensor:
    """sum_j max(free_bits, mean_B KL_j): (B, Z) nats -> scalar. Kingma et al. (2016), eq. 15."""
    return kl.mean(0).clamp(min=free_bits).sum()


def gaussian_nll(mean: Tensor, target: Tensor, log_sigma: Tensor) -> Tensor:
    """-log N(target; mean, sigma^2) summed over pixels, in nats: (B, C, H, W) twice -> (B,).

    Per pixel: (target - mean)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2.
    """
    squared = (target - mean).square().flatten(1).sum(1)
    pixels = target[0].numel()
    constant = pixels * (log_sigma + 0.5 * math.log(2 * math.pi))
    return 0.5 * squared * torch.exp(-2 * log_sigma) + constant


def bernoulli_nll(logits: Tensor, target: Tensor) -> Tensor:
    """-log Bernoulli(target; sigmoid(logits)) over all pixels, in nats: (B, C, H, W) twice -> (B,).

    Per pixel: -target log p - (1 - target) log(1 - p); a grey target is a mixture of the two.
    """
    loss = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return loss.flatten(1).sum(1)


def soft_floor(value: Tensor, floor: float) -> Tensor:
    """floor + softplus(value - floor): a lower bound that never stops the gradient.

    Rybkin et al. (2021), appendix: without it log sigma of a perfect reconstruction falls for ever.
    """
    return floor + functional.softplus(value - floor)


def corrupt(images: Tensor, noise: float, mask: float, generator: torch.Generator) -> Tensor:
    """Grey out a share `mask` of the pixels, add N(0, noise^2) to all: (B, C, H, W) -> the same.

    Vincent et al. (2010). Grey (0.5), so that a hidden pixel does not pass for a black one.
    """
    device = generator.device
    if mask:
        hidden = torch.rand(images[:, :1].shape, generator=generator, device=device) < mask
        images = images.masked_fill(hidden.to(images.device), 0.5)
    if noise:
        eps = torch.randn(images.shape, generator=generator, device=device)
        images = images + noise * eps.to(images.device)
    return images
