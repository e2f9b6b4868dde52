"""How numbers are written in findings and on the page."""

from __future__ import annotations

from worldvae import wording
from worldvae.diagnostics.fidelity.metrics.bootstrap import HorizonCurve, Interval
from worldvae.diagnostics.fidelity.metrics.horizon import Loss
from worldvae.diagnostics.fidelity.metrics.open_loop import CLIMATOLOGY, CODE_BASELINES, DREAM
from worldvae.diagnostics.fidelity.metrics.reward import RewardCalibration


def share(value: float) -> str:
    """Write a share as per cent, with a decimal where it is small."""
    return wording.percent(value, 1 if abs(value) < 0.1 else 0)


def percent(interval: Interval) -> str:
    """Write a share with its interval, if it has one, as per cent."""
    value = share(interval.value)
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def between(interval: Interval, digits: int = 2) -> str:
    """Write a value with its interval, if it has one; with a digit more where the value is small.

    Else a value that is near a bound would read as if it were on it.
    """
    places = digits + (0 < abs(interval.value) < 0.1)
    value = f"{interval.value:z.{places}f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ({interval.low:z.{places}f} to {interval.high:z.{places}f})"


def reward_digits(found: RewardCalibration) -> int:
    """Return how many digits after the point show what a decision is paid, however little."""
    return max(3, wording.places((found.mean, found.deviation)))


def sum_digits(found: RewardCalibration) -> int:
    """Return the same for what a dream is paid."""
    return max(2, wording.places((*found.true_sum.value, *found.sum_deviation)))


def at(curve: HorizonCurve, place: int) -> Interval:
    """Return one point of a curve with its interval."""
    low, high = (part[place] if part else None for part in (curve.low, curve.high))
    return Interval(value=curve.value[place], low=low, high=high)


def decisions(count: int) -> str:
    """Write a number of decisions."""
    return f"{count} decision{'' if count == 1 else 's'}"


def worse(loss: Loss) -> str:
    """Say after how many decisions dreams are worse than what."""
    other = {**CODE_BASELINES, CLIMATOLOGY: "draws of training codes"}[loss.baseline]
    error, least = (loss.loop.error_at(name, loss.step) for name in (DREAM, loss.baseline))
    return f"after {decisions(loss.step)} their error is {error:.3f}, that of {other} {least:.3f}"
