"""Seeds and tracks both vary: every seed of two arms was scored on the same evaluation episodes.

A comparison over seeds takes the episodes ("tracks") as given, so it speaks of those alone. Shapes:
S seeds, E episodes, whose column e began from one and the same state in every row; R resamples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from worldvae.stats.resampling import Array, Resampling
from worldvae.stats.seeds import Estimate, finite


@dataclass(frozen=True)
class EvaluationNoise:
    """How much of the spread over seeds is only that each was scored on few episodes."""

    deviation: float
    """Standard deviation of a seed's score that its E episodes leave."""
    spread: float
    """Standard deviation of the scores over seeds, which contains it."""
    episodes: int

    @property
    def share(self) -> float:
        """The share of the variance over seeds, at most 1; NaN where the seeds do not vary."""
        return min(1.0, (self.deviation / self.spread) ** 2) if self.spread > 0 else math.nan

    @property
    def episodes_for_half(self) -> int:
        """The number of episodes that would halve `deviation`, which falls with their root."""
        return 4 * self.episodes


def two_level_difference(a: ArrayLike, b: ArrayLike, resampling: Resampling) -> Estimate:
    """Return the difference of the means of two arms, (S, E) and (S', E), over seeds and tracks.

    The pigeonhole bootstrap of Owen (2007): the seeds of each arm are resampled on their own, and
    the tracks once for both. It is conservative, since what is neither of the seed nor of the track
    is counted up to three times. NaN bounds where an arm has a single seed.
    """
    first, second = _matrix(a), _matrix(b)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"tracks must be the same: {first.shape[1]}, {second.shape[1]}")
    value, n = float(first.mean() - second.mean()), min(len(first), len(second))
    if n < 2:
        return Estimate(value, np.nan, np.nan, n)
    tracks = resampling.weights(first.shape[1])
    draws = [
        np.einsum("rs,se,re->r", resampling.weights(len(rows)), rows, tracks, optimize=True)
        for rows in (first, second)
    ]
    low, high = resampling.interval(draws[0] - draws[1])
    return Estimate(value, float(low), float(high), n)


def evaluation_noise(returns: ArrayLike) -> EvaluationNoise:
    """Return the noise of evaluation in the scores of one arm's seeds, returns (S, E).

    What a track adds to the scores of all seeds alike is no noise between them, so the deviation is
    that of the returns less the means of their seed and of their track, over the root of E. NaN
    with a single seed or episode.
    """
    rows = _matrix(returns)
    seeds, episodes = rows.shape
    if min(seeds, episodes) < 2:
        return EvaluationNoise(math.nan, math.nan, episodes)
    scores = rows.mean(axis=1)
    rest = rows - scores[:, None] - rows.mean(axis=0) + rows.mean()
    variance = (rest**2).sum() / ((seeds - 1) * (episodes - 1)) / episodes
    return EvaluationNoise(math.sqrt(variance), float(scores.std(ddof=1)), episodes)


def _matrix(returns: ArrayLike) -> Array:
    rows = finite(returns)
    if rows.ndim != 2:
        raise ValueError(f"expected seeds x episodes, shape (S, E), got {rows.shape}")
    return rows
