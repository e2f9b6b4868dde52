"""Figures about dreams: what is drawn where, and how it is named."""

from __future__ import annotations

import numpy as np
import pytest

from worldvae.plots.dynamics import (
    BandCurve,
    coverage,
    deciles,
    error_by_horizon,
    reliability,
    share_by_horizon,
    survival,
    temperature_scores,
)
from worldvae.plots.style import to_svg

X = np.array([1.0, 2, 4, 8])


def curve(*y: float) -> BandCurve:
    values = np.array(y)
    return BandCurve(X[: len(values)], values, values * 0.9, values * 1.1)


def test_every_line_is_named_and_names_do_not_touch() -> None:
    others = {"standstill": curve(1, 2, 3, 4), "mean": curve(4, 4, 4, 4), "any": curve(4, 4, 4, 4)}
    figure = error_by_horizon(curve(0.1, 0.5, 1, 3.9), others, "Error", trusted=4)
    (axes,) = figure.axes
    names = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert set(names) == {"trusted to 4 ", "dream", *others}
    heights = sorted(height for name, height in names.items() if "trusted" not in name)
    assert np.diff(heights).min() >= 0.085 - 1e-9
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "4", "8"]


def test_an_error_of_nothing_does_not_flatten_the_others() -> None:
    figure = error_by_horizon(curve(0.1, 0.5, 1, 3), {"real code": curve(0, 0, 0, 0)}, "Error")
    low, high = figure.axes[0].get_ylim()
    assert (low, high) == pytest.approx((0.02, 4.5))


def test_without_a_trusted_horizon_none_is_marked() -> None:
    texts = error_by_horizon(curve(1, 1), {}, "Error").axes[0].texts
    assert [text.get_text() for text in texts] == ["dream"]


def test_survival_begins_where_all_go_on() -> None:
    figure = survival(curve(0.9, 0.8), curve(0.7, 0.5), "How many go on")
    lines = figure.axes[0].lines
    assert [line.get_ydata()[0] for line in lines] == [1, 1]
    assert [line.get_xdata()[0] for line in lines] == [0, 0]


def test_a_rate_of_nothing_stands_at_the_edge() -> None:
    rates = np.array([0.01, 0.1]), np.array([0.0, 0.2]), np.array([1_000, 10])
    axes = reliability(*rates, "Ends").axes[0]
    points = np.asarray(axes.collections[0].get_offsets())
    assert points[0] == pytest.approx((0.01, 0.005))
    assert points[1] == pytest.approx((0.1, 0.2))
    sizes = axes.collections[0].get_sizes()
    assert sizes[0] > sizes[1]


def test_where_nothing_ever_ends_there_is_still_a_figure() -> None:
    assert reliability(np.zeros(1), np.zeros(1), np.array([5]), "Ends").axes


def test_equal_rewards_are_drawn() -> None:
    axes = deciles(np.ones(10), np.ones(10), "Rewards").axes[0]
    assert axes.get_xlim() == (0.5, 1.5)


def test_coverage_has_a_dashed_line_at_each_level() -> None:
    axes = coverage({0.5: curve(0.4, 0.5), 0.9: curve(0.8, 0.9)}, "Covered").axes[0]
    levels = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() != "-"]
    assert levels == [0.5, 0.9]


def test_a_small_share_leaves_room_above() -> None:
    assert share_by_horizon(curve(0.01, 0.02), 0.01, "Unseen").axes[0].get_ylim()[1] == 0.05


def test_the_chosen_temperature_is_ringed() -> None:
    axes = temperature_scores([0.7, 1.0], [0.5, 0.4], 1.0).axes[0]
    ring = axes.lines[-1]
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (1.0, 0.4)


def test_figures_are_in_the_colours_of_the_page() -> None:
    drawing = to_svg(survival(curve(0.9, 0.8), curve(0.7, 0.5), "How many go on"), "words")
    assert "currentColor" in drawing
    assert "#010203" not in drawing
