"""Comparison of two arms by their success rates, with an exact test over seeds.

Success rates of trainings are no bell: most solve a task or fail it. So the p-value, the interval
and the power come from dealing the seeds out to the two arms in all ways, which assumes no
distribution. Shapes: S and S' seeds of the two arms, D deals.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from worldvae.stats.pairs import POWER, Difference, unknown_difference
from worldvae.stats.resampling import CONFIDENCE, Array, Resampling
from worldvae.stats.seeds import seed_scores

ROUNDING = 1e-9
"""Differences of success rates as close as this are the same."""


def success_difference(a: ArrayLike, b: ArrayLike, resampling: Resampling) -> Difference:
    """Return the difference of the mean success rates of seeds, (S,) and (S',), each in 0 to 1.

    p is that of `Deals`, twice the smaller of its two sides; the interval holds every shift of all
    success rates of a that this test does not reject, within -1 to 1. The detectable difference is
    that between an arm whose every training solves the task and one whose trainings solve or fail
    it; NaN where even that of 1 would not be found.
    """
    first, second = seed_scores(a), seed_scores(b)
    n, value = min(len(first), len(second)), float(first.mean() - second.mean())
    if n < 2:
        return unknown_difference(value, n)
    deals, tail = Deals.of(first, second, resampling), 1 - resampling.confidence
    return Difference(
        value,
        deals.lower(tail / 2),
        deals.upper(tail / 2),
        n,
        p=deals.p,
        a_worse=max(0.0, -deals.lower(tail)),
        b_worse=max(0.0, deals.upper(tail)),
        detectable=detectable_failures(len(first), len(second), resampling),
    )


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
        """Two-sided: twice the smaller of both sides, at most 1."""
        return min(1.0, 2 * min(self.above(0.0), self.below(0.0)))

    def above(self, shift: float) -> float:
        """Return the share of deals with at least the observed difference, a moved by -shift."""
        shown = self._shown - shift * self._moved
        return float(np.mean(shown >= shown[0] - ROUNDING))

    def below(self, shift: float) -> float:
        """Return the share of deals with at most the observed difference, a moved by -shift."""
        shown = self._shown - shift * self._moved
        return float(np.mean(shown <= shown[0] + ROUNDING))

    def lower(self, tail: float) -> float:
        """Return the smallest shift in -1 to 1 that is not rejected from above at level `tail`."""
        return _edge(lambda shift: self.above(shift) > tail)

    def upper(self, tail: float) -> float:
        """Return the largest shift in -1 to 1 that is not rejected from below at level `tail`."""
        return -_edge(lambda shift: self.below(-shift) > tail)

    @cached_property
    def _shown(self) -> Array:
        """The difference of the means in each deal, (D,)."""
        return self._means(np.concatenate([self.first, self.second]))

    @cached_property
    def _moved(self) -> Array:
        """How much each deal's difference changes where all seeds of a change by 1, (D,)."""
        n, m = len(self.first), len(self.second)
        return self._means(np.repeat([1.0, 0.0], [n, m]))

    def _means(self, seeds: Array) -> Array:
        n, m = len(self.first), len(self.second)
        own = self.own @ seeds
        return np.asarray(own / n - (seeds.sum() - own) / m)


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


def _edge(is_kept: Callable[[float], bool]) -> float:
    """Return where `is_kept`, false below some number in -1 to 1 and true above, becomes true."""
    low, high = -1.0, 1.0
    if is_kept(low):
        return low
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if is_kept(middle) else (middle, high)
    return high
