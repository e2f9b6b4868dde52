"""Measurements without the true state: reconstruction errors, use of the latents, overfitting.

Shapes: B frames, H W C image, Z latents, E episodes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.diagnostics.examination import Reconstructions
from worldvae.diagnostics.metrics.things import Things, measure_still_things
from worldvae.json_files import Content
from worldvae.stats import CONFIDENCE

Array = NDArray[np.float64]

ACTIVE_VARIANCE = 0.01  # Burda et al. (2016), section 5.2
DUPLICATE = 0.95
RESAMPLES = 2_000
MSE_FLOOR = 1e-10  # PSNR 100 dB
PLACES = 8  # cells along either side of a frame
SEEN_MOVING = 20  # frames in which something moves in a cell that is judged


class Region(Content):
    """The reconstruction error of some of the pixels of a split."""

    share: float = Field(description="Of all pixels.")
    mse: float = Field(description="Squared error where black is 0 and white is 1.")
    lost: float | None = Field(
        description="Squared error in units of the deviation from the mean training image: 0 is "
        "perfect, 1 what that image scores; None if nothing deviates."
    )


class Places(Content):
    """The loss of moving pixels by place, in which small objects count as much as large ones."""

    lost: tuple[tuple[float | None, ...], ...] = Field(
        description="`Region.lost` of the moving pixels in each cell of a grid, row by row; None "
        "where too seldom anything moves."
    )

    @property
    def known(self) -> tuple[float, ...]:
        """The losses of the places in which something moves often enough."""
        return tuple(value for row in self.lost for value in row if value is not None)


class Errors(Content):
    """The reconstruction errors of one split."""

    frames: int
    episodes: int
    mse: float
    psnr: float
    distortion: float = Field(description="-log p(target | z), nats a frame, no pixel weighted.")
    rate: float = Field(description="KL to the prior, nats a frame; 0 for a point code.")
    lost: float | None = Field(description="`Region.lost` of all pixels.")
    moving: Region | None = Field(description="Pixels that changed since the frame before.")
    static: Region | None = Field(description="All others.")
    places: Places | None = Field(None, description="None where nothing moves often enough.")
    still_things: Things | None = Field(
        None, description="None where hardly any thing stands still."
    )


class Reconstruction(Content):
    """Errors on training episodes, and on episodes that were not used in training."""

    train: Errors
    held_out: Errors


class DuplicatePair(Content):
    """Two latents that are almost perfectly correlated."""

    first: int
    second: int
    correlation: float


class Code(Content):
    """How much the latents are used; numbers per latent are in the order of the latents."""

    latents: int
    rate: float = Field(description="Held-out KL, nats a frame; 0 for a point code.")
    kl: tuple[float, ...] = Field(description="Held-out KL of each latent, nats.")
    variance: tuple[float, ...] = Field(description="Of each posterior mean, training frames.")
    active: int
    dead: tuple[int, ...]
    duplicates: tuple[DuplicatePair, ...]


class Overfitting(Content):
    """The ratio of held-out to training squared error, with its interval over episodes."""

    ratio: float
    low: float | None = Field(description="None where a split is a single episode.")
    high: float | None


def measure_reconstruction(train: Reconstructions, held_out: Reconstructions) -> Reconstruction:
    """Measure the errors of both splits, also relative to the mean training image."""
    mean = train.targets.mean(0, dtype=np.float64) / 255
    return Reconstruction(train=_errors(train, mean), held_out=_errors(held_out, mean))


def _errors(part: Reconstructions, mean: Array) -> Errors:
    deviation = _deviation(part.targets, mean)
    everywhere = np.ones_like(part.moved)
    whole = _region(part, deviation, everywhere)
    assert whole is not None
    return Errors(
        frames=len(part.targets),
        episodes=len(np.unique(part.episodes)),
        mse=whole.mse,
        psnr=-10 * float(np.log10(max(whole.mse, MSE_FLOOR))),
        distortion=float(part.distortion.mean()),
        rate=float(part.kl.sum(1).mean()),
        lost=whole.lost,
        moving=_region(part, deviation, part.moved),
        static=_region(part, deviation, ~part.moved),
        places=_places(part, deviation),
        still_things=measure_still_things(deviation, part.error, part.moved),
    )


def _deviation(targets: NDArray[np.uint8], mean: Array) -> NDArray[np.float32]:
    """Return squared deviations from an image (H, W, C), mean over channels.

    (B, H, W, C) -> (B, H, W).
    """
    # Computed one by one: in float64 all frames need eight times their memory.
    each = (np.square(target / 255 - mean).mean(2) for target in targets)
    return np.stack([deviation.astype(np.float32) for deviation in each])


def _region(
    part: Reconstructions, deviation: NDArray[np.float32], mask: NDArray[np.bool_]
) -> Region | None:
    """Return the error of the pixels in `mask` (B, H, W); None if it is empty."""
    if not mask.any():
        return None
    error, spread = part.error[mask].sum(dtype=np.float64), deviation[mask].sum(dtype=np.float64)
    return Region(
        share=float(mask.mean()),
        mse=float(error / mask.sum()),
        lost=float(error / spread) if spread > 0 else None,
    )


def _places(part: Reconstructions, deviation: NDArray[np.float32]) -> Places | None:
    frames_moving = (_by_place(part.moved) > 0).sum(0)
    error = _by_place(part.error * part.moved).sum(0)
    spread = _by_place(deviation * part.moved).sum(0)
    often = (frames_moving >= SEEN_MOVING) & (spread > 0)
    if not often.any():
        return None
    lost = np.divide(error, spread, out=np.full(often.shape, np.nan), where=often)
    rows = [[None if np.isnan(value) else value for value in row] for row in lost.tolist()]
    return Places(lost=tuple(map(tuple, rows)))


def _by_place(pixels: NDArray[Any]) -> Array:
    """Sum over the cells of a grid: (B, H, W) -> (B, PLACES, PLACES), fewer in small frames."""
    for axis in (1, 2):
        size = pixels.shape[axis]
        edges = np.linspace(0, size, min(PLACES, size), endpoint=False).astype(np.int64)
        pixels = np.add.reduceat(pixels, edges, axis=axis, dtype=np.float64)
    return pixels


def measure_code(codes: NDArray[np.float32], kl: NDArray[np.float32], is_point: bool) -> Code:
    """Measure the use of latents from training codes (B, Z) and the held-out KL (B, Z).

    A latent is active if the variance of its posterior mean over frames is above 1 % of the prior's
    variance (Burda et al., 2016). A point code has no prior, so the largest variance is used.
    """
    variance = codes.var(0, dtype=np.float64)
    unit = variance.max() if is_point else 1.0
    active = np.flatnonzero(variance > ACTIVE_VARIANCE * unit)
    per_latent = kl.mean(0, dtype=np.float64)
    return Code(
        latents=len(variance),
        rate=float(per_latent.sum()),
        kl=tuple(per_latent.tolist()),
        variance=tuple(variance.tolist()),
        active=len(active),
        dead=tuple(sorted(set(range(len(variance))) - set(active.tolist()))),
        duplicates=_duplicates(codes, active),
    )


def _duplicates(codes: NDArray[np.float32], active: NDArray[np.int64]) -> tuple[DuplicatePair, ...]:
    """Return the pairs of active latents whose absolute correlation is above DUPLICATE."""
    if len(active) < 2:
        return ()
    correlation = np.atleast_2d(np.corrcoef(codes[:, active].astype(np.float64), rowvar=False))
    rows, columns = np.nonzero(np.triu(np.abs(correlation) > DUPLICATE, k=1))
    return tuple(
        DuplicatePair(
            first=int(active[row]),
            second=int(active[column]),
            correlation=float(correlation[row, column]),
        )
        for row, column in zip(rows, columns, strict=True)
    )


def measure_overfitting(
    train: Reconstructions, held_out: Reconstructions, generator: np.random.Generator
) -> Overfitting:
    """Compare the mean errors of episodes, with a bootstrap over the episodes of each split."""
    held, trained = _episode_errors(held_out), _episode_errors(train)
    floor = MSE_FLOOR
    ratio = float(held.mean() / max(trained.mean(), floor))
    if min(len(held), len(trained)) < 2:
        return Overfitting(ratio=ratio, low=None, high=None)
    draws = _resampled_means(held, generator) / _resampled_means(trained, generator).clip(min=floor)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Overfitting(ratio=ratio, low=float(low), high=float(high))


def _episode_errors(part: Reconstructions) -> Array:
    """Return the mean squared error of each episode: (E,)."""
    _, episode = np.unique(part.episodes, return_inverse=True)
    frames = part.error.mean((1, 2), dtype=np.float64)
    return np.bincount(episode, frames) / np.bincount(episode)


def _resampled_means(values: Array, generator: np.random.Generator) -> Array:
    """Return the means of bootstrap samples: (E,) -> (RESAMPLES,)."""
    chosen = generator.integers(len(values), size=(RESAMPLES, len(values)))
    return np.asarray(values[chosen].mean(1))
