"""Figures of drift: whoever is in the legend is seen, and nobody else is in it."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from worldvae.plots.drift import DriftCurve, drift_curves

COLOURS = {"latent": "#112233", "memory": "#445566", "untrained": "#778899"}


def drawn(curves: dict[str, list[float]]) -> Axes:
    """The axes with a curve for each arm."""
    steps = np.arange(1.0, 9)
    return drift_curves(
        [
            DriftCurve(arm, steps[: len(y)], np.array(y), np.zeros(len(y), np.bool_))
            for arm, y in curves.items()
        ],
        "Strange frames, %",
        expected=1.0,
        colours=COLOURS,
    ).axes[0]


def named(axes: Axes) -> list[str]:
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_arms_with_the_same_point_are_all_seen() -> None:
    axes = drawn({"latent": [2.4], "memory": [2.4], "untrained": [2.4]})
    axes.figure.draw_without_rendering()
    marks = [line for line in axes.get_lines() if line.get_label() in COLOURS]
    assert named(axes) == [line.get_label() for line in marks] == list(COLOURS)
    at = [line.get_transform().transform(line.get_xydata())[0] for line in marks]
    width = marks[0].get_markersize() * axes.figure.dpi / 72
    assert np.diff([x for x, _ in at]).min() > width
    assert np.ptp([y for _, y in at]) < 1e-6
    assert axes.get_xlim()[1] > 1
    assert axes.get_ylim()[1] > 2.4


def test_what_has_nothing_to_draw_is_not_in_the_legend() -> None:
    nothing = [float("nan"), float("nan")]
    assert named(drawn({"latent": [1.0, 2.0], "untrained": nothing})) == ["latent"]
    assert named(drawn({"untrained": nothing})) == []
