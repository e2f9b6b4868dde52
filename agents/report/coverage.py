"""Simulates the rule that tells arms apart, with the spreads of a comparison's own seeds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from agents.run.records import Run
from worldvae.stats import LAWS, Array, Resampling, difference, simulate

SEEDS = (3, 5, 10)
"""Numbers of seeds an arm for which the rule is simulated."""


def coverage(run: Run, draws: int, resamples: int) -> Iterator[str]:
    """Yield lines of comma-separated values below a header: pairs of arms, seeds, laws.

    In `draws` simulated comparisons: how often the interval holds the true difference (`coverage`;
    that of a percentile bootstrap of `resamples` beside it, unless they are 0), how often a
    difference of the size that "could be seen" is found, and how often one is where none is.
    """
    yield "first,second,seeds,law,coverage,percentile,seen,found,found_of_none"
    scores = {
        arm: np.array([result.score for result in run.finished(arm).values()]) for arm in run.arms
    }
    several = [arm for arm in scores if len(scores[arm]) > 1]
    for first, second in combinations(several, 2):
        for line in _pair(scores[first], scores[second], draws, resamples):
            yield f"{first},{second},{line}"


def _pair(a: Array, b: Array, draws: int, resamples: int) -> Iterator[str]:
    seen = difference(a, b, Resampling.seeded(0)).detectable
    spreads = float(a.std(ddof=1)), float(b.std(ddof=1))
    for seeds in SEEDS:
        for law in LAWS:
            given = np.random.default_rng(0), draws, LAWS[law]
            true = simulate(spreads, seeds, seen, *given, resamples)
            none = simulate(spreads, seeds, 0.0, *given)
            other = true.percentile_coverage
            yield (
                f"{seeds},{law},{true.coverage:.3f},{'' if other is None else f'{other:.3f}'},"
                f"{seen:.3g},{true.found:.3f},{1 - none.coverage:.3f}"
            )
