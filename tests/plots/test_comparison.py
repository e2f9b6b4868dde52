"""What the figures of a comparison draw."""

from __future__ import annotations

import numpy as np

from worldvae.plots import comparison as plots
from worldvae.stats import Estimate, Profile


def test_final_scores_show_each_seed_the_summary_and_its_interval() -> None:
    found = Estimate(2.0, 1.0, 3.0, 3)
    figure = plots.final_scores({"latent": np.array([1.0, 2.0, 3.0])}, {"latent": found})
    dots, interval, diamond = figure.axes[0].lines
    np.testing.assert_array_equal(dots.get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(interval.get_xdata(), [1, 3])
    np.testing.assert_array_equal(diamond.get_xdata(), [2])


def test_episode_returns_have_a_line_for_each_seed() -> None:
    returns = {"pixels": [np.array([1.0, 3.0])], "latent": [np.array([2.0]), np.array([4.0])]}
    figure = plots.episode_returns(returns)
    strokes, mean, *rest = figure.axes[0].lines
    np.testing.assert_array_equal(strokes.get_xdata(), [1, 3])
    np.testing.assert_array_equal(mean.get_xdata(), [2])
    assert len(rest) == 4


def profile(*scores: float) -> Profile:
    """Share above 0, 1, ... 10, with a band of a tenth."""
    taus = np.arange(11.0)
    share = np.mean(np.array(scores)[:, None] > taus, axis=0)
    return Profile(taus, share, share - 0.1, share + 0.1)


def test_a_profile_is_a_line_and_a_band_for_each_arm() -> None:
    axes = plots.performance_profiles({"pixels": profile(2, 4), "latent": profile(9)}, "x").axes[0]
    pixels, latent, *_ = axes.lines
    np.testing.assert_allclose(pixels.get_ydata(), [1, 1, 0.5, 0.5, *[0] * 7])
    np.testing.assert_allclose(latent.get_ydata(), [*[1] * 9, 0, 0])
    assert len(axes.collections) == 2
    assert axes.get_xlim() == (0.0, 10.0)


def test_arms_of_a_profile_are_named_in_the_order_of_their_medians_and_do_not_touch() -> None:
    found = {"untrained": profile(4), "latent": profile(9), "pixels": profile(4)}
    axes = plots.performance_profiles(found, "x").axes[0]
    names = [text.get_text() for text in axes.texts]
    places = np.array([text.get_position()[0] for text in axes.texts])
    assert names == ["untrained", "pixels", "latent"]
    widths = np.array([0.022 * len(name) for name in names]) * 10
    assert (np.diff(places) >= (widths[1:] + widths[:-1]) / 2).all()
    assert places[0] - widths[0] / 2 >= 0
    assert places[-1] + widths[-1] / 2 <= 10
    dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
    assert dots == [4, 4, 9], "half of the runs score above the median no more"


def test_improvement_has_a_row_a_pair_and_a_line_at_a_half() -> None:
    found = {
        ("latent", "pixels"): Estimate(0.9, 0.7, 1.0, 5),
        ("untrained", "pixels"): Estimate(0.5, 0.2, 0.8, 5),
    }
    axes = plots.improvement_probabilities(found).axes[0]
    half, interval, point, *_ = axes.lines
    assert list(half.get_xdata()) == [0.5, 0.5]
    np.testing.assert_array_equal(interval.get_xdata(), [0.7, 1.0])
    np.testing.assert_array_equal(point.get_xdata(), [0.9])
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["latent", "untrained"]
    written = [text.get_text() for text in axes.texts]
    assert written == ["0.90", "0.50", "over pixels", "over pixels"]
