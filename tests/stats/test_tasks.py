"""Statistics over several tasks against numbers computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.draws import generator, resampling
from worldvae import stats
from worldvae.stats import TaskScores, TaskStatistic

TASKS = {"a": [0.0, 1.0, 2.0, 9.0], "b": [0.5, 0.5], "c": [4.0, 6.0]}
"""Task means 3, 0.5 and 5; in order 0 0.5 0.5 1 2 4 6 9."""


def value(scores: TaskScores, statistic: TaskStatistic) -> float:
    return stats.stratified_estimate(scores, statistic, resampling(resamples=10)).value


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [
        (stats.mean_of_tasks, 8.5 / 3),
        (stats.median_of_tasks, 3.0),
        (stats.interquartile_mean_of_tasks, (0.5 + 1 + 2 + 4) / 4),
        (stats.optimality_gap, 1 - (3 / 4 + 1 / 2 + 1) / 3),
    ],
)
def test_aggregates_by_hand(statistic: TaskStatistic, expected: float) -> None:
    assert value(TASKS, statistic) == pytest.approx(expected, abs=1e-15)
    assert value(list(TASKS.values()), statistic) == pytest.approx(expected, abs=1e-15)


def test_the_gap_closes_at_gamma_and_not_beyond() -> None:
    assert stats.optimality_gap([np.array([2.0, 3.0])]) == 0.0
    assert stats.optimality_gap([np.array([2.0, 3.0])], gamma=4.0) == 1.5


def test_normalised_scores_are_0_at_random_and_1_at_the_reference() -> None:
    np.testing.assert_allclose(stats.normalise([-21.0, 9.3, 24.45], -21.0, 9.3), [0.0, 1.0, 1.5])
    np.testing.assert_allclose(stats.normalise([[10.0], [5.0]], 10.0, 0.0), [[0.0], [0.5]])
    with pytest.raises(ValueError, match="nothing lies between"):
        stats.normalise([1.0], 3.0, 3.0)


@pytest.mark.parametrize("scores", [[], {}, [1.0, 2.0]])
def test_what_is_not_one_array_a_task_is_refused(scores: TaskScores) -> None:
    with pytest.raises(ValueError, match="each task"):
        stats.stratified_estimate(scores, stats.mean_of_tasks, resampling())


def test_seeds_stay_in_their_task() -> None:
    """Tasks differ by hundreds, their seeds not at all: nothing varies within a stratum."""
    scores = [[100.0] * 3, [900.0] * 3]
    found = stats.stratified_estimate(scores, stats.mean_of_tasks, resampling())
    assert (found.value, found.low, found.high, found.n) == (500.0, 500.0, 500.0, 3)


def test_episodes_are_averaged_before_seeds_are_resampled() -> None:
    scores = {"a": [[-100.0, 100.0], [-7.0, 7.0]], "b": [[1.0, 3.0], [2.0, 2.0]]}
    found = stats.stratified_estimate(scores, stats.mean_of_tasks, resampling())
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_the_interval_of_a_mean_of_tasks_agrees_with_normal_theory() -> None:
    """Variance of the mean of M = 2 task means: (s_1^2 / n_1 + s_2^2 / n_2) / 4."""
    draws = generator(1)
    tasks = [draws.normal(0, 1, 300), draws.normal(5, 3, 200)]
    low, high = stats.stratified_interval(tasks, stats.mean_of_tasks, resampling())
    centre = float(stats.mean_of_tasks(tasks))
    half = 1.96 * np.sqrt(tasks[0].var() / 300 + tasks[1].var() / 200) / 2
    np.testing.assert_allclose([low, high], [centre - half, centre + half], atol=0.01)


def test_a_task_with_one_seed_leaves_the_interval_unknown() -> None:
    scores = [[1.0, 2.0, 3.0], [5.0]]
    found = stats.stratified_estimate(scores, stats.interquartile_mean_of_tasks, resampling())
    assert found.n == 1
    assert np.isnan([found.low, found.high]).all()
    assert np.isnan(stats.performance_profile(scores, [0.0], resampling()).low).all()


def test_of_one_task_the_statistics_are_those_of_its_seeds() -> None:
    scores = generator(2).normal(size=9)
    stratified = stats.stratified_estimate(
        [scores], stats.interquartile_mean_of_tasks, resampling(3)
    )
    assert stratified == stats.estimate(scores, stats.interquartile_mean, resampling(3))


def test_a_profile_counts_runs_above_a_threshold_task_by_task() -> None:
    """Above 0.5: 3 of 4, 0 of 2, 2 of 2 runs, (3/4 + 0 + 1) / 3 on average over tasks."""
    found = stats.performance_profile(TASKS, [-1.0, 0.5, 4.0, 9.0], resampling())
    np.testing.assert_allclose(found.share, [1.0, 1.75 / 3, (1 / 4 + 1 / 2) / 3, 0.0])
    assert (found.low <= found.share).all()
    assert (found.share <= found.high).all()
    assert found.low[0] == found.high[0] == 1.0


def test_the_band_of_a_profile_is_that_of_a_share() -> None:
    """100 of 400 runs lie above: the standard error of the share is sqrt(1/4 3/4 / 400)."""
    scores = np.repeat([1.0, 0.0], [100, 300])
    found = stats.performance_profile([scores], [0.5], resampling(resamples=20_000))
    half = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    np.testing.assert_allclose([found.low[0], found.high[0]], [0.25 - half, 0.25 + half], atol=4e-3)


def test_the_band_of_a_profile_is_that_of_the_mean_over_tasks() -> None:
    """The first task is as in the test above, and of the second all runs lie above, always."""
    scores = [np.repeat([1.0, 0.0], [100, 300]), np.ones(4)]
    found = stats.performance_profile(scores, [0.5], resampling(resamples=20_000))
    middle, half = (0.25 + 1) / 2, 1.96 * np.sqrt(0.25 * 0.75 / 400) / 2
    np.testing.assert_allclose(
        [found.low[0], found.high[0]], [middle - half, middle + half], atol=4e-3
    )
