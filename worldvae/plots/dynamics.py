"""Figures about dreams beside reality: each function takes arrays and returns a Figure.

Shapes: H horizons or steps, B groups of decisions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator, PercentFormatter
from matplotlib.transforms import blended_transform_factory

from worldvae.plots.style import BLUE, GREY, INK, ORANGE, SPARE, STYLE, canvas, spread
from worldvae.stats import Array

DREAM_LINE: dict[str, Any] = {"color": BLUE, "lw": 2.4}
REAL_LINE: dict[str, Any] = {"color": GREY, "lw": 2.4}
OTHER_LINES: tuple[dict[str, Any], ...] = (
    {"color": GREY, "lw": 1.6, "ls": (0, (5, 2))},
    {"color": GREY, "lw": 1.6, "ls": (0, (1, 1.5))},
    {"color": ORANGE, "lw": 1.6},
    {"color": SPARE[0], "lw": 1.6},
    {"color": SPARE[1], "lw": 1.2, "ls": (0, (3, 1, 1, 1))},
)
"""Of what a dream is compared with, in their order."""

LEAST_DRAWN, NEAR_ZERO = 1e-4, 0.2
"""A logarithmic axis ends at this share of the largest value, or at this one of a dream's least."""

DOT_AREA = (16.0, 130.0)


@dataclass(frozen=True)
class BandCurve:
    """Values `y` at `x`, (H,) each, between `low` and `high` if these are known."""

    x: Array
    y: Array
    low: Array | None = None
    high: Array | None = None


