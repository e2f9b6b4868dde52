"""Measures how far an agent's frames are from those that its encoder was trained on.

Shapes: B frames, H W C image, Z latents, n frames of one input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.autoencoders.encoder import STD_FLOOR, Encoder
from worldvae.autoencoders.examples import FrameSource
from worldvae.indices import evenly
from worldvae.json_files import Content
from worldvae.rollouts import JoinedFrames, RolloutStore, StoredFrames
from worldvae.training.batches import check_not_empty

Array = NDArray[np.float64]
Frames = NDArray[np.uint8]

TRAINING_FRAMES = 4_000
HELD_OUT_FRAMES = 1_000
BATCH = 256
LIMIT = 0.99
"""The quantile of held-out frames above which a frame counts as strange."""

EXPECTED = 1 - LIMIT
"""The share of strange frames that is expected without any drift."""

LEAST_DIVISOR = 1e-10  # lower bound of a mean or limit by which others are divided


@dataclass(frozen=True)
class Spread:
    """A Gaussian fitted to latents."""

    mean: Array
    """(Z,)."""
    units: Array
    """(Z, Z): a whitening matrix; deviations from the mean times it have covariance 1."""

    @classmethod
    def of(cls, codes: NDArray[np.floating]) -> Spread:
        """Fit mean and covariance to codes (B, Z), B of 2 or more.

        The deviation along any direction is at least 5 % of that of the widest latent, as in
        `Encoder.whiten`.
        """
        covariance = np.atleast_2d(np.cov(codes.astype(np.float64), rowvar=False))
        variances, axes = np.linalg.eigh(covariance)
        floor = STD_FLOOR**2 * covariance.diagonal().max() or 1.0  # 1 where nothing varies
        return cls(codes.mean(0, dtype=np.float64), axes / np.sqrt(np.maximum(variances, floor)))

    def distances(self, codes: NDArray[np.floating]) -> Array:
        """Return squared Mahalanobis distances (z - m)' C^-1 (z - m): (B, Z) -> (B,).

        Their mean is Z for codes that have the mean m and the covariance C.
        """
        squared: Array = np.square((codes - self.mean) @ self.units).sum(1)
        return squared


@dataclass(frozen=True)
class Readings:
    """Distance, error and decoded frame of each of B frames."""

    distance: Array
    """Squared Mahalanobis distance of the latents, (B,)."""
    error: Array | None
    """Squared error of the decoded frame, mean over pixels from 0 (black) to 1 (white): (B,).

    It is None for an encoder that does not reconstruct its input, see `reconstructs`.
    """
    decoded: Frames | None
    """(B, H, W, C)."""


@dataclass(frozen=True)
class Usual:
    """The mean and the limit of one reading on held-out frames."""

    mean: float
    limit: float
    """The 99 % quantile."""

    @classmethod
    def of(cls, values: Array) -> Usual:
        return cls(float(values.mean()), float(np.quantile(values, LIMIT)))


@dataclass(frozen=True)
class Reference:
    """The latents of an encoder in training, and its readings on held-out frames."""

    spread: Spread
    distance: Usual
    error: Usual | None

    def strangeness(self, readings: Readings) -> Array:
        """Return the larger of distance and error, each divided by its limit: (B,).

        A frame counts as strange above 1.
        """
        strange = readings.distance / max(self.distance.limit, LEAST_DIVISOR)
        if self.error is None or readings.error is None:
            return strange
        return np.maximum(strange, readings.error / max(self.error.limit, LEAST_DIVISOR))


class Reading(Content):
    """One reading over many frames, compared with held-out ones."""

    mean: float
    ratio: float = Field(description="Mean over the mean of held-out frames.")
    beyond: float = Field(description="Share beyond the 99 % quantile of held-out frames.")


class Drift(Content):
    """How far a set of frames is from the training frames of an encoder."""

    frames: int
    distance: Reading = Field(description="Squared Mahalanobis distance of the latents.")
    error: Reading | None = Field(description="Squared error of the decoded frames.")

    @property
    def strange(self) -> float:
        """The larger of the shares of frames above a limit; without drift about 0.01."""
        return max(self.distance.beyond, 0.0 if self.error is None else self.error.beyond)


def refer(encoder: Encoder, stores: Sequence[RolloutStore]) -> Reference:
    """Measure the latents of `encoder` on training frames, and its readings on other frames.

    The other frames are those of the validation and test episodes of `stores`. Raises ArtifactError
    if there are none of either kind, or if they were preprocessed otherwise than for `encoder`.
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
    """Return distance, error and decoded frame of each of the inputs (B, H, W, n C)."""
    codes = encoder.encode(inputs)
    distance = spread.distances(codes)
    if not reconstructs(encoder):
        return Readings(distance, None, None)
    decoded = encoder.decode(codes)
    return Readings(distance, _errors(decoded, newest(inputs, decoded.shape[-1])), decoded)


def reconstructs(encoder: Encoder) -> bool:
    """Return whether `encoder` decodes its input; an untrained or a predicting one does not."""
    return encoder.card.trained and not encoder.window.ahead


def newest(inputs: Frames, channels: int) -> Frames:
    """Return the last frame of each input: (B, H, W, n C) -> (B, H, W, C)."""
    return inputs[..., -channels:]


def measure(reference: Reference, readings: Readings) -> Drift:
    """Compare the readings of a set of frames with those of the reference."""
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
    return Reading(mean=mean, ratio=mean / max(usual.mean, LEAST_DIVISOR), beyond=beyond)


def _sources(encoder: Encoder, stores: Sequence[RolloutStore]) -> tuple[FrameSource, FrameSource]:
    """Return the inputs of training episodes, and those of validation and test episodes."""
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
    """Return the mean squared difference over pixels in [0, 1]: (B, H, W, C) twice -> (B,)."""
    difference = (decoded.astype(np.float32) - frames) / 255
    squared: Array = np.square(difference).mean((1, 2, 3), dtype=np.float64)
    return squared
