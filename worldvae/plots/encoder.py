"""Figures about encoders: each function takes arrays and returns a Figure.

Shapes: Z latents, V state variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FormatStrFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from worldvae.plots.style import BLUE, GREY, INK, ORANGE, SPARE, STYLE
from worldvae.stats import Array
from worldvae.wording import percent

# Okabe & Ito (2008), beside the colours of the arms.
ENCODER_COLOURS = ("#7f8790", "#0a7cc2", "#d55e00", *SPARE, "#332288", "#000000")
BLACK = {"text.color": "black", "axes.edgecolor": "black", "axes.labelcolor": "black"}
BLACK |= {"xtick.color": "black", "ytick.color": "black"}

# An R2 has no lower end, and one far below 0 would press all others together.
LOWEST_SCORE = -0.2
MARKS: dict[str, dict[str, Any]] = {
    "majority": {"marker": "|", "ms": 11, "mew": 1.6, "color": INK},
    "untrained": {"marker": "o", "ms": 7, "mfc": "none", "mew": 1.6, "color": GREY},
    "pixels": {"marker": "s", "ms": 6, "mec": "none", "color": ORANGE},
    "supervised": {"marker": "D", "ms": 6, "mec": "none", "color": SPARE[0]},
    "latents": {"marker": "o", "ms": 9, "mec": "none", "color": BLUE},
}
"""Features of a probe, in the colours of the arms that see them; the last is drawn on top."""
TINY = 1e-12  # where a logarithmic axis ends, if nothing varies
LEAST_NATS = 0.1  # a collapsed code is not drawn as if it carried much
LABELLED_LATENTS = 24
MAPPED_LATENTS = 20
SHADES = 40  # of more, matplotlib makes pixels in place of shapes
LABEL_LETTERS = 24

LOSSES = LinearSegmentedColormap.from_list("losses", ["#f4f4f2", ORANGE])

Flags = NDArray[np.bool_]
Grid = Mapping[str, Mapping[str, Array]]
"""Encoder -> environment -> one value a seed."""


def dot_panels(panels: Mapping[str, Grid]) -> Figure:
    """Draw a panel for each metric, with a row for each environment.

    A dot is a seed, a stroke the mean of an encoder's seeds. With a single environment the rows are
    the encoders, named at the axis in place of a legend.
    """
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
        every[0].set_ylim(len(envs) - 0.5, -0.5)
        if len(envs) == 1:
            places = [_offset(place, len(encoders)) for place in range(len(encoders))]
            every[0].set_yticks(places, encoders)
            figure.suptitle(envs[0], x=0.01, ha="left")
            return figure
        every[0].set_yticks(range(len(envs)), [env.removeprefix("ALE/") for env in envs])
        handles = [
            Line2D([], [], color=colours[name], marker="o", ls="", label=name) for name in encoders
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False)
        return figure


def _dot_panel(
    axes: Axes, metric: str, grid: Grid, envs: list[str], colours: Mapping[str, str]
) -> None:
    for place, (encoder, colour) in enumerate(colours.items()):
        for env, values in grid.get(encoder, {}).items():
            row = envs.index(env) + _offset(place, len(colours))
            height = np.full(len(values), row)
            axes.plot(values, height, "o", ms=5, alpha=0.6, color=colour, mec="none")
            axes.plot(values.mean(), row, "|", ms=11, mew=2.5, color=colour)
    for row in range(1, len(envs)):
        axes.axhline(row - 0.5, color="black", alpha=0.15, lw=0.8)
    axes.set_title(metric, pad=8)
    axes.set_xlim(left=min(0, axes.get_xlim()[0]))
    axes.grid(axis="x", color="black", alpha=0.12, lw=0.8)
    axes.tick_params(length=0)


def _offset(place: int, count: int) -> float:
    """Return where encoder number `place` of `count` has its line, from the middle of a row."""
    return 0.7 * ((place + 0.5) / count - 0.5)


def lost_by_place(panels: Mapping[str, Array]) -> Figure:
    """Draw a map for each panel: which share of what moves is lost in each cell of a frame.

    The maps are (rows, columns). A cell with NaN, where something moves too seldom, stays blank.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.2 * len(panels), 3.4), layout="constrained")
        every = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, (title, lost) in zip(every, panels.items(), strict=True):
            axes.imshow(lost, cmap=LOSSES, vmin=0, vmax=1)
            for row, column in np.argwhere(np.isfinite(lost)):
                share = lost[row, column]
                colour = "white" if share > 0.6 else INK
                label = {"ha": "center", "va": "center", "size": 7, "color": colour}
                axes.text(column, row, percent(share), **label)
            axes.set_title(title, pad=8)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(True)  # the edge of the frame
        return figure


def latent_variances(variance: Array, threshold: float) -> Figure:
    """Draw the variance of each posterior mean (Z,), in falling order.

    A latent whose variance is not above `threshold` is dead.
    """
    order = falling(variance)
    dead = variance[order] <= threshold
    with mpl.rc_context(STYLE):
        figure, axes = _bars(variance[order], dead, order)
        axes.set_title("Variance of each latent; dashed: dead below", pad=8)
        lowest = min(threshold, float(variance[variance > 0].min(initial=threshold)))
        axes.set_ylim(max(lowest, TINY) / 4, 3 * max(threshold, float(variance.max()), TINY))
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.axhline(threshold, color=INK, lw=1.2, ls=(0, (4, 2)))
        return figure


