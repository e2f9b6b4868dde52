"""Draws the figure of a sweep: what each beta costs, keeps and loses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from agents.sweep.choice import KEEP, MARGIN, Choice, JudgedPoint
from agents.sweep.points import Point
from worldvae.plots.frames import SPLITS
from worldvae.plots.style import BLUE, GREY, ORANGE, SPARE
from worldvae.wording import percent

OVERFITS, LOST, CHOSEN = ORANGE, SPARE[1], SPARE[0]
LINES = ("-", "--", ":", "-.")
"""The line style of each latent size."""
NEAR = np.array([0.11, 0.04])
"""Points closer than these shares of the axes' width and height share a label."""

Value = Callable[[Point], float | None]


def sweep_figure(choice: Choice) -> Figure:
    """Draw rate and distortion, use of the latents, lost details, and overfitting.

    The marks are those of the recommended latent size; other sizes have other line styles.
    """
    figure = Figure(figsize=(11, 8), layout="constrained")
    curves = _curves(choice)
    distortion, use, details, overfitting = figure.subplots(2, 2).flat
    _draw_rate_distortion(distortion, curves, choice)
    for axes in (use, details, overfitting):
        _mark(axes, choice)
    _draw_use(use, curves)
    _draw_lost(details, curves)
    _draw_overfitting(overfitting, curves)
    for axes in figure.axes:
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    _explain_marks(figure)
    figure.suptitle(fill(choice.reason, 120), x=0.01, ha="left", fontsize=10)
    return figure


def _explain_marks(figure: Figure) -> None:
    marks = [
        Line2D([], [], color=CHOSEN, lw=1.6, label="recommended"),
        Patch(
            color=OVERFITS, alpha=0.3, label=f"overfits: beyond {1 + MARGIN:g}, interval above 1"
        ),
        Patch(color=LOST, alpha=0.3, label=f"details lost: under {percent(KEEP)} of the best code"),
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=3, frameon=False, fontsize=9)


def _curves(choice: Choice) -> list[list[JudgedPoint]]:
    """Return a curve for each latent size, the recommended one first."""
    sizes = {one.point.latents for one in choice.judged}
    chosen = choice.setting.latents if choice.setting else min(sizes)
    ordered = sorted(sizes, key=lambda size: (size != chosen, size))
    return [[one for one in choice.judged if one.point.latents == size] for size in ordered]


def _draw_rate_distortion(axes: Axes, curves: Sequence[list[JudgedPoint]], choice: Choice) -> None:
    errors: dict[str, Value] = {
        "validation": lambda point: point.mse_held_out,
        "train": lambda point: point.mse_train,
    }
    for split, error in errors.items():
        label, colour = SPLITS[split]
        _lines(axes, curves, error, label, colour, x=lambda point: point.rate)
    for one in curves[0]:
        for is_marked, colour, size in ((one.overfits, OVERFITS, 11), (one.loses, LOST, 15)):
            if is_marked:
                axes.plot(
                    one.point.rate, one.point.mse_held_out, "o", ms=size, mec=colour, mfc="none"
                )
        if choice.setting and one.point.beta == choice.setting.beta:
            axes.plot(one.point.rate, one.point.mse_held_out, "*", ms=15, color=CHOSEN, zorder=5)
    # The rates of both ends differ by orders of magnitude, and that of a collapsed code is 0.
    axes.set_xscale("symlog", linthresh=1)
    axes.set(
        yscale="log", title="What the code costs, what it leaves out", xlabel="rate (KL, nats)"
    )
    axes.set_ylabel("squared error")
    axes.margins(y=0.1)
    axes.set_xlim(-0.5, 4 * max(one.point.rate for curve in curves for one in curve) + 1)
    _name_betas(axes, [one.point for one in curves[0]])


def _name_betas(axes: Axes, points: Sequence[Point]) -> None:
    """Write each held-out point's beta above it; points close together share a label."""
    places = np.array([(point.rate, point.mse_held_out) for point in points])
    at = axes.transAxes.inverted().transform(axes.transData.transform(places))
    group: list[int] = []
    for i in range(len(points)):
        group.append(i)
        is_last = i + 1 == len(points) or (np.abs(at[i + 1] - at[group[0]]) > NEAR).any()
        if is_last:
            text = ", ".join(f"{points[k].beta:g}" for k in group)
            axes.annotate(text, places[group[-1]], (7, 7), textcoords="offset points", fontsize=8)
            group = []


