"""The data that the checks measure: frames of each split, encoded once, with their true state.

Shapes: B frames, H W C image, T frames of a window, Z latents, D numbers of a downsampled frame,
S state variables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.examples import FrameBatch, frame_batches
from worldvae.autoencoders.likelihoods import bernoulli_nll, gaussian_nll, moving
from worldvae.autoencoders.model import Autoencoder
from worldvae.autoencoders.pixel_error import BernoulliPixels
from worldvae.autoencoders.pixels import to_float
from worldvae.autoencoders.statistics import PixelStatistics
from worldvae.autoencoders.window import Window
from worldvae.diagnostics.inputs import downsampled_pixels, frame_hashes
from worldvae.diagnostics.splits import Splits
from worldvae.envs.state import STATE
from worldvae.indices import evenly
from worldvae.rollouts import RolloutStore, StoredFrames
from worldvae.training.batches import check_not_empty

BATCH = 256


@dataclass(frozen=True)
class Subject:
    """An encoder, its model, and the three splits of a store, read in windows of its size."""

    encoder: Encoder
    model: Autoencoder
    store: RolloutStore
    window: Window
    splits: Splits[StoredFrames]

    @classmethod
    def open(cls, encoder: Encoder, store: RolloutStore) -> Subject:
        """Open the splits of `store` for `encoder`; damaged episodes are left out with a warning.

        Raises ArtifactError if a split is empty, or if its frames were preprocessed otherwise than
        those that the encoder was trained on.
        """
        encoder.card.check_frame(store.env.frame, str(store.folder))
        pixels = encoder.model.config.pixels
        # Motion is measured even if the objective does not use it.
        window = Window(encoder.stack, encoder.window.ahead, with_previous=True)
        records = store.healthy()
        splits = Splits(
            *(
                StoredFrames(store, name, records, window.before, window.ahead, pixels.actions)
                for name in ("train", "validation", "test")
            )
        )
        for name, split in splits._asdict().items():
            check_not_empty(split, name)
        return cls(encoder, encoder.model, store, window, splits)

    def rows(self, limit: int) -> Splits[NDArray[np.int64]]:
        """Return the numbers of at most `limit` examples, in proportion to the splits' lengths."""
        lengths = [len(split) for split in self.splits]
        share = min(1.0, limit / sum(lengths))
        return Splits(*(evenly(length, max(1, int(share * length))) for length in lengths))


@dataclass(frozen=True)
class Sample:
    """B examples of one split, spread evenly: their codes, and the true state."""

    codes: NDArray[np.float32]
    """Posterior means, not whitened, (B, Z)."""
    untrained: NDArray[np.float32]
    """Posterior means of the same network with random weights, (B, Z)."""
    pixels: NDArray[np.float32]
    """The downsampled inputs, (B, D)."""
    hashes: NDArray[np.uint64]
    """Hashes of the inputs, (B,)."""
    state: NDArray[np.float64]
    """The true state at the newest frame of the input, nan if none was recorded, (B, S)."""
    episodes: NDArray[np.int64]
    """The index of the episode within the split, (B,)."""


def draw_samples(subject: Subject, seed: int, limit: int) -> Splits[Sample]:
    """Draw a `Sample` of each split, at most `limit` frames in all, in proportion to its length."""
    untrained = untrained_model(subject.model, seed)
    pairs = zip(subject.splits, subject.rows(limit), strict=True)
    return Splits(*(_draw(subject, untrained, split, rows) for split, rows in pairs))


def untrained_model(model: Autoencoder, seed: int) -> Autoencoder:
    """Return the same network with random weights, in the same pixel units."""
    units = PixelStatistics(model.pixel_mean.cpu(), model.pixel_std.cpu(), model.training_frames)
    fresh = Autoencoder(model.config, model.shape, seed, units, model.action_size)
    return fresh.to(_device(model)).eval().requires_grad_(False)


