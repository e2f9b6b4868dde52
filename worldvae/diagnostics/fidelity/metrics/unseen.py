"""How far dreams are from all that the encoder made of training frames.

Shapes: W windows, N dreams of each, H horizons, D numbers of a code, B training frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.diagnostics.drift import LIMIT, Spread
from worldvae.diagnostics.fidelity.metrics.bootstrap import (
    LEAST_DIVISOR,
    EpisodeBootstrap,
    HorizonCurve,
    Interval,
)
from worldvae.diagnostics.fidelity.windows import Flags, Floats
from worldvae.json_files import Content
from worldvae.stats import Array

QUERIES = 1_024
SEARCHED = 4
"""Dreams of each window whose nearest codes are sought, since that takes long."""


class UnseenCodes(Content):
    """How much farther from training codes dreams are than real held-out codes are."""

    horizons: tuple[int, ...]
    beyond: HorizonCurve = Field(
        description="Share of dreams whose Mahalanobis distance from training codes is larger than "
        "that of 99 % of real codes; 0.01 is expected."
    )
    nearest: HorizonCurve = Field(
        description="Distance to the nearest training code / that of real codes; 1 is expected."
    )


def measure_unseen(
    samples: NDArray[np.floating],
    truth: Floats,
    training: Floats,
    mask: Flags,
    horizons: tuple[int, ...],
    bootstrap: EpisodeBootstrap,
) -> UnseenCodes:
    """Compare dreams (W, N, H, D) and what really followed (W, H, D) with training (B, D)."""
    spread = Spread.of(training)
    limit = float(np.quantile(spread.distances(truth[mask]), LIMIT))
    dreams = samples.reshape(-1, samples.shape[-1])
    beyond = (spread.distances(dreams) > limit).reshape(samples.shape[:3]).mean(1)
    few = samples[:, :SEARCHED]
    apart = nearest_distances(few.reshape(-1, few.shape[-1]), training)
    apart = apart.reshape(few.shape[:3]).mean(1)
    usual = max(float(nearest_distances(truth[mask], training).mean()), LEAST_DIVISOR)
    return UnseenCodes(
        horizons=horizons,
        beyond=bootstrap.curve(bootstrap.mean(beyond, mask)),
        nearest=bootstrap.curve(bootstrap.mean(apart / usual, mask)),
    )


def measure_elsewhere(
    frames: Floats, usual: Floats, training: Floats, bootstrap: EpisodeBootstrap
) -> Interval:
    """Return the share of an agent's frames that are farther from training than is usual.

    Farther means a Mahalanobis distance larger than that of 99 % of the rollouts' held-out codes;
    0.01 is expected of frames like those.

    Args:
        frames: The code of a frame of each window, (W, D).
        usual: Held-out codes of the rollouts, (B, D).
        training: Training codes, (B, D).
        bootstrap: Resamples the episodes of the windows.
    """
    spread = Spread.of(training)
    limit = float(np.quantile(spread.distances(usual), LIMIT))
    beyond = (spread.distances(frames) > limit)[:, None]
    return bootstrap.interval(bootstrap.mean(beyond, np.ones_like(beyond)))


def nearest_distances(codes: NDArray[np.floating], training: Floats) -> Array:
    """Return the distance of each code to the nearest in training: (Q, D), (B, D) -> (Q,)."""
    squares = np.square(training).sum(1)
    found = [
        np.square(rows).sum(1) + (squares - 2 * rows @ training.T).min(1)
        for start in range(0, len(codes), QUERIES)
        for rows in [codes[start : start + QUERIES].astype(np.float32)]
    ]
    return np.asarray(np.sqrt(np.concatenate(found).astype(np.float64).clip(min=0)))
