"""How numbers are written in findings and on the page."""

from __future__ import annotations

from worldvae.diagnostics.fidelity.metrics.bootstrap import HorizonCurve, Interval


def share(value: float) -> str:
    """Write a share as per cent, with a decimal where it is small."""
    return f"{100 * value:.1f} %" if abs(value) < 0.1 else f"{100 * value:.0f} %"


def between(interval: Interval, digits: int = 2) -> str:
    """Write a value with its interval, if it has one."""
    value = f"{interval.value:z.{digits}f}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ({interval.low:z.{digits}f} to {interval.high:z.{digits}f})"


def at(curve: HorizonCurve, place: int) -> Interval:
    """Return one point of a curve with its interval."""
    low, high = (part[place] if part else None for part in (curve.low, curve.high))
    return Interval(value=curve.value[place], low=low, high=high)


def decisions(count: int) -> str:
    """Write a number of decisions."""
    return f"{count} decision{'' if count == 1 else 's'}"
