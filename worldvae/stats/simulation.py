"""Simulates the rule by which arms are told apart: how often its interval holds, what it finds.

Shapes: S seeds of an arm, N simulated comparisons.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from worldvae.stats.pairs import welch
from worldvae.stats.resampling import CONFIDENCE, Array

Law = Callable[[np.random.Generator, tuple[int, int]], Array]
"""Draws scores of mean 0 and deviation 1 in a given shape."""

LAWS: dict[str, Law] = {
    "normal": lambda draws, shape: draws.standard_normal(shape),
    "skewed": lambda draws, shape: 1 - draws.standard_exponential(shape),
}
"""Name -> law of the scores; skewed: few trainings fall far behind, an exponential tail."""


@dataclass(frozen=True)
class Simulated:
    """Shares of simulated comparisons of two arms whose true difference is known."""

    coverage: float
    """The 95 % interval of the difference holds the true one."""
    percentile_coverage: float | None
    """That of the percentile bootstrap, the rule that was not taken; None: not simulated."""
    found: float
    """The arms are told apart, and the right way round."""


def simulate(
    deviations: tuple[float, float],
    seeds: int,
    difference: float,
    draws: np.random.Generator,
    comparisons: int = 10_000,
    law: Law = LAWS["normal"],
    resamples: int = 0,
) -> Simulated:
    """Simulate N comparisons of two arms with the given deviations over seeds, S seeds each.

    With `resamples` above 0 the percentile bootstrap is simulated beside the rule.
    """
    shape = (comparisons, seeds)
    a, b = (deviation * law(draws, shape) for deviation in deviations)
    a = a + difference
    found = welch([(a, b)])
    reach = found.reach((1 + CONFIDENCE) / 2)
    sign = np.sign(difference) or 1.0
    return Simulated(
        coverage=float(np.mean(np.abs(found.value - difference) <= reach)),
        percentile_coverage=_percentile(a, b, difference, draws, resamples) if resamples else None,
        found=float(np.mean(sign * found.value > reach)),
    )


def _percentile(
    a: Array, b: Array, difference: float, draws: np.random.Generator, resamples: int
) -> float:
    """Return how often the percentile bootstrap's interval holds the true difference."""
    tail, seeds = (1 - CONFIDENCE) / 2, a.shape[1]
    means = [
        np.stack([row[draws.integers(seeds, size=(resamples, seeds))].mean(axis=1) for row in arm])
        for arm in (a, b)
    ]
    low, high = np.quantile(means[0] - means[1], [tail, 1 - tail], axis=1)
    return float(np.mean((low <= difference) & (difference <= high)))
