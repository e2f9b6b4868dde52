"""How often a seed of one arm scores above one of another. Shapes: n and m seeds, R resamples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from worldvae.stats.resampling import Array, Resampling
from worldvae.stats.seeds import Estimate
from worldvae.stats.tasks import TaskScores, same_tasks


def probability_of_improvement(a: ArrayLike, b: ArrayLike, resampling: Resampling) -> Estimate:
    """Return P(A > B) + P(A = B) / 2 for a random seed of either arm.

    It is the Mann-Whitney U / (n m); Agarwal et al. (2021), section 4.3.
    """
    return stratified_improvement([a], [b], resampling)


def stratified_improvement(a: TaskScores, b: TaskScores, resampling: Resampling) -> Estimate:
    """Return the probability of improvement within a task, mean over tasks, with its interval.

    Strata are arms and tasks: the seeds of each arm are resampled on their own.
    """
    pairs = same_tasks(a, b)
    wins = [_wins(first, second) for first, second in pairs]
    n, low, high = min(len(values) for pair in pairs for values in pair), np.nan, np.nan
    if n > 1:
        draws = [_drawn_wins(matrix, resampling) for matrix in wins]
        low, high = map(float, resampling.interval(np.mean(draws, axis=0)))
    return Estimate(float(np.mean([matrix.mean() for matrix in wins])), low, high, n)


def _wins(a: Array, b: Array) -> Array:
    """Return 1 where a[i] > b[j], a half where they are equal, else 0: (n,), (m,) -> (n, m)."""
    return np.asarray((np.sign(a[:, None] - b[None, :]) + 1) / 2)


def _drawn_wins(wins: Array, resampling: Resampling) -> Array:
    """Return the share of wins in each resample: (n, m) -> (R,)."""
    # How often each seed is drawn is enough, so no (R, n, m) array is ever built.
    first, second = (resampling.weights(count) for count in wins.shape)
    return np.asarray(np.einsum("rn,nm,rm->r", first, wins, second, optimize=True))
