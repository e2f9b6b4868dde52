"""The autoencoder of all objectives, with the verbs encode, decode and loss."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.critic import Critic
from worldvae.autoencoders.examples import FrameBatch, FrameSource
from worldvae.autoencoders.likelihoods import (
    bernoulli_nll,
    corrupt,
    gaussian_nll,
    moving,
    soft_ceiling,
    soft_floor,
)
from worldvae.autoencoders.networks import ConvDecoder, ConvEncoder
from worldvae.autoencoders.objectives import VAE, CapacityVAE, WithBeta
from worldvae.autoencoders.pixel_error import BernoulliPixels
from worldvae.autoencoders.pixels import to_float
from worldvae.autoencoders.posterior import Posterior, cost_of_code
from worldvae.autoencoders.statistics import PixelStatistics, measure_pixels
from worldvae.errors import ConfigError
from worldvae.seeding import derive
from worldvae.torch_seeding import seeded_torch
from worldvae.training.batches import check_not_empty

# Adam moves a parameter by about its learning rate per step; log sigma has a way of 3 to go.
LOG_SIGMA_GAIN = 10.0
GREY = 0.5  # neither black nor white
LOG_SIGMA_MIN = -6.0  # sigma 0.0025, below one grey level
# No code is better off wider than its prior, at logvar 0. Without a ceiling a frame unlike all
# others got a logvar of 26, so a sample of half a million, and that was the end of the training.
LOGVAR_MAX = 5.0


class Autoencoder(nn.Module):
    """An autoencoder of frames (H, W, C); `seed` alone decides the initial weights.

    Args:
        config: Network and objective.
        shape: (H, W, C) of one frame.
        pixels: The units of its pixels if it standardises them, and how many training frames
            there are; None for a model whose weights are loaded next.
        action_size: K A, numbers in the actions of one example, if the decoder is told them.
        critic: The denoising autoencoder whose features the perceptual term compares.
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
        with seeded_torch(derive(seed, "weights")):  # torch's layers draw from there
            self.encoder = ConvEncoder(shape, config.network, heads)
            self.decoder = ConvDecoder(shape, config.network, extra=action_size)
        if config.pixels.sigma == "learned":
            self.raw_log_sigma = nn.Parameter(torch.zeros(()))
        units = pixels if pixels and config.pixels.standardise else None
        units = units or PixelStatistics.neutral(shape)
        self.register_buffer("pixel_mean", _channels_last(units.mean))
        self.register_buffer("pixel_std", _channels_last(units.std))
        self._critic = Critic(critic, shape) if critic else None
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
        """Return a new model in the units, and for the actions, of the training frames.

        Raises ArtifactError if there are none, ConfigError if the actions are not those that the
        objective asks for.
        """
        check_not_empty(train, "train")
        units = measure_pixels(train, config.window) if config.pixels.standardise else None
        pixels = units or replace(PixelStatistics.neutral(shape), frames=len(train))
        actions = train.actions(np.zeros(1, np.int64))
        if config.pixels.actions != (actions is not None):
            wanted, given = ("with", "without") if actions is None else ("without", "with")
            raise ConfigError(
                f"the objective is {wanted} actions, its training frames come {given}: "
                "StoredFrames(with_actions=) has to be what pixels.actions is"
            )
        size = 0 if actions is None else actions[0].size
        return cls(config, shape, seed, pixels, size, critic)

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Return (H, W, stack C), the shape of one input."""
        height, width, channels = self.shape
        return height, width, self.config.network.stack * channels

    def encode(self, frames: Tensor) -> Posterior:
        """Return the posterior of each input: (B, H, W, stack C) uint8 -> (B, Z)."""
        return self.encode_images(to_float(frames))

    def encode_images(self, images: Tensor) -> Posterior:
        """Return the posterior of each image (B, stack C, H, W) in [0, 1]."""
        return self._posterior(self._units(images))

    def _units(self, images: Tensor) -> Tensor:
        """Standardise what the encoder reads: (B, stack C, H, W) in [0, 1] -> the same in units."""
        if not self.config.pixels.standardise:
            return images
        stack = self.config.network.stack
        mean, std = (
            torch.cat([unit[None]] * stack, 1) for unit in (self.pixel_mean, self.pixel_std)
        )
        return (images - mean) / std

    def _posterior(self, units: Tensor) -> Posterior:
        """Encode (B, stack C, H, W) to float32 codes, whatever precision autocast works in."""
        return self.posterior_of(self.encoder(units).float())

    def posterior_of(self, output: Tensor) -> Posterior:
        """Return the codes that the encoder's output means: (B, 2 Z), or (B, Z) of points."""
        if not self.config.objective.is_variational:
            return Posterior(output, torch.full_like(output, -math.inf))
        mean, logvar = output.chunk(2, dim=1)
        return Posterior(mean, soft_ceiling(logvar, LOGVAR_MAX))

    def decode(self, latents: Tensor, actions: Tensor | None = None) -> Tensor:
        """Return images in [0, 1]: (B, Z), (B, K, A) -> (B, C, H, W).

        A decoder that knows actions takes None for no action at all.
        """
        return self.mean(latents, actions).clamp(0, 1)

    def mean(self, latents: Tensor, actions: Tensor | None = None) -> Tensor:
        """Return the mean of the likelihood, which with `standardise` may leave [0, 1]."""
        return self._image(self._output(latents, actions))

    def log_sigma(self) -> Tensor:
        """Return the logarithm of a pixel's standard deviation in its unit, a scalar."""
        sigma = self.config.pixels.sigma
        if sigma == "learned":
            return soft_floor(LOG_SIGMA_GAIN * self.raw_log_sigma, LOG_SIGMA_MIN)
        assert sigma is not None, "a bernoulli pixel has no sigma"
        return torch.tensor(math.log(sigma))

    def loss(
        self, batch: FrameBatch, generator: torch.Generator, step: int | Tensor | None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the loss that the objective asks for, a scalar in nats, and its parts.

        For a vae it is the negative ELBO. Rate and distortion are named as in Alemi et al. (2018).
        `step` counts from 0; None asks for the objective at the end of its schedules.
        """
        objective, pixels, share = self.config.objective, self.config.pixels, batch.share
        inputs, target = self._images(batch.frames)
        damage = objective.noise, objective.mask, 0.0 if pixels.standardise else GREY
        posterior = self._posterior(corrupt(self._units(inputs), *damage, generator, share))
        sample = posterior.sample(generator, share)
        output = self._output(sample, batch.actions)
        image = self._image(output)
        distortion, mse = self._errors(output, image, target, self._weight(batch.frames, target))
        if objective.is_variational:
            posterior, sample = posterior.gathered(share), share.gather(sample)
        cost = cost_of_code(objective, posterior, sample, step, self.training_frames)
        loss = pixels.weight * distortion + cost
        rate = posterior.kl().sum(1).mean()
        metrics = {"rate": rate, "distortion": distortion, "mse": mse}
        if isinstance(objective, CapacityVAE):
            metrics["capacity"] = torch.as_tensor(objective.capacity_at(step))
        elif isinstance(objective, VAE | WithBeta):
            metrics["beta"] = torch.as_tensor(objective.beta_at(step))
        if pixels.perceptual:
            metrics["perceptual"] = self._perceptual(image, target)
            loss = loss + pixels.perceptual * metrics["perceptual"]
        if pixels.sigma is not None:
            metrics["sigma"] = self.log_sigma().exp()
        return loss, {name: value.detach() for name, value in {"loss": loss, **metrics}.items()}

    def _images(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is encoded (B, stack C, H, W) and what decoded (B, C, H, W), as floats."""
        window = self.config.window
        target = to_float(window.target(frames))
        return target if window.length == 1 else to_float(window.inputs(frames)), target

    def _output(self, latents: Tensor, actions: Tensor | None) -> Tensor:
        """Decode to float32 under any autocast: (B, Z), (B, K, A) -> (B, C, H, W)."""
        if self.action_size:
            none = latents.new_zeros(len(latents), self.action_size)
            extra = none if actions is None else actions.flatten(1)
            latents = torch.cat([latents, extra], dim=1)
        output: Tensor = self.decoder(latents)
        return output.float()

    def _image(self, output: Tensor) -> Tensor:
        """Turn the decoder's output, logits or deviations from the mean in units, into an image."""
        if self.config.pixels.standardise:
            return self.pixel_mean + self.pixel_std * output
        return torch.sigmoid(output)

    def _errors(
        self, output: Tensor, image: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return -log p(target | z) in nats and the squared error, both means: scalars."""
        pixels = self.config.pixels
        squared = functional.mse_loss(image, target, reduction="none")
        mse = squared.mean()
        if pixels.standardise:  # the others' images never leave [0, 1]
            mse = functional.mse_loss(image.detach().clamp(0, 1), target)
        if isinstance(pixels, BernoulliPixels):
            return bernoulli_nll(output, target, weight).mean(), mse
        log_sigma = self.log_sigma()
        if pixels.standardise:
            log_sigma = log_sigma + self.pixel_std.log()
        return gaussian_nll(squared, log_sigma, weight).mean(), mse

    def _perceptual(self, image: Tensor, target: Tensor) -> Tensor:
        if self._critic is None:
            raise ConfigError("perceptual needs a critic: pretrain trains one, for_frames takes it")
        return self._critic.distance(image, target)

    def _weight(self, frames: Tensor, target: Tensor) -> Tensor | None:
        """Return how much each pixel counts, (B, 1, H, W), or None if all count one."""
        motion_weight = self.config.pixels.motion_weight
        if not motion_weight:
            return None
        return 1 + motion_weight * moving(target, to_float(self.config.window.previous(frames)))


def _channels_last(unit: Tensor) -> Tensor:
    """Put (C, H, W) into the memory order of images, with which it then combines faster."""
    return unit[None].contiguous(memory_format=torch.channels_last)[0]
