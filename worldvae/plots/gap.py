"""Figures of the gap between reality and a dream: each takes arrays and returns a Figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from worldvae.plots.style import BLUE, GREY, INK, ORANGE, STYLE, canvas, short, spread
from worldvae.stats import Array

COLOURS = {"collected": BLUE, "new": GREY, "agent": ORANGE}
"""Kinds of policies: played in the rollouts, not played there, agents."""

LONGEST_LABEL = 28


@dataclass(frozen=True)
class ScoredPolicy:
    """One point of `scatter`: a policy's mean in each world, with intervals as (low, high)."""

    name: str
    kind: str
    """One of `COLOURS`."""
    real: float
    real_interval: tuple[float, float]
    dream: float
    dream_interval: tuple[float, float]


def scatter(points: Sequence[ScoredPolicy], labelled: Sequence[int], unit: str) -> Figure:
    """Draw the dream's means over reality's, with intervals and the diagonal of a true dream.

    `labelled` are the numbers of the points that get their name beside the figure.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        bounds = [b for one in points for b in (*one.real_interval, *one.dream_interval)]
        low, high = _padded(min(bounds), max(bounds))
        axes.plot([low, high], [low, high], color=INK, alpha=0.5, lw=1, ls=(0, (4, 3)))
        for kind in dict.fromkeys(one.kind for one in points):
            _points(axes, [one for one in points if one.kind == kind], COLOURS[kind])
        axes.set(xlim=(low, high), ylim=(low, high), box_aspect=1)
        axes.set_title(f"{unit} in the dream", pad=10)
        axes.set_xlabel(f"{unit} in reality")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(short))
            axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.grid(color=INK, alpha=0.12, lw=0.8)
        axes.tick_params(length=0)
        axes.spines[["left", "bottom"]].set_alpha(0.4)
        _label(axes, [points[number] for number in labelled], low, high)
        return figure


def error_over_temperature(tried: Array, errors: Array, chosen: float) -> Figure:
    """Draw the error at each temperature, (T,), and mark the chosen one.

    `errors` (T, 3) are values with the lower and upper end of their intervals.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(2.6, "absolute error on validation episodes", "temperature")
        order = np.argsort(tried)
        error, low, high = errors.T
        axes.fill_between(tried[order], low[order], high[order], color=BLUE, alpha=0.18, lw=0)
        axes.plot(tried[order], error[order], "o-", color=BLUE, ms=4, lw=1.4)
        at = int(np.flatnonzero(tried == chosen)[0])
        axes.plot(tried[at], error[at], "o", ms=10, mfc="none", mew=1.5, color=ORANGE)
        axes.set_ylim(bottom=0)
        return figure


def return_over_training(steps: Array, real: Array, dream: Array) -> Figure:
    """Draw what a dream promised an agent and what it got in reality, over training, (P,) steps.

    Both are (P, 3), values with the lower and upper end of their intervals.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.0, "return of the agent", "dreamed env steps")
        axes.fill_between(steps, real[:, 0], dream[:, 0], color=ORANGE, alpha=0.12, lw=0)
        for bounds, colour, name in ((dream, ORANGE, "dream"), (real, BLUE, "reality")):
            value, low, high = bounds.T
            axes.plot(steps, value, "o-", color=colour, ms=3.5, lw=1.4, label=name)
            axes.vlines(steps, low, high, color=colour, alpha=0.6, lw=1.4)
        axes.xaxis.set_major_formatter(FuncFormatter(short))
        axes.legend(frameon=False, loc="best")
        return figure


def _points(axes: Axes, points: Sequence[ScoredPolicy], colour: str) -> None:
    x, y = np.array([(one.real, one.dream) for one in points]).T
    widths = np.abs(np.array([one.real_interval for one in points]).T - x)
    heights = np.abs(np.array([one.dream_interval for one in points]).T - y)
    axes.errorbar(x, y, heights, widths, fmt="o", ms=4.5, color=colour, elinewidth=0.9, alpha=0.85)


def _label(axes: Axes, points: Sequence[ScoredPolicy], low: float, high: float) -> None:
    """Write names to the right of the axes, none over another, with a line to each point."""
    ordered = sorted(points, key=lambda one: one.dream)
    heights = spread([one.dream for one in ordered], 0.07 * (high - low))
    lift = min(0.0, high - max(heights, default=high)) or max(0.0, low - min(heights, default=low))
    edge, end = high + 0.03 * (high - low), high + 0.85 * (high - low)
    # Unseen, so that all figures are equally wide, however long their names.
    axes.plot([edge, end], [low, low], alpha=0, clip_on=False)
    for one, height in zip(ordered, heights, strict=True):
        axes.annotate(
            _shortened(one.name),
            (one.real, one.dream),
            (edge, height + lift),
            va="center",
            fontsize=8.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": INK, "alpha": 0.3, "lw": 0.7},
        )


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
