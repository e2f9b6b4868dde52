"""Draws the figures of the benchmark from its results."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from agents.benchmark.results import RowResult
from agents.benchmark.scaling.curve import ScalingCurve
from worldvae.plots.encoder import BLACK
from worldvae.plots.style import BLUE, GREY, ORANGE, STYLE, short

GUIDE = "#9a9a9a"
MET, MISSED, REPORTED = BLUE, ORANGE, GREY
COLOURS = {True: MET, False: MISSED, None: REPORTED}
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
ROW_INCHES = 0.42
HEAD = 0.6
"""Space above a group for its name, in rows."""
STAGE_COLOURS = {
    "collection": "#009e73",
    "store": "#56b4e9",
    "pretraining": BLUE,
    "encoding": "#cc79a7",
    "dynamics": ORANGE,
    "dream": "#b8a000",
}


def benchmark_figure(rows: Sequence[RowResult]) -> Figure:
    """Draw a line per row: a dot at its median ratio, a bar over its rounds, a tick at its target.

    Blue rows met their target, orange ones missed it, grey ones have none.
    """
    with mpl.rc_context(STYLE | BLACK):
        places = _places(rows)
        bottom = max(places.values()) + 0.7
        figure = Figure(figsize=(9, 1.1 + ROW_INCHES * bottom), layout="constrained")
        axes = figure.add_subplot()
        axes.axvline(1, color="black", alpha=0.35, lw=0.9)
        for row in rows:
            _draw_row(axes, row, places[row.name])
        _draw_groups(axes, rows, places)
        _ratio_axis(axes, rows)
        axes.set_ylim(bottom, -0.2)
        figure.legend(handles=_legend(), loc="outside lower center", ncols=4, frameon=False)
        return figure


def _places(rows: Sequence[RowResult]) -> dict[str, float]:
    """Return name -> height of its line, from the top; each group leaves space for its name."""
    places, height = {}, 0.0
    for _, group in groupby(rows, key=lambda row: row.group):
        height += HEAD
        for row in group:
            places[row.name] = height
            height += 1
    return places


def _draw_row(axes: Axes, row: RowResult, height: float) -> None:
    colour = COLOURS[row.met]
    axes.plot([min(row.ratios), max(row.ratios)], [height] * 2, color=colour, lw=5, alpha=0.35)
    arrow = {">=": ">", "<=": "<"}.get(row.bound, "o")
    axes.plot(row.ratio, height, arrow, color=colour, ms=8, mec="white", mew=0.8, zorder=3)
    if row.target is not None:
        axes.plot(row.target, height, "|", color="black", ms=15, mew=1.8, zorder=4)
    beside = axes.get_yaxis_transform()
    axes.text(-0.015, height - 0.02, row.ours, transform=beside, ha="right", va="bottom")
    against = axes.text(-0.015, height + 0.04, f"against {row.against}", transform=beside)
    against.set(ha="right", va="top", fontsize=8, alpha=0.6)
    sign = {">=": "≥ ", "<=": "≤ "}.get(row.bound, "")
    value = axes.text(1.015, height, f"{sign}{row.ratio:.3g}x", transform=beside, va="center")
    value.set(color=colour, fontweight="bold")


def _draw_groups(axes: Axes, rows: Sequence[RowResult], places: dict[str, float]) -> None:
    axes.set_yticks([])
    for group, members in groupby(rows, key=lambda row: row.group):
        top = places[next(members).name] - 0.62
        axes.axhline(top, color="black", alpha=0.15, lw=0.8)
        name = axes.text(0.008, top + 0.03, group, transform=axes.get_yaxis_transform(), va="top")
        name.set(fontsize=8, fontweight="bold", alpha=0.7)


def _ratio_axis(axes: Axes, rows: Sequence[RowResult]) -> None:
    shown = [ratio for row in rows for ratio in row.ratios]
    shown += [row.target for row in rows if row.target is not None]
    axes.set_xscale("log")
    axes.set_xlim(min(0.45, 0.8 * min(shown)), 1.35 * max(2.0, *shown))
    axes.xaxis.set_major_locator(FixedLocator(TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.grid(axis="x", color="black", alpha=0.12, lw=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_alpha(0.4)
    axes.set_title("Ours over the alternative, measured in turns: more is better", pad=8)


def _legend() -> list[Line2D]:
    dots = {"target met": MET, "target missed": MISSED, "no target": REPORTED}
    target = Line2D([], [], color="black", marker="|", ms=12, mew=1.8, ls="", label="target")
    return [
        *(Line2D([], [], color=dot, marker="o", ls="", label=name) for name, dot in dots.items()),
        target,
    ]


def scaling_figure(curves: Sequence[ScalingCurve]) -> Figure:
    """Draw a panel per curve on logarithmic axes, with the fitted line and its slope."""
    stages = list(dict.fromkeys(curve.stage for curve in curves))
    columns = max(sum(curve.stage == stage for curve in curves) for stage in stages)
    with mpl.rc_context(STYLE | BLACK):
        figure = Figure(figsize=(9, 0.4 + 2.35 * len(stages)), layout="constrained")
        panels = figure.subplots(len(stages), columns, squeeze=False)
        for line, stage in zip(panels, stages, strict=True):
            of_stage = [curve for curve in curves if curve.stage == stage]
            for axes, curve in zip(line, of_stage, strict=False):
                _draw_curve(axes, curve)
            for axes in line[len(of_stage) :]:
                axes.set_visible(False)
        return figure


def _draw_curve(axes: Axes, curve: ScalingCurve) -> None:
    colour = STAGE_COLOURS.get(curve.stage, REPORTED)
    x, y = np.array(curve.x), np.array(curve.y)
    middle = np.exp(np.log(x).mean()), np.exp(np.log(y).mean())
    for slope, dash, shade in ((curve.expected, (0, (2, 2)), GUIDE), (curve.slope, "-", colour)):
        line = middle[1] * (x / middle[0]) ** slope
        axes.plot(x, line, color=shade, ls=dash, lw=1.4)
    axes.plot(x, y, "o", ms=6, color=colour, mec="white", mew=0.8)
    axes.set(xscale="log", yscale="log", xlabel=curve.quantity)
    axes.set_title(f"{curve.stage}, {curve.cost}")
    axes.xaxis.set_major_locator(FixedLocator(list(curve.x)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(short))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    low, high = y.min(), y.max()
    # A flat cost on a narrow axis would look like a mountain range.
    stretch = max(high / low, 4.0) / (high / low)
    axes.set_ylim(low / 1.5 / stretch**0.5, high * 1.5 * stretch**0.5)
    label = f"slope {curve.slope:.2f}\nexpected: at most {curve.expected:g}"
    text = axes.text(0.04, 0.95, label, transform=axes.transAxes, va="top")
    text.set(fontsize=8, color=colour, fontweight="bold")
    axes.grid(color="black", alpha=0.12, lw=0.8)
    axes.tick_params(length=0, labelsize=8)
