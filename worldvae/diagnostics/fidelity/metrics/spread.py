"""Calibration of the spread of dreams: does the truth fall where they say it may?

Shapes: W windows, N dreams of each, H horizons, D numbers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.diagnostics.fidelity.metrics.bootstrap import (
    LEAST_DIVISOR,
    EpisodeBootstrap,
    HorizonCurve,
)
from worldvae.diagnostics.fidelity.metrics.climatology import climatology_crps
from worldvae.diagnostics.fidelity.metrics.open_loop import crps
from worldvae.diagnostics.fidelity.windows import Flags, Floats
from worldvae.json_files import Content

LEVELS = (0.5, 0.9)


class SpreadCalibration(Content):
    """How the spread of dreams compares with their errors, at each horizon."""

    horizons: tuple[int, ...]
    ratio: HorizonCurve = Field(
        description="Spread / error: 1 if dreams are as wrong as they say, less if too sure."
    )
    excess: tuple[float, ...] = Field(
        description="Variance of dreams less squared error, in whitened units."
    )
    coverage: dict[str, HorizonCurve] = Field(
        description="Level -> share of the numbers in the central interval of that level."
    )
    crps: HorizonCurve = Field(
        description="CRPS / that of draws of training codes: 0 is perfect, 1 knows nothing."
    )


def measure_spread(
    samples: NDArray[np.floating],
    truth: Floats,
    climatology: Floats,
    mask: Flags,
    horizons: tuple[int, ...],
    bootstrap: EpisodeBootstrap,
) -> SpreadCalibration:
    """Compare dreams (W, N, H, D) with what was to be predicted, (W, H, D), where `mask` (W, H).

    `climatology` (B, D) are codes of training frames. Numbers weigh by their variance there, so
    that those which hardly vary hardly count.
    """
    weights = climatology.var(0, dtype=np.float64)
    weights = weights / max(float(weights.sum()), LEAST_DIVISOR)
    usual = climatology_crps(climatology, truth) @ weights
    known = crps(samples, truth) @ weights
    count = samples.shape[1]
    # Fortin et al. (2014): of a calibrated ensemble (N + 1) / N variance = squared error
    variance = samples.var(1, ddof=1, dtype=np.float64).mean(-1) * (count + 1) / count
    error = np.square(samples.mean(1, dtype=np.float64) - truth).mean(-1)
    ratio = np.sqrt(bootstrap.draws(variance * mask, error * mask).clip(min=0))
    excess = bootstrap.mean(variance - error, mask)[0]
    return SpreadCalibration(
        horizons=horizons,
        ratio=bootstrap.curve(ratio),
        excess=tuple(excess.tolist()),
        coverage={
            f"{level:g}": bootstrap.curve(
                bootstrap.mean(_covered(samples, truth, level) @ weights, mask)
            )
            for level in LEVELS
        },
        crps=bootstrap.curve(bootstrap.draws(known * mask, usual * mask)),
    )


def _covered(
    samples: NDArray[np.floating], truth: NDArray[np.floating], level: float
) -> NDArray[np.float64]:
    """Tell whether the truth lies in the central interval: (W, N, H, D), ... -> (W, H, D).

    The i-th value from either end of N encloses (N + 1 - 2 i) / (N + 1).
    """
    count = samples.shape[1]
    outside = max(1, round((1 - level) * (count + 1) / 2))
    ordered = np.sort(samples, axis=1)
    low, high = ordered[:, outside - 1], ordered[:, count - outside]
    return ((truth >= low) & (truth <= high)).astype(np.float64)
