"""The smallest difference that can be seen: published quantiles, and what a t-test then finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from worldvae.stats import detectable_difference


def test_five_seeds_by_hand() -> None:
    """s = sqrt 2.5, n = 5: (2.7764 + 0.9410) sqrt(2.5 / 5) = 2.6286."""
    assert detectable_difference([[1.0, 2.0, 3.0, 4.0, 5.0]]) == pytest.approx(2.6286, abs=1e-4)


def test_tasks_that_are_alike_count_as_more_seeds() -> None:
    """Three tasks as above: s / sqrt n is sqrt(0.5 / 3), with 3 x 4 = 12 degrees of freedom."""
    expected = (t.ppf(0.975, 12) + t.ppf(0.8, 12)) * np.sqrt(0.5 / 3)
    assert detectable_difference([[1.0, 2.0, 3.0, 4.0, 5.0]] * 3) == pytest.approx(expected)


def test_unlike_tasks_have_the_degrees_of_welch() -> None:
    """Variances of the means 0.5 and 0: only the first task's 4 degrees are left."""
    expected = (t.ppf(0.975, 4) + t.ppf(0.8, 4)) * np.sqrt(0.5) / 2
    found = detectable_difference([[1.0, 2.0, 3.0, 4.0, 5.0], [7.0, 7.0, 7.0]])
    assert found == pytest.approx(expected)


def test_where_nothing_varies_everything_is_seen_and_one_seed_sees_nothing() -> None:
    assert detectable_difference([[2.0, 2.0, 2.0]]) == 0.0
    assert detectable_difference([[0.1, 0.1, 0.1]]) == pytest.approx(0.0, abs=1e-15)
    assert np.isnan(detectable_difference([[3.0]]))


def test_episodes_count_as_one_seed() -> None:
    assert detectable_difference([[[0.0, 2.0], [1.0, 3.0]]]) == detectable_difference([[1.0, 2.0]])


@pytest.mark.parametrize(("n", "power"), [(5, 0.8), (10, 0.8), (10, 0.9)])
def test_a_t_test_finds_that_difference_as_often_as_promised(n: int, power: float) -> None:
    """Differences of deviation 3 around the detectable one, tested 40,000 times."""
    shape = np.linspace(-1.0, 1.0, n)
    spread = 3.0 * shape / shape.std(ddof=1)  # a sample whose deviation is the true one
    true = detectable_difference([spread], power)
    trials = np.random.default_rng(0).normal(true, 3.0, size=(40_000, n))
    found = trials.mean(axis=1) / (trials.std(axis=1, ddof=1) / np.sqrt(n))
    assert np.mean(np.abs(found) > t.ppf(0.975, n - 1)) == pytest.approx(power, abs=0.015)
