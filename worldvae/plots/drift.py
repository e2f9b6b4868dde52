"""Figures of drift: each function takes arrays and returns a Figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

from worldvae.plots.style import INK, STYLE, colour, short
from worldvae.stats import Array

POINTS_PER_INCH = 72

APART = 4.0
"""Points from the marks of an arm to those of the next, a little more than a mark is wide."""


@dataclass(frozen=True)
class DriftCurve:
    """One seed's measure of drift, `y` at `x`, (P,) each.

    `refitted` says before which points the encoder was refitted.
    """

    arm: str
    x: Array
    y: Array
    refitted: NDArray[np.bool_]


def drift_curves(
    curves: Sequence[DriftCurve], title: str, expected: float, colours: Mapping[str, str]
) -> Figure:
    """Draw a line for each seed in its arm's colour; dashed what is `expected` without drift.

    Arms stand side by side: where their points are the same, one would hide another. An arm of
    which nothing is finite, and so nothing is drawn, is not in the legend.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 3.0), layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(expected, color=INK, alpha=0.6, lw=1, ls=(0, (4, 3)))
        drawn = [curve for curve in curves if np.isfinite(curve.y).any()]
        places = {arm: place for place, arm in enumerate(dict.fromkeys(one.arm for one in drawn))}
        named: set[str] = set()
        for curve in drawn:
            label = None if curve.arm in named else curve.arm
            named.add(curve.arm)
            shade = colour(curve.arm, colours)
            aside = APART * (places[curve.arm] - (len(places) - 1) / 2) / POINTS_PER_INCH
            beside = axes.transData + ScaledTranslation(aside, 0, figure.dpi_scale_trans)
            (line,) = axes.plot(curve.x, curve.y, "o-", ms=3.5, lw=1.4, label=label, alpha=0.8)
            at = curve.x[curve.refitted], curve.y[curve.refitted]
            (rings,) = axes.plot(*at, "o", ms=9, mfc="none", mew=1.5)
            for part in (line, rings):
                part.set_color(shade)
                part.set_transform(beside)  # not in `plot`, whose limits would then miss the data
        axes.set_title(title, pad=10)
        axes.set_xlabel("env steps")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter(FuncFormatter(short))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axes.grid(axis="y", color=INK, alpha=0.12, lw=0.8)
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_alpha(0.4)
        if drawn:
            axes.legend(frameon=False, loc="best")
        return figure
