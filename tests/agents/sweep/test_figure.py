"""The figure marks what the recommendation says."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from agents.sweep.choice import recommend
from agents.sweep.figure import CHOSEN, LOST, OVERFITS, sweep_figure
from tests.agents.sweep.synthetic import curve, point

TRADE_OFF = curve(
    lost_moving=(0.0, 0.0, 0.05, 0.5, 1.0),
    overfitting=(2.0, 1.5, 1.0, 1.0, 1.0),
    overfitting_low=(1.5, 1.2, 0.9, 0.9, 0.9),
    rate=(900.0, 90.0, 9.0, 0.9, 0.0),
)


def spans(axes, colour):
    """From and to of each shaded stretch."""
    found = [patch for patch in axes.patches if to_hex(patch.get_facecolor()) == colour]
    return [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in found]


def test_both_ends_are_shaded_halfway_to_their_neighbours():
    figure = sweep_figure(recommend(TRADE_OFF))
    for axes in figure.axes[1:]:
        first, second = spans(axes, OVERFITS)
        assert first == pytest.approx((0.01 / np.sqrt(10), 0.01 * np.sqrt(10)))
        assert second == pytest.approx((0.1 / np.sqrt(10), 0.1 * np.sqrt(10)))
        assert [low for low, _ in spans(axes, LOST)] == pytest.approx([np.sqrt(10), 10 * 10**0.5])


def test_the_recommended_beta_is_a_line_and_a_star():
    figure = sweep_figure(recommend(TRADE_OFF))
    rate_distortion, *others = figure.axes
    star = next(line for line in rate_distortion.lines if line.get_color() == CHOSEN)
    assert star.get_xdata()[0] == 9.0
    for axes in others:
        line = next(line for line in axes.lines if line.get_color() == CHOSEN)
        assert line.get_xdata()[0] == 1.0


def test_points_in_one_place_share_a_label():
    points = [point(0.1, rate=500.0), point(1.0, rate=0.0), point(10.0, rate=0.0)]
    texts = [text.get_text() for text in sweep_figure(recommend(points)).axes[0].texts]
    assert texts == ["0.1", "1, 10"]


@pytest.mark.parametrize(
    "points",
    [
        [point(1.0)],
        curve(active=(0,) * 5, overfitting_low=(None,) * 5, overfitting_high=(None,) * 5),
        [point(1.0, probes=-1e12, floor=-1e12), point(2.0, probes=0.5, floor=0.0)],
        [point(beta, latents=size, probes=0.5, floor=0.0) for size in (2, 4) for beta in (1, 10)],
    ],
)
def test_it_can_be_drawn_of_few_points_of_failures_and_of_two_sizes(points, tmp_path):
    sweep_figure(recommend(points)).savefig(tmp_path / "sweep.png")
    assert (tmp_path / "sweep.png").stat().st_size > 10_000
