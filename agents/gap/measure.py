"""How well the dream's scores of policies agree with reality's: arrays in, numbers out.

The names are those of Fu et al. (2021), "Benchmarks for Deep Off-Policy Evaluation": absolute
error, rank correlation, regret@1. Shapes: P policies, E episodes of each, R bootstrap resamples.

One rule gives every interval: the percentile bootstrap of `worldvae.stats`, over the policies and
over the real episodes of each and the real frames that dreams begin from, which all policies share.
Where a number is of certain policies, only their episodes are resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import kruskal, norm
from scipy.stats import t as student

from worldvae.stats import Array, Resampling, spearman

RESAMPLES = 2_000

SPLITS = 200
"""How many random halves of the episodes are compared with each other."""

Starts = NDArray[np.int64]
"""The number of the real frame that each dream began from, of the shape of the dreams."""


@dataclass(frozen=True)
class WorldScores:
    """What each of P policies scored in both worlds, in E real episodes and E' dreams."""

    what: str
    """What is scored, such as "returns"; the resamples are drawn by this name."""
    real: Array
    """(P, E)."""
    dream: Array
    """(P, E')."""
    starts: Starts
    """Where the dreams began, (P, E')."""

    @classmethod
    def of(
        cls,
        what: str,
        real: Sequence[Sequence[float]],
        dream: Sequence[Sequence[float]],
        starts: Sequence[Sequence[int]],
    ) -> WorldScores:
        """Return the scores that lists of numbers hold, one list a policy."""
        played, dreamed = np.array(real, np.float64), np.array(dream, np.float64)
        return cls(what, played, dreamed, np.array(starts, np.int64))

    @property
    def means(self) -> tuple[Array, Array]:
        """The mean score of each policy in reality and in the dream: (P,), (P,)."""
        return self.real.mean(1), self.dream.mean(1)

    def resampled(self, resampling: Resampling) -> tuple[Array, Array]:
        """Return R means of each policy in reality and in the dream: (R, P), (R, P)."""
        real = resampled_means(self.real, resampling)
        return real, resampled_dreams(self.dream, self.starts, resampling)


Statistic = Callable[[Array, Array], Array]
"""Reduces the last axis of reality's and the dream's scores: (..., P), (..., P) -> (...)."""


def absolute_error(real: Array, dream: Array) -> Array:
    """Return the mean of |dream - real|: (..., P), (..., P) -> (...)."""
    return np.asarray(np.abs(dream - real).mean(-1))


def bias(real: Array, dream: Array) -> Array:
    """Return the mean of dream - real, above 0 if the dream flatters: (..., P) twice -> (...)."""
    return np.asarray((dream - real).mean(-1))


def regret(real: Array, dream: Array) -> Array:
    """Return regret@1, what the dream's best policy lacks to reality's: (..., P) twice -> (...).

    Where several are the dream's best, it is the mean over them.
    """
    best = dream == dream.max(-1, keepdims=True)
    chosen = (real * best).sum(-1) / best.sum(-1)
    return np.asarray(real.max(-1) - chosen)


def relative_regret(real: Array, dream: Array) -> Array:
    """Return regret@1 as a share of the range of reality's scores; 0 where they are all equal."""
    lost = regret(real, dream)
    span = real.max(-1) - real.min(-1)
    return _ratio(lost, span)


STATISTICS: dict[str, Statistic] = {
    "absolute_error": absolute_error,
    "bias": bias,
    "spearman": spearman,
    "regret": regret,
    "relative_regret": relative_regret,
}


def resampled_means(scores: Array, resampling: Resampling) -> Array:
    """Return R means of each policy, over resampled episodes: (P, E) -> (R, P)."""
    return np.stack([resampling.of(episodes).mean(-1) for episodes in scores], -1)


def resampled_dreams(scores: Array, starts: Starts, resampling: Resampling) -> Array:
    """Return R means of each policy's dreams, over resampled starts: (P, E), (P, E) -> (R, P).

    Dreams begin from the same few real frames whatever the policy, so that these are drawn once for
    all policies (Owen, 2007). They are weighted as in Rubin's Bayesian bootstrap, which leaves no
    policy without a dream; the deviations are stretched to those of Student's t, since of S frames
    it otherwise shows too little. From one frame nothing is known of others: dreams are resampled.
    """
    frames, place = np.unique(starts, return_inverse=True)
    count = len(frames)
    if count < 2:
        return resampled_means(scores, resampling)
    rows = list(zip(place.reshape(scores.shape), scores, strict=True))
    sums = np.stack([np.bincount(begun, own, count) for begun, own in rows], 1)
    dreams = np.stack([np.bincount(begun, minlength=count) for begun, _ in rows], 1)
    weights = resampling.generator.dirichlet(np.ones(count), resampling.resamples)
    drawn, middle = weights @ sums / (weights @ dreams), scores.mean(1)
    tail = (1 + resampling.confidence) / 2
    stretch = student.ppf(tail, count - 1) / norm.ppf(tail) * np.sqrt((count + 1) / (count - 1))
    return np.asarray(middle + stretch * (drawn - middle))


