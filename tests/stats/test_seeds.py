"""The statistics against hand-computed values and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from tests.draws import generator, resampling
from worldvae import stats
from worldvae.stats import Resampling


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([7.0], 7.0),
        ([1.0, 3.0], 2.0),
        ([0.0, 3.0, 30.0], 11.0),
        ([100.0, 1.0, 2.0, -50.0], 1.5),  # one dropped at either end
        ([0.0, 1.0, 2.0, 3.0, 100.0], 2.0),
        ([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 9.0, 99.0], 2.5),  # two at either end
    ],
)
def test_interquartile_mean_is_the_25_percent_trimmed_mean(
    scores: list[float], expected: float
) -> None:
    assert stats.interquartile_mean(scores) == pytest.approx(expected)


def test_interquartile_mean_reduces_the_last_axis_only() -> None:
    rows = np.array([[100.0, 1.0, 2.0, -50.0], [4.0, 4.0, 4.0, 4.0]])
    np.testing.assert_allclose(stats.interquartile_mean(rows), [1.5, 4.0])


@pytest.mark.parametrize("scores", [[], [1.0, np.nan], [np.inf]])
def test_nothing_and_not_a_number_have_no_statistic(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="scores"):
        stats.interquartile_mean(scores)


def test_the_seed_not_the_episode_is_resampled() -> None:
    """Episodes that cancel within each seed leave nothing that varies between seeds."""
    episodes = [[-100.0, 100.0], [-7.0, 7.0], [-1.0, 1.0]]
    found = stats.estimate(episodes, stats.mean, resampling())
    assert (found.value, found.low, found.high, found.n) == (0.0, 0.0, 0.0, 3)


def test_one_seed_has_no_interval_over_seeds_but_one_over_episodes() -> None:
    assert np.isnan(stats.bootstrap_interval([[1.0, 2.0, 3.0]], stats.mean, resampling())).all()
    low, high = stats.episode_interval([1.0, 2.0, 3.0], stats.mean, resampling())
    assert (low, high) == (1.0, 3.0)
    with pytest.raises(ValueError, match="one agent"):
        stats.episode_interval([[1.0], [2.0]], stats.mean, resampling())


@pytest.mark.parametrize("scores", [[4.0, -1.0], [2.0, 9.0, 4.0]])
def test_with_two_or_three_seeds_the_interval_is_their_range(scores: list[float]) -> None:
    """All resampled seeds are the largest one with probability 1/4 or 1/27, both above 2.5 %."""
    interval = stats.bootstrap_interval(scores, stats.interquartile_mean, resampling())
    assert interval == (min(scores), max(scores))


def test_constant_scores_have_an_interval_of_zero_width() -> None:
    low, high = stats.bootstrap_interval([0.1] * 6, stats.interquartile_mean, resampling())
    assert low == high == pytest.approx(0.1)


def test_the_interval_of_a_mean_agrees_with_normal_theory() -> None:
    scores = generator(1).normal(50.0, 10.0, size=400)
    low, high = stats.bootstrap_interval(scores, stats.mean, resampling())
    half = 1.96 * scores.std() / np.sqrt(400)
    np.testing.assert_allclose([low, high], [scores.mean() - half, scores.mean() + half], atol=0.1)


@pytest.mark.parametrize(("n", "nominal", "actual"), [(2, 0.95, 0.50), (5, 0.95, 0.84)])
def test_small_samples_cover_less_than_they_say(n: int, nominal: float, actual: float) -> None:
    """The numbers that `bootstrap_interval` and the report tell the reader."""
    draws, covered = generator(2), 0
    for _ in range(800):
        low, high = stats.bootstrap_interval(
            draws.normal(size=n), stats.mean, Resampling(draws, 400, nominal)
        )
        covered += low <= 0 <= high
    assert covered / 800 == pytest.approx(actual, abs=0.05)


def test_a_wider_confidence_gives_a_wider_interval() -> None:
    scores = generator(3).normal(size=12)
    narrow = stats.bootstrap_interval(scores, stats.mean, resampling(confidence=0.5))
    wide = stats.bootstrap_interval(scores, stats.mean, resampling(confidence=0.99))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_randomness_is_the_generator() -> None:
    scores = generator(4).normal(size=9)
    first, again, other = (
        stats.bootstrap_interval(scores, stats.mean, resampling(seed, resamples=100))
        for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
