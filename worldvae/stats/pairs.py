"""Comparison of two arms: one rule for the interval, the p-value and the power of a difference.

The rule is Welch's t-test on the scores of seeds, which are not paired: two arms share the number
of a seed and nothing random behind it. Shapes: S_m seeds of task m, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from worldvae.stats.resampling import CONFIDENCE, Array, Resampling
from worldvae.stats.seeds import Estimate
from worldvae.stats.tasks import TaskScores, same_tasks

POWER = 0.8
"""The share of all runs in which a difference of the size `Difference.detectable` is found."""


@dataclass(frozen=True)
class Difference(Estimate):
    """The mean of a less the mean of b; interval, p and power are those of one and the same test.

    `n` is the number of seeds of the arm and task that has the fewest. All but the value are NaN
    where that is one.
    """

    p: float
    """Two-sided; at most 1 - confidence exactly where the interval leaves out zero."""
    a_worse: float
    """a is at most this much worse than b, one-sided at the same confidence; never below 0."""
    b_worse: float
    """b is at most this much worse than a, one-sided at the same confidence; never below 0."""
    detectable: float
    """The smallest true difference that the test finds in a share `POWER` of all runs."""

    @property
    def told_apart(self) -> bool:
        """Whether the two arms differ by more than chance."""
        return self.p <= 1 - CONFIDENCE


@dataclass(frozen=True)
class Welch:
    """Welch's statistics of one comparison, or of many in arrays of one shape."""

    value: Array
    error: Array
    """The standard error of `value`."""
    degrees: Array
    """Degrees of freedom after Welch and Satterthwaite; infinite where the error is 0."""

    def reach(self, confidence: float) -> Array:
        """Return how far a one-sided bound at `confidence` lies from the value."""
        return np.asarray(stdtrit(self.degrees, confidence) * self.error)


def difference(a: ArrayLike, b: ArrayLike, resampling: Resampling) -> Difference:
    """Return the difference of the means over seeds, (S,) or (S, E) each, by Welch's t-test."""
    return stratified_difference([a], [b], resampling)


def stratified_difference(a: TaskScores, b: TaskScores, resampling: Resampling) -> Difference:
    """Return the mean over tasks of the difference of the means over seeds, by Welch's t-test.

    The variances of the means of all tasks and both arms add up to that of the difference, and
    their degrees of freedom combine as Welch (1947) and Satterthwaite (1946) have it. The power is
    simulated with R draws: normal seeds with the deviations that were observed.
    """
    pairs = same_tasks(a, b)
    n = min(len(values) for pair in pairs for values in pair)
    found = welch(pairs)
    value = float(found.value)
    if n < 2:
        return unknown_difference(value, n)
    two_sided = float(found.reach((1 + resampling.confidence) / 2))
    one_sided = float(found.reach(resampling.confidence))
    return Difference(
        value,
        value - two_sided,
        value + two_sided,
        n,
        p=_p(found),
        a_worse=max(0.0, one_sided - value),
        b_worse=max(0.0, one_sided + value),
        detectable=_detectable(pairs, resampling),
    )


def unknown_difference(value: float, n: int) -> Difference:
    """Return a difference of which a single seed tells the value alone."""
    unknown = np.nan
    return Difference(value, unknown, unknown, n, unknown, unknown, unknown, unknown)


def welch(pairs: Sequence[tuple[Array, Array]]) -> Welch:
    """Return Welch's statistics over tasks: M pairs of arrays (..., S_m) -> fields (...).

    Error and degrees are NaN where an arm has a single seed in a task.
    """
    values = [_mean(a) - _mean(b) for a, b in pairs]
    arms = [scores for pair in pairs for scores in pair]
    if min(scores.shape[-1] for scores in arms) < 2:
        unknown = np.full_like(values[0], np.nan)
        return Welch(np.mean(values, axis=0), unknown, unknown)
    squares = np.stack([_variance(scores) / scores.shape[-1] for scores in arms])
    free = np.array([scores.shape[-1] - 1 for scores in arms])
    total, parts = squares.sum(axis=0), np.moveaxis(squares, 0, -1) ** 2 / free
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.where(total > 0, total**2 / parts.sum(axis=-1), np.inf)
    return Welch(np.mean(values, axis=0), np.sqrt(total) / len(pairs), degrees)


def _mean(scores: Array) -> Array:
    """Return the mean of the last axis; of equal scores that score, and not a rounding beside it.

    That rounding, over a deviation that is one too, would be a difference beyond any doubt.
    """
    return np.where(_is_constant(scores), scores[..., 0], scores.mean(axis=-1))


def _variance(scores: Array) -> Array:
    """Return the variance of the last axis; 0 of equal scores."""
    return np.where(_is_constant(scores), 0.0, scores.var(axis=-1, ddof=1))


def _is_constant(scores: Array) -> NDArray[np.bool_]:
    return np.asarray(np.ptp(scores, axis=-1) == 0)


def _p(found: Welch) -> float:
    """Return the two-sided p; where no seed varies, 0 for any difference and 1 for none."""
    if not found.error:
        return float(found.value == 0)
    return float(2 * stdtr(found.degrees, -abs(found.value) / found.error))


def _detectable(pairs: Sequence[tuple[Array, Array]], resampling: Resampling) -> float:
    """Return the smallest true difference that is found, with its sign, in `POWER` of R runs."""

    def null(scores: Array) -> NDArray[np.float64]:
        size = (resampling.resamples, len(scores))
        return np.asarray(np.sqrt(_variance(scores)) * resampling.generator.standard_normal(size))

    draws = welch([(null(a), null(b)) for a, b in pairs])
    # A draw whose own value is v shows a true difference d where v + d is beyond the bound.
    needed = draws.reach((1 + resampling.confidence) / 2) - draws.value
    return float(np.quantile(needed, POWER))
