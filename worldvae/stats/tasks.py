"""Statistics over several tasks, after Agarwal et al. (2021), sections 4.1 to 4.3.

The tasks are strata: they are fixed, and only the seeds within each are resampled. Scores must be
on one scale (`normalise`) before they are put together. Shapes: S_m seeds of task m, E episodes of
a seed, P thresholds, R bootstrap resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from worldvae.stats.resampling import Array, Resampling
from worldvae.stats.seeds import Estimate, finite, interquartile_mean, seed_scores

TaskScores = Mapping[str, ArrayLike] | Sequence[ArrayLike]
"""For each task the scores of its seeds, (S_m,) or (S_m, E); numbers of seeds may differ."""

TaskStatistic = Callable[[Sequence[Array]], Array]
"""Reduces tasks and seeds: arrays (..., S_m) -> (...)."""


@dataclass(frozen=True)
class Profile:
    """The share of runs above each threshold and its pointwise interval, all (P,)."""

    thresholds: Array
    share: Array
    low: Array
    high: Array


def normalise(scores: ArrayLike, random: float, reference: float) -> Array:
    """Return (score - random) / (reference - random): random play is 0, the reference 1."""
    if random == reference:
        raise ValueError(f"random and reference are both {random}; nothing lies between them")
    return np.asarray((finite(scores) - random) / (reference - random))


def mean_of_tasks(tasks: Sequence[Array]) -> Array:
    """Return the mean over tasks of the mean over seeds: each task counts alike."""
    return np.asarray(_task_means(tasks).mean(axis=-1))


def median_of_tasks(tasks: Sequence[Array]) -> Array:
    """Return the median over tasks of the mean over seeds, as published Atari scores are.

    Of a single task it is its mean.
    """
    return np.asarray(np.median(_task_means(tasks), axis=-1))


def interquartile_mean_of_tasks(tasks: Sequence[Array]) -> Array:
    """Return the mean of the middle half of all runs of all tasks: each run counts alike."""
    return interquartile_mean(np.concatenate(tasks, axis=-1))


def optimality_gap(tasks: Sequence[Array], gamma: float = 1.0) -> Array:
    """Return how far below `gamma` runs are on average; less is better.

    gamma - mean over tasks of mean over seeds of min(score, gamma).
    """
    return np.asarray(gamma - mean_of_tasks([np.minimum(scores, gamma) for scores in tasks]))


def stratified_interval(
    scores: TaskScores, statistic: TaskStatistic, resampling: Resampling
) -> tuple[float, float]:
    """Return the percentile interval of `statistic`, seeds resampled within each task.

    (nan, nan) where a task has a single seed. With few seeds it is too narrow, as the interval of
    one task is (`bootstrap_interval`).
    """
    tasks = by_task(scores)
    if fewest(tasks) < 2:
        return np.nan, np.nan
    low, high = resampling.interval(statistic([resampling.of(values) for values in tasks]))
    return float(low), float(high)


def stratified_estimate(
    scores: TaskScores, statistic: TaskStatistic, resampling: Resampling
) -> Estimate:
    """Return `statistic` of all tasks with its interval; n is the fewest seeds of a task."""
    tasks = by_task(scores)
    low, high = stratified_interval(tasks, statistic, resampling)
    return Estimate(float(statistic(tasks)), low, high, fewest(tasks))


def performance_profile(
    scores: TaskScores, thresholds: ArrayLike, resampling: Resampling
) -> Profile:
    """Return the share of runs that score above each threshold (P,), averaged over tasks.

    Run-score distributions of Agarwal et al. (2021), section 4.2. The bounds are NaN where a task
    has a single seed.
    """
    tasks, taus = by_task(scores), finite(thresholds)
    above = [(values[:, None] > taus).astype(np.float64) for values in tasks]
    share = np.mean([rows.mean(axis=0) for rows in above], axis=0)
    if fewest(tasks) < 2:
        unknown = np.full_like(share, np.nan)
        return Profile(taus, share, unknown, unknown)
    draws = [resampling.weights(len(rows)) @ rows for rows in above]
    low, high = resampling.interval(np.mean(draws, axis=0))
    return Profile(taus, share, low, high)


def _task_means(tasks: Sequence[Array]) -> Array:
    """Return the mean of each task: (..., S_m) of M tasks -> (..., M)."""
    return np.stack([scores.mean(axis=-1) for scores in tasks], axis=-1)


def by_task(scores: TaskScores) -> list[Array]:
    """Return one score for each seed of each task: M arrays (S_m,)."""
    rows = list(scores.values()) if isinstance(scores, Mapping) else list(scores)
    if not rows or any(np.ndim(row) == 0 for row in rows):
        raise ValueError("expected the scores of each task: one array of seeds for every task")
    return [seed_scores(row) for row in rows]


def same_tasks(a: TaskScores, b: TaskScores) -> list[tuple[Array, Array]]:
    """Return the scores of both sides in each task, matched by name where both have names."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        if a.keys() != b.keys():
            raise ValueError(f"either side needs the same tasks: {sorted(a)}, {sorted(b)}")
        b = {name: b[name] for name in a}
    first, second = by_task(a), by_task(b)
    if len(first) != len(second):
        raise ValueError(f"either side needs the same tasks: {len(first)}, {len(second)}")
    return list(zip(first, second, strict=True))


def fewest(tasks: Sequence[Array]) -> int:
    return min(len(values) for values in tasks)
