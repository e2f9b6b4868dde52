"""Figures of a comparison: arrays in, a Figure out; no global state is read or left behind.

`to_svg` draws text and axes in `currentColor`, so that a page decides on light or dark.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.transforms import blended_transform_factory

from worldvae.stats import Array, Estimate, bootstrap_interval, mean

# Told apart with every common colour blindness; their lightness fits dark and light paper.
PALETTE = {
    "pixels": "#d55e00",
    "latent": "#0a7cc2",
    "random": "#7f8790",
    "finetune": "#8f39e5",
    "state": "#998c4c",
    "blind": "#994c59",
}
SPARE = ("#009e73", "#cc79a7", "#b8860b", "#56b4e9")

INK = "#010203"
"""Stands for `currentColor`, which matplotlib cannot parse; `to_svg` puts that in its place."""

GRID_POINTS = 120
BAND_FROM = 3
"""Fewest seeds with a band: below, an interval is the range of lines that are drawn anyway."""

STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "worldvae",
    "font.size": 10,
    # A name such as "$x" is text, not a formula.
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


@dataclass(frozen=True)
class Curve:
    """Scores `y` of one seed at `x`; an unfinished one is drawn, but enters no mean."""

    x: Array
    y: Array
    finished: bool = True


@dataclass(frozen=True)
class ArmCurves:
    """The curves of one arm; they start after `charged`, what the arm had used before training."""

    arm: str
    curves: Sequence[Curve]
    charged: float = 0.0


def colour(arm: str) -> str:
    """The fixed colour of an arm; an unknown arm has one by its name alone."""
    return PALETTE.get(arm) or SPARE[sum(arm.encode()) % len(SPARE)]


def learning_curves(
    arms: Sequence[ArmCurves], title: str, x_label: str, generator: np.random.Generator
) -> Figure:
    """A thin line a seed, the mean in bold, and its 95 % interval where there are enough seeds.

    What an arm was charged before its first training step is shaded in its colour.
    """
    with mpl.rc_context(STYLE):
        figure, axes = _canvas(3.5, title, x_label)
        ends = [end for arm in arms if (end := _draw_arm(axes, arm, generator))]
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(FuncFormatter(_short))
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        _label_ends(axes, ends)
        return figure


def final_scores(scores: Mapping[str, Array], summary: Mapping[str, Estimate]) -> Figure:
    """A dot a seed, and above it a bar: the summary of each arm with its interval over seeds."""
    with mpl.rc_context(STYLE):
        figure, axes = _canvas(0.9 + 0.75 * len(scores), "Final score of each seed", "return")
        for row, (arm, values) in enumerate(scores.items()):
            found = summary[arm]
            axes.plot(values, np.full(len(values), row), "o", ms=7, alpha=0.55, **_dots(arm))
            axes.plot([found.low, found.high], [row - 0.27] * 2, lw=3, color=colour(arm))
            axes.plot(found.value, row - 0.27, "D", ms=6, mec="none", color=colour(arm))
        _rows(axes, list(scores), range(len(scores)))
        axes.set_ylim(len(scores) - 0.5, -0.7)
        return figure


def episode_returns(returns: Mapping[str, Sequence[Array]]) -> Figure:
    """Every evaluation episode as a stroke, a line of strokes for each seed, its mean as a dot."""
    lines = sum(len(seeds) for seeds in returns.values())
    with mpl.rc_context(STYLE):
        figure, axes = _canvas(
            0.9 + 0.17 * lines + 0.15 * len(returns), "Evaluation episodes", "return"
        )
        centres, top = [], 0.0
        for arm, seeds in returns.items():
            for offset, episodes in enumerate(seeds):
                height = np.full(len(episodes), top + offset)
                axes.plot(episodes, height, "|", ms=8, mew=1.3, alpha=0.7, color=colour(arm))
                axes.plot(episodes.mean(), top + offset, "o", ms=5.5, **_dots(arm))
            centres.append(top + (len(seeds) - 1) / 2)
            top += len(seeds) + 0.7
        _rows(axes, list(returns), centres)
        axes.set_ylim(top - 0.9, -0.8)
        return figure


def latent_kl(kl: Array) -> Figure:
    """KL(q(z|x) || N(0, 1)) of each latent, (Z,), in falling order."""
    ordered = np.sort(np.asarray(kl, dtype=np.float64))[::-1]
    with mpl.rc_context(STYLE):
        figure, axes = _canvas(2.6, "KL of each latent, nats", "latents, the most used first")
        axes.bar(np.arange(1, len(ordered) + 1), ordered, color=PALETTE["latent"])
        axes.set_axisbelow(True)
        axes.set_xlim(0.2, len(ordered) + 0.8)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
        return figure


def to_svg(figure: Figure, alt: str) -> str:
    """The figure as an `<svg>` element for a page: no size of its own, no metadata, no script."""
    buffer = io.StringIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format="svg", transparent=True, bbox_inches="tight", pad_inches=0.03)
    drawing = buffer.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawing, count=1)
    drawing = re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", drawing)
    # matplotlib numbers the groups of each figure alike, and ids must be unique in a page.
    drawing = re.sub(r'(<g|<image[^>]*?) id="[^"]*"', r"\1", drawing).replace(INK, "currentColor")
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return drawing.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)


def _canvas(height: float, title: str, x_label: str) -> tuple[Figure, Axes]:
    # 4.6 inches: its 10 point letters are still 8 points high on a page of 390 pixels.
    figure = Figure(figsize=(4.6, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, pad=10)
    axes.set_xlabel(x_label)
    axes.grid(axis="y", color=INK, alpha=0.12, lw=0.8)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_alpha(0.4)
    return figure, axes


def _draw_arm(axes: Axes, arm: ArmCurves, generator: np.random.Generator) -> _End | None:
    """Draw one arm; where its label belongs, if there is a line to label."""
    shade = colour(arm.arm)
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
        bounds = [bootstrap_interval(column, mean, generator, resamples=2000) for column in rows.T]
        axes.fill_between(x + arm.charged, *np.transpose(bounds), color=shade, alpha=0.16, lw=0)
    return _End(arm.arm, float(middle[-1]))


def common_grid(curves: Sequence[Curve]) -> tuple[Array, Array]:
    """Curves interpolated to the stretch that all of them cover: x (P,), scores (S, P).

    Equal x are kept as they are; else the mean would jump wherever one seed ends.
    """
    first = curves[0].x
    if all(np.array_equal(curve.x, first) for curve in curves):
        return first, np.stack([curve.y for curve in curves])
    low, high = max(curve.x[0] for curve in curves), min(curve.x[-1] for curve in curves)
    x = np.linspace(low, max(low, high), GRID_POINTS)
    return x, np.stack([np.interp(x, curve.x, curve.y) for curve in curves])


@dataclass(frozen=True)
class _End:
    arm: str
    y: float


def _label_ends(axes: Axes, ends: Sequence[_End]) -> None:
    """Name each arm at the right edge beside the end of its line, spread where they would touch."""
    low, high = axes.get_ylim()
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    ordered = sorted(ends, key=lambda end: end.y)
    heights = spread([end.y for end in ordered], gap=0.075 * (high - low))
    for end, height in zip(ordered, heights, strict=True):
        label = axes.text(1.02, height, _label(end.arm), transform=beside, va="center")
        label.set(color=colour(end.arm), fontweight="bold")


def _label(arm: str) -> str:
    return arm if len(arm) <= 12 else f"{arm[:11]}…"


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """The rising `heights`, moved apart so that neighbours are at least `gap` from each other."""
    steps = gap * np.arange(len(heights))
    lifted = np.maximum.accumulate(np.asarray(heights) - steps) + steps
    lowered = np.minimum.accumulate((np.asarray(heights) - steps)[::-1])[::-1] + steps
    return [float(height) for height in (lifted + lowered) / 2]


def _rows(axes: Axes, names: Sequence[str], heights: Sequence[float]) -> None:
    """Each arm's name in its colour, in place of numbers."""
    axes.set_yticks(list(heights), [_label(name) for name in names])
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        label.set(color=colour(name), fontweight="bold")
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=INK, alpha=0.12, lw=0.8)


def _dots(arm: str) -> dict[str, Any]:
    return {"color": colour(arm), "mec": "none"}


def _short(value: float, _position: int | None = None) -> str:
    """250000 -> "250k", 1500000 -> "1.5M"."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