def latent_rates(kl: Array, dead: Flags, order: NDArray[np.intp]) -> Figure:
    """Draw the KL of each latent (Z,) in nats, in the given order (Z,); `dead` (Z,) are marked."""
    with mpl.rc_context(STYLE):
        figure, axes = _bars(kl[order], dead[order], order)
        axes.set_title("KL of each latent, nats", pad=8)
        axes.set_ylim(top=max(1.05 * float(kl.max()), LEAST_NATS))
        return figure


def falling(values: Array) -> NDArray[np.intp]:
    """Return the indices of the values, the largest value first: (Z,) -> (Z,)."""
    return np.argsort(-values, kind="stable")


def _bars(heights: Array, dead: Flags, order: NDArray[np.intp]) -> tuple[Figure, Axes]:
    """Draw the latents `order` (Z,) as bars; `dead` ones (Z,) are grey, with a cross below."""
    figure = Figure(figsize=(4.6, 2.6), layout="constrained")
    axes = figure.add_subplot()
    ranks = np.arange(1, len(heights) + 1)
    axes.bar(ranks, heights, color=np.where(dead, GREY, BLUE).tolist())
    foot = np.full(dead.sum(), 0.05)
    axes.plot(ranks[dead], foot, "x", ms=5, color=INK, transform=axes.get_xaxis_transform())
    axes.set_xlim(0.3, len(order) + 0.7)
    axes.set_xlabel(f"number of the latent{'; crossed: dead' if dead.any() else ''}")
    if len(order) <= LABELLED_LATENTS:
        axes.set_xticks(ranks, [str(latent) for latent in order])
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
        axes.set_xlabel(axes.get_xlabel().replace("number of the latent", "latents, in order"))
    _quiet(axes, "y")
    return figure, axes


def probe_scores(scores: Mapping[str, Array], names: Sequence[str]) -> Figure:
    """Draw a row for each of V names, with a mark for each set of features: features -> (V,).

    A score below LOWEST_SCORE is an arrow at the edge.
    """
    drawn = {features: mark for features, mark in MARKS.items() if features in scores}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 1.1 + 0.3 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        for features, mark in drawn.items():
            _scores(axes, scores[features], mark)
        axes.set_title("Held-out score of a linear probe", pad=8)
        axes.set_yticks(range(len(names)), [_label(name) for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(
            min(-0.05, *(_clipped(values).min() for values in scores.values())) - 0.02, 1.05
        )
        _quiet(axes, "both")
        handles = [Line2D([], [], ls="", label=name, **mark) for name, mark in drawn.items()]
        figure.legend(
            handles=handles[::-1], loc="outside lower left", ncols=3, frameon=False, fontsize=9
        )
        return figure


def _scores(axes: Axes, values: Array, mark: dict[str, Any]) -> None:
    rows, inside = np.arange(len(values)), values >= LOWEST_SCORE
    axes.plot(values[inside], rows[inside], ls="", **mark)
    arrow = {**mark, "marker": "<", "ms": 7}
    axes.plot(_clipped(values[~inside]), rows[~inside], ls="", **arrow)


def _clipped(scores: Array) -> Array:
    return np.maximum(scores, LOWEST_SCORE)


def importance_map(importance: Array, names: Sequence[str]) -> Figure:
    """Draw how much each latent tells of each variable: (Z, V) in [0, 1], V names.

    There is a row for each variable, and a column for each of the MAPPED_LATENTS that tell most.
    """
    shown = np.sort(falling(importance.sum(1))[:MAPPED_LATENTS])
    # Clear to blue: on paper of any shade the more important is the stronger.
    blue = LinearSegmentedColormap.from_list("", [f"{BLUE}00", BLUE], N=SHADES)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.6, 1.3 + 0.26 * len(names)), layout="constrained")
        axes = figure.add_subplot()
        cells = axes.pcolormesh(
            importance[shown].T, cmap=blue, vmin=0, vmax=1, edgecolors=(0.5, 0.5, 0.5, 0.35), lw=0.5
        )
        axes.set_title("Importance of each latent for each variable", pad=8)
        axes.set_yticks(np.arange(len(names)) + 0.5, [_label(name) for name in names])
        axes.invert_yaxis()
        axes.set_xticks(np.arange(len(shown)) + 0.5, [str(n) for n in shown], fontsize=8)
        axes.set_xlabel("number of the latent")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(cells, ax=axes, shrink=0.9, aspect=18, pad=0.02, ticks=[0, 0.5, 1])
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)
        return figure


def _quiet(axes: Axes, grid: Literal["x", "y", "both"]) -> None:
    """Put grid lines behind the marks in place of ticks and edges."""
    axes.grid(axis=grid, color=INK, alpha=0.12, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_alpha(0.4)


def _label(name: str) -> str:
    """Shorten a long name at its beginning, since long names differ at their end."""
    return name if len(name) <= LABEL_LETTERS else f"…{name[1 - LABEL_LETTERS :]}"