def intervals(scores: WorldScores, resampling: Resampling) -> dict[str, tuple[float, float]]:
    """Return the interval of each of `STATISTICS`.

    That of `bias` covers in 93 to 97 % at 2 to 40 starts (simulated, 30 policies, 40 episodes,
    starts that differ as much as episodes of one).
    """
    count = len(scores.real)
    chosen = resampling.generator.integers(count, size=(resampling.resamples, count))
    means = scores.resampled(resampling)
    drawn = [np.take_along_axis(one, chosen, 1) for one in means]
    draws = {name: statistic(*drawn) for name, statistic in STATISTICS.items()}
    draws["absolute_error"] = _drawn_errors(scores, means[1], chosen)
    bounds = {name: resampling.interval(one) for name, one in draws.items()}
    return {name: (float(low), float(high)) for name, (low, high) in bounds.items()}


def _drawn_errors(scores: WorldScores, dreams: Array, chosen: NDArray[np.int64]) -> Array:
    """Return draws of `absolute_error`: (R, P) chosen policies, dreams of drawn starts -> (R,).

    Episodes are not resampled: their noise is in each policy's error, and varies between policies.
    To take |.| of noisier means would add it a second time, so what the starts change is added with
    the sign of each policy's difference. This covers the error to be expected of so many episodes
    and starts, which is about `error_of_noise` for a true dream, in 97 to 100 % at 2 to 40 starts
    (simulated as in `intervals`; it is too wide, since the starts hold noise of episodes, too).
    """
    real, dream = scores.means
    difference = dream - real
    moved = np.abs(difference) + np.sign(difference) * (dreams - dream)
    return np.asarray(np.maximum(np.take_along_axis(moved, chosen, 1).mean(1), 0))


def choice_interval(scores: WorldScores, resampling: Resampling) -> tuple[float, float]:
    """Return the interval of `relative_regret` over episodes and starts alone.

    It is that of a choice between these very policies. A resample of policies lacks the one that
    the dream likes best in a third of the cases, and with it what that choice costs.
    """
    low, high = resampling.interval(relative_regret(*scores.resampled(resampling)))
    return float(low), float(high)


def dream_interval(scores: WorldScores, resampling: Resampling) -> tuple[float, float]:
    """Return the interval of the mean of one policy's dreams over their starts."""
    means = resampled_dreams(scores.dream, scores.starts, resampling)[:, 0]
    low, high = resampling.interval(means)
    return float(low), float(high)


def difference_interval(scores: WorldScores, resampling: Resampling) -> tuple[float, float]:
    """Return the interval of mean(dream) - mean(real) of one policy.

    It is of this policy alone, so that only its episodes and starts are resampled.
    """
    dreams = resampled_dreams(scores.dream, scores.starts, resampling)
    real = resampled_means(scores.real, resampling)
    low, high = resampling.interval((dreams - real)[:, 0])
    return float(low), float(high)


def indifference(scores: ArrayLike) -> float:
    """Return the p-value of Kruskal and Wallis for "all policies have the same scores": (P, E).

    It is 1 where all scores are equal, or there is only one policy.
    """
    values = np.asarray(scores, np.float64)
    if len(values) < 2 or (values == values.flat[0]).all():
        return 1.0
    return float(kruskal(*values).pvalue)


def error_of_mean(real: Array) -> float:
    """Return the absolute error of a dream that promises all policies reality's mean: (P,)."""
    return float(absolute_error(real, np.full_like(real, real.mean())))


def error_of_noise(scores: WorldScores) -> float:
    """Return the absolute error that a true dream would show.

    Means of few episodes, and of few starts, differ though what they estimate does not:
    E|x| = s sqrt(2 / pi) of a Gaussian x with deviation s.
    """
    of_reality = scores.real.var(1, ddof=1) / scores.real.shape[1]
    variances = of_reality + _variance_of_starts(scores.dream, scores.starts)
    return float(np.sqrt(2 / np.pi * variances).mean())


def _variance_of_starts(dream: Array, starts: Starts) -> Array:
    """Return the variance of each policy's mean dream, whose starts are clusters: (P, E) -> (P,).

    The sandwich for clusters. A policy whose dreams share a start has that of its dreams.
    """
    found = []
    for scores, own in zip(dream, starts, strict=True):
        frames, place = np.unique(own, return_inverse=True)
        sums = np.bincount(place, scores - scores.mean())
        count = len(frames)
        alone = scores.var(ddof=1) / len(scores)
        shared = (sums**2).sum() / len(scores) ** 2 * count / max(count - 1, 1)
        found.append(shared if count > 1 else alone)
    return np.array(found)


def ceiling(scores: Array, generator: np.random.Generator) -> float:
    """Return the mean rank correlation between two halves of the episodes: (P, E).

    Scores of half as many episodes cannot be expected to rank policies better than this, whatever
    the dream.
    """
    half = scores.shape[1] // 2
    if not half:
        return 0.0
    found = []
    for _ in range(SPLITS):
        shuffled = generator.permuted(scores, axis=1)
        found.append(spearman(shuffled[:, :half].mean(1), shuffled[:, half : 2 * half].mean(1)))
    return float(np.mean(found))


def _ratio(part: Array, whole: Array) -> Array:
    """Return part / whole, and 0 where the whole is 0."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.asarray(np.divide(part, whole, out=np.zeros_like(part), where=whole > 0))
