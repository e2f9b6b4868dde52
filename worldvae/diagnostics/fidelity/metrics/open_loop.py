"""Errors of free-running dreams by horizon, beside those of predictions that know less.

Shapes: W windows, N dreams of each, K decisions, H horizons, D numbers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.diagnostics.fidelity.metrics.bootstrap import EpisodeBootstrap, HorizonCurve
from worldvae.diagnostics.fidelity.windows import Flags
from worldvae.json_files import Content
from worldvae.stats import Array

HORIZONS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
LEAST_WINDOWS = 10
"""A horizon that fewer windows reach is not judged."""

DREAM = "dream"
COPY_LAST, MEAN, BLIND, UNTRAINED = "copy_last", "mean", "blind", "untrained"
CODE_BASELINES = {
    COPY_LAST: "a standstill",
    MEAN: "the mean of training",
    BLIND: "dreams that are told no actions",
    UNTRAINED: "untrained dynamics",
}
"""What dreams are compared with -> in words."""

CLEARLY = 1.1
"""An error has to be so many times that of a baseline, before dreams count as worse than it: the
error of the best of predictions tends to that of the mean, so that chance puts it above."""

CLIMATOLOGY = "climatology"
"""Draws of training codes: what is known of a code without the past."""


class OpenLoop(Content):
    """An error at each horizon: of dreams, and of what they have to be better than."""

    horizons: tuple[int, ...]
    windows: tuple[int, ...] = Field(description="How many reach each horizon.")
    episodes: int
    errors: dict[str, HorizonCurve] = Field(description="dream or baseline -> its error.")
    excess: dict[str, HorizonCurve] = Field(
        description="Baseline -> error of dreams less that of the baseline in the same windows."
    )

    def beats(self, baseline: str) -> tuple[bool, ...]:
        """Return whether the dream's error is below the baseline's, with the whole interval."""
        return self.excess[baseline].below_zero

    def loses(self, baseline: str) -> tuple[bool, ...]:
        """Return whether the dream's error is clearly above the baseline's, interval included."""
        triples = zip(
            self.excess[baseline].above_zero,
            self.errors[DREAM].value,
            self.errors[baseline].value,
            strict=True,
        )
        return tuple(above and error > CLEARLY * other for above, error, other in triples)

    def beats_all(self, baselines: tuple[str, ...]) -> tuple[bool, ...]:
        """Return whether the dream's error is below those of all `baselines`, at each horizon."""
        return tuple(all(won) for won in zip(*map(self.beats, baselines), strict=True))

    def error_at(self, name: str, horizon: int) -> float:
        """Return the error of the dream or of a baseline at one of the horizons."""
        return self.errors[name].value[self.horizons.index(horizon)]


def judged_horizons(targets: Flags) -> tuple[int, ...]:
    """Return the horizons that enough windows reach: (W, K) -> (H,)."""
    reached = targets.sum(0)
    return tuple(k for k in HORIZONS if k <= len(reached) and reached[k - 1] >= LEAST_WINDOWS)


def compare_errors(
    errors: Mapping[str, NDArray[np.floating]],
    mask: Flags,
    horizons: tuple[int, ...],
    bootstrap: EpisodeBootstrap,
    unit: NDArray[np.floating] | None = None,
) -> OpenLoop:
    """Compare the error of each window at each horizon: (W, H) each, of which `mask` counts.

    A mean error is the sum of errors over that of `unit` (W, H), which is 1 by default.
    """
    below = mask if unit is None else unit * mask
    draws = {name: bootstrap.draws(values * mask, below) for name, values in errors.items()}
    return OpenLoop(
        horizons=horizons,
        windows=tuple(mask.sum(0).tolist()),
        episodes=bootstrap.episodes,
        errors={name: bootstrap.curve(drawn) for name, drawn in draws.items()},
        excess={
            name: bootstrap.curve(draws[DREAM] - drawn)
            for name, drawn in draws.items()
            if name != DREAM
        },
    )


def squared_error(samples: NDArray[np.floating], truth: NDArray[np.floating]) -> Array:
    """Return the squared error of the mean of all dreams: (W, N, H, D), (W, H, D) -> (W, H).

    It is the mean over D. That the mean of N samples varies by a variance / N is taken off, so that
    it does not depend on N (the fair estimate of Ferro, 2014).
    """
    error = np.square(samples.mean(1, dtype=np.float64) - truth)
    if samples.shape[1] > 1:
        error -= samples.var(1, ddof=1, dtype=np.float64) / samples.shape[1]
    return np.asarray(error.mean(-1))


def energy_score(samples: NDArray[np.floating], truth: NDArray[np.floating]) -> Array:
    """Return the energy score, E|x - y| - E|x - x'| / 2: (W, N, H, D), (W, H, D) -> (W, H).

    Gneiting & Raftery (2007), the CRPS of vectors; pairs are those of different dreams. Distances
    are divided by sqrt(D).
    """
    count, scale = samples.shape[1], np.sqrt(samples.shape[-1])
    apart = np.linalg.norm(samples - truth[:, None], axis=-1).mean(1, dtype=np.float64)
    if count == 1:
        return np.asarray(apart / scale)
    # neighbours in a ring are pairs of independent dreams: N of all N (N - 1) / 2 are enough
    within = np.linalg.norm(samples - np.roll(samples, 1, axis=1), axis=-1).mean(1)
    return np.asarray((apart - within / 2) / scale)


def crps(samples: NDArray[np.floating], truth: NDArray[np.floating]) -> Array:
    """Return the CRPS of each number, fair in N: (W, N, H, D), (W, H, D) -> (W, H, D)."""
    count = samples.shape[1]
    ordered = np.sort(samples, axis=1).astype(np.float64)
    apart = np.abs(ordered - truth[:, None]).mean(1)
    rank = (2 * np.arange(1, count + 1) - count - 1)[:, None, None]
    within = 2 * (ordered * rank).sum(1) / (count * max(count - 1, 1))
    return np.asarray(apart - within / 2)
