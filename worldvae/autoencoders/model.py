"""One autoencoder for every objective: encode, decode and a loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from worldvae.autoencoders.divergences import (
    decompose_kl,
    dip_penalty,
    kl_to_standard_normal,
    with_free_bits,
)
from worldvae.autoencoders.likelihoods import (
    bernoulli_nll,
    corrupt,
    gaussian_nll,
    moving,
    soft_floor,
)
from worldvae.autoencoders.networks import ConvDecoder, ConvEncoder, NetworkConfig
from worldvae.autoencoders.objectives import ObjectiveConfig
from worldvae.autoencoders.pixels import Batch, FrameSource, Window, to_float
from worldvae.autoencoders.statistics import PixelStatistics, measure_pixels
from worldvae.config import Config, UserError
from worldvae.seeding import derive

# Adam moves a parameter by about its learning rate per step; log sigma has a way of 3 to go.
LOG_SIGMA_GAIN = 10.0
GREY = 0.5  # neither black nor white
LOG_SIGMA_MIN = -6.0  # sigma 0.0025, below one grey level


class AutoencoderConfig(Config):
    """A network and what it is trained for."""

    network: NetworkConfig = Field(NetworkConfig(), description="Sizes of the layers.")
    objective: ObjectiveConfig = Field(ObjectiveConfig(), description="The loss.")

    @property
    def window(self) -> Window:
        """The frames of one example."""
        return self.objective.window(self.network.stack)


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
    """An autoencoder of frames (H, W, C); `seed` alone decides the initial weights.

    Args:
        config: Network and objective.
        shape: (H, W, C) of one frame.
        pixels: The units of its pixels if it standardises them, and how many training frames
            there are; None for a model whose weights are loaded next.
        action_size: K A, numbers in the actions of one example, if the decoder is told them.
        critic: The denoising autoencoder whose features the perceptual term compares; frozen,
            and no part of what is saved.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        config: AutoencoderConfig,
        shape: tuple[int, int, int],
        seed: int,
        pixels: PixelStatistics | None = None,
        action_size: int = 0,
        critic: Autoencoder | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        self.action_size = action_size
        self.training_frames = pixels.frames if pixels else 1
        heads = 2 if config.objective.is_variational else 1
        with _seeded(seed):
            self.encoder = ConvEncoder(shape, config.network, heads)
            self.decoder = ConvDecoder(shape, config.network, extra=action_size)
        if config.objective.sigma == "learned":
            self.raw_log_sigma = nn.Parameter(torch.zeros(()))
        units = pixels if pixels and config.objective.standardise else None
        units = units or PixelStatistics.neutral(shape)
        self.register_buffer("pixel_mean", units.mean)
        self.register_buffer("pixel_std", units.std)
        # In a list, so that its weights are neither trained nor saved with ours.
        self._critic = [] if critic is None else [_frozen(critic, shape)]
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub lacks it

    @classmethod
    def for_frames(
        cls,
        config: AutoencoderConfig,
        shape: tuple[int, int, int],
        train: FrameSource,
        seed: int,
        critic: Autoencoder | None = None,
    ) -> Autoencoder:
        """A new model in the units, and for the actions, of its training frames."""
        units = measure_pixels(train, config.window) if config.objective.standardise else None
        pixels = units or replace(PixelStatistics.neutral(shape), frames=len(train))
        actions = train.actions(np.zeros(1, np.int64))
        if config.objective.actions != (actions is not None):
            wanted, given = ("with", "without") if actions is None else ("without", "with")
            raise UserError(
                f"the objective is {wanted} actions, its training frames come {given}: "
                "StoredFrames(with_actions=) has to be what objective.actions is"
            )
        size = 0 if actions is None else actions[0].size
        return cls(config, shape, seed, pixels, size, critic)

    def encode(self, frames: Tensor) -> Posterior:
        """(B, H, W, stack C) uint8 -> the posterior of each input."""
        return self.encode_images(to_float(frames))

    def encode_images(self, images: Tensor) -> Posterior:
        """(B, stack C, H, W) in [0, 1] -> the posterior of each input."""
        return self._posterior(self._units(images))

    def _units(self, images: Tensor) -> Tensor:
        """What the encoder reads: (B, stack C, H, W) in [0, 1] -> each pixel in its own unit."""
        stack = self.config.network.stack
        return (images - self.pixel_mean.repeat(stack, 1, 1)) / self.pixel_std.repeat(stack, 1, 1)

    def _posterior(self, units: Tensor) -> Posterior:
        """(B, stack C, H, W) -> float32 codes, whatever precision autocast works in."""
        output = self.encoder(units).float()
        if not self.config.objective.is_variational:
            return Posterior(output, torch.full_like(output, -math.inf))
        return Posterior(*output.chunk(2, dim=1))

    def decode(self, latents: Tensor, actions: Tensor | None = None) -> Tensor:
        """(B, Z), (B, K, A) -> the mean of the likelihood, images (B, C, H, W) in [0, 1].

        A decoder that knows actions takes None for no action at all.
        """
        return self._image(self._output(latents, actions)).clamp(0, 1)

    def log_sigma(self) -> Tensor:
        """The logarithm of a pixel's standard deviation in its unit, scalar."""
        sigma = self.config.objective.sigma
        if sigma == "learned":
            return soft_floor(LOG_SIGMA_GAIN * self.raw_log_sigma, LOG_SIGMA_MIN)
        return torch.tensor(math.log(sigma))

    def loss(
        self, batch: Batch, generator: torch.Generator, step: int | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """What the objective asks for, in nats: a scalar and its parts; step None: at its end.

        The negative ELBO of a vae. Rate and distortion are named as in Alemi et al. (2018).
        """
        objective, window = self.config.objective, self.config.window
        inputs, target = (
            to_float(window.inputs(batch.frames)),
            to_float(window.target(batch.frames)),
        )
        hidden_as = 0.0 if objective.standardise else GREY
        damage = objective.noise, objective.mask, hidden_as
        posterior = self._posterior(corrupt(self._units(inputs), *damage, generator))
        sample = posterior.sample(generator)
        output = self._output(sample, batch.actions)
        distortion = self._distortion(output, target, self._weight(batch.frames, target)).mean()
        loss = objective.pixel_weight * distortion + self._cost(posterior, sample, step)
        image = self._image(output)
        metrics = {
            "rate": posterior.kl().sum(1).mean(),
            "distortion": distortion,
            "mse": (image.clamp(0, 1) - target).square().mean(),
        }
        if objective.name == "capacity_vae":
            metrics["capacity"] = torch.tensor(objective.capacity_at(step))
        elif objective.is_variational:
            metrics["beta"] = torch.tensor(objective.beta_at(step))
        if objective.perceptual:
            metrics["perceptual"] = self._perceptual(image, target)
            loss = loss + objective.perceptual * metrics["perceptual"]
        if objective.likelihood == "gaussian":
            metrics["sigma"] = self.log_sigma().exp()
        return loss, {name: value.detach() for name, value in {"loss": loss, **metrics}.items()}

    def _cost(self, posterior: Posterior, sample: Tensor, step: int | None) -> Tensor:
        """What the objective charges for the code, scalar."""
        objective = self.config.objective
        beta = objective.beta_at(step)
        if not objective.is_variational:
            return torch.zeros((), device=sample.device)
        if objective.name == "capacity_vae":
            excess = posterior.kl().sum(1).mean() - objective.capacity_at(step)
            return objective.gamma * excess.abs()
        if objective.name == "beta_tcvae":
            parts = decompose_kl(sample, posterior.mean, posterior.logvar, self.training_frames)
            return parts.mutual_information + beta * parts.total_correlation + parts.dimension_wise
        cost = beta * with_free_bits(posterior.kl(), objective.free_bits)
        if objective.name == "dip_vae":
            cost = cost + objective.dip * dip_penalty(posterior.mean, posterior.logvar)
        return cost

    def _output(self, latents: Tensor, actions: Tensor | None) -> Tensor:
        """(B, Z), (B, K, A) -> (B, C, H, W) float32, whatever precision autocast works in."""
        if self.action_size:
            none = latents.new_zeros(len(latents), self.action_size)
            extra = none if actions is None else actions.flatten(1)
            latents = torch.cat([latents, extra], dim=1)
        output: Tensor = self.decoder(latents)
        return output.float()

    def _image(self, output: Tensor) -> Tensor:
        """The decoder's output as an image: logits, or deviations from the mean in units."""
        if self.config.objective.standardise:
            return self.pixel_mean + self.pixel_std * output
        return torch.sigmoid(output)

    def _distortion(self, output: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """-log p(target | z) of each frame in nats: (B, C, H, W) twice -> (B,)."""
        if self.config.objective.likelihood == "bernoulli":
            return bernoulli_nll(output, target, weight)
        log_sigma = self.log_sigma() + self.pixel_std.log()
        return gaussian_nll(self._image(output), target, log_sigma, weight)

    def _weight(self, frames: Tensor, target: Tensor) -> Tensor | None:
        """What each pixel counts: (B, 1, H, W), or None if all count one."""
        motion_weight = self.config.objective.motion_weight
        if not motion_weight:
            return None
        return 1 + motion_weight * moving(target, to_float(self.config.window.previous(frames)))

    def _perceptual(self, image: Tensor, target: Tensor) -> Tensor:
        """Half the squared distance of the critic's features, mean over the batch: scalar."""
        if not self._critic:
            raise UserError("perceptual needs a critic: pretrain trains one, for_frames takes it")
        critic = self._critic[0].to(image.device)
        seen, wanted = (critic.encode_images(images).mean for images in (image, target))
        return 0.5 * (seen - wanted).square().sum(1).mean()


def _frozen(critic: Autoencoder, shape: tuple[int, int, int]) -> Autoencoder:
    """`critic`, untrainable; UserError unless it sees single frames of `shape`."""
    stack = critic.config.network.stack
    if (critic.shape, stack) != (shape, 1):
        raise UserError(
            f"the critic sees {stack} x {critic.shape}, the model decodes 1 x {shape}; "
            "train the critic on single frames of the same store"
        )
    return critic.eval().requires_grad_(False)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torch's layers draw from the global generator: seed it here, and give it back untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, "weights"))
        yield
