"""By how much two arms differ, and how easily so few seeds would differ by chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from worldvae.stats.seeds import CONFIDENCE, RESAMPLES, Array, Estimate
from worldvae.stats.tasks import TaskScores, mean_of_tasks, same_tasks, stratified_estimate


@dataclass(frozen=True)
class Difference(Estimate):
    """Of two arms: the mean of a - b over paired seeds, and whether it could be chance."""

    p: float
    """Two-sided, of `permutation_p`; NaN where either arm has a single seed."""

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves out zero and so few seeds would seldom do that by chance.

        The interval alone is too narrow with few seeds, see `bootstrap_interval`.
        """
        return (self.low > 0 or self.high < 0) and self.p <= 1 - CONFIDENCE


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    generator: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Difference:
    """Mean of a - b, where a[i] and b[i] share a seed: (S,), (S,) or (S, E), (S, E)."""
    return stratified_difference([a], [b], generator, confidence, resamples)


def stratified_difference(
    a: TaskScores,
    b: TaskScores,
    generator: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> Difference:
    """Mean over tasks of the mean of a - b, where the seeds of a task are paired in their order."""
    pairs = same_tasks(a, b)
    for first, second in pairs:
        if len(first) != len(second):
            raise ValueError(
                f"pairs need as many seeds on either side: {len(first)}, {len(second)}"
            )
    differences = [first - second for first, second in pairs]
    found = stratified_estimate(differences, mean_of_tasks, generator, confidence, resamples)
    p = permutation_p(a, b, generator, resamples)
    return Difference(found.value, found.low, found.high, found.n, p)


def permutation_p(
    a: TaskScores, b: TaskScores, generator: np.random.Generator, resamples: int = RESAMPLES
) -> float:
    """How often arms that are alike would differ in their means by as much as these or more.

    Deals the seeds of each task out to the two arms at random, `resamples` times; two-sided,
    (1 + hits) / (1 + resamples) of Phipson & Smyth (2010), "Permutation p-values should never be
    zero". It assumes no distribution, so it holds its level with few seeds: with 5 on either side
    of one task the least is 2 / 252 = 0.008, with 3 it is 0.1. The arms share a seed's number and
    little else, so seeds are not dealt in pairs; five pairs could never fall below 0.06. NaN where
    a task has a single seed on either side.
    """
    pairs = same_tasks(a, b)
    if min(min(len(first), len(second)) for first, second in pairs) < 2:
        return float("nan")
    found = np.mean([first.mean() - second.mean() for first, second in pairs])
    drawn = np.mean([_dealt(*pair, generator, resamples) for pair in pairs], axis=0)
    rounding = 1e-9 * max(np.abs(np.concatenate(pair)).max() for pair in pairs)
    hits = np.count_nonzero(np.abs(drawn) >= abs(found) - rounding)
    return float((1 + hits) / (1 + resamples))


def _dealt(first: Array, second: Array, generator: np.random.Generator, resamples: int) -> Array:
    """Differences of the means of arms that the same seeds were dealt to at random: (R,)."""
    seeds = np.tile(np.concatenate([first, second]), (resamples, 1))
    dealt = generator.permuted(seeds, axis=1)
    n = len(first)
    return np.asarray(dealt[:, :n].mean(axis=1) - dealt[:, n:].mean(axis=1))