def _draw_use(axes: Axes, curves: Sequence[list[JudgedPoint]]) -> None:
    _lines(axes, curves, lambda p: p.active / p.latents, "active latents", GREY)
    _lines(axes, curves, lambda p: p.probes, "probes of the true state", BLUE)
    _lines(axes, curves[:1], lambda p: p.floor, "their floor", SPARE[3], marker="")
    for one in curves[0]:
        share = one.point.active / one.point.latents
        place, shift = (one.point.beta, share), (0, 5)
        text = axes.annotate(str(one.point.active), place, shift, textcoords="offset points")
        text.set(ha="center", fontsize=7, color=GREY)
    axes.set(title="What the code uses and tells", ylabel="share of latents, probe score")
    axes.margins(y=0.1)
    axes.set_ylim(bottom=max(axes.get_ylim()[0], -1))  # R2 has no lower bound


def _draw_lost(axes: Axes, curves: Sequence[list[JudgedPoint]]) -> None:
    _lines(axes, curves, lambda p: p.lost_moving, "moving pixels", ORANGE)
    _lines(axes, curves, lambda p: p.lost_static, "static pixels", BLUE)
    axes.set(title="Share lost (1: no better than the mean image)", ylabel="held-out")


def _draw_overfitting(axes: Axes, curves: Sequence[list[JudgedPoint]]) -> None:
    _lines(axes, curves, lambda p: p.overfitting, "ratio, interval over episodes", BLUE)
    for point in (one.point for curve in curves for one in curve):
        if point.overfitting_low is not None and point.overfitting_high is not None:
            interval = point.overfitting_low, point.overfitting_high
            axes.plot([point.beta] * 2, interval, color=BLUE, lw=3, alpha=0.35)
    axes.axhline(1 + MARGIN, color=OVERFITS, lw=1, ls=":", label=f"{1 + MARGIN:g}")
    axes.set(title="Held-out error over training error", ylabel="ratio")


def _lines(
    axes: Axes,
    curves: Sequence[list[JudgedPoint]],
    value: Value,
    label: str,
    colour: str,
    x: Value = lambda point: point.beta,
    marker: str = "o",
) -> None:
    """Draw one quantity for every latent size that has it."""
    for curve, dash in zip(curves, LINES * len(curves), strict=False):
        points = [one.point for one in curve if value(one.point) is not None]
        if points:
            name = f"{label}, {points[0].latents} latents" if len(curves) > 1 else label
            xs, ys = [x(point) for point in points], [value(point) for point in points]
            axes.plot(xs, ys, ls=dash, marker=marker, ms=4, color=colour, label=name)  # type: ignore[arg-type]


def _mark(axes: Axes, choice: Choice) -> None:
    """Shade the betas that overfit or lose details, and draw a line at the recommended one."""
    curve = _curves(choice)[0]
    axes.set_xscale("log")
    axes.set_xlabel("beta")
    edges = _edges([one.point.beta for one in curve])
    axes.set_xlim(edges[0], edges[-1])
    for i, one in enumerate(curve):
        for is_marked, colour in ((one.overfits, OVERFITS), (one.loses, LOST)):
            if is_marked:
                axes.axvspan(edges[i], edges[i + 1], color=colour, alpha=0.13, lw=0)
    if choice.setting:
        axes.axvline(choice.setting.beta, color=CHOSEN, lw=1.6)


def _edges(betas: Sequence[float]) -> list[float]:
    """Return the middles between neighbours on a logarithmic axis, and an edge beyond each end."""
    logs = np.log(betas)
    middles = (logs[1:] + logs[:-1]) / 2
    half = np.diff(logs).mean() / 2 if len(logs) > 1 else 0.5
    return [float(edge) for edge in np.exp([logs[0] - half, *middles, logs[-1] + half])]
