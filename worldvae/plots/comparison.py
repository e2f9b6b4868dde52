"""Figures of a comparison of arms: each function takes arrays and returns a Figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from matplotlib.transforms import blended_transform_factory

from worldvae.plots.style import INK, NO_COLOURS, STYLE, Colours, canvas, colour, shortened, spread
from worldvae.stats import Array, Estimate, Profile


def final_scores(
    scores: Mapping[str, Array], summary: Mapping[str, Estimate], colours: Colours = NO_COLOURS
) -> Figure:
    """Draw a dot for each seed, and above them a bar: the arm's summary with its interval."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(0.9 + 0.75 * len(scores), "Final score of each seed", "return")
        for row, (arm, values) in enumerate(scores.items()):
            found, shade = summary[arm], colour(arm, colours)
            height = np.full(len(values), row)
            axes.plot(values, height, "o", ms=7, alpha=0.55, color=shade, mec="none")
            axes.plot([found.low, found.high], [row - 0.27] * 2, lw=3, color=shade)
            axes.plot(found.value, row - 0.27, "D", ms=6, mec="none", color=shade)
        _rows(axes, list(scores), range(len(scores)), colours)
        axes.set_ylim(len(scores) - 0.5, -0.7)
        return figure


def episode_returns(
    returns: Mapping[str, Sequence[Array]], colours: Colours = NO_COLOURS
) -> Figure:
    """Draw every evaluation episode as a stroke.

    Each seed has a line of strokes, with a dot at their mean.
    """
    lines = sum(len(seeds) for seeds in returns.values())
    with mpl.rc_context(STYLE):
        figure, axes = canvas(
            0.9 + 0.17 * lines + 0.15 * len(returns), "Evaluation episodes", "return"
        )
        centres, top = [], 0.0
        for arm, seeds in returns.items():
            shade = colour(arm, colours)
            for offset, episodes in enumerate(seeds):
                height = np.full(len(episodes), top + offset)
                axes.plot(episodes, height, "|", ms=8, mew=1.3, alpha=0.7, color=shade)
                axes.plot(episodes.mean(), top + offset, "o", ms=5.5, color=shade, mec="none")
            centres.append(top + (len(seeds) - 1) / 2)
            top += len(seeds) + 0.7
        _rows(axes, list(returns), centres, colours)
        axes.set_ylim(top - 0.9, -0.8)
        return figure


def performance_profiles(
    profiles: Mapping[str, Profile], x_label: str, colours: Colours = NO_COLOURS
) -> Figure:
    """Draw the share of runs above each score: a line for each arm, its interval as a band.

    The interval is pointwise. Each arm is named above its line, with a stroke to the score that
    half of its runs exceed.
    """
    with mpl.rc_context(STYLE):
        figure, axes = canvas(3.5, "Runs that score above x", x_label)
        axes.set_title(axes.get_title(loc="left"), pad=26)
        for arm, found in profiles.items():
            shade = colour(arm, colours)
            axes.plot(found.thresholds, found.share, color=shade, lw=2.2)
            axes.fill_between(
                found.thresholds, found.low, found.high, color=shade, alpha=0.16, lw=0
            )
        axes.set_ylim(-0.012, 1.012)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.autoscale(enable=True, axis="x", tight=True)
        _label_medians(axes, {arm: _median(found) for arm, found in profiles.items()}, colours)
        return figure


def improvement_probabilities(
    found: Mapping[tuple[str, str], Estimate], colours: Colours = NO_COLOURS
) -> Figure:
    """Draw P(first > second) of each pair with its interval; at 0.5 the two are alike."""
    with mpl.rc_context(STYLE):
        figure, axes = canvas(
            1.0 + 0.55 * len(found),
            "Probability of improvement",
            "chance that its seed scores higher",
        )
        axes.axvline(0.5, color=INK, alpha=0.55, lw=1.2, dashes=(4, 2))
        for row, ((first, _), chance) in enumerate(found.items()):
            shade = colour(first, colours)
            axes.plot([chance.low, chance.high], [row] * 2, lw=3, color=shade, alpha=0.6)
            (dot,) = axes.plot(chance.value, row, "D", ms=7, color=shade, mec="none")
            dot.set(clip_on=False, zorder=3)
            axes.text(1.04, row, f"{chance.value:.2f}", va="center", fontweight="bold")
        axes.set_xlim(0, 1)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        axes.set_ylim(len(found) - 0.5, -0.5)
        _pair_rows(axes, list(found), colours)
        return figure


def _median(profile: Profile) -> float:
    """Return the first threshold that no more than half of the runs exceed."""
    return float(profile.thresholds[np.argmax(profile.share <= 0.5)])


def _label_medians(axes: Axes, medians: Mapping[str, float], colours: Colours) -> None:
    """Name each arm above the axes, without overlaps, and lead to its line."""
    low, high = axes.get_xlim()
    axes.set_autoscalex_on(False)
    ordered = sorted(medians, key=lambda arm: medians[arm])
    # A letter is about 0.022 of the width of the axes.
    widths = (high - low) * np.array([0.022 * len(shortened(arm)) + 0.03 for arm in ordered])
    places = np.array(spread([medians[arm] for arm in ordered], (widths[1:] + widths[:-1]) / 2))
    places += max(0.0, low + widths[0] / 2 - places[0])
    places -= max(0.0, places[-1] + widths[-1] / 2 - high)
    for arm, place in zip(ordered, places, strict=True):
        style: dict[str, Any] = {"color": colour(arm, colours), "clip_on": False}
        axes.plot([medians[arm], place], [0.5, 1.03], ls=":", lw=1, alpha=0.7, **style)
        axes.plot(medians[arm], 0.5, "o", ms=5, mec="none", **style)
        axes.text(place, 1.045, shortened(arm), ha="center", fontweight="bold", **style)


def _pair_rows(axes: Axes, pairs: Sequence[tuple[str, str]], colours: Colours) -> None:
    """Write each pair's names in two lines, the first in its colour."""
    _rows(axes, [first for first, _ in pairs], range(len(pairs)), colours)
    beside = blended_transform_factory(axes.transAxes, axes.transData)
    for row, tick in enumerate(axes.get_yticklabels()):
        tick.set_verticalalignment("bottom")
        second = f"over {shortened(pairs[row][1])}"
        axes.text(-0.015, row + 0.06, second, transform=beside, ha="right", va="top", fontsize=9)


def _rows(axes: Axes, names: Sequence[str], heights: Sequence[float], colours: Colours) -> None:
    """Write each arm's name in its colour in place of a number."""
    axes.set_yticks(list(heights), [shortened(name) for name in names])
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        label.set(color=colour(name, colours), fontweight="bold")
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=INK, alpha=0.12, lw=0.8)
