"""Comparison of two arms by their success rates, with an exact test over seeds.

Success rates of trainings are no bell: most solve a task or fail it. So p-value and power come from
dealing the seeds out to the two arms in all ways, which assumes no distribution.
Shapes: S and S' seeds of the two arms, D deals.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from worldvae.stats.pairs import POWER, Difference, unknown_difference
from worldvae.stats.resampling import CONFIDENCE, Array, Resampling
from worldvae.stats.seeds import seed_scores

RATE_TOLERANCE = 1e-9
"""Sums of success rates as close as this are the same."""


def success_difference(a: ArrayLike, b: ArrayLike, resampling: Resampling) -> Difference:
    """Return the difference of the mean success rates of seeds, (S,) and (S',), each in 0 to 1.

    p is that of `Deals`. There is no interval and no one-sided bound: near 0 or 1 no shift of an
    arm's rates would be one that a training could show. The detectable difference is that between
    an arm whose every training solves the task and one whose trainings solve or fail it; NaN where
    even that of 1 would not be found.
    """
    first, second = seed_scores(a), seed_scores(b)
    n, value = min(len(first), len(second)), float(first.mean() - second.mean())
    found = unknown_difference(value, n)
    if n < 2:
        return found
    p = Deals.of(first, second, resampling).p
    return replace(found, p=p, detectable=detectable_failures(len(first), len(second), resampling))


@dataclass(frozen=True)
class Deals:
    """The ways to deal the seeds of two arms out to them anew, and what each would show.

    They are all ways where these are at most R, else the observed one and R - 1 at random, as
    Phipson & Smyth (2010) have it, "Permutation p-values should never be zero".
    """

    first: Array
    second: Array
    own: NDArray[np.bool_]
    """Whether a deal gives a seed to the first arm, (D, S + S'); row 0 is the observed deal."""

    @classmethod
    def of(cls, first: Array, second: Array, resampling: Resampling) -> Deals:
        """Deal the seeds of two arms, (S,) and (S',)."""
        n, both = len(first), len(first) + len(second)
        if math.comb(both, n) > resampling.resamples:
            observed = np.tile(np.arange(both) < n, (resampling.resamples, 1))
            observed[1:] = resampling.generator.permuted(observed[1:], axis=1)
            return cls(first, second, observed)
        chosen = np.array(list(combinations(range(both), n)))
        own = np.zeros((len(chosen), both), dtype=bool)
        np.put_along_axis(own, chosen, True, axis=1)
        return cls(first, second, own)

    @cached_property
    def p(self) -> float:
        """Two-sided: twice the share of deals that show as much on the smaller side, at most 1."""
        # The difference of the means grows with the sum of the first arm alone.
        shown = self.own @ np.concatenate([self.first, self.second])
        above = np.mean(shown >= shown[0] - RATE_TOLERANCE)
        below = np.mean(shown <= shown[0] + RATE_TOLERANCE)
        return float(min(1.0, 2 * min(above, below)))


def detectable_failures(n: int, m: int, resampling: Resampling) -> float:
    """Return the smallest gap to an arm of n seeds that all succeed which is found in `POWER` runs.

    The other arm's m trainings succeed or fail as a whole. NaN where not even m failures are told
    apart from n successes.
    """
    most = -1
    for solved in range(m):
        rates = np.ones(n), np.repeat([1.0, 0.0], [solved, m - solved])
        if Deals.of(*rates, resampling).p > 1 - CONFIDENCE:
            break
        most = solved
    # P(at most `most` of m succeed) = POWER, the binomial law by the incomplete beta function.
    return 1 - float(betaincinv(most + 1, m - most, 1 - POWER)) if most >= 0 else math.nan
