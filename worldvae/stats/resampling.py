"""Bootstrap resamples and their percentiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Resampling:
    """How to resample: the random numbers, how many resamples R, the confidence of an interval."""

    generator: np.random.Generator
    resamples: int = 10_000
    confidence: float = CONFIDENCE

    @classmethod
    def seeded(cls, seed: int, **given: Any) -> Resampling:
        """Return a resampling that always draws the numbers of `seed`; `given` are other fields."""
        return cls(np.random.default_rng(seed), **given)

    def of(self, values: Array) -> Array:
        """Draw `values` with replacement, R times: (n,) -> (R, n)."""
        return values[self.generator.integers(len(values), size=(self.resamples, len(values)))]

    def weights(self, n: int) -> Array:
        """Draw how much each of n values weighs in each resample: (R, n), rows sum to 1."""
        drawn = self.generator.multinomial(n, np.full(n, 1 / n), size=self.resamples)
        return np.asarray(drawn / n)

    def interval(self, draws: Array) -> tuple[Array, Array]:
        """Return the bounds that enclose `confidence` of the draws: (R, ...) -> (...), (...)."""
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        return low, high