def _draw(
    subject: Subject, untrained: Autoencoder, source: StoredFrames, chosen: NDArray[np.int64]
) -> Sample:
    parts: list[tuple[NDArray[Any], ...]] = []
    for rows in np.split(chosen, range(BATCH, len(chosen), BATCH)):
        inputs = subject.window.inputs(source.gather(rows))
        codes = subject.encoder.encode(inputs), encode(untrained, inputs)
        parts.append((*codes, downsampled_pixels(inputs), frame_hashes(inputs)))
    columns: list[NDArray[Any]] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    columns += [states_at(subject.store, source, chosen), source.locate(chosen)[0]]
    return Sample(*columns)


@torch.inference_mode()
def encode(model: Autoencoder, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the posterior means of the inputs: (B, H, W, stack C) -> (B, Z)."""
    frames = torch.from_numpy(np.ascontiguousarray(inputs)).to(_device(model))
    return model.encode(frames).mean.cpu().numpy()


def states_at(
    store: RolloutStore, source: StoredFrames, indices: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the true state at time t of each example, nan if none was recorded: (B,) -> (B, S)."""
    owners, times = source.locate(indices)
    state = np.full((len(indices), len(store.state_variables)), np.nan)
    if not store.state_variables:
        return state
    for owner in np.unique(owners):
        recorded = store.arrays(source.records[owner]).get(STATE)
        if recorded is not None:
            rows = owners == owner
            state[rows] = recorded[times[rows]]
    return state


@dataclass(frozen=True)
class Reconstructions:
    """B examples of one split, spread evenly, with their codes and reconstruction errors."""

    targets: NDArray[np.uint8]
    """The frames to reconstruct, (B, H, W, C)."""
    moved: NDArray[np.bool_]
    """True for pixels that changed since the frame before the target, (B, H, W)."""
    error: NDArray[np.float32]
    """Squared error of decoded posterior means, mean over channels, (B, H, W)."""
    codes: NDArray[np.float32]
    """Posterior means, not whitened, (B, Z)."""
    kl: NDArray[np.float32]
    """KL of each latent to the prior in nats, (B, Z)."""
    distortion: NDArray[np.float32]
    """-log p(target | z) of sampled codes z in nats, no pixel weighted, (B,)."""
    state: NDArray[np.float64]
    """The true state as in `Sample`, (B, S)."""
    episodes: NDArray[np.int64]
    """The index of the episode as in `Sample`, (B,)."""


@torch.inference_mode()
def reconstruct(
    subject: Subject, source: StoredFrames, limit: int, generator: torch.Generator
) -> Reconstructions:
    """Encode and decode at most `limit` examples of `source`."""
    batches = (batch.to(_device(subject.model)) for batch in frame_batches(source, BATCH, limit))
    parts = [_reconstruct(subject, batch, generator) for batch in batches]
    columns: list[NDArray[Any]] = [
        torch.cat(column).cpu().numpy() for column in zip(*parts, strict=True)
    ]
    chosen = evenly(len(source), limit)
    columns += [states_at(subject.store, source, chosen), source.locate(chosen)[0]]
    return Reconstructions(*columns)


def _reconstruct(
    subject: Subject, batch: FrameBatch, generator: torch.Generator
) -> tuple[torch.Tensor, ...]:
    model, window, frames = subject.model, subject.window, batch.frames
    target, previous = to_float(window.target(frames)), to_float(window.previous(frames))
    posterior = model.encode(window.inputs(frames))
    error = model.decode(posterior.mean, batch.actions) - target
    return (
        window.target(frames),
        moving(target, previous)[:, 0],
        error.square().mean(1),
        posterior.mean,
        posterior.kl(),
        _distortion(model, model.mean(posterior.sample(generator), batch.actions), target),
    )


def _distortion(model: Autoencoder, image: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return -log p(target | z) in nats, no pixel weighted: (B, C, H, W) twice -> (B,)."""
    if isinstance(model.config.pixels, BernoulliPixels):
        return bernoulli_nll(torch.logit(image, eps=1e-6), target)
    squared = (image - target).square()
    return gaussian_nll(squared, model.log_sigma() + model.pixel_std.log())


def _device(model: Autoencoder) -> torch.device:
    return next(model.parameters()).device
