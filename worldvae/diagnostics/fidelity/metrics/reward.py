"""Calibration of predicted rewards, one step ahead and over a dream.

Shapes: W windows, N dreams of each, K decisions after a start, H horizons.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from worldvae.diagnostics.fidelity.dreams import DreamSamples, OneStep
from worldvae.diagnostics.fidelity.metrics.bootstrap import (
    LEAST_DIVISOR,
    EpisodeBootstrap,
    HorizonCurve,
    Interval,
    over_variance,
)
from worldvae.diagnostics.fidelity.windows import Flags, Windows
from worldvae.json_files import Content
from worldvae.stats import Array

GROUPS = 10


class Decile(Content):
    """Decisions of similar predicted reward."""

    predicted: float
    true: float
    decisions: int


class RewardCalibration(Content):
    """How predicted rewards compare with those that were paid."""

    mean: float = Field(description="Of the true reward of a decision.")
    deviation: float = Field(description="Of the true reward of a decision.")
    bias: Interval = Field(description="Predicted less true reward, one step ahead.")
    slope: Interval | None = Field(
        description="Of the regression of true on predicted rewards, 1 if they are calibrated; "
        "None where either is constant."
    )
    r2: Interval | None = Field(description="One step ahead; None where rewards are constant.")
    deciles: tuple[Decile, ...] = Field(description="By predicted reward, one step ahead.")
    horizons: tuple[int, ...]
    true_sum: HorizonCurve = Field(description="Mean sum of the true rewards up to a horizon.")
    excess: HorizonCurve = Field(
        description="Dreamed less true sum, over the decisions that both have."
    )
    sum_deviation: tuple[float, ...] = Field(description="Of the true sums.")


def measure_reward(
    windows: Windows,
    ahead: OneStep,
    dreams: DreamSamples,
    horizons: tuple[int, ...],
    bootstrap: EpisodeBootstrap,
) -> RewardCalibration:
    """Compare the rewards that were predicted with those of the windows."""
    valid = windows.future
    predicted, true = ahead.rewards.astype(np.float64), windows.paid.astype(np.float64)
    paired = valid[:, None] & dreams.going
    excess = np.where(paired, dreams.rewards - windows.paid[:, None], 0.0)
    sums = np.where(valid, windows.paid, 0.0).cumsum(1)
    at = np.array(horizons) - 1
    everywhere = np.ones((len(windows), len(horizons)), bool)
    return RewardCalibration(
        mean=float(true[valid].mean()),
        deviation=float(true[valid].std()),
        bias=bootstrap.interval(bootstrap.ratio((predicted - true) * valid, valid)),
        slope=_slope(predicted, true, valid, bootstrap),
        r2=_r2(predicted, true, valid, bootstrap),
        deciles=_deciles(predicted[valid], true[valid]),
        horizons=horizons,
        true_sum=bootstrap.curve(bootstrap.mean(sums[:, at], everywhere)),
        excess=bootstrap.curve(
            bootstrap.mean(excess.mean(1, dtype=np.float64).cumsum(1)[:, at], everywhere)
        ),
        sum_deviation=tuple(sums[:, at].std(0).tolist()),
    )


def _slope(
    predicted: Array, true: Array, valid: Flags, bootstrap: EpisodeBootstrap
) -> Interval | None:
    x, y = predicted - predicted[valid].mean(), true - true[valid].mean()
    if min(x[valid].std(), y[valid].std()) <= _negligible(true[valid]):
        return None
    together, alone = (bootstrap.covariance(x, other, valid) for other in (y, x))
    return bootstrap.interval(over_variance(together, alone))


def _r2(
    predicted: Array, true: Array, valid: Flags, bootstrap: EpisodeBootstrap
) -> Interval | None:
    y = true - true[valid].mean()
    if y[valid].std() <= _negligible(true[valid]):
        return None
    error = bootstrap.ratio(np.square(predicted - true) * valid, valid)
    return bootstrap.interval(1 - over_variance(error, bootstrap.covariance(y, y, valid)))


def _negligible(rewards: Array) -> float:
    """Return a deviation that rounding alone may cause."""
    return 1e-6 * float(np.abs(rewards).max()) + LEAST_DIVISOR


def _deciles(predicted: Array, true: Array) -> tuple[Decile, ...]:
    """Group decisions (B,) by their predicted rewards."""
    groups = np.array_split(np.argsort(predicted, kind="stable"), GROUPS)
    return tuple(
        Decile(
            predicted=float(predicted[rows].mean()),
            true=float(true[rows].mean()),
            decisions=len(rows),
        )
        for rows in groups
        if len(rows)
    )
