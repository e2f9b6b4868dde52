"""The encoder of an agent: frames to latents and back, and the card that describes it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from worldvae.autoencoders.backends import (
    Backend,
    Compute,
    Frames,
    Latents,
    Precision,
    choose_backend,
    make_backend,
)
from worldvae.autoencoders.cards import summarise
from worldvae.autoencoders.checkpoint import load_autoencoder, save_autoencoder
from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.encoder_files import EncoderCard, FrameOrigin
from worldvae.autoencoders.examples import FrameSource
from worldvae.autoencoders.frozen import FrozenEncoder, TrainableEncoder
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pixels import to_uint8
from worldvae.errors import ConfigError
from worldvae.hub.download import local_folder
from worldvae.seeding import numpy_stream
from worldvae.training.device import torch_device

BATCH = 256
# A collapsed latent hardly moves: divided by its own deviation it would be noise at full volume.
STD_FLOOR = 0.05


class Encoder:
    """Turns frames into latents and back; it freezes the model that it is given.

    Args:
        device: Where it computes: cpu, cuda, or auto, a GPU if there is one.
        backend: The library that computes the codes; auto: onnxruntime on the CPU where it is
            installed, else torch. They agree within 1e-5, so the choice is not saved.
        precision: The precision of the layers that encode; only torch has bfloat16.
    """

    def __init__(
        self,
        model: Autoencoder,
        card: EncoderCard,
        device: str = "cpu",
        backend: Literal["auto"] | Backend = "auto",
        precision: Precision = "float32",
    ) -> None:
        self.card = card
        self.folder: Path | None = None
        """The folder that it was loaded from."""
        self.latents = model.config.network.latents
        self.stack = model.config.network.stack
        self.window = model.config.window
        self.config = model.config
        self.device = torch_device(device)
        self._device = torch.device(self.device)
        self.backend = choose_backend(backend, self._device, precision)
        self._precision = precision
        self.model = model.to(self._device).eval().requires_grad_(False)
        """The frozen network, without whitening."""
        self._mean = np.asarray(card.latent_mean, np.float32)
        std = np.asarray(card.latent_std, np.float32)
        self._scale = np.maximum(std, STD_FLOOR * std.max()) if std.any() else np.ones_like(std)

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str = "cpu",
        backend: Literal["auto"] | Backend = "auto",
        precision: Precision = "float32",
    ) -> Encoder:
        """Return the encoder in folder `path`, or at an address on the hub: hf://USER/NAME.

        Raises ArtifactError if it is missing or damaged.
        """
        folder = local_folder(path, "encoder")
        encoder = cls(*load_autoencoder(folder), device, backend, precision)
        encoder.folder = folder
        return encoder

    @classmethod
    def untrained(
        cls,
        config: AutoencoderConfig,
        origin: FrameOrigin,
        train: FrameSource,
        validation: FrameSource,
        seed: int,
    ) -> Encoder:
        """Return an encoder of random weights, whitened on the same frames as a trained one."""
        model = Autoencoder.for_frames(config, origin.frame.shape, train, seed)
        return cls(model, summarise(model, train, validation, origin, trained=False))

    @property
    def num_parameters(self) -> int:
        """Count the weights that encoding uses, which are the frozen part of an agent."""
        return sum(weight.numel() for weight in self.model.encoder.parameters())

    def save(self, folder: str | Path) -> None:
        """Write the folder that `load` reads."""
        save_autoencoder(Path(folder), self.model, self.card)

    def encode(self, frames: Frames) -> Latents:
        """Return the posterior mean of each input: (B, H, W, stack C) uint8 -> (B, Z)."""
        self._check(frames)
        if 0 < len(frames) <= BATCH:
            return self._compute(frames)
        codes = np.empty((len(frames), self.latents), np.float32)
        for start in range(0, len(frames), BATCH):
            rows = slice(start, start + BATCH)
            codes[rows] = self._compute(frames[rows])
        return codes

    def posterior(self, frames: Frames) -> tuple[Latents, Latents]:
        """Return mean and standard deviation of each code: (B, H, W, stack C) uint8 -> (B, Z) each.

        The mean is that of `encode`. The deviation of a model that is not variational is 0.
        """
        self._check(frames)
        means, deviations = np.empty((2, len(frames), self.latents), np.float32)
        for start in range(0, len(frames), BATCH):
            rows = slice(start, start + BATCH)
            output = torch.from_numpy(self._compute_posterior(frames[rows]))
            posterior = self.model.posterior_of(output)
            means[rows], deviations[rows] = posterior.mean, (0.5 * posterior.logvar).exp()
        return means, deviations

    # Each backend is made at its first call, since an encoder that only decodes needs none.
    @cached_property
    def _compute(self) -> Compute:
        return self._backend(FrozenEncoder(self.model))

    @cached_property
    def _compute_posterior(self) -> Compute:
        return self._backend(FrozenEncoder(self.model, with_variance=True))

    def _backend(self, frozen: FrozenEncoder) -> Compute:
        return make_backend(
            self.backend, frozen, self.model.input_shape, self._device, self._precision
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the backends out of a copy for another process, which makes its own."""
        made = {"_compute", "_compute_posterior"}
        return {name: value for name, value in vars(self).items() if name not in made}

    def whiten(self, latents: Latents) -> Latents:
        """Scale latents by their statistics over the training frames: (..., Z) -> (..., Z).

        (z - mean) / max(std, 5% of the largest std): a collapsed latent stays small.
        """
        whitened: Latents = (latents - self._mean) / self._scale
        return whitened

    def whiten_deviation(self, deviation: Latents) -> Latents:
        """Scale standard deviations of latents as `whiten` scales latents: (..., Z) -> (..., Z)."""
        scaled: Latents = deviation / self._scale
        return scaled

    def unwhiten(self, whitened: Latents) -> Latents:
        """Undo `whiten`: (..., Z) -> (..., Z)."""
        latents: Latents = whitened * self._scale + self._mean
        return latents

    def trainable(self, whiten: bool = True) -> TrainableEncoder:
        """Copy the layers that encode into a module that learns; `whiten` its latents as usual."""
        mean, scale = self._mean, self._scale
        if not whiten:
            mean, scale = np.zeros_like(mean), np.ones_like(scale)
        units = torch.from_numpy(mean.copy()), torch.from_numpy(scale.copy())
        return TrainableEncoder(FrozenEncoder(self.model), self.stack, *units)

    @torch.inference_mode()
    def decode(self, latents: Latents, actions: NDArray[np.float32] | None = None) -> Frames:
        """Decode latents that are not whitened: (B, Z) -> (B, H, W, C) uint8.

        A model that predicts decodes a later frame. `actions` (B, K, A) are for a decoder that is
        told them; without, it assumes none.
        """
        latents = np.asarray(latents, np.float32)
        if latents.ndim != 2 or latents.shape[1] != self.latents:
            raise ConfigError(f"expected latents (B, {self.latents}), got {latents.shape}")
        frames = np.empty((len(latents), *self.card.frame.shape), np.uint8)
        for start in range(0, len(latents), BATCH):
            rows = slice(start, start + BATCH)
            codes = torch.from_numpy(latents[rows]).to(self._device)
            told = None if actions is None else torch.from_numpy(actions[rows]).to(self._device)
            frames[rows] = to_uint8(self.model.decode(codes, told)).cpu().numpy()
        return frames

    def reconstruct(self, frames: Frames, actions: NDArray[np.float32] | None = None) -> Frames:
        """Decode the posterior mean of each input: (B, H, W, stack C) uint8 -> (B, H, W, C)."""
        return self.decode(self.encode(frames), actions)

    def sample(self, count: int, seed: int) -> Frames:
        """Decode `count` samples of the prior: (B, H, W, C) uint8."""
        centre, scale = self._prior()
        noise = numpy_stream(seed, "prior").standard_normal((count, self.latents), np.float32)
        return self.decode(centre + scale * noise)

    def traverse(self, frame: Frames, values: NDArray[np.float32]) -> Frames:
        """Decode a frame with one latent moved at a time: (H, W, stack C), (K,) -> (Z, K, H, W, C).

        `values` are deviations of the latent from its mean over the training frames, as an agent
        sees it: a code of many nats spreads further than its prior.
        """
        codes = np.tile(self.encode(frame[None]), (self.latents, len(values), 1))
        for latent in range(self.latents):
            spread = self.card.latent_std[latent] * values
            codes[latent, :, latent] = self.card.latent_mean[latent] + spread
        images = self.decode(codes.reshape(-1, self.latents))
        return images.reshape(self.latents, len(values), *self.card.frame.shape)

    def _prior(self) -> tuple[Latents, Latents]:
        """Return mean and deviation of each latent of the prior, (Z,) each.

        N(0, 1); an objective without a KL has none, so those of the training frames stand for it.
        """
        if self.model.config.objective.is_variational:
            return np.zeros_like(self._mean), np.ones_like(self._mean)
        return self._mean, np.asarray(self.card.latent_std, np.float32)

    def _check(self, frames: Frames) -> None:
        """Raise ConfigError unless `frames` have the shape and type of the training frames."""
        expected = self.model.input_shape
        if not isinstance(frames, np.ndarray):
            raise ConfigError(f"expected frames as an array of NumPy, got {type(frames).__name__}")
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[1:] != expected:
            raise ConfigError(
                f"the encoder of {self.card.env_id} expects frames (B, H, W, C) = "
                f"(B, {', '.join(map(str, expected))}) uint8, got {frames.shape} {frames.dtype}; "
                f"preprocess them with the card's frame ({self.card.frame})"
            )


def folder_of(encoder: Encoder | str | Path) -> Path:
    """Return the folder of an encoder; it may be an address on the hub: hf://USER/NAME.

    Raises ConfigError for an `Encoder` that was not loaded from a folder.
    """
    if not isinstance(encoder, Encoder):
        return local_folder(encoder, "encoder")
    if encoder.folder is None:
        raise ConfigError(
            "dynamics know their encoder by the hash of its folder; give the folder of the "
            "encoder, or load it with Encoder.load"
        )
    return encoder.folder