def error_by_horizon(
    dream: BandCurve, others: Mapping[str, BandCurve], title: str, trusted: int = 0
) -> Figure:
    """Draw the error of dreams and of what they are compared with, by name.

    A thin line marks the horizon up to which dreams are `trusted`.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.5, title, "decisions after the start")
        if trusted:
            axes.set_title(title, pad=20)
            _mark(axes, trusted)
        ends = []
        for (name, curve), style in zip(others.items(), _styles(len(others)), strict=True):
            axes.plot(curve.x, curve.y, **style)
            ends.append((float(curve.y[-1]), name, style["color"]))
        _band(axes, dream, DREAM_LINE)
        axes.plot(dream.x, dream.y, "o", ms=3.5, color=BLUE, mec="none")
        ends.append((float(dream.y[-1]), "dream", BLUE))
        _horizons(axes, dream.x)
        _logarithmic(axes, dream, [*others.values()])
        _name_ends(axes, ends)
        return figure


def survival(real: BandCurve, dreamed: BandCurve, title: str) -> Figure:
    """Draw the share of episodes and of dreams that go on after each number of decisions."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.2, title, "decisions after the start")
        _band(axes, _from_start(real), REAL_LINE, steps=True)
        _band(axes, _from_start(dreamed), DREAM_LINE, steps=True)
        axes.set_xlim(0, max(float(real.x[-1]), 1))
        axes.set_ylim(0, 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        ends = [(float(real.y[-1]), "episodes", GREY), (float(dreamed.y[-1]), "dreams", BLUE)]
        _name_ends(axes, ends)
        return figure


def reliability(predicted: Array, true: Array, decisions: Array, title: str) -> Figure:
    """Draw true rates over predicted ones, (B,) each, on logarithmic axes; a dot is a group.

    The area of a dot grows with its `decisions`. Rates of 0 stand at the lower edge.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.2, title, "predicted probability of an end")
        positive = np.concatenate([predicted, true])
        positive = positive[positive > 0]
        floor = min(0.5 * float(positive.min()), 0.1) if len(positive) else 1e-3
        x, y = np.maximum(predicted, floor), np.maximum(true, floor)
        axes.plot([floor, 1], [floor, 1], color=INK, alpha=0.5, lw=1, ls=(0, (4, 3)))
        size = np.interp(np.log1p(decisions), (0, np.log1p(decisions.max())), DOT_AREA)
        axes.plot(x, y, color=BLUE, lw=1, alpha=0.5)
        axes.scatter(x, y, s=size, color=BLUE, lw=0, clip_on=False, zorder=3)
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(_rate))
        axes.set_xlim(floor * 0.8, 1.1)
        axes.set_ylim(floor * 0.8, 1.1)
        return figure


def deciles(predicted: Array, true: Array, title: str) -> Figure:
    """Draw mean true rewards over mean predicted ones, (B,) each, beside the diagonal."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.2, title, "predicted reward")
        low = float(min(predicted.min(), true.min()))
        high = float(max(predicted.max(), true.max()))
        room = 0.06 * (high - low) or 0.5
        ends = [low - room, high + room]
        axes.plot(ends, ends, color=INK, alpha=0.5, lw=1, ls=(0, (4, 3)))
        axes.plot(predicted, true, "o-", color=BLUE, lw=1, ms=6.5, mec="none")
        axes.set_xlim(*ends)
        axes.set_ylim(*ends)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        return figure


def coverage(curves: Mapping[float, BandCurve], title: str) -> Figure:
    """Draw which share of the truth lies in central intervals: level -> share by horizon."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.0, title, "decisions after the start")
        ends = []
        for (level, curve), shade in zip(curves.items(), (ORANGE, BLUE), strict=False):
            axes.axhline(level, color=shade, alpha=0.6, lw=1.2, ls=(0, (4, 3)))
            _band(axes, curve, {"color": shade, "lw": 2.2})
            ends.append((float(curve.y[-1]), f"{100 * level:.0f} %", shade))
        _horizons(axes, next(iter(curves.values())).x)
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        _name_ends(axes, ends)
        return figure


def share_by_horizon(curve: BandCurve, expected: float, title: str) -> Figure:
    """Draw a share by horizon; dashed what is `expected`."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.0, title, "decisions after the start")
        axes.axhline(expected, color=INK, alpha=0.6, lw=1, ls=(0, (4, 3)))
        _band(axes, curve, DREAM_LINE)
        _horizons(axes, curve.x)
        largest = curve.y if curve.high is None else curve.high
        axes.set_ylim(0, max(1.15 * float(largest.max()), 0.05))
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        return figure


def temperature_scores(
    temperatures: Sequence[float], scores: Sequence[float], chosen: float
) -> Figure:
    """Draw the error at each temperature, with a ring around that of the `chosen` one."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(2.6, "Error on validation episodes", "temperature")
        axes.plot(temperatures, scores, "o-", color=BLUE, lw=2, ms=5, mec="none")
        place = list(temperatures).index(chosen)
        axes.plot(chosen, scores[place], "o", ms=13, mfc="none", mew=1.6, color=BLUE)
        axes.set_xticks(list(temperatures), [f"{each:g}" for each in temperatures])
        axes.margins(x=0.06, y=0.3)
        return figure


def _styles(count: int) -> list[dict[str, Any]]:
    return [OTHER_LINES[number % len(OTHER_LINES)] for number in range(count)]


def _band(axes: Axes, curve: BandCurve, style: dict[str, Any], steps: bool = False) -> None:
    way: dict[str, Any] = {"drawstyle": "steps-post"} if steps else {}
    axes.plot(curve.x, curve.y, **style, **way)
    if curve.low is not None and curve.high is not None:
        step: dict[str, Any] = {"step": "post"} if steps else {}
        shade = {"color": style["color"], "alpha": 0.16, "lw": 0}
        axes.fill_between(curve.x, curve.low, curve.high, **shade, **step)


def _from_start(curve: BandCurve) -> BandCurve:
    """Begin a survival curve at the start, where all go on."""
    x, y, low, high = (
        None if part is None else np.concatenate([[first], part])
        for first, part in ((0, curve.x), (1, curve.y), (1, curve.low), (1, curve.high))
    )
    assert x is not None
    assert y is not None
    return BandCurve(x, y, low, high)


def _horizons(axes: Axes, x: Array) -> None:
    """Put horizons on a logarithmic axis with ticks at powers of two."""
    axes.set_xscale("log", base=2)
    axes.xaxis.set_minor_locator(NullLocator())
    ticks = [2**power for power in range(int(np.log2(max(x.max(), 1))) + 1)]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlim(0.93 * float(x.min()), 1.04 * float(max(x.max(), 2)))


def _logarithmic(axes: Axes, dream: BandCurve, others: Sequence[BandCurve]) -> None:
    """Put errors on a logarithmic axis, which ends where others are as good as 0."""
    values = np.concatenate([dream.y, *(curve.y for curve in others)])
    largest = max(float(values.max()), 1e-9)
    least = max(float(dream.y.min()), LEAST_DRAWN * largest)
    axes.set_yscale("log")
    axes.set_ylim(max(0.7 * float(values.min()), NEAR_ZERO * least), 1.5 * largest)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(_rate))


def _mark(axes: Axes, horizon: int) -> None:
    axes.axvline(horizon, color=BLUE, lw=1.2, alpha=0.7, ls=(0, (1, 1.5)))
    beside = blended_transform_factory(axes.transData, axes.transAxes)
    axes.text(
        horizon,
        1.0,
        f"trusted to {horizon} ",
        transform=beside,
        ha="right",
        va="bottom",
        fontsize=8.5,
        color=BLUE,
    )


def _name_ends(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Name each line at the right edge beside its end, without overlaps."""
    beside = blended_transform_factory(axes.transAxes, axes.transAxes)
    to_axes = axes.transScale + axes.transLimits
    places = sorted(
        (float(np.clip(to_axes.transform((1.0, max(y, 1e-12)))[1], 0, 1)), name, shade)
        for y, name, shade in ends
    )
    heights = spread([place for place, *_ in places], gap=0.085)
    for (_, name, shade), height in zip(places, heights, strict=True):
        label = axes.text(1.02, height, name, transform=beside, va="center")
        label.set(color=shade, fontweight="bold")


def _rate(value: float, _position: int | None = None) -> str:
    return f"{value:g}"
