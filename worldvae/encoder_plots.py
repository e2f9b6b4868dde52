"""Figures about encoders: arrays in, a Figure out."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from worldvae.plots import SPARE, STYLE
from worldvae.stats import Array

# Okabe & Ito (2008), beside the colours of the arms.
ENCODER_COLOURS = ("#7f8790", "#0a7cc2", "#d55e00", *SPARE, "#332288", "#000000")
BLACK = {"text.color": "black", "axes.edgecolor": "black", "axes.labelcolor": "black"}
BLACK |= {"xtick.color": "black", "ytick.color": "black"}

Grid = Mapping[str, Mapping[str, Array]]
"""Encoder -> environment -> one value a seed."""


def dot_panels(panels: Mapping[str, Grid]) -> Figure:
    """A panel for each metric: a row for each environment, a dot a seed, a stroke at the mean."""
    encoders = list(dict.fromkeys(name for grid in panels.values() for name in grid))
    envs = list(
        dict.fromkeys(env for grid in panels.values() for by in grid.values() for env in by)
    )
    colours = dict(zip(encoders, ENCODER_COLOURS * len(encoders), strict=False))
    height = 1.4 + len(envs) * (0.25 + 0.13 * len(encoders)) + 0.2 * len(encoders)
    with mpl.rc_context(STYLE | BLACK):
        figure = Figure(figsize=(1.6 + 3.2 * len(panels), height), layout="constrained")
        every = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axes, (metric, grid) in zip(every, panels.items(), strict=True):
            _dot_panel(axes, metric, grid, envs, colours)
        every[0].set_yticks(range(len(envs)), [env.removeprefix("ALE/") for env in envs])
        every[0].set_ylim(len(envs) - 0.5, -0.5)
        handles = [
            mpl.lines.Line2D([], [], color=colours[name], marker="o", ls="", label=name)
            for name in encoders
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
        return figure


def _dot_panel(
    axes: Axes, metric: str, grid: Grid, envs: list[str], colours: Mapping[str, str]
) -> None:
    for place, (encoder, by_env) in enumerate(grid.items()):
        offset = 0.7 * ((place + 0.5) / len(grid) - 0.5)
        for env, values in by_env.items():
            row = envs.index(env) + offset
            colour = colours[encoder]
            height = np.full(len(values), row)
            axes.plot(values, height, "o", ms=5, alpha=0.6, color=colour, mec="none")
            axes.plot(values.mean(), row, "|", ms=11, mew=2.5, color=colour)
    for row in range(1, len(envs)):
        axes.axhline(row - 0.5, color="black", alpha=0.15, lw=0.8)
    axes.set_title(metric, pad=8)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.grid(axis="x", color="black", alpha=0.12, lw=0.8)
    axes.tick_params(length=0)
