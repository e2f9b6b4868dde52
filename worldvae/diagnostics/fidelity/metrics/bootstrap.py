"""Ratios of sums over windows, with intervals from a bootstrap over episodes.

Windows of one episode are alike, so that the episode is the unit that is resampled.
Shapes: W windows, E episodes, H columns such as horizons, R resamples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.json_files import Content
from worldvae.stats import Array, Resampling

RESAMPLES = 2_000
LEAST_DIVISOR = 1e-12
"""Lower bound of what others are divided by."""

LEAST_VARIANCE_SHARE = 1e-9
"""A resample with a smaller share of the variance does not vary: the rest is rounding."""


class HorizonCurve(Content):
    """A value at each horizon, with its 95 % interval over episodes."""

    value: tuple[float, ...]
    low: tuple[float, ...] | None = Field(description="None where there is a single episode.")
    high: tuple[float, ...] | None = None

    @property
    def below_zero(self) -> tuple[bool, ...]:
        """Whether the value, or its whole interval where there is one, is below 0."""
        return tuple(bound < 0 for bound in self.high or self.value)

    @property
    def above_zero(self) -> tuple[bool, ...]:
        """Whether the value, or its whole interval where there is one, is above 0."""
        return tuple(bound > 0 for bound in self.low or self.value)


class Interval(Content):
    """A value with its 95 % interval over episodes; None where there is a single episode."""

    value: float
    low: float | None
    high: float | None

    @property
    def least(self) -> float:
        """The lower end of the interval, or the value where there is none."""
        return self.value if self.low is None else self.low

    @property
    def most(self) -> float:
        """The upper end of the interval, or the value where there is none."""
        return self.value if self.high is None else self.high


def over_variance(above: Array, variance: Array) -> Array:
    """Return above / variance, each (1 + R,); nan where a resample does not vary."""
    varies = variance > LEAST_VARIANCE_SHARE * variance[0]
    return np.where(varies, above / np.where(varies, variance, 1), np.nan)


@dataclass(frozen=True)
class EpisodeBootstrap:
    """Weights of episodes: the first row weighs all alike, the others are resamples."""

    owners: NDArray[np.int64]
    """The episode of each window, 0 ... E - 1: (W,)."""
    weights: Array
    """(1 + R, E)."""

    @classmethod
    def of(cls, episodes: NDArray[np.int64], seed: int) -> EpisodeBootstrap:
        """Resample the episodes to which windows (W,) belong."""
        names, owners = np.unique(episodes, return_inverse=True)
        drawn = Resampling.seeded(seed, resamples=RESAMPLES).weights(len(names))
        return cls(owners.ravel(), np.vstack([np.full(len(names), 1 / len(names)), drawn]))

    @property
    def episodes(self) -> int:
        """E."""
        return int(self.weights.shape[1])

    def draws(self, numerator: NDArray[Any], denominator: NDArray[Any]) -> Array:
        """Return sum of numerators / sum of denominators: (W, H), (W, H) -> (1 + R, H).

        The first row is the value, the others are those of the resamples. A resample in which all
        denominators are 0 has the value.
        """
        above, below = (self.weights @ self._sums(part) for part in (numerator, denominator))
        value = above[:1] / np.maximum(below[:1], LEAST_DIVISOR)
        return np.where(below > 0, above / np.maximum(below, LEAST_DIVISOR), value)

    def mean(self, values: NDArray[Any], mask: NDArray[np.bool_]) -> Array:
        """Return means of the values where `mask` is true: (W, H), (W, H) -> (1 + R, H)."""
        return self.draws(np.where(mask, values, 0.0), mask)

    def ratio(self, above: Array, below: Array | NDArray[np.bool_]) -> Array:
        """Return sum / sum over all decisions: (W, T), (W, T) -> (1 + R,)."""
        return self.draws(above.sum(1, keepdims=True), below.sum(1, keepdims=True))[:, 0]

    def covariance(self, x: Array, y: Array, mask: NDArray[np.bool_]) -> Array:
        """Return the covariance of numbers (W, T) where `mask` is true: (1 + R,).

        It is about the means of each resample. About those of all episodes, one in which nothing
        happens would seem to vary.
        """
        both, first, second = (self.ratio(part * mask, mask) for part in (x * y, x, y))
        return both - first * second

    def curve(self, draws: Array) -> HorizonCurve:
        """Return the value and interval of each column: (1 + R, H)."""
        value = tuple(draws[0].tolist())
        if self.episodes < 2:
            return HorizonCurve(value=value, low=None, high=None)
        low, high = Resampling.seeded(0).interval(draws[1:])
        return HorizonCurve(value=value, low=tuple(low.tolist()), high=tuple(high.tolist()))

    def interval(self, draws: Array) -> Interval:
        """Return the value and interval of a single column (1 + R,); nan tells nothing."""
        curve = self.curve(draws[~np.isnan(draws)].reshape(-1, 1))
        low, high = (part[0] if part else None for part in (curve.low, curve.high))
        return Interval(value=curve.value[0], low=low, high=high)

    def _sums(self, values: NDArray[Any]) -> Array:
        """Sum over the windows of each episode: (W, H) -> (E, H)."""
        sums = np.zeros((self.episodes, values.shape[1]))
        np.add.at(sums, self.owners, values)
        return sums
