"""A figure of scores over several numbers, a panel for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from worldvae.plots.style import BLUE, GREY, STYLE
from worldvae.stats import Array

COLUMNS = 4
BLACK = {f"{part}.color": "black" for part in ("text", "xtick", "ytick")}
BLACK |= {"axes.edgecolor": "black", "axes.labelcolor": "black"}


@dataclass(frozen=True)
class ScatterPanel:
    """The points of one panel: a number of each thing, (E,), and its scores, E arrays (S_e,)."""

    title: str
    numbers: Array
    scores: Sequence[Array]


def scatter_panels(panels: Sequence[ScatterPanel], score: str) -> Figure:
    """Draw `score` over the number of each panel: a small dot is one score, a large one their mean.

    Panels share the axis of scores.
    """
    rows = math.ceil(len(panels) / COLUMNS)
    columns = min(COLUMNS, len(panels))
    with mpl.rc_context(STYLE | BLACK):
        figure = Figure(figsize=(0.6 + 2.4 * columns, 2.3 * rows), layout="constrained")
        every = figure.subplots(rows, columns, sharey=True, squeeze=False)
        for axes, panel in zip(every.flat, panels, strict=False):
            _points(axes, panel)
        for axes in every.flat[len(panels) :]:
            axes.set_visible(False)
        for axes in every[:, 0]:
            axes.set_ylabel(score)
        return figure


def _points(axes: Axes, panel: ScatterPanel) -> None:
    for number, scores in zip(panel.numbers, panel.scores, strict=True):
        axes.plot([number] * len(scores), scores, "o", ms=3, color=GREY, alpha=0.6, mec="none")
        axes.plot(number, scores.mean(), "o", ms=6, color=BLUE, alpha=0.8, mec="none")
    axes.set_title(panel.title, pad=6)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.grid(color="black", alpha=0.12, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
