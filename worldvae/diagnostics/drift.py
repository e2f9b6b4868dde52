"""How far the frames of an agent are from those that its encoder was trained on.

Shapes: B frames, H W C image, Z latents, n frames of one input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.autoencoders.encoder import Encoder
from worldvae.autoencoders.examples import FrameSource
from worldvae.config import Config
from worldvae.indices import evenly
from worldvae.rollouts import JoinedFrames, RolloutStore, StoredFrames
from worldvae.training.batches import check_not_empty

Array = NDArray[np.float64]
Frames = NDArray[np.uint8]

TRAINING_FRAMES = 4_000
HELD_OUT_FRAMES = 1_000
BATCH = 256
LIMIT = 0.99
"""Quantile of the held-out frames beyond which a frame is strange."""

EXPECTED = 1 - LIMIT
"""Share of frames beyond it if nothing drifts."""

# As `Encoder.whiten`: divided by its own deviation, a collapsed direction would be all there is.
STD_FLOOR = 0.05
LEAST = 1e-10  # of a mean that divides


@dataclass(frozen=True)
class Spread:
    """A Gaussian around latents."""

    mean: Array
    """(Z,)."""
    units: Array
    """(Z, Z): deviations from the mean times it are uncorrelated, each of variance 1."""

    @classmethod
    def of(cls, codes: NDArray[np.floating]) -> Spread:
        """Mean and covariance of codes (B, Z), B of 2 or more.

        No direction is taken to deviate less than 5 % of what the widest latent does.
        """
        covariance = np.atleast_2d(np.cov(codes.astype(np.float64), rowvar=False))
        variances, axes = np.linalg.eigh(covariance)
        floor = STD_FLOOR**2 * covariance.diagonal().max() or 1.0  # 1 where nothing varies
        return cls(codes.mean(0, dtype=np.float64), axes / np.sqrt(np.maximum(variances, floor)))

    def distances(self, codes: NDArray[np.floating]) -> Array:
        """Squared Mahalanobis distances (z - m)' C^-1 (z - m): (B, Z) -> (B,).

        Their mean is Z where codes are spread as those behind the mean m and the covariance C.
        """
        squared: Array = np.square((codes - self.mean) @ self.units).sum(1)
        return squared


@dataclass(frozen=True)
class Readings:
    """What an encoder makes of B frames, one by one."""

    distance: Array
    """Squared Mahalanobis distance of the latents, (B,)."""
    error: Array | None
    """Squared error of the decoded frame where black is 0 and white is 1, mean over pixels, (B,).

    None for an encoder that has nothing to show.
    """
    decoded: Frames | None
    """(B, H, W, C)."""


@dataclass(frozen=True)
class Usual:
    """What one reading is on held-out frames."""

    mean: float
    limit: float
    """Its 99 % quantile."""

    @classmethod
    def of(cls, values: Array) -> Usual:
        return cls(float(values.mean()), float(np.quantile(values, LIMIT)))


@dataclass(frozen=True)
class Reference:
    """What is normal for an encoder."""

    spread: Spread
    distance: Usual
    error: Usual | None

    def strangeness(self, readings: Readings) -> Array:
        """The larger of distance and error in units of its limit; strange above 1: (B,)."""
        strange = readings.distance / max(self.distance.limit, LEAST)
        if self.error is None or readings.error is None:
            return strange
        return np.maximum(strange, readings.error / max(self.error.limit, LEAST))


class Reading(Config):
    """One reading over many frames, against held-out ones."""

    mean: float
    ratio: float = Field(description="Mean over the mean of held-out frames.")
    beyond: float = Field(description="Share beyond the 99 % quantile of held-out frames.")


class Drift(Config):
    """How strange a batch of frames is to an encoder."""

    frames: int
    distance: Reading = Field(description="Squared Mahalanobis distance of the latents.")
    error: Reading | None = Field(description="Squared error of the decoded frames.")

    @property
    def strange(self) -> float:
        """The larger share of frames beyond a limit; 0.01 is expected."""
        return max(self.distance.beyond, 0.0 if self.error is None else self.error.beyond)


def refer(encoder: Encoder, stores: Sequence[RolloutStore]) -> Reference:
    """What is normal for `encoder`: its latents on the training frames of `stores`, and distance
    and error on the frames of their other episodes.

    Raises ArtifactError if there are none, or they were made otherwise than those of training.
    """
    train, held_out = _sources(encoder, stores)
    codes = [encoder.encode(inputs) for inputs in _batches(train, TRAINING_FRAMES)]
    spread = Spread.of(np.concatenate(codes))
    parts = [read(encoder, spread, inputs) for inputs in _batches(held_out, HELD_OUT_FRAMES)]
    errors = [part.error for part in parts if part.error is not None]
    return Reference(
        spread,
        Usual.of(np.concatenate([part.distance for part in parts])),
        Usual.of(np.concatenate(errors)) if errors else None,
    )


def read(encoder: Encoder, spread: Spread, inputs: Frames) -> Readings:
    """Readings of what an agent was shown: (B, H, W, n C)."""
    codes = encoder.encode(inputs)
    distance = spread.distances(codes)
    if not reconstructs(encoder):
        return Readings(distance, None, None)
    decoded = encoder.decode(codes)
    return Readings(distance, _errors(decoded, newest(inputs, decoded.shape[-1])), decoded)


def reconstructs(encoder: Encoder) -> bool:
    """Whether it decodes the frame that it was shown: not if it is untrained, or predicts."""
    return encoder.card.trained and not encoder.window.ahead


def newest(inputs: Frames, channels: int) -> Frames:
    """The last frame of each input: (B, H, W, n C) -> (B, H, W, C)."""
    return inputs[..., -channels:]


def measure(reference: Reference, readings: Readings) -> Drift:
    """How strange these frames are as a whole."""
    error = None
    if reference.error is not None and readings.error is not None:
        error = _compare(readings.error, reference.error)
    return Drift(
        frames=len(readings.distance),
        distance=_compare(readings.distance, reference.distance),
        error=error,
    )


def _compare(values: Array, usual: Usual) -> Reading:
    mean = float(values.mean())
    beyond = float((values > usual.limit).mean())
    return Reading(mean=mean, ratio=mean / max(usual.mean, LEAST), beyond=beyond)


def _sources(encoder: Encoder, stores: Sequence[RolloutStore]) -> tuple[FrameSource, FrameSource]:
    """Inputs of training episodes, and of the others; of these all, for they are few."""
    for store in stores:
        encoder.card.check_frame(store.env.frame, str(store.folder))
    whole = [(store, store.healthy()) for store in stores]
    before = encoder.stack - 1
    train = JoinedFrames([StoredFrames(store, "train", every, before) for store, every in whole])
    held_out = JoinedFrames(
        [
            StoredFrames(store, split, every, before)
            for store, every in whole
            for split in ("validation", "test")
        ]
    )
    check_not_empty(train, "train")
    check_not_empty(held_out, "held-out")
    return train, held_out


def _batches(source: FrameSource, limit: int) -> Iterator[Frames]:
    chosen = evenly(len(source), limit)
    for rows in np.split(chosen, range(BATCH, len(chosen), BATCH)):
        yield source.gather(rows)


def _errors(decoded: Frames, frames: Frames) -> Array:
    """Mean over pixels of the squared difference, (B, H, W, C) twice -> (B,)."""
    difference = (decoded.astype(np.float32) - frames) / 255
    squared: Array = np.square(difference).mean((1, 2, 3), dtype=np.float64)
    return squared
