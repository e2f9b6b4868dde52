"""Comparison of two arms: by how much they differ, which wins more often, whether by chance.

Shapes: S_m seeds of task m, E episodes of a seed, R resamples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from worldvae.stats.resampling import CONFIDENCE, Array, Resampling
from worldvae.stats.seeds import Estimate
from worldvae.stats.tasks import TaskScores, mean_of_tasks, same_tasks, stratified_estimate


@dataclass(frozen=True)
class Difference(Estimate):
    """The mean of a - b over paired seeds of two arms, and whether it could be chance."""

    p: float
    """Two-sided, of `permutation_p`; NaN where either arm has a single seed."""

    @property
    def told_apart(self) -> bool:
        """Whether the two arms differ by more than chance.

        The interval has to leave out zero, and the permutation test has to be significant: with few
        seeds the interval alone is too narrow, see `bootstrap_interval`.
        """
        return (self.low > 0 or self.high < 0) and self.p <= 1 - CONFIDENCE


def paired_difference(a: ArrayLike, b: ArrayLike, resampling: Resampling) -> Difference:
    """Return the mean of a - b, where a[i] and b[i] share a seed: (S,) or (S, E), each."""
    return stratified_difference([a], [b], resampling)


def stratified_difference(a: TaskScores, b: TaskScores, resampling: Resampling) -> Difference:
    """Return the mean over tasks of the mean of a - b.

    The seeds of a task are paired in their order.
    """
    pairs = same_tasks(a, b)
    for first, second in pairs:
        if len(first) != len(second):
            raise ValueError(
                f"pairs need as many seeds on either side: {len(first)}, {len(second)}"
            )
    differences = [first - second for first, second in pairs]
    found = stratified_estimate(differences, mean_of_tasks, resampling)
    p = permutation_p(a, b, resampling)
    return Difference(found.value, found.low, found.high, found.n, p)


def permutation_p(a: TaskScores, b: TaskScores, resampling: Resampling) -> float:
    """Return how often arms that are alike would differ in their means by at least as much.

    The test is two-sided. It deals the seeds of each task out to the two arms: in all ways where
    these are at most R, else R times at random, with (1 + hits) / (1 + R) of Phipson & Smyth
    (2010), "Permutation p-values should never be zero". It assumes no distribution, so it holds its
    level with few seeds: with 5 on either side of one task the least p is 2 / 252 = 0.008, with 3
    it is 0.1. The arms share a seed's number and little else, so seeds are not dealt in pairs; five
    pairs could never fall below 0.06. NaN where a task has a single seed on either side.
    """
    pairs = same_tasks(a, b)
    if _fewest(pairs) < 2:
        return float("nan")
    found = np.mean([first.mean() - second.mean() for first, second in pairs])
    ways = math.prod(math.comb(len(a) + len(b), len(a)) for a, b in pairs)
    if is_exact := ways <= resampling.resamples:
        dealt = reduce(np.add.outer, [_every_deal(*pair) for pair in pairs]).ravel() / len(pairs)
    else:
        dealt = np.mean([_dealt(*pair, resampling) for pair in pairs], axis=0)
    rounding = 1e-9 * max(np.abs(np.concatenate(pair)).max() for pair in pairs)
    hits = np.count_nonzero(np.abs(dealt) >= abs(found) - rounding)
    return float(hits / ways if is_exact else (1 + hits) / (1 + len(dealt)))


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
    n, low, high = _fewest(pairs), np.nan, np.nan
    if n > 1:
        draws = [_drawn_wins(matrix, resampling) for matrix in wins]
        low, high = map(float, resampling.interval(np.mean(draws, axis=0)))
    return Estimate(float(np.mean([matrix.mean() for matrix in wins])), low, high, n)


def _every_deal(first: Array, second: Array) -> Array:
    """Return the differences of the means for all ways to deal the seeds to two arms: (ways,)."""
    seeds, n = np.concatenate([first, second]), len(first)
    own = seeds[list(combinations(range(len(seeds)), n))].sum(axis=1)
    return np.asarray(own / n - (seeds.sum() - own) / len(second))


def _dealt(first: Array, second: Array, resampling: Resampling) -> Array:
    """Return the differences of the means for R random deals of the seeds to two arms: (R,)."""
    seeds = np.tile(np.concatenate([first, second]), (resampling.resamples, 1))
    dealt = resampling.generator.permuted(seeds, axis=1)
    n = len(first)
    return np.asarray(dealt[:, :n].mean(axis=1) - dealt[:, n:].mean(axis=1))


def _wins(a: Array, b: Array) -> Array:
    """Return 1 where a[i] > b[j], a half where they are equal, else 0: (n,), (m,) -> (n, m)."""
    return np.asarray((np.sign(a[:, None] - b[None, :]) + 1) / 2)


def _drawn_wins(wins: Array, resampling: Resampling) -> Array:
    """Return the share of wins in each resample: (n, m) -> (R,)."""
    # How often each seed is drawn is enough, so no (R, n, m) array is ever built.
    first, second = (resampling.weights(count) for count in wins.shape)
    return np.asarray(np.einsum("rn,nm,rm->r", first, wins, second, optimize=True))


def _fewest(pairs: list[tuple[Array, Array]]) -> int:
    """Return the number of seeds of the arm and task that has the fewest."""
    return min(len(values) for pair in pairs for values in pair)
