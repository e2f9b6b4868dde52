"""Statistics over the seeds of one task, after Agarwal et al. (2021), "Deep Reinforcement Learning
at the Edge of the Statistical Precipice".

The seed is the unit of replication: episodes of one agent tell how that agent varies, not how
training does. Shapes: S seeds, E evaluation episodes of a seed, R bootstrap resamples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""Reduces the last axis: (..., n) -> (...)."""

CONFIDENCE = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True)
class Estimate:
    """A value, its confidence interval, and the number of seeds (or pairs of seeds) behind it."""

    value: float
    low: float
    high: float
    n: int


def interquartile_mean(scores: ArrayLike) -> Array:
    """Mean of the middle half of the scores: (..., n) -> (...).

    Drops floor(n / 4) scores at either end, as `scipy.stats.trim_mean(scores, 0.25)` does, which
    is rliable's definition too: with fewer than 4 scores this is the mean.
    """
    ordered = np.sort(finite(scores), axis=-1)
    n = ordered.shape[-1]
    cut = n // 4
    return np.asarray(ordered[..., cut : n - cut].mean(axis=-1))


def mean(scores: ArrayLike) -> Array:
    """Arithmetic mean: (..., n) -> (...)."""
    return np.asarray(finite(scores).mean(axis=-1))


def seed_scores(scores: ArrayLike) -> Array:
    """One score a seed, the mean over its episodes: (S,) or (S, E) -> (S,)."""
    values = finite(scores)
    return values if values.ndim == 1 else values.mean(axis=1)


def bootstrap_interval(
    scores: ArrayLike,
    statistic: Statistic,
    generator: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """Percentile bootstrap interval of `statistic` over seeds, scores (S,) or (S, E).

    Resamples seeds with replacement, each with all of its episodes. One seed shows nothing about
    the variation between seeds, so the interval is (nan, nan) then. With few seeds percentile
    intervals are too narrow: at 95 % that of a mean of Gaussian scores covers the truth in
    50 % of the cases with 2 seeds, 75 % with 3, about 84 % with 5 and 92 % with 10.
    """
    values = seed_scores(scores)
    if len(values) < 2:
        return np.nan, np.nan
    chosen = generator.integers(len(values), size=(resamples, len(values)))
    low, high = percentiles(statistic(values[chosen]), confidence)
    return float(low), float(high)


def episode_interval(
    returns: ArrayLike,
    statistic: Statistic,
    generator: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> tuple[float, float]:
    """The same over the episodes of ONE agent, returns (E,).

    It bounds the score of this agent; another training seed may well fall outside.
    """
    values = finite(returns)
    if values.ndim != 1:
        raise ValueError(f"expected the episodes of one agent, shape (E,), got {values.shape}")
    return bootstrap_interval(values, statistic, generator, confidence, resamples)


def estimate(
    scores: ArrayLike,
    statistic: Statistic,
    generator: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Estimate:
    """`statistic` of the scores of seeds, (S,) or (S, E), with its interval over seeds."""
    values = seed_scores(scores)
    low, high = bootstrap_interval(values, statistic, generator, confidence, resamples)
    return Estimate(float(statistic(values)), low, high, len(values))


def probability_of_improvement(
    a: ArrayLike,
    b: ArrayLike,
    generator: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Estimate:
    """P(A > B) + P(A = B) / 2 for a random seed of either arm; the Mann-Whitney U / (n m).

    Agarwal et al. (2021), section 4.3. The arms are the strata: each is resampled on its own.
    """
    wins = win_matrix(seed_scores(a), seed_scores(b))
    n, m = wins.shape
    low, high = np.nan, np.nan
    if min(n, m) > 1:
        low, high = map(float, percentiles(drawn_wins(wins, generator, resamples), confidence))
    return Estimate(float(wins.mean()), low, high, min(n, m))


def win_matrix(a: Array, b: Array) -> Array:
    """1 where a[i] > b[j], a half where they are equal, else 0: (n,), (m,) -> (n, m)."""
    return np.asarray((np.sign(a[:, None] - b[None, :]) + 1) / 2)


def drawn_wins(wins: Array, generator: np.random.Generator, resamples: int) -> Array:
    """The share of wins in each resample: (n, m) -> (R,)."""
    n, m = wins.shape
    # How often each seed is drawn is enough, so no (R, n, m) array is ever built.
    first, second = (drawn_weights(count, generator, resamples) for count in (n, m))
    return np.asarray(np.einsum("rn,nm,rm->r", first, wins, second, optimize=True))


def drawn_weights(n: int, generator: np.random.Generator, resamples: int) -> Array:
    """How much each of n seeds weighs in each resample: (R, n), rows sum to 1."""
    return np.asarray(generator.multinomial(n, np.full(n, 1 / n), size=resamples) / n)


def percentiles(draws: Array, confidence: float) -> tuple[Array, Array]:
    """The bounds that enclose `confidence` of the draws: (R, ...) -> (...), (...)."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
    return low, high


def finite(scores: ArrayLike) -> Array:
    """Scores as float64; ValueError if there is none, or one is not a finite number."""
    values = np.asarray(scores, dtype=np.float64)
    if values.size == 0:
        raise ValueError("no scores: a statistic needs at least one")
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite numbers")
    return values
