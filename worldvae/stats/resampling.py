"""How numbers that rest on chance are drawn: bootstrap resamples and their percentiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Resampling:
    """Whose random numbers, how many resamples R, and how much of them an interval encloses."""

    generator: np.random.Generator
    resamples: int = 10_000
    confidence: float = CONFIDENCE

    @classmethod
    def seeded(cls, seed: int, **given: Any) -> Resampling:
        """The same numbers whenever it is asked: of a seed, and the other fields by name."""
        return cls(np.random.default_rng(seed), **given)

    def of(self, values: Array) -> Array:
        """Resamples of `values` with replacement: (n,) -> (R, n)."""
        return values[self.generator.integers(len(values), size=(self.resamples, len(values)))]

    def weights(self, n: int) -> Array:
        """How much each of n values weighs in each resample: (R, n), rows sum to 1."""
        drawn = self.generator.multinomial(n, np.full(n, 1 / n), size=self.resamples)
        return np.asarray(drawn / n)

    def interval(self, draws: Array) -> tuple[Array, Array]:
        """The bounds that enclose `confidence` of the draws: (R, ...) -> (...), (...)."""
        tail = (1 - self.confidence) / 2
        low, high = np.quantile(draws, [tail, 1 - tail], axis=0)
        return low, high
