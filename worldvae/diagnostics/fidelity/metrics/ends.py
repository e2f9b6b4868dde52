"""Calibration of ends: reliability one step ahead, and survival of dreams beside that of episodes.

Shapes: W windows, N dreams of each, K decisions after a start.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from worldvae.diagnostics.fidelity.dreams import DreamSamples, OneStep
from worldvae.diagnostics.fidelity.metrics.bootstrap import (
    LEAST_DIVISOR,
    EpisodeBootstrap,
    HorizonCurve,
    Interval,
    over_variance,
)
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.json_files import Content
from worldvae.stats import Array

EDGES = (0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Ends are rare, so that bins of equal width would put all decisions into the first."""

LEAST_AT_RISK = 10
"""Survival is drawn and judged as far as so many windows are still under observation."""

HALF = 0.5
"""Added to both numbers of ends in their ratio, so that it exists where reality has none."""


class ReliabilityBin(Content):
    """Decisions of similar predicted probability of an end."""

    predicted: float
    true: float
    decisions: int


class EndCalibration(Content):
    """How predicted ends compare with those of episodes."""

    decisions: int = Field(description="Of all windows, so that some are counted several times.")
    ends: int = Field(description="Episodes of which the last of these decisions is one.")
    base_rate: float = Field(description="Share of these decisions that were the last.")
    brier: float
    skill: Interval | None = Field(
        description="1 - Brier / that of the base rate; None where nothing ends."
    )
    expected: Interval = Field(
        description="Ends predicted one step ahead / true ones, half an end added to both."
    )
    bins: tuple[ReliabilityBin, ...]
    horizons: tuple[int, ...] = Field(description="Steps 1, 2, ... of the curves.")
    real: HorizonCurve = Field(description="Share of episodes that go on after so many steps.")
    dreamed: HorizonCurve = Field(description="The same of dreams from the same starts.")
    gap: HorizonCurve = Field(description="Dreamed less real share that goes on.")
    ratio: HorizonCurve = Field(
        description="Ends of dreams / ends of episodes up to a step, as cumulative hazards."
    )


def measure_ends(
    windows: Windows, ahead: OneStep, dreams: DreamSamples, bootstrap: EpisodeBootstrap
) -> EndCalibration:
    """Compare the ends that were predicted with those of the windows."""
    valid = windows.future
    predicted = ahead.end_probability.astype(np.float64)
    true = windows.ends.astype(np.float64)
    brier = np.square(predicted - true) * valid
    ends = true.sum(1, keepdims=True)
    expected = bootstrap.draws((predicted * valid).sum(1, keepdims=True), np.ones_like(ends))
    happened = bootstrap.draws(ends, np.ones_like(ends))
    half = HALF / len(windows)
    ended = windows.episodes[windows.ends.any(1)]
    return EndCalibration(
        decisions=int(valid.sum()),
        ends=len(np.unique(ended)),
        base_rate=float(true[valid].mean()),
        brier=float(brier.sum() / valid.sum()),
        skill=_skill(brier, true, valid, bootstrap),
        expected=bootstrap.interval((expected + half)[:, 0] / (happened + half)[:, 0]),
        bins=_bins(predicted[valid], true[valid]),
        **_survival(windows, dreams, bootstrap),
    )


def _skill(
    brier: Array, true: Array, valid: NDArray[np.bool_], bootstrap: EpisodeBootstrap
) -> Interval | None:
    """Return the Brier skill over the rate of ends, which each resample has of its own."""
    variance = bootstrap.covariance(true, true, valid)
    if variance[0] <= LEAST_DIVISOR:
        return None
    return bootstrap.interval(1 - over_variance(bootstrap.ratio(brier, valid), variance))


def _bins(predicted: Array, true: Array) -> tuple[ReliabilityBin, ...]:
    """Group decisions (B,) by the predicted probability that they are the last."""
    places = np.searchsorted(EDGES[1:-1], predicted, side="right")
    return tuple(
        ReliabilityBin(
            predicted=float(predicted[places == place].mean()),
            true=float(true[places == place].mean()),
            decisions=int((places == place).sum()),
        )
        for place in np.unique(places)
    )


def survival_distance(windows: Windows, dreams: DreamSamples, bootstrap: EpisodeBootstrap) -> Array:
    """Return the mean distance of the shares of dreams and of episodes that go on: (1 + R,)."""
    real, dreamed = (_going_on(hazard) for hazard in _hazards(windows, dreams, bootstrap))
    return np.asarray(np.abs(dreamed - real).mean(1))


def _survival(
    windows: Windows, dreams: DreamSamples, bootstrap: EpisodeBootstrap
) -> dict[str, Any]:
    """Return the curves of episodes and of dreams."""
    hazards = _hazards(windows, dreams, bootstrap)
    real, dreamed = map(_going_on, hazards)
    half = HALF / len(windows)
    counts = [np.asarray(np.cumsum(hazard, axis=1)) + half for hazard in hazards]
    return {
        "horizons": tuple(range(1, real.shape[1] + 1)),
        "real": bootstrap.curve(real),
        "dreamed": bootstrap.curve(dreamed),
        "gap": bootstrap.curve(dreamed - real),
        "ratio": bootstrap.curve(counts[1] / counts[0]),
    }


def _hazards(
    windows: Windows, dreams: DreamSamples, bootstrap: EpisodeBootstrap
) -> tuple[Array, Array]:
    """Return the share of episodes that end at each step of those that got there, and of dreams.

    Episodes are truncated: a window is under observation until that, and so are its dreams
    (Kaplan & Meier, 1958), by the weights of `windows.observation`. Both are (1 + R, steps).
    """
    observed = windows.observation[:, None] * dreams.going
    risks = windows.future.astype(np.float64), observed.sum(1)
    ends = windows.ends.astype(np.float64), (dreams.ended * observed).sum(1)
    seen = np.flatnonzero(risks[0].sum(0) >= LEAST_AT_RISK)
    steps = int(seen[-1]) + 1 if len(seen) else 1
    real, dreamed = (
        bootstrap.draws(end[:, :steps], risk[:, :steps])
        for end, risk in zip(ends, risks, strict=True)
    )
    return real, dreamed


def _going_on(hazards: Array) -> Array:
    return np.asarray(np.cumprod(1 - hazards, axis=1))
