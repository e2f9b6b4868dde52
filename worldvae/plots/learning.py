"""Draws learning curves: of one comparison, or of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import blended_transform_factory

from worldvae.plots.style import (
    NO_COLOURS,
    STYLE,
    Colours,
    canvas,
    colour,
    entitle,
    short,
    shortened,
    spread,
)
from worldvae.stats import Array, Resampling, bootstrap_interval, mean

GRID_POINTS = 120
Y_LABEL = "held-out return"
BAND_FROM = 3
"""Fewest seeds with a band: below, an interval is the range of lines that are drawn anyway."""


@dataclass(frozen=True)
class SeedCurve:
    """The scores `y` of one seed at `x`; an unfinished one is drawn but enters no mean."""

    x: Array
    y: Array
    finished: bool = True


@dataclass(frozen=True)
class ArmCurves:
    """The curves of one arm, which start after `charged`, what it had used before training."""

    arm: str
    curves: Sequence[SeedCurve]
    charged: float = 0.0


@dataclass(frozen=True)
class CurvePanel:
    """The curves of one comparison over one cost, with a title and the cost's name."""

    title: str
    x_label: str
    arms: Sequence[ArmCurves]


def learning_curves(
    panel: CurvePanel, resampling: Resampling, colours: Colours = NO_COLOURS
) -> Figure:
    """Draw a thin line for each seed, the mean in bold, and its 95 % interval if seeds suffice.

    A seed that is done counts with its last score until the last one is. What an arm was charged
    before its first training step is shaded in its colour. Each arm is named beside the end of its
    line.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.5, panel.title, panel.x_label)
        _label_ends(axes, _draw(axes, panel, resampling, colours), colours)
        return figure


def learning_panels(
    panels: Sequence[Sequence[CurvePanel]],
    resampling: Resampling,
    colours: Colours = NO_COLOURS,
    tasks: Sequence[str] = (),
) -> Figure:
    """Draw rows of panels, each as `learning_curves` does; all arms are named once, above them.

    Columns of one task, of which `tasks` names that of each, have one scale of returns.
    """
    rows, columns = len(panels), max(map(len, panels))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.3 * columns, 2.7 * rows + 0.4), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        for column, task in enumerate(tasks):
            first = tasks.index(task)
            for row in range(rows):
                if (row, column) != (0, first):
                    grid[row, column].sharey(grid[0, first])
        for axes, panel in zip(grid.flat, (panel for row in panels for panel in row), strict=True):
            entitle(axes, panel.title, panel.x_label)
            axes.set_ylabel(Y_LABEL if axes in grid[:, 0] else "")
            _draw(axes, panel, resampling, colours)
        arms = _drawn(panels)
        handles = [Line2D([], [], color=colour(arm, colours), lw=2.4) for arm in arms]
        figure.legend(
            handles,
            arms,
            loc="outside upper left",
            ncols=max(len(arms), 1),
            frameon=False,
            labelcolor="linecolor",
        )
        return figure


def _drawn(panels: Sequence[Sequence[CurvePanel]]) -> list[str]:
    """Return the names of all arms with curves, each once, in the order in which they appear."""
    arms = (arm for row in panels for panel in row for arm in panel.arms)
    return list(dict.fromkeys(arm.arm for arm in arms if arm.curves))


def _draw(axes: Axes, panel: CurvePanel, resampling: Resampling, colours: Colours) -> list[_End]:
    """Draw the curves of a panel; return where each arm's line ends."""
    ends = [end for arm in panel.arms if (end := _draw_arm(axes, arm, resampling, colours))]
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(FuncFormatter(short))
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    return ends


def _draw_arm(axes: Axes, arm: ArmCurves, resampling: Resampling, colours: Colours) -> _End | None:
    """Draw one arm; return where its label belongs if there is a line to label."""
    shade = colour(arm.arm, colours)
    if arm.charged:
        axes.axvspan(0, arm.charged, color=shade, alpha=0.13, lw=0)
    for curve in arm.curves:
        dash, alpha = ("-", 0.45) if curve.finished else ((0, (2, 1.2)), 0.9)
        axes.plot(curve.x + arm.charged, curve.y, color=shade, ls=dash, lw=1, alpha=alpha)
    whole = [curve for curve in arm.curves if curve.finished and len(curve.x)]
    if not whole:
        drawn = [curve for curve in arm.curves if len(curve.x)]
        return _End(arm.arm, float(drawn[-1].y[-1])) if drawn else None
    x, rows = common_grid(whole)
    middle = rows.mean(axis=0)
    axes.plot(x + arm.charged, middle, color=shade, lw=2.4, marker="o" if len(x) == 1 else "")
    if len(rows) >= BAND_FROM:
        bounds = np.array([bootstrap_interval(column, mean, resampling) for column in rows.T]).T
        if len(x) == 1:
            axes.plot(np.repeat(x + arm.charged, 2), bounds[:, 0], color=shade, lw=2.4, alpha=0.6)
        else:
            axes.fill_between(x + arm.charged, *bounds, color=shade, alpha=0.16, lw=0)
    return _End(arm.arm, float(middle[-1]))


def common_grid(curves: Sequence[SeedCurve]) -> tuple[Array, Array]:
    """Interpolate curves from where all have begun to the last end: -> x (P,), scores (S, P).

    A seed that is done keeps its last score: a mean that ended with the first of them would show
    the others half trained. Equal x are kept as they are.
    """
    first = curves[0].x
    if all(np.array_equal(curve.x, first) for curve in curves):
        return first, np.stack([curve.y for curve in curves])
    low, high = max(curve.x[0] for curve in curves), max(curve.x[-1] for curve in curves)
    x = np.linspace(low, high, GRID_POINTS) if low < high else np.array([low])
    return x, np.stack([np.interp(x, curve.x, curve.y) for curve in curves])


@dataclass(frozen=True)
class _End:
    arm: str
    y: float


def _label_ends(axes: Axes, ends: Sequence[_End], colours: Colours) -> None:
    """Name each arm at the right edge beside the end of its line, without overlaps."""
    low, high = axes.get_ylim()
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    ordered = sorted(ends, key=lambda end: end.y)
    heights = spread([end.y for end in ordered], gap=0.075 * (high - low))
    for end, height in zip(ordered, heights, strict=True):
        label = axes.text(1.02, height, shortened(end.arm), transform=beside, va="center")
        label.set(color=colour(end.arm, colours), fontweight="bold")
