"""One autoencoder for every objective: encode, decode and a loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from pydantic import Field
from torch import Tensor, nn

from worldvae.autoencoders.networks import ConvDecoder, ConvEncoder, NetworkConfig
from worldvae.autoencoders.objectives import (
    LOG_SIGMA_MIN,
    ObjectiveConfig,
    bernoulli_nll,
    corrupt,
    gaussian_nll,
    kl_to_standard_normal,
    soft_floor,
    with_free_bits,
)
from worldvae.autoencoders.pixels import to_float
from worldvae.config import Config
from worldvae.seeding import derive

# Adam moves a parameter by about its learning rate per step; log sigma has a way of 3 to go.
LOG_SIGMA_GAIN = 10.0


class AutoencoderConfig(Config):
    """A network and what it is trained for."""

    network: NetworkConfig = Field(NetworkConfig(), description="Sizes of the layers.")
    objective: ObjectiveConfig = Field(ObjectiveConfig(), description="The loss.")


@dataclass(frozen=True)
class Posterior:
    """The codes of B frames: q(z | frame) = N(mean, exp(logvar)), both (B, Z).

    The point code of an ae or dae has logvar -inf: its samples are its mean.
    """

    mean: Tensor
    logvar: Tensor

    def sample(self, generator: torch.Generator) -> Tensor:
        """mean + exp(logvar / 2) eps with eps ~ N(0, 1): (B, Z).

        The reparametrisation trick (Kingma & Welling, 2014): gradients reach mean and logvar.
        """
        eps = torch.randn(self.mean.shape, generator=generator, device=generator.device)
        return self.mean + torch.exp(0.5 * self.logvar) * eps.to(self.mean.device)

    def kl(self) -> Tensor:
        """KL to N(0, 1) of each latent in nats: (B, Z); 0 for a point code, which has no prior."""
        is_point = torch.isneginf(self.logvar)
        kl = kl_to_standard_normal(self.mean, self.logvar.masked_fill(is_point, 0))
        return kl.masked_fill(is_point, 0)


class Autoencoder(nn.Module):
    """ae, dae, vae or beta_vae of frames (H, W, C); `seed` alone decides the initial weights."""

    def __init__(self, config: AutoencoderConfig, shape: tuple[int, int, int], seed: int) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        heads = 2 if config.objective.is_variational else 1
        with _seeded(seed):
            self.encoder = ConvEncoder(shape, config.network, heads * config.network.latents)
            self.decoder = ConvDecoder(shape, config.network)
        if config.objective.sigma == "learned":
            self.raw_log_sigma = nn.Parameter(torch.zeros(()))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it

    def encode(self, frames: Tensor) -> Posterior:
        """(B, H, W, C) uint8 -> the posterior of each frame."""
        return self._posterior(to_float(frames))

    def decode(self, latents: Tensor) -> Tensor:
        """(B, Z) -> the mean of the likelihood, images (B, C, H, W) in [0, 1]."""
        return torch.sigmoid(self._logits(latents))

    def log_sigma(self) -> Tensor:
        """The logarithm of a pixel's standard deviation, scalar."""
        sigma = self.config.objective.sigma
        if sigma == "learned":
            return soft_floor(LOG_SIGMA_GAIN * self.raw_log_sigma, LOG_SIGMA_MIN)
        return torch.tensor(math.log(sigma))

    def loss(
        self, frames: Tensor, generator: torch.Generator, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Distortion + beta_at(step) * KL, in nats: (B, H, W, C) uint8 -> scalar and its parts.

        The negative ELBO where beta is 1. Rate and distortion are named as in Alemi et al. (2018).
        """
        objective = self.config.objective
        target = to_float(frames)
        posterior = self._posterior(corrupt(target, objective.noise, objective.mask, generator))
        logits = self._logits(posterior.sample(generator))
        distortion = self._distortion(logits, target).mean()
        kl = posterior.kl()
        beta = objective.beta_at(step) if objective.is_variational else 0.0
        loss = distortion + beta * with_free_bits(kl, objective.free_bits)
        metrics = {
            "loss": loss,
            "rate": kl.sum(1).mean(),
            "distortion": distortion,
            "mse": (torch.sigmoid(logits) - target).square().mean(),
            "beta": torch.tensor(beta),
        }
        if objective.likelihood == "gaussian":
            metrics["sigma"] = self.log_sigma().exp()
        return loss, {name: value.detach() for name, value in metrics.items()}

    def _posterior(self, images: Tensor) -> Posterior:
        """(B, C, H, W) in [0, 1] -> float32 codes, whatever precision autocast computed them in."""
        output = self.encoder(images).float()
        if not self.config.objective.is_variational:
            return Posterior(output, torch.full_like(output, -math.inf))
        return Posterior(*output.chunk(2, dim=1))

    def _logits(self, latents: Tensor) -> Tensor:
        """(B, Z) -> (B, C, H, W) float32, whatever precision autocast computed them in."""
        logits: Tensor = self.decoder(latents)
        return logits.float()

    def _distortion(self, logits: Tensor, target: Tensor) -> Tensor:
        """-log p(target | z) of each frame in nats: (B, C, H, W) twice -> (B,)."""
        if self.config.objective.likelihood == "bernoulli":
            return bernoulli_nll(logits, target)
        return gaussian_nll(torch.sigmoid(logits), target, self.log_sigma())


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torch's layers draw from the global generator: seed it here, and give it back untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "weights"))
        yield
